/* shelf - saved views for the one-shots: the program's, this machine's and the person's, a later one hiding those before it. */
#include "config.h"

#include "pick_int.h"

#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/log.h"
#include "wetread/mem.h"
#include "wetread/near.h"
#include "wetread/settings.h"
#include "wetread/text.h"

static void one_put(struct shelf *v, const struct saved *s)
{
	for (size_t i = 0; i < v->n; i++)
		if (strcmp(v->items[i].name, s->name) == 0) {
			saved_release(&v->items[i]);
			v->items[i] = *s;
			return;
		}
	v->items = xreallocarray(v->items, v->n + 1, sizeof *v->items);
	v->items[v->n++] = *s;
}

static void file_take(void *ctx, bool own, const char *file, const char *text, size_t n)
{
	char name[SAVED_NAME_MAX + 1], *why = NULL;
	struct saved s = {0};

	(void)own;
	if (!saved_name_of(file, name))
		return;
	if (saved_parse(&s, name, text, n, NULL, &why) == 0)
		one_put(ctx, &s);
	else
		log_warn("left out: %s", why);
	free(why);
}

static void builtin_put(struct shelf *v, const char *name, const char *filter, const char *sort)
{
	struct saved s = {0};

	memcpy(s.name, name, strlen(name) + 1);
	str_put(&s.filter, filter);
	str_put(&s.sort, sort);
	one_put(v, &s);
}

void shelf_load(struct shelf *v)
{
	*v = (struct shelf){0};
#define VIEW(name, key, filter, sort, help) builtin_put(v, name, filter, sort);
#include "view.def"
#undef VIEW
	settings_views(file_take, v);
}

void shelf_release(struct shelf *v)
{
	for (size_t i = 0; i < v->n; i++)
		saved_release(&v->items[i]);
	free(v->items);
	*v = (struct shelf){0};
}

const struct saved *shelf_get(const struct shelf *v, const char *name)
{
	for (size_t i = 0; i < v->n; i++)
		if (strcmp(v->items[i].name, name) == 0)
			return &v->items[i];
	return NULL;
}

const char *shelf_near(const struct shelf *v, const char *name)
{
	struct near near = near_start(name);

	for (size_t i = 0; i < v->n; i++)
		near_try(&near, v->items[i].name);
	return near_word(&near);
}

static const char *view_text(void *ctx, const char *name)
{
	const struct saved *s = shelf_get(ctx, name);

	return s ? s->filter ? s->filter : "" : NULL;
}

struct filter_names shelf_names(struct shelf *v)
{
	return (struct filter_names){.ctx = v, .view = view_text};
}
