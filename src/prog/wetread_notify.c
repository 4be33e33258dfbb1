/* wetread-notify - a console's notifications on the desktop: lines in, answers out. */
#include "config.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "wetread/crash.h"
#include "wetread/notify.h"

int main(void)
{
	crash_quiet();
	signal(SIGINT, SIG_IGN); /* Ctrl-C is the console's */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	return notify_run(STDIN_FILENO, STDOUT_FILENO);
}
