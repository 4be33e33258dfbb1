/*
 * console - the interactive program: link to replica to view to terminal, one loop.
 *
 * No key waits for the network: a command is shown as pending and settles when its answer comes, and a lost link
 * reconnects and sends again what was not answered.
 */
#ifndef WETREAD_CONSOLE_H
#define WETREAD_CONSOLE_H

int console_main(int argc, char **argv); /* the exit code, see tbl/errors.def */

#endif
