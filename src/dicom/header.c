/*
 * The walk over a data set (PS3.5 7), up to its pixel data.
 *
 *     (0008,0060) CS 2 "CT"
 *     (5200,9229) SQ undefined         -> level 1: the sequence
 *       item undefined                 -> level 2: its data set
 *         (0028,9110) SQ ...           -> level 3
 *       item delimitation              <- level 1
 *     sequence delimitation            <- level 0
 *     (7FE0,0010) OW 524288            stop: offset and length are all we want
 *
 * There is no recursion: open sequences and items lie on a stack of DEPTH levels.  Senders break the rules in known
 * ways and are read all the same: elements without a VR in an explicit data set, a data set that is explicit although
 * it should not be, no file meta information, no transfer syntax.
 */
#include "config.h"

#include "dicom_int.h"

#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"

enum { DEPTH = 32, ELEMENTS = 200000, FRAME_DEPTH = 6, PREAMBLE = 128 };
#define UNDEFINED 0xffffffffu

enum tag {
	ITEM = 0xfffee000u,
	ITEM_END = 0xfffee00du,
	SEQUENCE_END = 0xfffee0ddu,
	SHARED_GROUPS = 0x52009229u,
	FRAME_GROUPS = 0x52009230u,
	PIXEL_MEASURES = 0x00289110u,
	PLANE_POSITION = 0x00209113u,
	PLANE_ORIENTATION = 0x00209116u,
	FRAME_WINDOW = 0x00289132u,
	PIXEL_VALUES = 0x00289145u,
	FLOAT_PIXELS = 0x7fe00008u,
	DOUBLE_PIXELS = 0x7fe00009u,
	PIXELS = 0x7fe00010u,
};

enum level_kind { DATA_SET, SEQUENCE, FRAGMENTS };

struct level {
	enum level_kind kind;
	uint64_t end; /* meaningless while open */
	bool open;    /* of undefined length */
	bool explicit_vr, big;
	bool groups; /* within functional groups */
};

struct walk {
	struct window win;
	struct facts facts;
	struct dicom_header *h;
	uint64_t at;
	struct level levels[DEPTH], *top;
	int err;
	bool done;
};

struct element {
	uint32_t tag, length;
	uint16_t vr; /* 0: not said */
	uint64_t value;
};

/* ---- VRs */

static bool vr_known(const uint8_t *p)
{
	static const char known[] = "AEASATCSDADSDTFDFLISLOLTOBODOFOLOVOWPNSHSLSQSSSTSVTMUCUIULUNURUSUTUV";

	for (const char *k = known; *k; k += 2)
		if (p[0] == (uint8_t)k[0] && p[1] == (uint8_t)k[1])
			return true;
	return false;
}

/* Those with two reserved bytes and a length of four (PS3.5 7.1.2). */
static bool vr_long(uint16_t vr)
{
	static const char longs[] = "OBODOFOLOVOWSQSVUCUNURUTUV";

	for (const char *k = longs; *k; k += 2)
		if (vr == VR2(k[0], k[1]))
			return true;
	return false;
}

/* ---- the stack */

static void fail(struct walk *k, const char *why)
{
	if (k->h->trouble == NULL) {
		k->h->trouble = why;
		k->h->trouble_at = k->at;
	}
	if (k->err == 0)
		k->err = E_CORRUPT;
	k->done = true;
}

static unsigned depth(const struct walk *k)
{
	return (unsigned)(k->top - k->levels);
}

static uint64_t left(const struct walk *k)
{
	return k->win.src->size - k->at;
}

static void push(struct walk *k, enum level_kind kind, uint32_t length)
{
	struct level *l = k->top + 1;

	if (depth(k) + 1 >= DEPTH) {
		fail(k, "sequences are nested too deeply");
		return;
	}
	if (length != UNDEFINED && length > left(k)) {
		fail(k, "a sequence is longer than the file");
		return;
	}
	*l = *k->top;
	l->kind = kind;
	l->open = length == UNDEFINED;
	l->end = k->at + length;
	k->top = l;
	if (depth(k) > k->h->depth)
		k->h->depth = depth(k);
}

static void pop(struct walk *k)
{
	if (k->top > k->levels)
		k->top--;
}

/* ---- elements */

static const uint8_t *bytes(struct walk *k, uint64_t at, size_t n)
{
	int err = 0;
	const uint8_t *p = window_get(&k->win, at, n, &err);

	if (err)
		k->err = err == E_LIMIT ? E_CORRUPT : err;
	if (p == NULL)
		fail(k, err == E_LIMIT ? "more than 4 MiB inflate before the pixel data"
		                       : "the file ends inside an element");
	return p;
}

