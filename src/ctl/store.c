/*
 * store usage | verify | aside | purge: the images there are, looked after by a person.
 *
 * The intake may run at the same time.  What shows or removes patients' data is recorded before it is done; a purge
 * that was recorded and then interrupted is found by its UID and done again.
 */
#include "config.h"

#include "ctl_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/store.h"
#include "wetread/text.h"
#include "wetread/when.h"

enum { LIST_MAX = 64 << 20, REASON_MAX = 400 };

static int open_store(struct ctl *c, struct store **s)
{
	char *dir = ctl_path(c, "images"), *index = ctl_path(c, "images/index.db");
	int err = access(index, F_OK) ? E_NOTFOUND : store_open(s, dir);

	if (err == E_NOTFOUND)
		ctl_fail(c, err, "%s: no images have come yet ([dicom] listen in wetreadd.conf)", dir);
	else if (err)
		ctl_fail(c, err, "%s: %s", dir, err_text(err));
	free(dir);
	free(index);
	return err;
}

/* ---- usage */

struct figure {
	const char *key, *words;
	int64_t value;
	bool bytes;
};

/* "1.4 GB" */
static const char *size_text(char out[32], int64_t n)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
	double v = (double)n;
	size_t i = 0;

	for (; v >= 1000 && i < sizeof(units) / sizeof(*units) - 1; i++)
		v /= 1000;
	snprintf(out, 32, i ? "%.1f %s" : "%.0f %s", v, units[i]);
	return out;
}

static void put_figures(const struct ctl *c, const struct figure *f, size_t n)
{
	struct table t = {.columns = 2};
	struct buf b = BUF_INIT(4096);
	char text[32];

	json_open(&b, '{');
	for (size_t i = 0; i < n; i++) {
		json_kint(&b, f[i].key, f[i].value);
		table_cell(&t, f[i].words);
		if (!f[i].bytes)
			snprintf(text, sizeof(text), "%" PRId64, f[i].value);
		table_cell(&t, f[i].bytes ? size_text(text, f[i].value) : text);
	}
	json_close(&b, '}');
	put_list(c, &b, &t);
}

int ctl_store_usage(struct ctl *c)
{
	struct store_usage u;
	struct store *s = NULL;
	int err = open_store(c, &s);

	if (!err && (err = store_usage(s, &u)))
		ctl_fail(c, err, "the index cannot be read: %s", err_text(err));
	if (!err) {
		const struct figure figures[] = {{"studies", "studies", u.studies, false},
		    {"series", "series", u.series, false}, {"images", "images", u.images, false},
		    {"bytes", "their bytes", u.bytes, true},
		    {"preview_bytes", "small pictures", u.preview_bytes, true},
		    {"aside", "put aside", u.aside, false},
		    {"aside_bytes", "their bytes", u.aside_bytes, true},
		    {"waiting", "not filed yet", u.waiting, false},
		    {"free_bytes", "free on the disk", (int64_t)store_room(s), true}};

		put_figures(c, figures, sizeof(figures) / sizeof(*figures));
	}
	store_close(s);
	return err;
}

/* ---- verify */

struct verifying {
	struct buf json;
	struct table table;
	int64_t faults;
};

static void add_fault(void *ctx, const struct store_fault *f)
{
	struct verifying *v = ctx;

	json_open(&v->json, '{');
	json_kclean(&v->json, "file", f->file);
	json_kstr(&v->json, "what", f->what);
	json_close(&v->json, '}');
	table_cell(&v->table, f->file);
	table_cell(&v->table, f->what);
	v->faults++;
}

static void put_faults(const struct ctl *c, struct verifying *v, int64_t good)
{
	struct buf b = BUF_INIT(LIST_MAX);

	json_close(&v->json, ']');
	if (c->opt[CTLOPT_json]) {
		json_open(&b, '{');
		json_kint(&b, "good", good);
		json_kint(&b, "bad", v->faults);
		json_key(&b, "faults");
		json_raw(&b, v->json.data, v->json.len);
		json_close(&b, '}');
		put_json(&b);
		buf_release(&b);
		return;
	}
	table_print(&v->table);
	printf("%" PRId64 " images are as they were stored, %" PRId64 " %s not\n", good, v->faults,
	    v->faults == 1 ? "is" : "are");
}

int ctl_store_verify(struct ctl *c)
{
	struct verifying v = {.json = BUF_INIT(LIST_MAX), .table = {.columns = 2}};
	struct store *s = NULL;
	int64_t good = 0;
	int err = open_store(c, &s);

	json_open(&v.json, '[');
	if (!err) {
		err = store_verify(s, add_fault, &v, &good);
		if (err)
			ctl_fail(c, err, "the images cannot be gone through: %s", err_text(err));
		else
			put_faults(c, &v, good);
	}
	if (!err && v.faults)
		err = E_CORRUPT;
	buf_release(&v.json);
	table_drop(&v.table);
	store_close(s);
	return err;
}

