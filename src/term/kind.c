/* kind - what terminfo knows of a terminal.  Apart, because its header has a `struct term` of its own. */
#include "config.h"

#include "term_int.h"

#include "wetread/errors.h" /* before curses, which has an ERR of its own */

#include <curses.h>
#include <term.h>
#include <unistd.h>

#include "wetread/mem.h"

int kind_check(const char *type, char **why)
{
	int err, rc = E_USAGE;

	if (!type || setupterm(type, STDERR_FILENO, &err) != OK)
		*why = xasprintf("the terminal type %s is not known here; `wetread list` prints the queue",
		    type ? type : "(none)");
	else if (!tigetstr("cup") || tigetstr("cup") == (char *)-1)
		*why =
		    xasprintf("a %s terminal cannot show the console; `wetread list` prints the queue", type);
	else
		rc = 0;
	if (cur_term)
		del_curterm(cur_term);
	return rc;
}

/*
 * Nearly every terminal of today takes direct colours, and hardly any has a type that says so.  A person who asks for them knows;
 * the older form with semicolons is the one all of them read.
 */
const char *kind_direct(const char *type)
{
	static const char able[] = "xterm-direct2";
	int err;
	bool has = setupterm(type, STDERR_FILENO, &err) == OK && tigetnum("colors") > 0x10000;

	if (cur_term)
		del_curterm(cur_term);
	if (has || setupterm(able, STDERR_FILENO, &err) != OK)
		return type;
	del_curterm(cur_term);
	return able;
}
