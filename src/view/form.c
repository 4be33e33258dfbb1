/*
 * form - dialogs of a text and a few letters: note, sign, take over, hold, and the questions before what cannot be undone.
 *
 * Enter in the text is a new line and Tab goes on to the letters; a letter that is not the key that opened the dialog does it,
 * after a moment of silence.  A hold can be undone, so there Enter is enough.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"
#include "wetread/text.h"

#include "view_int.h"

enum { TEXT, LETTERS };

struct choice {
	char letter;
	const char *as, *label;
};
struct form {
	enum cmd cmd;
	const char *title, *label;
	bool text_is_reason, needs_text;
	struct choice choices[2];
};

static const struct form forms[] = {
    {CMD_note, "Note on", "words", false, true, {{'s', NULL, "s save"}}},
    {CMD_finish, "Sign", "wet read, may be empty", false, false,
        {{'p', "prelim", "p sign as preliminary"}, {'s', "final", "s sign as FINAL"}}},
    {CMD_takeover, "Take over by force:", "reason", true, true, {{'y', NULL, "y take it"}}},
};

static const struct form *form_of(const struct dialog *d)
{
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		if ((int)forms[i].cmd == d->cmd)
			return &forms[i];
	return &forms[0];
}

static void form_foot(const struct form *f, const struct dialog *d, char *out, size_t size)
{
	if (d->focus == TEXT)
		snprintf(out, size, "%s   Esc leave, text is kept",
		    d->edit.lines ? "Tab go on   Enter new line" : "Enter go on");
	else
		snprintf(out, size, "%s%s%s   Tab text   Esc leave", f->choices[0].label,
		    f->choices[1].label ? "   " : "", f->choices[1].label ? f->choices[1].label : "");
}

/* Whose study it is and which: the identifiers a person checks before signing. */
static void target_line(struct view *v, const struct dialog *d, int x, int y, int w)
{
	const struct study *s = d->targets.n == 1 ? view_study(v, d->targets.items[0].id) : NULL;
	char name[256], age[16], text[1024];

	if (!s)
		return;
	patient_name(v, s, name, sizeof name);
	patient_age_sex(v, s, age);
	snprintf(text, sizeof text, "%s %s   %s %s", name, age, s->modality ? s->modality : "",
	    s->exam ? s->exam : "");
	grid_cut(&v->grid, x, y, w, LOOK_STRONG, text);
}

static void form_draw(struct view *v, struct dialog *d)
{
	const struct form *f = form_of(d);
	char who[96], title[200], foot[160], when[24];
	struct area a, text;

	snprintf(title, sizeof title, "%s %s%s%s", f->title, targets_text(&d->targets, who, sizeof who),
	    d->cmd == CMD_takeover ? d->chosen ? " for " : ", back to the pool" : "",
	    d->cmd == CMD_takeover && d->chosen ? d->chosen : "");
	if (v->late_at && (d->cmd == CMD_note || d->cmd == CMD_finish)) {
		size_t n = strlen(title);

		snprintf(
		    title + n, sizeof title - n, ", LATE ENTRY, done %s", stamp_text(v, when, v->late_at));
	}
	form_foot(f, d, foot, sizeof foot);
	a = dialog_box(v, 76, 11, title, foot);
	target_line(v, d, a.x, a.y, a.w);
	if (d->cmd == CMD_finish && d->targets.n == 1 &&
	    !is_read_by_me(v, view_study(v, d->targets.items[0].id)))
		grid_put(&v->grid, a.x, a.y + 1, a.w, LOOK_WARN,
		    "NOT YOURS ANY MORE: your words will be kept beside the report.");
	else
		grid_put(&v->grid, a.x, a.y + 1, a.w, LOOK_DIM, f->label);
	text = (struct area){a.x, a.y + 2, a.w, a.h - 4};
	if (text.h < 1)
		text.h = 1;
	dialog_text(v, d, text, d->focus == TEXT);
	if (d->focus == TEXT)
		return;
	grid_put(&v->grid, a.x, a.y + a.h - 1, a.w, LOOK_WARN,
	    letters_hint(d, d->cmd == CMD_note ? "A note stays for ever. Press the letter."
	                                       : "This cannot be undone. Press the letter."));
	v->grid.cur_x = a.x;
	v->grid.cur_y = a.y + a.h - 1;
}