/* Items and their ends have no VR in any transfer syntax (PS3.5 7.5). */
static void take_delimiter(struct walk *k, uint32_t tag, uint32_t length)
{
	k->at += 8;
	switch (tag) {
	case ITEM:
		if (k->top->kind == FRAGMENTS) {
			if (length > left(k))
				fail(k, "a fragment is longer than the file");
			else
				k->at += length;
		} else if (depth(k) == 0)
			fail(k, "an item stands outside of any sequence");
		else
			push(k, DATA_SET, length);
		break;
	case ITEM_END:
		if (k->top->kind == DATA_SET)
			pop(k);
		break;
	case SEQUENCE_END:
		if (k->top->kind == DATA_SET)
			pop(k); /* of an item whose end was forgotten */
		if (k->top->kind != DATA_SET)
			pop(k);
		break;
	default:
		fail(k, "there is no such delimiter");
	}
}

/* The head of an element; p has at least 8 bytes. */
static bool read_head(struct walk *k, const uint8_t *p, struct element *e)
{
	bool big = k->top->big;

	e->tag = (uint32_t)get16(p, big) << 16 | get16(p + 2, big);
	e->vr = 0;
	e->value = k->at + 8;
	if (!k->top->explicit_vr || (!vr_known(p + 4) && (p[4] < 'A' || p[4] > 'Z'))) {
		e->length = get32(p + 4, big); /* implicit, or looks like it */
		return true;
	}
	e->vr = vr_known(p + 4) ? VR2(p[4], p[5]) : VR2('U', 'N');
	e->length = get16(p + 6, big);
	if (vr_known(p + 4) && vr_long(e->vr)) {
		p = bytes(k, k->at, 12);
		if (p == NULL)
			return false;
		e->length = get32(p + 8, big);
		e->value = k->at + 12;
	}
	return true;
}

static bool is_pixels(uint32_t tag)
{
	return tag == PIXELS || tag == FLOAT_PIXELS || tag == DOUBLE_PIXELS;
}

static void take_pixels(struct walk *k, const struct element *e)
{
	struct dicom_pixels *px = &k->h->pixels;

	px->there = true;
	px->encapsulated = e->length == UNDEFINED;
	px->tag = e->tag;
	px->offset = e->value;
	px->length = px->encapsulated ? 0 : e->length;
	k->done = true;
}

static void enter(struct walk *k, const struct element *e)
{
	bool other = e->vr == VR2('O', 'B') || e->vr == VR2('O', 'W') || is_pixels(e->tag);

	k->at = e->value;
	push(k, other ? FRAGMENTS : SEQUENCE, e->length);
	if (k->done)
		return;
	if (e->vr == VR2('U', 'N')) { /* PS3.5 6.2.2, note 4 */
		k->top->explicit_vr = false;
		k->top->big = false;
	}
	if (e->tag == SHARED_GROUPS || e->tag == FRAME_GROUPS)
		k->top->groups = true;
}

static bool wanted(const struct walk *k, int row)
{
	if (row < 0 || fact_where(row) == META)
		return false;
	return depth(k) == 0 || (fact_where(row) == FRAME && k->top->groups && depth(k) <= FRAME_DEPTH);
}

static void take_value(struct walk *k, const struct element *e)
{
	int row = fact_find(e->tag);
	struct value v = {.vr = e->vr, .big = k->top->big};

	k->at = e->value;
	if (e->length > left(k)) {
		fail(k, "a value is longer than the file");
		return;
	}
	if (wanted(k, row)) {
		v.n = fact_wants(row, e->length);
		v.bytes = bytes(k, e->value, v.n);
		if (v.bytes == NULL)
			return;
		fact_put(&k->facts, row, &v);
	}
	k->at += e->length;
}

/* Without a VR a sequence of defined length looks like any value: those that hold facts are known by their tags. */
static bool known_sequence(uint32_t tag)
{
	static const uint32_t known[] = {SHARED_GROUPS, FRAME_GROUPS, PIXEL_MEASURES, PLANE_POSITION,
	    PLANE_ORIENTATION, FRAME_WINDOW, PIXEL_VALUES};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (known[i] == tag)
			return true;
	return false;
}

static bool is_sequence(const struct element *e)
{
	return e->length == UNDEFINED || e->vr == VR2('S', 'Q') || (e->vr == 0 && known_sequence(e->tag));
}

