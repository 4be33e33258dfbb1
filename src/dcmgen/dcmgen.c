/*
 * Invented studies, object by object.
 */
#include "config.h"

#include "dcmgen_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"

enum { OBJECT_MAX = 512 << 20, COLUMNS_MAX = 4096, SLICES_MAX = 10000, UID_TEXT = 65 };

static const struct kind {
	const char *word, *modality, *class, *exam, *body;
	unsigned columns, slices;
} kinds[] = {
#define DCMGEN(name, word, modality, class, exam, body, columns, slices, help)                               \
	{word, modality, class, exam, body, columns, slices},
#include "dcmgen.def"
#undef DCMGEN
};

static const struct syntax {
	const char *name, *uid;
	struct encoding e;
} syntaxes[] = {
    {"ile", "1.2.840.10008.1.2", {.explicit_vr = false}},
    {"ele", "1.2.840.10008.1.2.1", {.explicit_vr = true}},
    {"ebe", "1.2.840.10008.1.2.2", {.explicit_vr = true, .big = true}},
    {"deflated", "1.2.840.10008.1.2.1.99", {.explicit_vr = true, .deflated = true}},
    {"rle", "1.2.840.10008.1.2.5", {.explicit_vr = true, .rle = true}},
};

const struct dcmgen_request dcmgen_defaults = {
    .kind = DCMGEN_CT,
    .syntax = "ele",
    .accession = "A1000001",
    .pid = "P100001",
    .name = "PHANTOM^PAT",
    .birth = "19620301",
    .sex = "F",
    .institution = "INVENTED HOSPITAL",
    .when = "20261121031200",
    .series = 1,
};

int dcmgen_kind(const char *word)
{
	for (int i = 0; i < DCMGEN_KINDS; i++)
		if (strcmp(kinds[i].word, word) == 0)
			return i;
	return E_USAGE;
}

static const struct syntax *find_syntax(const char *name)
{
	for (size_t i = 0; i < sizeof(syntaxes) / sizeof(*syntaxes); i++)
		if (strcmp(syntaxes[i].name, name) == 0)
			return &syntaxes[i];
	return NULL;
}

/* ---- UIDs: 2.25 and a number that depends on what they name */

static uint64_t hash_text(const char *s)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *s; s++)
		/* s is a string.  NOLINTNEXTLINE(clang-analyzer-core.*) */
		h = (h ^ (unsigned char)*s) * 0x100000001b3u;
	return h;
}

static uint64_t hash_number(uint64_t h, uint64_t n)
{
	h = (h ^ n) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 29;
}

static void make_uid(char out[UID_TEXT], const struct dcmgen_request *r, unsigned series, unsigned number)
{
	uint64_t h = hash_text(r->study_uid ? r->study_uid : r->accession ? r->accession : "");

	if (series == 0 && r->study_uid) {
		snprintf(out, UID_TEXT, "%s", r->study_uid);
		return;
	}
	h = hash_number(hash_number(hash_number(h, r->seed), series), number);
	snprintf(out, UID_TEXT, "2.25.%" PRIu64, h | (uint64_t)1 << 63);
}

/* ---- the data set */

struct object {
	const struct dcmgen_request *r;
	const struct kind *k;
	const struct syntax *s;
	unsigned number, slices, columns; /* number from 1 */
	unsigned frames;                  /* 0: not a cine */
	char study[UID_TEXT], series[UID_TEXT], instance[UID_TEXT];
};

static void put_who(struct buf *b, const struct encoding *e, const struct object *o)
{
	const struct dcmgen_request *r = o->r;

	put_text(b, e, 0x00100010, "PN", r->name);
	put_text(b, e, 0x00100020, "LO", r->pid);
	put_text(b, e, 0x00100021, "LO", r->issuer);
	put_text(b, e, 0x00100030, "DA", r->birth);
	put_text(b, e, 0x00100040, "CS", r->sex);
}