static unsigned form_send(struct view *v, struct dialog *d, const struct choice *c)
{
	const struct form *f = form_of(d);
	struct words w = {.reader = d->cmd == CMD_takeover ? d->chosen : NULL, .as = c->as};

	if (f->text_is_reason)
		w.reason = d->edit.text;
	else if (d->edit.len)
		w.text = d->edit.text;
	draft_keep(v, d); /* dropped when the answer says it arrived */
	work_send(v, f->cmd, &d->targets, &w);
	dialog_close(v, false);
	return VIEW_DRAW;
}

static unsigned form_letter(struct view *v, struct dialog *d, uint32_t key)
{
	const struct form *f = form_of(d);
	bool open = letters_open(v, d);

	for (int i = 0; i < 2 && f->choices[i].letter && open; i++)
		if (key == (uint32_t)f->choices[i].letter && key != d->opened_by)
			return form_send(v, d, &f->choices[i]);
	return VIEW_DRAW;
}

static unsigned form_key(struct view *v, struct dialog *d, uint32_t key)
{
	if (key == 27) {
		dialog_close(v, true);
		return VIEW_DRAW;
	}
	if (key == '\t' || key == K_BACKTAB || (key == '\r' && d->focus == TEXT && !d->edit.lines)) {
		if (d->focus == TEXT && form_of(d)->needs_text && d->edit.len == 0)
			return VIEW_DRAW;
		d->focus = d->focus == TEXT ? LETTERS : TEXT;
		letters_wait(v, d);
		d->too_soon = false;
		return VIEW_DRAW | VIEW_FLUSH;
	}
	if (d->focus == LETTERS)
		return form_letter(v, d, key);
	edit_key(&d->edit, key);
	return VIEW_DRAW;
}

static const struct dialog_type note_type = {"note", form_draw, form_key, NULL, false, true};
static const struct dialog_type finish_type = {"finish", form_draw, form_key, NULL, false, true};
static const struct dialog_type takeover_type = {"takeover", form_draw, form_key, NULL, false, false};

enum { FINAL_MOST = 10 }; /* of what cannot be undone, at once */

static struct dialog *form_open(
    struct view *v, const struct dialog_type *type, struct targets *t, enum cmd cmd)
{
	struct dialog *d;
	size_t most = cmd == CMD_finish || cmd == CMD_cancel ? 1 : work_is_final(cmd) ? FINAL_MOST : SIZE_MAX;

	if (t->n > most) {
		view_sayf(v, LOOK_WARN, "%zu studies are marked: %s takes at most %zu at once", t->n,
		    cmd_type(cmd)->words, most);
		free(t->items);
		*t = (struct targets){0};
		return NULL;
	}
	if (t->n == 0) {
		view_say(v, LOOK_WARN, "there is no study under the cursor");
		return NULL;
	}
	d = dialog_open(v, type, t);
	d->cmd = cmd;
	return d;
}

void note_open(struct view *v, struct targets *t)
{
	form_open(v, &note_type, t, CMD_note);
}

/* Only who has the lease can sign: better said before the report is typed. */
void finish_open(struct view *v, struct targets *t)
{
	const struct target *first = t->n ? &t->items[0] : NULL;

	if (t->n != 1 || is_read_by_me(v, view_study(v, first->id))) {
		form_open(v, &finish_type, t, CMD_finish);
		return;
	}
	view_sayf(v, LOOK_WARN, "%s is not yours to sign: %s", first->label,
	    v->host.is_pending(v->host.ctx, first->id) ? "the coordinator has not answered yet"
	                                               : "claim it first");
	free(t->items);
	*t = (struct targets){0};
}

void takeover_open(struct view *v, struct targets *t, const char *reader)
{
	struct dialog *d = form_open(v, &takeover_type, t, CMD_takeover);

	if (d)
		str_put(&d->chosen, reader);
}

/* ---- hold: a reason of the policy, and words */

enum { REASONS, WORDS };

static void hold_draw(struct view *v, struct dialog *d)
{
	const struct policy *p = view_world(v)->policy;
	char who[96], title[160];
	struct area a;
	int rows;

	snprintf(title, sizeof title, "Put on hold: %s", targets_text(&d->targets, who, sizeof who));
	a = dialog_box(v, 76, (int)p->nholds + 6, title, "Enter hold   Tab words   Esc leave");
	target_line(v, d, a.x, a.y, a.w);
	rows = a.h - 3;
	dialog_list_fit(d, p->nholds, rows);
	for (int i = 0; i < rows && d->top + (size_t)i < p->nholds; i++) {
		const struct hold_rule *h = &p->holds[d->top + (size_t)i];
		bool here = d->top + (size_t)i == d->at;

		grid_putf(&v->grid, a.x, a.y + 1 + i, a.w, here ? LOOK_STRONG : LOOK_TEXT, "%s %-10s %s",
		    here ? ">" : " ", h->code, h->text ? h->text : "");
		if (here && d->focus == REASONS) {
			v->grid.cur_x = a.x;
			v->grid.cur_y = a.y + 1 + i;
		}
	}
	grid_put(&v->grid, a.x, a.y + a.h - 1, 6, LOOK_DIM, "words");
	dialog_text(v, d, (struct area){a.x + 6, a.y + a.h - 1, a.w - 6, 1}, d->focus == WORDS);
}

