/*
 * wetreadctl - the administrator's program.
 */
#include "config.h"

#include "wetread/ctl.h"

int main(int argc, char **argv)
{
	return ctl_main(argc, argv);
}
