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
#include "wetread/theme.h"
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

/* ---- checking: wetread config check */

static bool is_look(const char *key)
{
	for (int i = 0; i < LOOK_COUNT; i++)
		if (strcmp(look_type((enum look)i)->key, key) == 0)
			return true;
	return false;
}

static void file_check(void *ctx, bool own, const char *file, const char *text, size_t n)
{
	const char *dir = own ? "views.d" : "views.d of this machine";
	char name[SAVED_NAME_MAX + 1], *why = NULL;
	struct saved s = {0};

	if (!saved_name_of(file, name)) {
		buf_addf(ctx, "%s/%s: a view's name is letters, digits and _ . -, at most %d\n", dir, file,
		    SAVED_NAME_MAX);
		return;
	}
	if (saved_parse(&s, name, text, n, NULL, &why) < 0)
		buf_addf(ctx, "%s/%s\n", dir, why);
	for (unsigned i = 0; i < s.ncolours; i++)
		if (!is_look(s.colours[i].look))
			buf_addf(
			    ctx, "%s/%s: there is no role '%s' of a theme\n", dir, file, s.colours[i].look);
	saved_release(&s);
	free(why);
}

void shelf_check(struct buf *errors)
{
	settings_views(file_check, errors);
}

/* ---- what there is */

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
