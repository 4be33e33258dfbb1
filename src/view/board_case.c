/* board_case - cells of a study, for the boards whose rows are studies. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "wetread/text.h"

#include "board.h"

static enum look left_cell(struct view *v, const struct study *s, char *out, size_t size)
{
	const struct row *row = rows_find(&v->rows, s->id);
	char word[16];

	if (!row)
		return LOOK_TEXT;
	snprintf(out, size, "%s", left_text(word, row->due, row->left, row->paused, v->now, view_step(v)));
	return (enum look)level_type(row_level(row, v->now))->look;
}

enum look case_cell(
    struct view *v, const struct study *s, enum case_cell c, int width, char *out, size_t size)
{
	switch (c) {
	case CASE_PRIO:
		snprintf(out, size, "%s", prio_label(s->prio));
		return s->prio == 0 ? LOOK_PRIO_0 : LOOK_TEXT;
	case CASE_ACC:
		acc_cell(s->accession, width, out, size);
		break;
	case CASE_MOD:
		snprintf(out, size, "%s", s->modality ? s->modality : "-");
		break;
	case CASE_EXAM:
		snprintf(out, size, "%s", exam_text(s));
		break;
	case CASE_PATIENT:
		patient_cell(v, s, width, out, size);
		break;
	case CASE_SITE:
		snprintf(out, size, "%s", s->site ? s->site : "-");
		break;
	case CASE_STATE:
		snprintf(out, size, "%s", state_word(s));
		break;
	case CASE_LEFT:
		return left_cell(v, s, out, size);
	case CASE_READER:
		snprintf(out, size, "%s", reader_text(v, s->reader));
		return !str_empty(s->reader) && str_ieq(s->reader, v->login) ? LOOK_MINE : LOOK_TEXT;
	case CASE_CELLS:
		break;
	}
	return LOOK_TEXT;
}

char case_letter(struct view *v, const struct board_row *row, enum look *look)
{
	const struct row *r = rows_find(&v->rows, row->study);
	enum level level = r ? row_level(r, v->now) : LEVEL_NONE;

	*look = (enum look)level_type(level)->look;
	return v->glyphs[level];
}

void case_peek(struct view *v, const struct board *b, int y, const char *what)
{
	const struct board_row *row = board_row(b);
	const struct study *s = row ? view_study(v, row->study) : NULL;
	char name[256], age[16], label[24], text[800];

	if (!s || (v->slow && v->mono < v->moved_at + REST_MS))
		return;
	patient_name(v, s, name, sizeof name);
	patient_age_sex(v, s, age);
	label_set(label, s, s->id);
	snprintf(text, sizeof text, "%s %s %s | %s%s%s", label, name, age, s->exam ? s->exam : "-",
	    str_empty(what) ? "" : " | ", what);
	grid_cut(&v->grid, 1, y, v->grid.w - 2, LOOK_TEXT, text);
}
