/* sync_int - what the files of wetread-sync share. */
#ifndef WETREAD_SYNC_INT_H
#define WETREAD_SYNC_INT_H

#include <stdbool.h>

#include "wetread/buf.h"
#include "wetread/settings.h"

struct cJSON;

struct sync {
	struct settings settings;
	const char *as_user, *host_key, *key_file;
	bool json, words;
};

/* run.c: until SIGTERM. */
int sync_run(struct sync *);

/* ask.c: one question to the agent that runs; *result is the caller's. E_NOLINK: none runs. The refusal's words in *why. */
int sync_ask(const char *method, const char *params, struct cJSON **result, char **why);
char *passphrase_read(const char *prompt); /* NULL: no terminal, or cut off. Give it to passphrase_wipe(). */
void passphrase_wipe(char *);

/* key.c: a file of 32 random bytes, if there is none. */
int key_make(const char *path);

/* second.c: the connection for pictures, and what may be fetched ahead */
struct agent;
struct event_base;
struct second;
struct second_options {
	struct event_base *base;
	struct sync *sync;
	struct agent *agent;
	const char *target;      /* both outlive it */
	void (*wake)(void *ctx); /* the agent's turn is due */
	void *ctx;
};
struct second *second_new(const struct second_options *);
void second_free(struct second *); /* NULL is fine */
void second_turn(struct second *); /* behind the agent's */
void second_send(struct second *, const char *lines, size_t n);

/* metered.c: changed is called when it is, or is not any more */
struct metered *metered_new(struct event_base *, void (*changed)(void *ctx), void *ctx);
void metered_free(struct metered *);
void metered_ask(struct metered *);
bool metered_is(const struct metered *);

/* files.c: sync.images {study, dir}: images and missing */
int files_write(struct agent *, const struct cJSON *params, struct buf *result);

/* progress.c: what `status` says of pictures and images */
void put_images(const struct cJSON *images);

/* folder.c: plain files, only in memory. */
bool folder_in_memory(const char *dir);
int folder_fill(const char *dir, const struct cJSON *detail, char **why);
int folder_temporary(char **dir, char **why);
void folder_remove(const char *dir);
void folder_sweep(void);

#endif
