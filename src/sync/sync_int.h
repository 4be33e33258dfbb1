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

/* folder.c: plain files, only in memory. */
int folder_fill(const char *dir, const struct cJSON *detail, char **why);
int folder_temporary(char **dir, char **why);
void folder_remove(const char *dir);

#endif