/* ---- aside */

struct asides {
	struct buf json;
	struct table table;
	int64_t n;
};

static int add_aside(void *ctx, const struct store_kept *k)
{
	struct asides *a = ctx;
	char at[32], size[32];

	when_rfc3339(k->at, at);
	json_open(&a->json, '{');
	json_kclean(&a->json, "file", k->file);
	json_kstr(&a->json, "at", at);
	json_kclean(&a->json, "aet", k->aet);
	json_kclean(&a->json, "peer", k->peer);
	json_kint(&a->json, "size", k->size);
	json_kclean(&a->json, "reason", k->reason);
	json_kclean(&a->json, "patient", k->patient);
	json_close(&a->json, '}');
	snprintf(size, sizeof(size), "%" PRId64, k->size);
	table_cell(&a->table, k->file);
	table_cell(&a->table, at);
	table_cell(&a->table, k->aet);
	table_cell(&a->table, size);
	table_cell(&a->table, k->reason);
	table_cell(&a->table, k->patient);
	a->n++;
	return 0;
}

static int record(struct ctl *c, enum cmd kind, struct buf *params)
{
	struct door *d = NULL;
	int err = door_open(&d, c);

	if (!err)
		err = door_run(d, kind, params);
	door_close(d);
	return err;
}

int ctl_store_aside(struct ctl *c)
{
	static const char *const heads[] = {"FILE", "AT", "SENDER", "BYTES", "REASON", "PATIENT"};
	struct asides a = {.json = BUF_INIT(LIST_MAX), .table = {.columns = 6}};
	struct buf params = BUF_INIT(256);
	struct store *s = NULL;
	int err = open_store(c, &s);

	for (unsigned i = 0; i < 6; i++)
		table_cell(&a.table, heads[i]);
	json_open(&a.json, '[');
	if (!err && (err = store_each_aside(s, add_aside, &a)))
		ctl_fail(c, err, "the index cannot be read: %s", err_text(err));
	json_close(&a.json, ']');
	buf_addf(&params, "{\"count\":%" PRId64 "}", a.n);
	if (!err)
		err = record(c, CMD_images_aside, &params);
	if (!err)
		put_list(c, &a.json, &a.table);
	buf_release(&params);
	buf_release(&a.json);
	table_drop(&a.table);
	store_close(s);
	return err;
}

/* ---- purge */

static void add_reason(const struct ctl *c, struct buf *b)
{
	struct buf words = BUF_INIT(REASON_MAX * 4);

	for (int i = 1; i < c->narg; i++)
		buf_addf(&words, "%s%s", i > 1 ? " " : "", c->arg[i]);
	if (words.len)
		json_kclean(b, "text", words.data);
	buf_release(&words);
}

static int allow(struct ctl *c, const struct store_study *st)
{
	struct buf b = BUF_INIT(8192);
	int err;

	json_open(&b, '{');
	json_kstr(&b, "with", st->uid);
	add_reason(c, &b);
	json_kbool(&b, "force", c->opt[CTLOPT_force] != NULL);
	json_kint(&b, "count", st->images);
	json_close(&b, '}');
	err = record(c, CMD_images_purge, &b);
	buf_release(&b);
	return err;
}

static int find_study(struct ctl *c, struct store *s, struct store_study *st)
{
	int err = store_study_find(s, c->arg[0], st);

	if (err == E_AMBIGUOUS)
		ctl_fail(c, err, "more than one study has the accession %s: write its Study Instance UID",
		    c->arg[0]);
	else if (err)
		ctl_fail(c, err, "%s: %s", c->arg[0],
		    err == E_NOTFOUND ? "there are no images of such a study" : err_text(err));
	return err;
}

int ctl_store_purge(struct ctl *c)
{
	struct store_study st = {0};
	struct store *s = NULL;
	int64_t images = 0;
	int err = open_store(c, &s);

	if (!err)
		err = find_study(c, s, &st);
	if (!err)
		err = allow(c, &st);
	if (!err && (err = store_purge(s, st.uid, &images)))
		ctl_fail(c, err, "not all of it is removed (%s): do it again", err_text(err));
	if (!err)
		ctl_done(c, "%" PRId64 " images of %s are removed", images, c->arg[0]);
	store_study_release(&st);
	store_close(s);
	return err;
}
