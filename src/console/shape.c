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
	char *path = settings_state_path("views.json");
	struct buf text = BUF_INIT(STATE_MAX);

	settings_views(file_take, v);
	if (path && settings_file_read(path, &text) == 0 && text.data)
		view_state_load(v, text.data, text.len);
	buf_release(&text);
	free(path);
}

/* Nothing of it is worth a message: it is convenience. */
void shape_save(struct view *v, char **written)
{
	char *path = settings_state_path("views.json"), *state = view_state(v);

	if (path && state && (!*written || strcmp(*written, state) != 0)) {
		settings_file_put(path, state, NULL);
		str_put(written, state);
	}
	free(state);
	free(path);
}