static void step(struct walk *k)
{
	struct element e;
	const uint8_t *p;

	while (k->top > k->levels && !k->top->open && k->at >= k->top->end)
		pop(k);
	if (left(k) == 0) {
		k->done = true;
		if (k->top > k->levels)
			fail(k, "the file ends inside a sequence");
		return;
	}
	if (++k->h->elements > ELEMENTS) {
		fail(k, "there are too many elements");
		return;
	}
	p = bytes(k, k->at, 8);
	if (p == NULL)
		return;
	if (get16(p, k->top->big) == 0xfffe) {
		take_delimiter(k, 0xfffe0000u | get16(p + 2, k->top->big), get32(p + 4, k->top->big));
		return;
	}
	if (k->top->kind != DATA_SET) {
		fail(k, "a sequence has something other than items in it");
		return;
	}
	if (!read_head(k, p, &e))
		return;
	if (depth(k) == 0 && is_pixels(e.tag))
		take_pixels(k, &e);
	else if (is_sequence(&e))
		enter(k, &e);
	else
		take_value(k, &e);
}

/* ---- file meta information, always explicit little endian (PS3.10 7.1) */

static void read_meta(struct walk *k)
{
	const uint8_t *p;
	struct element e;

	while (left(k) >= 8 && (p = bytes(k, k->at, 8)) != NULL && get16(p, false) == 2) {
		int row;

		if (!read_head(k, p, &e))
			return;
		row = fact_find(e.tag);
		k->at = e.value;
		if (e.length > left(k)) {
			fail(k, "the file meta information is longer than the file");
			return;
		}
		if (row >= 0 && fact_where(row) == META) {
			struct value v = {.vr = e.vr, .n = fact_wants(row, e.length)};

			v.bytes = bytes(k, e.value, v.n);
			if (v.bytes == NULL)
				return;
			fact_put(&k->facts, row, &v);
		}
		k->at += e.length;
	}
}

/* Where the file meta information or, without it, the data set begins; false when this is not DICOM. */
static bool find_start(struct walk *k)
{
	const uint8_t *p = left(k) >= PREAMBLE + 4 ? bytes(k, 0, PREAMBLE + 4) : NULL;
	uint16_t group;

	if (p && memcmp(p + PREAMBLE, "DICM", 4) == 0) {
		k->at = PREAMBLE + 4;
		return true;
	}
	p = left(k) >= 8 ? bytes(k, 0, 8) : NULL;
	if (p == NULL)
		return false;
	group = get16(p, false);
	return group == 2 || group == 8 || get16(p, true) == 8;
}

/* The data set's encoding: as declared, unless its first element says otherwise. */
static void choose_encoding(struct walk *k)
{
	const struct dicom_syntax *ts =
	    k->h->transfer_syntax ? dicom_syntax_find(k->h->transfer_syntax) : NULL;
	const uint8_t *p = left(k) >= 8 ? bytes(k, k->at, 8) : NULL;

	k->top->explicit_vr = true;
	if (ts) {
		k->top->explicit_vr = ts->explicit_vr;
		k->top->big = ts->big;
	}
	if (p == NULL)
		return;
	if (k->h->transfer_syntax == NULL) {
		k->top->big = p[0] == 0 && p[1] != 0;
		k->top->explicit_vr = vr_known(p + 4);
	} else if (!k->top->explicit_vr && vr_known(p + 4) && get16(p, false) <= 8)
		k->top->explicit_vr = true;
}

static void walk_data_set(struct walk *k)
{
	while (!k->done)
		step(k);
}

static void walk_deflated(struct walk *k, const struct dicom_source *src)
{
	struct dicom_source plain;
	struct inflater *f = inflater_new(src, k->at, &plain);

	if (f == NULL) {
		k->err = E_NOMEM;
		return;
	}
	window_release(&k->win);
	k->win = (struct window){.src = &plain};
	k->at = 0;
	choose_encoding(k);
	walk_data_set(k);
	k->h->pixels.deflated = k->h->pixels.there;
	if (!k->h->pixels.there && k->err == E_CORRUPT && k->top == k->levels && inflater_ended(f, k->at)) {
		k->h->trouble = NULL; /* that was the end of it, whose place was not known before */
		k->err = 0;
	}
	inflater_free(f);
}

int dicom_read(struct dicom_header *h, const struct dicom_source *src, struct dicom_charsets *cs)
{
	struct walk k = {.win = {.src = src}, .h = h};
	const struct dicom_syntax *ts;

	facts_start(&k.facts, h);
	k.top = k.levels;
	k.top->explicit_vr = true;
	if (!find_start(&k)) {
		k.err = k.err == E_IO ? E_IO : E_SYNTAX;
		h->trouble = "this is not DICOM";
		goto out;
	}
	read_meta(&k);
	h->data_set = k.at;
	h->bare = k.at == 0;
	ts = h->transfer_syntax ? dicom_syntax_find(h->transfer_syntax) : NULL;
	if (k.done)
		goto out;
	if (ts && ts->deflated)
		walk_deflated(&k, src);
	else {
		choose_encoding(&k);
		walk_data_set(&k);
	}
out:
	facts_finish(&k.facts, cs);
	window_release(&k.win);
	return k.err;
}