static void put_what(struct buf *b, const struct encoding *e, const struct object *o)
{
	static const char *const views[] = {"PA", "LATERAL"};
	const struct dcmgen_request *r = o->r;
	char date[9], time[16], text[64];

	snprintf(date, sizeof(date), "%.8s", r->when);
	snprintf(time, sizeof(time), "%.6s", strlen(r->when) > 8 ? r->when + 8 : "000000");
	put_text(b, e, 0x00080005, "CS", r->charset ? r->charset : "ISO_IR 192");
	put_text(b, e, 0x00080008, "CS", o->number == 1 ? "ORIGINAL\\PRIMARY\\AXIAL" : "ORIGINAL\\PRIMARY");
	put_text(b, e, 0x00080016, "UI", o->k->class);
	put_text(b, e, 0x00080018, "UI", o->instance);
	put_text(b, e, 0x00080020, "DA", date);
	put_text(b, e, 0x00080023, "DA", date);
	put_text(b, e, 0x00080030, "TM", time);
	put_text(b, e, 0x00080033, "TM", time);
	put_text(b, e, 0x00080050, "SH", r->accession);
	put_text(b, e, 0x00080060, "CS", o->k->modality);
	put_text(b, e, 0x00080070, "LO", "WETREAD PHANTOMS");
	put_text(b, e, 0x00080080, "LO", r->institution);
	put_text(b, e, 0x00080201, "SH", r->offset);
	put_text(b, e, 0x00081030, "LO", r->exam ? r->exam : o->k->exam);
	snprintf(text, sizeof(text), "SERIES %u", r->series);
	put_text(b, e, 0x0008103e, "LO", text);
	put_who(b, e, o);
	put_text(b, e, 0x00180015, "CS", o->k->body);
	if (r->kind == DCMGEN_CT || r->kind == DCMGEN_MR)
		put_text(b, e, 0x00180050, "DS", "5");
	if (r->kind == DCMGEN_DX)
		put_text(b, e, 0x00185101, "CS", views[(o->number - 1) % 2]);
}

/* Numbers run from head to foot, so that instance number and place disagree, as they often do. */
static void put_where(struct buf *b, const struct encoding *e, const struct object *o)
{
	char text[64];

	put_text(b, e, 0x0020000d, "UI", o->study);
	put_text(b, e, 0x0020000e, "UI", o->series);
	put_text(b, e, 0x00200010, "SH", "1");
	snprintf(text, sizeof(text), "%u", o->r->series);
	put_text(b, e, 0x00200011, "IS", text);
	snprintf(text, sizeof(text), "%u", o->number);
	put_text(b, e, 0x00200013, "IS", text);
	if (o->r->kind != DCMGEN_CT && o->r->kind != DCMGEN_MR)
		return;
	snprintf(text, sizeof(text), "-120\\-120\\%u", (o->slices - o->number) * 5);
	put_text(b, e, 0x00200032, "DS", text);
	put_text(b, e, 0x00200037, "DS", "1\\0\\0\\0\\1\\0");
}

static void put_grey(struct buf *b, const struct encoding *e, const struct object *o)
{
	static const struct {
		const char *center, *width, *intercept;
	} windows[DCMGEN_KINDS] = {
	    [DCMGEN_CT] = {"40\\400", "80\\2000", "-1024"},
	    [DCMGEN_MR] = {"400", "800", NULL},
	    [DCMGEN_DX] = {"2048", "4096", "0"},
	};

	put_text(b, e, 0x00281050, "DS", windows[o->r->kind].center);
	put_text(b, e, 0x00281051, "DS", windows[o->r->kind].width);
	put_text(b, e, 0x00281052, "DS", windows[o->r->kind].intercept);
	if (windows[o->r->kind].intercept)
		put_text(b, e, 0x00281053, "DS", "1");
	put_text(b, e, 0x00281054, "LO", o->r->kind == DCMGEN_CT ? "HU" : NULL);
}

static void put_image(struct buf *b, const struct encoding *e, const struct object *o)
{
	bool colour = o->r->kind == DCMGEN_US;
	char text[64];

	put_number(b, e, 0x00280002, colour ? 3 : 1);
	put_text(b, e, 0x00280004, "CS",
	    colour                                          ? "RGB"
	    : o->r->kind == DCMGEN_DX && o->number % 2 == 0 ? "MONOCHROME1"
	                                                    : "MONOCHROME2");
	if (colour)
		put_number(b, e, 0x00280006, 0);
	if (o->frames) {
		snprintf(text, sizeof(text), "%u", o->frames);
		put_text(b, e, 0x00280008, "IS", text);
	}
	put_number(b, e, 0x00280010, (uint16_t)o->columns);
	put_number(b, e, 0x00280011, (uint16_t)o->columns);
	snprintf(text, sizeof(text), "%.4f\\%.4f", 240.0 / o->columns, 240.0 / o->columns);
	if (!colour)
		put_text(b, e, 0x00280030, "DS", text);
	put_number(b, e, 0x00280100, colour ? 8 : 16);
	put_number(b, e, 0x00280101, colour ? 8 : 12);
	put_number(b, e, 0x00280102, colour ? 7 : 11);
	put_number(b, e, 0x00280103, 0);
	if (colour)
		put_text(b, e, 0x00280301, "CS", "YES");
	else
		put_grey(b, e, o);
}

