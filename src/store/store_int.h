/* store_int - what the files of the store share. */
#ifndef STORE_INT_H
#define STORE_INT_H

#include <sqlite3.h>

#include "wetread/store.h"

enum statement {
#define SQL(name, text) Q_##name,
#include "sql.def"
#undef SQL
	Q_COUNT
};

struct done {
	char file[STORE_PATH];
};

struct store {
	char *dir;
	int fd, aside;
	sqlite3 *db;
	sqlite3_stmt *q[Q_COUNT];
	bool batch;
	struct done *done; /* files of the batch, relative to dir */
	size_t ndone;
	char (*dirty)[STORE_PATH]; /* directories of the batch to sync */
	size_t ndirty;
	unsigned long counter; /* of names in aside/ */
};

/* ---- index.c */

int index_open(struct store *);
void index_close(struct store *);
int index_err(struct store *, int rc); /* SQLite's code to ours, logged when it is our failure */
/* Runs one with nothing to return. Arguments by format: s text or NULL, i int64_t. */
int index_run(struct store *, enum statement, const char *types, ...);
/* Prepares it with arguments; step it with sqlite3_step(), then sqlite3_reset(). NULL when there is no memory: SQLite
 * takes it and says so. */
sqlite3_stmt *index_query(struct store *, enum statement, const char *types, ...);

/* ---- patient.c: whose image it is */

enum { STORE_PATIENT = 256 };
/* Does the image name another patient than the study has?  What one of them does not say is no difference. */
bool patient_differs(const struct store_study *, const struct image *);
void patient_text(
    const struct image *, char out[STORE_PATIENT]); /* "id 4711 (STA), DOE^JOHN, born 1970-01-01" */

/* ---- files.c */

int dir_make(int at, const char *path); /* 0 made, 1 there already, or E_* */
void dirty_add(struct store *, const char *path);
int dirty_sync(struct store *);
int io_err(void); /* errno to E_* */

#endif
