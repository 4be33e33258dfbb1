/* wetread - what a person starts: the console, or one command when there is a word for it. */
#include "config.h"

#include "wetread/cli.h"
#include "wetread/console.h"
#include "wetread/crash.h"

int main(int argc, char **argv)
{
	crash_quiet();
	return cli_wants(argc, argv) ? cli_main(argc, argv) : console_main(argc, argv);
}
