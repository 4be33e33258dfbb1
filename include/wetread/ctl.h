/*
 * ctl - the administrator's commands on a site directory.
 *
 *     wetreadctl -d /srv/wetread user add okafor role=radiologist name='Mary Okafor'
 *
 * The commands are the rows of tbl/ctl.def.  When wetreadd runs, whatever changes the world goes to it over the local
 * socket, for it is the only writer; when it does not, the journal is opened here and the same core decides.
 * Exit codes are those of tbl/errors.def.
 */
#ifndef WETREAD_CTL_H
#define WETREAD_CTL_H

int ctl_main(int argc, char **argv); /* the exit code */

#endif
