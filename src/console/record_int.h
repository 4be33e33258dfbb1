/* Records of a console's screen, without patients: see record.c. */
#ifndef WETREAD_RECORD_INT_H
#define WETREAD_RECORD_INT_H

#include "wetread/buf.h"
#include "wetread/grid.h"

struct record;
/* A new file, for its owner only. E_IO and *why (caller frees). */
int record_open(struct record **, const char *path, int w, int h, char **why);
void record_frame(struct record *, const struct grid *); /* the masked screen */
int record_close(struct record *);                       /* E_IO: not all of it was written; NULL is fine */

/* Plays a record on the terminal, until its end or a key. E_USAGE, E_IO and *why (caller frees). */
int play(const char *path, char **why);
void play_clean(struct buf *out, const char *data); /* what of these bytes may reach a terminal */

#endif
