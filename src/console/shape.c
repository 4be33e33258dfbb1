/*
 * shape - what a person's views need of the machine: their files, and what was changed of them for the next start.
 */
#include "config.h"

#include "console_int.h"

#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"
#include "wetread/saved.h"
#include "wetread/settings.h"
#include "wetread/text.h"

enum { STATE_MAX = 256 * 1024 };

static void file_take(void *ctx, bool own, const char *file, const char *text, size_t n)
{
	char name[SAVED_NAME_MAX + 1];

	if (saved_name_of(file, name))
		view_saved(ctx, own ? VIEW_OWN : VIEW_BUILT_IN, name, text, n);
}

int shape_view_save(void *ctx, const char *name, const char *text, char **why)
{
	(void)ctx;
	return settings_view_save(name, text, why);
}

int shape_view_drop(void *ctx, const char *name, char **why)
{
	(void)ctx;
	return settings_view_drop(name, why);
}

void shape_load(struct view *v)
{
	settings_views(file_take, v);
}

static char *state_path(const char *epoch, const char *login)
{
	char hex[KEEP_HASH + 1], *name, *path;

	keep_hash(epoch, login, hex);
	name = xasprintf("views/%s.json", hex);
	path = settings_state_path(name);
	free(name);
	return path;
}

/* Once a session: whoever comes after somebody else at the same screen begins anew. */
void shape_follow(struct shape_state *s, struct view *v, const char *epoch, const char *login)
{
	struct buf text = BUF_INIT(STATE_MAX);
	size_t n = epoch ? strcspn(epoch, ".") : 0; /* what follows is the scope: that may change */
	char *own;

	if (s->path || n == 0 || str_empty(login))
		return;
	own = xstrndup(epoch, n);
	s->path = state_path(own, login);
	free(own);
	if (s->path && settings_file_read(s->path, &text) == 0 && text.data)
		view_state_load(v, text.data, text.len);
	buf_release(&text);
}

/* Nothing of it is worth a message: it is convenience. */
void shape_save(struct shape_state *s, struct view *v)
{
	char *state = s->path ? view_state(v) : NULL;

	if (state && (!s->written || strcmp(s->written, state) != 0)) {
		settings_file_put(s->path, state, NULL);
		str_put(&s->written, state);
	}
	free(state);
}

void shape_close(struct shape_state *s, struct view *v)
{
	shape_save(s, v);
	free(s->path);
	free(s->written);
	*s = (struct shape_state){0};
}