static void hold_send(struct view *v, struct dialog *d)
{
	struct targets t = d->targets;
	char *reason = xstrdup(d->chosen), *text = d->edit.len ? xstrdup(d->edit.text) : NULL;

	d->targets = (struct targets){0};
	dialog_close(v, false);
	bulk_send(v, CMD_hold, &t, &(struct words){.reason = reason, .text = text}, true);
	free(reason);
	free(text);
}

static unsigned hold_key(struct view *v, struct dialog *d, uint32_t key)
{
	const struct policy *p = view_world(v)->policy;

	if (key == 27) {
		dialog_close(v, true);
	} else if (key == '\t' || key == K_BACKTAB) {
		d->focus = d->focus == REASONS ? WORDS : REASONS;
	} else if (key == '\r' && d->at < p->nholds) {
		str_put(&d->chosen, p->holds[d->at].code);
		draft_keep(v, d);
		hold_send(v, d);
	} else if (d->focus == WORDS) {
		edit_key(&d->edit, key);
	} else {
		dialog_list_key(d, key, p->nholds, 5);
	}
	return VIEW_DRAW;
}

static const struct dialog_type hold_type = {"hold", hold_draw, hold_key, NULL, false, false};

void hold_open(struct view *v, struct targets *t)
{
	struct dialog *d = form_open(v, &hold_type, t, CMD_hold);
	const struct policy *p = view_world(v)->policy;

	for (size_t i = 0; d && d->chosen && i < p->nholds; i++)
		if (str_ieq(p->holds[i].code, d->chosen))
			d->at = i;
}

/* ---- a question before a command of the palette that cannot be undone */

static void confirm_draw(struct view *v, struct dialog *d)
{
	char who[96], title[200];
	struct area a;

	snprintf(title, sizeof title, "%s %s %s", cmd_type((enum cmd)d->cmd)->words,
	    targets_text(&d->targets, who, sizeof who),
	    d->saved    ? d->saved
	    : d->chosen ? d->chosen
	                : "");
	a = dialog_box(v, 70, 6, title, "y do it   Esc leave");
	target_line(v, d, a.x, a.y, a.w);
	grid_put(&v->grid, a.x, a.y + 1, a.w, LOOK_TEXT, d->edit.text);
	grid_put(&v->grid, a.x, a.y + 3, a.w, LOOK_WARN,
	    letters_hint(d, work_is_final((enum cmd)d->cmd)
	                        ? "This cannot be undone. Press the letter."
	                        : "Some are not on the screen. Press the letter."));
	v->grid.cur_x = a.x;
	v->grid.cur_y = a.y + 3;
}

static unsigned confirm_key(struct view *v, struct dialog *d, uint32_t key)
{
	struct words w = {.reader = d->chosen, .as = d->saved, .text = d->edit.len ? d->edit.text : NULL};

	if (d->cmd == CMD_takeover) {
		w.reason = w.text;
		w.text = NULL;
	}
	if (key == 27) {
		dialog_close(v, false);
		return VIEW_DRAW;
	}
	if (!letters_open(v, d))
		return VIEW_DRAW;
	if (key == 'y')
		work_send(v, (enum cmd)d->cmd, &d->targets, &w);
	if (key == 'y' || key == 'n')
		dialog_close(v, false);
	return VIEW_DRAW;
}

static const struct dialog_type confirm_type = {NULL, confirm_draw, confirm_key, NULL, false, false};

void confirm_open(struct view *v, struct targets *t, enum cmd cmd, const struct words *w)
{
	struct dialog *d = form_open(v, &confirm_type, t, cmd);

	if (!d)
		return;
	str_put(&d->chosen, w->reader);
	str_put(&d->saved, w->as);
	edit_set(&d->edit, w->reason ? w->reason : w->text);
}

/* ---- a second study beside the one that is read */

