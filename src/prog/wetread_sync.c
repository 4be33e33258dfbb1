/* wetread-sync - the agent, and the commands that talk to it. */
#include "config.h"

#include "wetread/crash.h"
#include "wetread/sync.h"

int main(int argc, char **argv)
{
	crash_quiet();
	return sync_main(argc, argv);
}
