/*
 * A corpus of messages with what is expected of each (expected.tsv, expected-groups.tsv: one row a message or a group,
 * columns by name; frames.tsv: byte streams and the control ids that must be acknowledged, in order).  One directory
 * is in the tree; a larger one is run where it lies beside it (../shared/data/hl7, or $WETREAD_SHARED/data/hl7).
 */
#include "unit.h"

#include <stdio.h>

#include "wetread/buf.h"
#include "wetread/errors.h"
#include "wetread/hl7.h"
#include "wetread/hl7_map.h"
#include "wetread/mem.h"
#include "wetread/mllp.h"
#include "wetread/text.h"

#define MAX_COLS 64

/* ---- tables */

struct tsv {
	char *text;
	char *head[MAX_COLS];
	size_t ncols;
	char *(*rows)[MAX_COLS];
	size_t nrows;
};

static int read_file(const char *dir, const char *name, struct buf *out)
{
	char path[1024], chunk[65536];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "rb");
	if (f == NULL)
		return -1;
	buf_init(out, 64 << 20);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		assert_int_equal(buf_add(out, chunk, n), 0);
	fclose(f);
	return 0;
}

static size_t split_row(char *line, char *cols[MAX_COLS])
{
	size_t n = 0;

	for (char *s = line; s && n < MAX_COLS; n++)
		cols[n] = strsep(&s, "\t");
	return n;
}

static bool tsv_read(const char *dir, const char *name, struct tsv *t)
{
	struct buf b;
	char *rest, *line;

	*t = (struct tsv){.text = NULL};
	if (read_file(dir, name, &b) < 0)
		return false;
	t->text = rest = buf_take(&b);
	while ((line = strsep(&rest, "\n")) != NULL && *line) {
		if (t->ncols == 0) {
			t->ncols = split_row(line, t->head);
			continue;
		}
		t->rows = xreallocarray(t->rows, t->nrows + 1, sizeof(*t->rows));
		for (size_t i = 0; i < MAX_COLS; i++)
			t->rows[t->nrows][i] = (char *)(uintptr_t) "";
		split_row(line, t->rows[t->nrows++]);
	}
	return t->nrows > 0;
}

static void tsv_free(struct tsv *t)
{
	free(t->text);
	free(t->rows);
}

static const char *cell(const struct tsv *t, size_t row, const char *col)
{
	for (size_t i = 0; i < t->ncols; i++)
		if (strcmp(t->head[i], col) == 0)
			return t->rows[row][i];
	fail_msg("no column %s", col);
	return "";
}

/* ---- comparing */

static size_t differences;

/* Controls are dropped where the corpus keeps them. */
static bool equal(const char *want, const char *got)
{
	for (; *want; want++)
		if ((unsigned char)*want >= ' ' && *want != *got++)
			return false;
	return *got == '\0';
}

/* "AAAA...(5000)" stands for a value of 5000 characters that begins like this. */
static bool matches(const char *want, const char *got)
{
	const char *cut = strstr(want, "...(");

	if (cut == NULL)
		return equal(want, got);
	return strlen(got) == strtoul(cut + 4, NULL, 10) && strncmp(want, got, (size_t)(cut - want)) == 0;
}

static void same(const char *what, const char *col, const char *want, const char *got)
{
	if (matches(want, got ? got : ""))
		return;
	printf("%s: %s: want \"%.100s\", got \"%.100s\"\n", what, col, want, got ? got : "");
	differences++;
}

/* A time as the corpus writes it: "!" when it can't be read. */
static void same_time(
    const char *what, const char *col, const char *want, const struct hl7_msg *m, struct hl7_val v)
{
	char text[48] = "", *s = hl7_str(m, v);
	struct hl7_time t;

	if (v.kind == HL7_NULL)
		strcpy(text, "\"\"");
	else if (s && hl7_time_parse(s, &t) == 0)
		hl7_time_text(&t, text);
	else if (s)
		strcpy(text, "!");
	same(what, col, want, text);
	free(s);
}

static void same_val(
    const char *what, const char *col, const char *want, const struct hl7_msg *m, struct hl7_val v)
{
	char *s = hl7_str(m, v);

	same(what, col, want, v.kind == HL7_NULL ? hl7_delete : s);
	free(s);
}

