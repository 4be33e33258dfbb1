/* cells - what a column says of a study, and in which look. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "wetread/text.h"

#include "view_int.h"

void patient_cell(const struct view *v, const struct study *s, int width, char *out, size_t size)
{
	char name[256], clean[256], age[16];
	int room, used;
	size_t n;

	patient_name(v, s, name, sizeof name);
	patient_age_sex(v, s, age);
	room = width - 1 - (int)strlen(age);
	text_clean(clean, sizeof clean, name);
	if (text_width(clean) <= room) {
		snprintf(out, size, "%s%*s %s", clean, room - text_width(clean), "", age);
		return;
	}
	n = text_fit(clean, room - 1, &used);
	snprintf(out, size, "%.*s~%*s %s", (int)n, clean, room - 1 - used, "", age);
}

/* The end of a long number tells studies apart, not its beginning. */
void acc_cell(const char *acc, int width, char *out, size_t size)
{
	char clean[256];
	const char *s = clean;

	text_clean(clean, sizeof clean, acc ? acc : "-");
	if (text_width(s) <= width) {
		snprintf(out, size, "%s", s);
		return;
	}
	while (text_width(s) > width - 1) {
		uint32_t cp;

		s += utf8_decode(s, strlen(s), &cp);
	}
	snprintf(out, size, "~%s", s);
}

static void used_cell(const struct view *v, const struct row *row, char *out, size_t size)
{
	int64_t left = row_left(row, v->now), used;

	if (left == INT64_MAX || row->target <= 0) {
		snprintf(out, size, "-");
		return;
	}
	used = 100 * (row->target - left) / row->target;
	if (used > 999)
		snprintf(out, size, ">999");
	else
		snprintf(out, size, "%d%%", (int)used);
}

/* "CT HEAD" beside a column that says CT already is "HEAD"; plain films are called XR whatever made them. */
const char *exam_text(const struct study *s)
{
	const char *mod = s->modality ? s->modality : "";
	size_t n = strcspn(s->exam ? s->exam : "", " ");
	bool film = strcmp(mod, "DX") == 0 || strcmp(mod, "CR") == 0;

	if (!s->exam)
		return "-";
	if (n < 2 || s->exam[n] != ' ' || s->exam[n + 1] == '\0')
		return s->exam;
	if ((strlen(mod) == n && strncmp(s->exam, mod, n) == 0) ||
	    (film && n == 2 && strncmp(s->exam, "XR", 2) == 0))
		return s->exam + n + 1;
	return s->exam;
}

static void cell_text(struct view *v, const struct row *row, const struct study *s, enum list_column c,
    int width, char *out, size_t size)
{
	const struct site *site;
	char word[16];

	*out = '\0';
	switch (c) {
	case COLUMN_LEFT:
		snprintf(
		    out, size, "%s", left_text(word, row->due, row->left, row->paused, v->now, view_step(v)));
		break;
	case COLUMN_USED:
		used_cell(v, row, out, size);
		break;
	case COLUMN_PRIO:
		snprintf(out, size, "%s", prio_label(s->prio));
		break;
	case COLUMN_ACC:
		acc_cell(s->accession, width, out, size);
		break;
	case COLUMN_MOD:
		snprintf(out, size, "%s", s->modality ? s->modality : "-");
		break;
	case COLUMN_EXAM:
		snprintf(out, size, "%s", exam_text(s));
		break;
	case COLUMN_PATIENT:
		patient_cell(v, s, width, out, size);
		break;
	case COLUMN_SITE:
		snprintf(out, size, "%s", s->site ? s->site : "-");
		break;
	case COLUMN_CLASS:
		snprintf(out, size, "%s", s->class ? s->class : "-");
		break;
	case COLUMN_IMAGES:
		snprintf(out, size, "%lld%s", (long long)s->images, s->aside || s->incomplete ? "!" : "");
		break;
	case COLUMN_STATE:
		snprintf(out, size, "%s", state_word(s));
		break;
	case COLUMN_READER:
		snprintf(out, size, "%s", reader_text(v, s->reader));
		break;
	case COLUMN_AGE:
		if (s->ready_at || s->ordered)
			snprintf(out, size, "%s",
			    span_short(word, v->now - (s->ready_at ? s->ready_at : s->ordered)));
		break;
	case COLUMN_ORDERED:
		if (s->ordered)
			snprintf(out, size, "%s", span_short(word, v->now - s->ordered));
		break;
	case COLUMN_RANK:
		snprintf(
		    out, size, "%lld", (long long)policy_rank(view_world(v)->policy, s, v->now, NULL, NULL));
		break;
	case COLUMN_ORG:
		site = s->site ? world_site(view_world(v), s->site) : NULL;
		snprintf(out, size, "%s", site && site->org ? site->org : "-");
		break;
	case COLUMN_HOLD:
		snprintf(out, size, "%s", s->hold ? s->hold : "-");
		break;
	case COLUMN_AI:
		snprintf(out, size, "%s", s->ai ? s->ai : "-");
		break;
	case COLUMN_MRN:
		snprintf(out, size, "%s", v->privacy ? "" : s->pid ? s->pid : "-");
		break;
	case COLUMN_COUNT:
		break;
	}
}

static enum look cell_look(
    const struct view *v, const struct row *row, const struct study *s, enum list_column c)
{
	enum look plain = (enum look)row->tint; /* the view's colour for it, LOOK_TEXT if none */

	switch (c) {
	case COLUMN_LEFT:
	case COLUMN_USED:
		return (enum look)level_type(row_level(row, v->now))->look;
	case COLUMN_PRIO:
		return s->prio == 0 ? LOOK_PRIO_0 : plain;
	case COLUMN_READER:
		return !str_empty(s->reader) && str_ieq(s->reader, v->login) ? LOOK_MINE : plain;
	default:
		return plain;
	}
}

void cell_draw(struct view *v, const struct row *row, const struct study *s, const struct placed *at, int y,
    bool covered)
{
	char text[512];
	enum look look = covered ? cell_look(v, row, s, at->column) : LOOK_DIM;

	cell_text(v, row, s, at->column, at->w, text, sizeof text);
	grid_field(&v->grid, at->x, y, at->w, look, column_type(at->column)->side, text);
}
