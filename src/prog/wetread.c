/*
 * wetread - what a person starts.
 */
#include "config.h"

#include "wetread/cli.h"

int main(int argc, char **argv)
{
	return cli_main(argc, argv);
}