static const char *acc_from(const struct hl7_row *row)
{
	static const char *const names[][2] = {{"OBR-3", "OBR-3/ORC-3"}, {"ORC-3", "OBR-3/ORC-3"},
	    {"OBR-2", "OBR-2/ORC-2"}, {"ORC-2", "OBR-2/ORC-2"}};

	for (size_t i = 0; row->acc_from && i < 4; i++)
		if (strcmp(names[i][0], row->acc_from) == 0)
			return names[i][1];
	return row->acc_from;
}

static void check_row(
    const char *what, const struct tsv *t, size_t at, const struct hl7_msg *m, const struct hl7_row *row)
{
	char code[2] = {row->obr25, '\0'}, obx[2] = {row->obx11, '\0'};
	const char *want11 = cell(t, at, "obx11");

	same(what, "orc1", cell(t, at, "orc1"), row->control);
	same(what, "orc5", cell(t, at, "orc5"), row->status);
	same(what, "placer", cell(t, at, "placer"), row->placer);
	same(what, "filler", cell(t, at, "filler"), row->filler);
	same_val(what, "obr18", cell(t, at, "obr18"), m, hl7_row_val(m, row, "OBR-18.1"));
	same_val(what, "ipc1", cell(t, at, "ipc1"), m, hl7_row_val(m, row, "IPC-1.1"));
	same(what, "accession", cell(t, at, "accession"), row->accession);
	same(what, "acc_from", cell(t, at, "acc_from"), acc_from(row));
	if (row->uid_from == NULL || strcmp(row->uid_from, "OBX-5") != 0)
		same(what, "study_uid", cell(t, at, "study_uid"), row->study_uid);
	same(what, "usi_code", cell(t, at, "usi_code"), row->exam_code);
	same(what, "usi_text", cell(t, at, "usi_text"), row->exam);
	if (row->mod_from == NULL || strcmp(row->mod_from, "exam") != 0)
		same(what, "modality", cell(t, at, "modality"), row->modality);
	same(what, "status", cell(t, at, "status"), code);
	if (strchr(want11, '/') == NULL)
		same(what, "obx11", want11, obx);
	same(what, "prio_raw", cell(t, at, "prio_raw"), row->prio_raw);
	same(what, "prio", cell(t, at, "prio"), row->prio);
	same_time(
	    what, "sched", cell(t, at, "sched"), m, hl7_row_val(m, row, "TQ1-7.1 OBR-27.4 ORC-7.4 OBR-36.1"));
	same_time(what, "requested", cell(t, at, "requested"), m, hl7_row_val(m, row, "OBR-6.1 ORC-9.1"));
	same_time(what, "observed", cell(t, at, "observed"), m, hl7_row_val(m, row, "OBR-7.1"));
}

static void check_patient(
    const char *what, const struct tsv *t, size_t at, const struct hl7_msg *m, const struct hl7_reading *r)
{
	const struct hl7_row *row = &r->rows[0];
	const char *name = row->name ? row->name : "";
	const char *caret = strchr(name, '^');
	char *family = xstrndup(name, caret ? (size_t)(caret - name) : strlen(name)),
	     *given = xstrndup(caret ? caret + 1 : "", caret ? strcspn(caret + 1, "^") : 0);
	struct hl7_val sex = hl7_field(m, row->pid, 8);

	same(what, "pid", cell(t, at, "pid"), row->pid_id);
	if (*cell(t, at, "pid_auth"))
		same(what, "pid_auth", cell(t, at, "pid_auth"), row->pid_auth);
	same(what, "family", cell(t, at, "family"), family);
	if (strchr(cell(t, at, "given"), '^') == NULL)
		same(what, "given", cell(t, at, "given"), given);
	same_time(what, "dob", cell(t, at, "dob"), m, hl7_at(m, row->pid, 7, 1, 1, 1));
	same_val(what, "sex", cell(t, at, "sex"), m, sex);
	free(family);
	free(given);
}

