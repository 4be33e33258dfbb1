/* Private to the console. */
#ifndef WETREAD_CONSOLE_INT_H
#define WETREAD_CONSOLE_INT_H

#include <stdbool.h>

#include "wetread/buf.h"
#include "wetread/cli.h"
#include "wetread/link.h"
#include "wetread/theme.h"
#include "wetread/view.h"

struct event_base;

struct options {
	const char *given[OPT_COUNT]; /* NULL: not given; "" for a flag; borrowed from argv */
	int dump_w, dump_h;           /* 0: no dump */
	int graphics;                 /* enum term_graphics, or GRAPHICS_AUTO */
};
int options_parse(struct options *, int argc, char **argv, char **why); /* E_USAGE and *why (caller frees) */

/* The theme in use, see looks.c. */
struct looks;
struct looks_calls {
	void (*changed)(
	    void *ctx, const char *trouble); /* its files have; NULL: and they are as they should be */
	void *ctx;
};
struct looks *looks_new(void);
void looks_free(struct looks *); /* NULL is fine */
/* A theme by name, "auto", or by file. On error *why (caller frees) and the one in use stays. */
int looks_use(struct looks *, const char *name, char **why);
const struct theme *looks_theme(const struct looks *);
const char *looks_name(const struct looks *); /* as it was asked for */
/* The terminal's background, 0xRRGGBB or -1: `auto` goes by it. True: the theme is another now. */
bool looks_background(struct looks *, int rgb);
void looks_watch(struct looks *, struct event_base *, const struct looks_calls *);
/* seal.c: E_CORRUPT where the bytes, or the key file, are not what they were. */
enum { SEAL_KEY = 32 };
int seal_key(unsigned char key[SEAL_KEY]); /* of this person on this machine; made when it is not there */
int seal_close(const unsigned char key[SEAL_KEY], const char *text, size_t n, struct buf *out);
int seal_open(const unsigned char key[SEAL_KEY], const struct buf *sealed, struct buf *text);

struct replica;
struct cJSON;

/* The same texts in an agent's cache, see stash.c. */
struct stash {
	struct replica *replica;
	struct view *view;
	void (*answered)(void *ctx); /* the agent has taken what it was given, or not */
	void *ctx;
	char name[40];
	bool asked, open;      /* on this connection: what was left, and it was answered */
	bool said;             /* `there` is what the agent said it has */
	char *there;           /* NULL: nothing */
	struct cJSON *instead; /* names of those that were taken over and are to go */
	unsigned busy, life;
};
void stash_init(struct stash *, struct replica *, struct view *);
void stash_release(struct stash *);
void stash_up(struct stash *);                    /* the other end is an agent */
void stash_down(struct stash *);                  /* the connection is gone */
bool stash_put(struct stash *, const char *text); /* false: no agent takes it now; NULL: nothing is left */
bool stash_has(const struct stash *, const char *text); /* on its disk */

/*
 * Texts that were not sent: in the agent's cache while there is one, else in $XDG_STATE_HOME/wetread/drafts: a file each
 * console, named by a hash of coordinator and person, so that two consoles never write over each other and nobody sees
 * another's; sealed.  A console that starts takes over
 * the files whose owners are gone; owners that live hold a lock.
 */
struct keep {
	char *epoch, *login; /* whose; NULL: not known yet */
	char *path;          /* NULL: texts cannot be kept */
	unsigned char key[SEAL_KEY];
	char *written; /* what is on disk; NULL: nothing */
	int lock;
	bool told; /* that it cannot be written */
	struct stash stash;
};
#define KEEP_INIT                                                                                            \
	{                                                                                                    \
		.lock = -1                                                                                   \
	}
/* The texts are this person's at this coordinator from now on; no change is fine. */
void keep_follow(struct keep *, struct view *, const char *epoch, const char *login);
void keep_save(struct keep *, struct view *);
bool keep_has(const struct keep *, const struct view *); /* all of them, as they are now */
void keep_close(struct keep *, struct view *);           /* saves */
/* Stands for a person at a coordinator in the names of files. */
enum { KEEP_HASH = 32 };
void keep_hash(const char *epoch, const char *login, char hex[KEEP_HASH + 1]);

/* Asks where to, tries it, and says what to do when it fails. The coordinator's address, or NULL; caller frees. */
char *welcome(void);

/* The proof that opens a locked console. */
struct unlock {
	struct event_base *base;
	char *target; /* the coordinator over SSH; NULL: nothing can be proven. Owned */
	bool no_agent;
	void *ctx;
	void (*question)(void *ctx, struct link *, enum link_question, const char *text);
	void (*ended)(void *ctx, const struct link *); /* its questions need no answer any more */
	void (*done)(void *ctx, bool proven, const char *why);
	struct link *link; /* NULL: none under way */
};
bool unlock_begin(struct unlock *, const char *key); /* key: "SHA256:...", or NULL. False: it cannot be */
void unlock_release(struct unlock *);

/* shape.c */
int shape_view_save(void *ctx, const char *name, const char *text, char **why);
int shape_view_drop(void *ctx, const char *name, char **why);
void shape_load(struct view *); /* the files of saved views */
/* What was changed of views: a file for each person at each coordinator. */
struct shape_state {
	char *path;    /* NULL: whose it is, is not known yet */
	char *written; /* what is on the disk */
};
void shape_follow(struct shape_state *, struct view *, const char *epoch, const char *login);
void shape_save(struct shape_state *, struct view *);
void shape_close(struct shape_state *, struct view *); /* saves */

#endif
