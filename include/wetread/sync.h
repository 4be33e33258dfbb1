/*
 * sync - the program wetread-sync: the agent as a daemon of its user, and the commands that talk to it.
 *
 * It listens on $XDG_RUNTIME_DIR/wetread/sync.sock, which only its user can open, and is asked there for the uid of
 * whoever connects.  Beside it, sync.for names the coordinator it is for, so that the console finds it by itself.
 */
#ifndef WETREAD_SYNC_H
#define WETREAD_SYNC_H

int sync_main(int argc, char **argv); /* the exit code */

#endif