static void check_merges(const char *what, const struct tsv *t, size_t at, const struct hl7_reading *r)
{
	struct buf all = BUF_INIT(65536);

	for (size_t i = 0; i < r->nmerges; i++)
		for (size_t k = 0; k < r->merges[i].n; k++)
			buf_addf(&all, "%s%s", all.len ? "~" : "", r->merges[i].from[k].pid);
	same(what, "mrg", cell(t, at, "mrg"), all.data);
	buf_release(&all);
}

static void check_groups(const char *what, const struct tsv *groups, const char *file, const char *n,
    const struct hl7_msg *m, const struct hl7_reading *r)
{
	for (size_t i = 0; i < groups->nrows; i++) {
		size_t g = strtoul(cell(groups, i, "g"), NULL, 10);
		char name[300];

		if (strcmp(cell(groups, i, "file"), file) != 0 || strcmp(cell(groups, i, "n"), n) != 0)
			continue;
		snprintf(name, sizeof(name), "%s group %zu", what, g);
		for (size_t k = 0; k < r->nrows; k++)
			if (r->rows[k].group == g)
				check_row(name, groups, i, m, &r->rows[k]);
	}
}

static const char *outcome(const struct hl7_reading *r)
{
	static const char *const names[] = {"AA", "AE", "AR", "NONE"};

	return names[hl7_reason_answer(r->why)];
}

static void check_message(
    const char *file, const struct tsv *t, size_t at, const struct tsv *groups, struct hl7_val raw)
{
	char what[256], type[256] = "", count[16];
	const char *charset = strstr(cell(t, at, "flags"), "peer-charset=") ? "SHIFT_JIS" : NULL;
	struct hl7_profiles *profiles;
	struct hl7_msg m;
	struct hl7_reading *r;
	struct buf params = BUF_INIT(1 << 20);
	char *why;
	int rc;

	assert_int_equal(hl7_profiles_parse(&profiles, "", "test", &why), 0);
	snprintf(what, sizeof(what), "%s #%s", file, cell(t, at, "n"));
	rc = hl7_parse(&m, raw.p, raw.n, charset);
	r = hl7_read(&m, rc, profiles, NULL);
	same(what, "outcome", cell(t, at, "outcome"), outcome(r));
	same(what, "reason", cell(t, at, "reason"), hl7_reason_word(r->why));
	if (rc == 0) {
		snprintf(type, sizeof(type), "%s%s%s", r->type ? r->type : "", r->event ? "^" : "",
		    r->event ? r->event : "");
		same(what, "type", cell(t, at, "type"), type);
		same(what, "ctrl", cell(t, at, "ctrl"), r->control);
		same(what, "ver", cell(t, at, "ver"), r->version);
		same(what, "cset_used", cell(t, at, "cset_used"), m.charset);
	}
	if (r->nrows && strcmp(cell(t, at, "cls"), "adt-noop") != 0)
		check_patient(what, t, at, &m, r);
	if (r->class == HL7_ORDER || r->class == HL7_RESULT) {
		snprintf(count, sizeof(count), "%zu", r->groups);
		same(what, "groups", cell(t, at, "groups"), count);
		if (r->nrows && r->rows[0].group == 1)
			check_row(what, t, at, &m, &r->rows[0]);
		check_groups(what, groups, file, cell(t, at, "n"), &m, r);
	}
	if (r->class == HL7_MERGE && !r->why)
		check_merges(what, t, at, r);
	if (!r->why)
		assert_int_equal(hl7_request(&m, r, &profiles->list[0], "127.0.0.1:1", &params), 0);
	buf_release(&params);
	hl7_reading_free(r);
	hl7_release(&m);
	hl7_profiles_free(profiles);
}

static void run_corpus(const char *dir)
{
	struct tsv t, groups;
	size_t before = differences;

	if (!tsv_read(dir, "expected.tsv", &t)) {
		tsv_free(&t);
		return;
	}
	assert_true(tsv_read(dir, "expected-groups.tsv", &groups));
	for (size_t i = 0; i < t.nrows; i++) {
		const char *file = cell(&t, i, "file");
		size_t n = strtoul(cell(&t, i, "n"), NULL, 10), at = 0;
		struct hl7_val raw = {NULL, 0, HL7_ABSENT};
		struct buf b;

		assert_int_equal(read_file(dir, file, &b), 0);
		for (size_t k = 0; k < n; k++)
			if (!hl7_next(b.data, b.len, &at, &raw)) {
				printf("%s: there is no message %zu\n", file, n);
				differences++;
				raw.kind = HL7_ABSENT;
			}
		if (raw.kind != HL7_ABSENT)
			check_message(file, &t, i, &groups, raw);
		buf_release(&b);
	}
	printf("%s: %zu messages, %zu differences\n", dir, t.nrows, differences - before);
	tsv_free(&t);
	tsv_free(&groups);
}