static void put_frames(struct buf *b, const struct encoding *e, const struct object *o)
{
	unsigned n = o->frames ? o->frames : 1, samples = o->r->kind == DCMGEN_US ? 3 : 1;
	struct frame *f = xcalloc(n, sizeof(*f));

	for (unsigned i = 0; i < n; i++) {
		f[i] = (struct frame){.columns = o->columns, .samples = samples};
		f[i].v = xcalloc((size_t)o->columns * o->columns * samples, sizeof(*f[i].v));
		phantom(&f[i], o->r, o->frames ? i : o->number - 1, o->frames ? n : o->slices);
	}
	put_pixels(b, e, f, n, samples == 3 ? 8 : 16);
	for (unsigned i = 0; i < n; i++)
		free(f[i].v);
	free(f);
}

static void put_meta(struct buf *b, const struct object *o)
{
	static const struct encoding e = {.explicit_vr = true};
	static const char preamble[128];
	struct buf in = BUF_INIT(1024);

	buf_add(&in, "\2\0\1\0OB\0\0\2\0\0\0\0\1", 14);
	put_text(&in, &e, 0x00020002, "UI", o->k->class);
	put_text(&in, &e, 0x00020003, "UI", o->instance);
	put_text(&in, &e, 0x00020010, "UI", o->s->uid);
	put_text(&in, &e, 0x00020012, "UI", "2.25.1");
	buf_add(b, preamble, sizeof(preamble));
	buf_adds(b, "DICM");
	buf_add(b, "\2\0\0\0UL\4\0", 8);
	buf_add(b, (const char[]){(char)in.len, (char)(in.len >> 8), 0, 0}, 4);
	buf_add(b, in.data, in.len);
	buf_release(&in);
}

/* ---- files */

static int write_file(const char *dir, const struct object *o, const struct buf *meta, const struct buf *data)
{
	char *path = xasprintf("%s/%s-%u-%04u.dcm", dir, o->k->word, o->r->series, o->number);
	FILE *f = fopen(path, "wbe");
	int err = 0;

	if (f == NULL || fwrite(meta->data, 1, meta->len, f) != meta->len ||
	    fwrite(data->data, 1, data->len, f) != data->len)
		err = E_IO;
	if (f && fclose(f) != 0)
		err = E_IO;
	free(path);
	return err;
}

static int write_object(const char *dir, struct object *o)
{
	struct buf meta = BUF_INIT(4096), data = BUF_INIT(OBJECT_MAX);
	int err = 0;

	make_uid(o->instance, o->r, o->r->series, o->number);
	put_meta(&meta, o);
	put_what(&data, &o->s->e, o);
	put_where(&data, &o->s->e, o);
	put_image(&data, &o->s->e, o);
	put_frames(&data, &o->s->e, o);
	if (data.failed)
		err = E_LIMIT;
	if (!err && o->s->e.deflated)
		err = deflate_all(&data);
	if (!err)
		err = write_file(dir, o, &meta, &data);
	buf_release(&meta);
	buf_release(&data);
	return err;
}

int dcmgen_write(const char *dir, const struct dcmgen_request *r, unsigned *files)
{
	const struct kind *k = &kinds[r->kind];
	struct object o = {.r = r, .k = k, .s = find_syntax(r->syntax)};
	unsigned n = r->slices ? r->slices : k->slices;
	int err = 0;

	o.columns = r->columns ? r->columns : k->columns;
	if (o.s == NULL || o.columns > COLUMNS_MAX || n > SLICES_MAX)
		return E_USAGE;
	o.slices = n;
	if (r->kind == DCMGEN_US) {
		o.frames = n;
		n = 1;
	}
	make_uid(o.study, r, 0, 0);
	make_uid(o.series, r, r->series, 0);
	for (o.number = 1; o.number <= n && !err; o.number++)
		err = write_object(dir, &o);
	if (!err)
		*files = n;
	return err;
}
