/* explain - why the filter shows a study, or does not: each of its terms with what the study has. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"
#include "wetread/policy.h"
#include "wetread/subject.h"
#include "wetread/text.h"

#include "view_int.h"

static char *reasons(struct view *v, const struct study *s)
{
	struct clock clock, *c = policy_clock(view_world(v)->policy, s, v->now, &clock) ? &clock : NULL;
	struct buf b = BUF_INIT(64 * 1024);
	struct subject subject;

	subject_init(&subject, view_world(v), s, c, v->now, v->login);
	if (!v->rows.filter)
		buf_adds(&b, "yes  there is no filter\n");
	else
		filter_explain(v->rows.filter, &subject.base, &b);
	if (!v->rows.filter_states)
		buf_addf(&b, "%s  on the reading lists  (state is %s)\n",
		    state_is_open(s->state) ? "yes" : "no ", state_key(s->state));
	return b.data ? buf_take(&b) : xstrdup("");
}

static size_t lines_of(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void explain_draw(struct view *v, struct dialog *d)
{
	const struct study *s = view_study(v, d->back_to);
	char *text = s ? reasons(v, s) : xstrdup("the study has left the queue\n"), title[80], label[24];
	const struct row *row = rows_find(&v->rows, d->back_to);
	size_t n = lines_of(text), at = 0;
	struct area a;

	label_set(label, s, d->back_to);
	snprintf(title, sizeof title, "%s is %s", label, row && row->shown ? "shown" : "not shown");
	a = dialog_box(v, 76, (int)(n < 16 ? n : 16) + 3, title, "arrows move   Esc leave");
	dialog_list_fit(d, n, a.h);
	for (const char *p = text; *p; p += strcspn(p, "\n") + 1, at++) {
		char *line = xstrndup(p, strcspn(p, "\n"));

		if (at >= d->top && at < d->top + (size_t)a.h)
			grid_cut(&v->grid, a.x, a.y + (int)(at - d->top), a.w,
			    strncmp(line, "yes", 3) == 0 ? LOOK_TEXT : LOOK_WARN, line);
		free(line);
	}
	d->npicks = n;
	v->grid.cur_x = a.x;
	v->grid.cur_y = a.y + (int)(d->at - d->top);
	free(text);
}

static unsigned explain_key(struct view *v, struct dialog *d, uint32_t key)
{
	if (key == 27 || key == 'q' || key == '\r')
		dialog_close(v, false);
	else
		dialog_list_key(d, key, d->npicks, 10);
	return VIEW_DRAW;
}

static const struct dialog_type explain_type = {NULL, explain_draw, explain_key, NULL, true, false};

void explain_open(struct view *v, uint64_t id)
{
	struct dialog *d = dialog_open(v, &explain_type, NULL);

	d->back_to = id;
}