/* ---- streams */

/* The control ids a stream is answered with, fed in pieces of that size. */
static void answer_stream(const char *bytes, size_t n, size_t piece, struct buf *ids)
{
	struct hl7_profiles *profiles;
	struct mllp m;
	char *why;

	assert_int_equal(hl7_profiles_parse(&profiles, "", "test", &why), 0);
	mllp_init(&m, 16 << 20);
	for (size_t i = 0; i < n;) {
		enum mllp_event event;
		size_t take = piece < n - i ? piece : n - i, at = 0;
		struct hl7_val raw;

		i += mllp_feed(&m, bytes + i, take, &event);
		while (event == MLLP_FRAME && hl7_next(m.body.data, m.body.len, &at, &raw)) {
			struct hl7_msg msg;
			struct hl7_reading *r =
			    hl7_read(&msg, hl7_parse(&msg, raw.p, raw.n, NULL), profiles, NULL);

			if (hl7_reason_answer(r->why) != HL7_NONE)
				buf_addf(ids, "%s%s", ids->len ? " " : "", r->control ? r->control : "");
			hl7_reading_free(r);
			hl7_release(&msg);
		}
		if (event == MLLP_ALIEN)
			break;
	}
	mllp_release(&m);
	hl7_profiles_free(profiles);
}

static void without_marks(const char *want, char out[256])
{
	size_t n = 0;

	for (; *want && n < 255; want++)
		if (*want != '?')
			out[n++] = *want;
	out[n] = '\0';
}

static void run_streams(const char *dir)
{
	static const size_t pieces[] = {1, 7, 1 << 20};
	char sub[1024], want[256];
	struct tsv t;

	snprintf(sub, sizeof(sub), "%s/frames", dir);
	if (!tsv_read(sub, "frames.tsv", &t)) {
		tsv_free(&t);
		return;
	}
	for (size_t i = 0; i < t.nrows * 3; i++) {
		const char *file = cell(&t, i / 3, "file");
		struct buf b, ids = BUF_INIT(4096);

		if (read_file(sub, file, &b) < 0)
			continue;
		without_marks(cell(&t, i / 3, "expected_msa2_in_order"), want);
		answer_stream(b.data, b.len, pieces[i % 3], &ids);
		same(file, "answers", want, ids.data);
		buf_release(&b);
		buf_release(&ids);
	}
	printf("%s: %zu streams\n", sub, t.nrows);
	tsv_free(&t);
}

static void corpus_dirs(char dirs[2][1024])
{
	const char *top = getenv("top_srcdir"), *shared = getenv("WETREAD_SHARED");

	snprintf(dirs[0], 1024, "%s/tests/data/hl7", top ? top : ".");
	if (shared)
		snprintf(dirs[1], 1024, "%s/data/hl7", shared);
	else
		snprintf(dirs[1], 1024, "%s/../shared/data/hl7", top ? top : ".");
}

static void every_message_of_the_corpus_is_read_as_expected(void **state)
{
	char dirs[2][1024];
	struct tsv t;

	(void)state;
	corpus_dirs(dirs);
	assert_true(tsv_read(dirs[0], "expected.tsv", &t));
	tsv_free(&t);
	differences = 0;
	run_corpus(dirs[0]);
	run_corpus(dirs[1]);
	assert_int_equal(differences, 0);
}

static void every_stream_is_answered_as_expected(void **state)
{
	char dirs[2][1024];

	(void)state;
	corpus_dirs(dirs);
	differences = 0;
	run_streams(dirs[0]);
	run_streams(dirs[1]);
	assert_int_equal(differences, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_message_of_the_corpus_is_read_as_expected),
	    cmocka_unit_test(every_stream_is_answered_as_expected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