static void another_draw(struct view *v, struct dialog *d)
{
	struct area a = dialog_box(v, 70, 6, "Take one more study?", "y take the next one   n stay");
	const struct study *s = view_study(v, d->back_to);
	char label[24], at[24];

	label_set(label, s, d->back_to);
	if (s)
		grid_putf(&v->grid, a.x, a.y, a.w, LOOK_STRONG, "You read %s since %s.", label,
		    stamp_text(v, at, s->claimed_at));
	grid_put(
	    &v->grid, a.x, a.y + 1, a.w, LOOK_TEXT, "The next one would be yours too, and wait for you.");
	grid_put(&v->grid, a.x, a.y + 3, a.w, LOOK_WARN, letters_hint(d, "Press the letter."));
	v->grid.cur_x = a.x;
	v->grid.cur_y = a.y + 3;
}

static unsigned another_key(struct view *v, struct dialog *d, uint32_t key)
{
	bool open = key != 27 && letters_open(v, d);

	if (key == 'y' && open)
		work_send(v, CMD_next, &(struct targets){0}, &(struct words){0});
	if (key == 27 || ((key == 'y' || key == 'n') && open))
		dialog_close(v, false);
	return VIEW_DRAW;
}

static const struct dialog_type another_type = {NULL, another_draw, another_key, NULL, false, false};

void another_open(struct view *v, uint64_t reading)
{
	dialog_open(v, &another_type, NULL)->back_to = reading;
}

/* ---- leaving while commands are on their way */

static void quit_draw(struct view *v, struct dialog *d)
{
	unsigned n = v->host.pending(v->host.ctx);
	struct area a = dialog_box(v, 64, 5, "Leave?", "y leave   n stay");

	(void)d;
	grid_putf(&v->grid, a.x, a.y + 1, a.w, LOOK_WARN, "%u command%s not answered yet.", n,
	    n == 1 ? " is" : "s are");
	v->grid.cur_x = a.x;
	v->grid.cur_y = a.y + 1;
}

static unsigned quit_key(struct view *v, struct dialog *d, uint32_t key)
{
	(void)d;
	if (key == 'y')
		return VIEW_QUIT;
	if (key == 'n' || key == 27)
		dialog_close(v, false);
	return VIEW_DRAW;
}

static const struct dialog_type quit_type = {NULL, quit_draw, quit_key, NULL, false, false};

void quit_open(struct view *v)
{
	dialog_open(v, &quit_type, NULL);
}

/* ---- what the connection wants to know */

static void question_draw(struct view *v, struct dialog *d)
{
	struct area a = dialog_box(v, 76, 9, d->is_secret ? "Secret" : "Do you trust this host?",
	    d->is_secret ? "Enter go on   Esc give up" : "y yes, remember it   n no");
	char stars[80] = "";

	grid_wrap(&v->grid, a.x, a.y, a.w, a.h - 2, 0, LOOK_TEXT, d->saved);
	v->grid.cur_x = a.x;
	v->grid.cur_y = a.y + a.h - 1;
	if (!d->is_secret)
		return;
	memset(stars, '*', d->edit.len < sizeof stars - 1 ? d->edit.len : sizeof stars - 1);
	grid_fill(&v->grid, a.x, a.y + a.h - 1, a.w, LOOK_FIELD);
	v->grid.cur_x += grid_put(&v->grid, a.x, a.y + a.h - 1, a.w - 1, LOOK_FIELD, stars);
}

static unsigned question_end(struct view *v, const char *text)
{
	v->host.reply(v->host.ctx, text);
	dialog_close(v, false);
	return VIEW_DRAW;
}

static unsigned question_key(struct view *v, struct dialog *d, uint32_t key)
{
	if (key == 27 || (key == 'n' && !d->is_secret))
		return question_end(v, NULL);
	if (!d->is_secret)
		return key == 'y' ? question_end(v, "yes") : VIEW_DRAW;
	if (key == '\r')
		return question_end(v, d->edit.text);
	edit_key(&d->edit, key);
	return VIEW_DRAW;
}

static void question_release(struct dialog *d)
{
	explicit_bzero(&d->edit, sizeof d->edit);
}

static const struct dialog_type question_type = {
    NULL, question_draw, question_key, question_release, false, false};

void view_question(struct view *v, bool secret, const char *text)
{
	struct dialog *d;

	if (view_locked(v)) {
		lock_ask(v, text);
		return;
	}
	d = dialog_open(v, &question_type, NULL);
	d->is_secret = secret;
	d->is_asked = true;
	str_put(&d->saved, text);
}
