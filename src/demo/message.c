/*
 * Writes the messages as two kinds of RIS do: ORM^O01 of HL7 2.3.1 (accession in OBR-18, priority in
 * OBR-27, Study Instance UID in ZDS-1) and OMI^O23 of 2.5.1 (IPC and TQ1).
 *
 *     ORC|NW|P4801|F4801||SC||^^^20261121140700^^S||20261121140200|||D1041^HART^EVELYN^^^DR
 *
 * A segment is written field by field: seg() names it, at() moves on to a field's number, and text from
 * outside the table of constants goes through put(), which escapes delimiters (chapter 2.7).
 */
#include "config.h"

#include "demo_int.h"

#include <stdio.h>
#include <string.h>

#include "wetread/text.h"

struct seg {
	struct buf *out;
	int field;
};

static struct seg seg(struct buf *out, const char *name)
{
	buf_adds(out, name);
	return (struct seg){out, 0};
}

static struct buf *at(struct seg *s, int field)
{
	for (; s->field < field; s->field++)
		buf_addc(s->out, '|');
	return s->out;
}

static void end(struct seg *s)
{
	buf_addc(s->out, '\r');
}

static void put(struct buf *out, const char *s)
{
	static const char from[] = "|^&~\\", to[] = "FSTRE";

	for (; s && *s; s++) {
		const char *hit = strchr(from, *s);

		if (hit)
			buf_addf(out, "\\%c\\", to[hit - from]);
		else
			buf_addc(out, *s);
	}
}

/* TS in the site's zone; 2.5.1 senders write the offset, 2.3.1 ones leave it to the receiver to know. */
static void put_time(struct buf *out, const struct demo_site *site, int64_t t)
{
	struct when_parts p;

	if (!t)
		return;
	when_local(t, site->zone, &p);
	buf_addf(out, "%04d%02d%02d%02d%02d%02d", p.year, p.month, p.day, p.hour, p.minute, p.second);
	if (site->omi)
		buf_addf(out, "%c%02d%02d", p.offset < 0 ? '-' : '+',
		    (p.offset < 0 ? -p.offset : p.offset) / 3600,
		    (p.offset < 0 ? -p.offset : p.offset) / 60 % 60);
}

static void write_msh(
    struct buf *out, const struct demo_site *site, const char *type, int64_t t, const char *msgid)
{
	buf_addf(out, "MSH|^~\\&|%s|%s|WETREAD|NIGHTHAWK|", site->app, site->facility);
	put_time(out, site, t);
	buf_addf(out, "||%s|%s|P|%s||||||%s\r", type, msgid, site->omi ? "2.5.1" : "2.3.1",
	    site->latin1 ? "8859/1" : "UNICODE UTF-8");
}

static void write_pid(struct buf *out, const struct order *o)
{
	struct seg s = seg(out, "PID");

	buf_adds(at(&s, 1), "1");
	buf_addf(at(&s, 3), "%s^^^%s^MR", o->mrn, o->site->authority);
	buf_adds(at(&s, 5), o->patient->name);
	/* day and month follow from the number, so that the same patient always has the same birthday */
	unsigned sum = (unsigned)o->patient->born * 31u + (unsigned char)o->patient->name[0];
	buf_addf(at(&s, 7), "%04d%02u%02u", o->patient->born, o->patient->born == 2026 ? 11 : sum % 12 + 1,
	    sum % 28 + 1);
	buf_addc(at(&s, 8), o->patient->sex);
	end(&s);
}

static void write_pv1(struct buf *out, const struct order *o)
{
	struct seg s = seg(out, "PV1");

	buf_adds(at(&s, 1), "1");
	buf_addc(at(&s, 2), o->class);
	buf_adds(at(&s, 3), o->loc);
	buf_adds(at(&s, 7), o->doctor);
	buf_adds(at(&s, 19), o->visit);
	end(&s);
}

static void write_orc(
    struct buf *out, const struct order *o, const char *control, const char *status, int64_t t)
{
	struct seg s = seg(out, "ORC");

	buf_adds(at(&s, 1), control);
	buf_adds(at(&s, 2), o->placer);
	buf_adds(at(&s, 3), o->filler);
	buf_adds(at(&s, 5), status);
	if (!o->site->omi) {
		buf_adds(at(&s, 7), "^^^");
		put_time(out, o->site, o->ordered);
		buf_addf(out, "^^%c", o->prio);
	}
	put_time(at(&s, 9), o->site, t);
	buf_adds(at(&s, 12), o->doctor);
	put(at(&s, 14), o->site->phone);
	end(&s);
}

static void write_obr(struct buf *out, const struct order *o, char status, int64_t reported)
{
	struct seg s = seg(out, "OBR");

	buf_adds(at(&s, 1), "1");
	buf_adds(at(&s, 2), o->placer);
	buf_adds(at(&s, 3), o->filler);
	buf_addf(at(&s, 4), "%s^", o->exam->code);
	put(out, o->exam->text);
	buf_adds(out, "^L");
	put_time(at(&s, 6), o->site, o->ordered);
	put_time(at(&s, 7), o->site, o->begun);
	put_time(at(&s, 8), o->site, o->ended);
	put(at(&s, 13), o->reason);
	buf_adds(at(&s, 15), o->exam->body);
	buf_adds(at(&s, 16), o->doctor);
	put(at(&s, 17), o->site->phone);
	buf_adds(at(&s, 18), o->accession);
	buf_adds(at(&s, 19), o->accession);
	buf_addf(at(&s, 20), "%s-1", o->accession);
	put_time(at(&s, 22), o->site, reported);
	buf_adds(at(&s, 24), o->exam->modality);
	if (status)
		buf_addc(at(&s, 25), status);
	buf_addf(at(&s, 27), "^^^^^%c", o->prio);
	put(at(&s, 31), o->reason);
	buf_adds(at(&s, 34), "T77&ADEYEMI&RUTH");
	end(&s);
}

static void write_tail(struct buf *out, const struct order *o)
{
	if (!o->site->omi) {
		buf_addf(out, "ZDS|%s^WETREAD^Application^DICOM\r", o->uid);
		return;
	}
	struct seg s = seg(out, "IPC");
	buf_adds(at(&s, 1), o->accession);
	buf_adds(at(&s, 2), o->accession);
	buf_adds(at(&s, 3), o->uid);
	buf_addf(at(&s, 4), "%s-1", o->accession);
	buf_adds(at(&s, 5), o->exam->modality);
	end(&s);
}

static void write_tq1(struct buf *out, const struct order *o)
{
	struct seg s = seg(out, "TQ1");

	buf_adds(at(&s, 1), "1");
	put_time(at(&s, 7), o->site, o->ordered);
	buf_addc(at(&s, 9), o->prio);
	end(&s);
}

/* A sender that declares ISO 8859-1 must write it: every character of its own that has one byte there. */
static void to_latin1(struct buf *b)
{
	size_t to = 0;

	for (size_t i = 0; i < b->len;) {
		uint32_t cp;

		i += utf8_decode(b->data + i, b->len - i, &cp);
		b->data[to++] = (char)(cp < 256 ? cp : '?');
	}
	b->len = to;
	b->data[to] = '\0';
}

static void finish(struct buf *out, const struct demo_site *site)
{
	if (site->latin1 && out->len)
		to_latin1(out);
}

void write_order(struct buf *out, const struct order *o, const char *control, const char *status, int64_t t,
    const char *msgid)
{
	write_msh(out, o->site, o->site->omi ? "OMI^O23^OMI_O23" : "ORM^O01", t, msgid);
	write_pid(out, o);
	write_pv1(out, o);
	write_orc(out, o, control, status, t);
	if (o->site->omi)
		write_tq1(out, o);
	write_obr(out, o, 0, 0);
	write_tail(out, o);
	finish(out, o->site);
}

static void write_obx(
    struct buf *out, int n, const char *type, const char *code, const char *value, char flag, char status)
{
	struct seg s = seg(out, "OBX");

	buf_addf(at(&s, 1), "%d", n);
	buf_adds(at(&s, 2), type);
	buf_adds(at(&s, 3), code);
	put(at(&s, 5), value);
	if (flag)
		buf_addf(at(&s, 8), "%c%c", flag, flag);
	buf_addc(at(&s, 11), status);
	end(&s);
}

void write_result(
    struct buf *out, const struct order *o, char status, const char *text, int64_t t, const char *msgid)
{
	write_msh(out, o->site, o->site->omi ? "ORU^R01^ORU_R01" : "ORU^R01", t, msgid);
	write_pid(out, o);
	write_orc(out, o, "RE", "CM", t);
	write_obr(out, o, status, t);
	write_obx(out, 1, "TX", "18748-4^Diagnostic imaging study^LN", text, 0, status);
	finish(out, o->site);
}

void write_ai(
    struct buf *out, const struct order *o, const char *finding, double score, int64_t t, const char *msgid)
{
	char value[16];

	buf_addf(out, "MSH|^~\\&|TRIAGE|%s|WETREAD|NIGHTHAWK|", o->site->facility);
	put_time(out, o->site, t);
	buf_addf(out, "||ORU^R01|%s|P|2.3.1||||||UNICODE UTF-8\r", msgid);
	write_pid(out, o);
	write_obr(out, o, 'P', t);
	snprintf(value, sizeof(value), "%.2f", score);
	write_obx(out, 1, "TX", "AIFIND^Finding^L", finding, 'A', 'P');
	write_obx(out, 2, "NM", "AISCORE^Score^L", value, 0, 'P');
}

void write_merge(struct buf *out, const struct order *o, const char *retired, int64_t t, const char *msgid)
{
	write_msh(out, o->site, o->site->omi ? "ADT^A40^ADT_A39" : "ADT^A40", t, msgid);
	buf_adds(out, "EVN|A40|");
	put_time(out, o->site, t);
	buf_addc(out, '\r');
	write_pid(out, o);
	buf_addf(out, "MRG|%s^^^%s^MR\r", retired, o->site->authority);
	finish(out, o->site);
}

void write_rename(struct buf *out, const struct order *o, int64_t t, const char *msgid)
{
	write_msh(out, o->site, o->site->omi ? "ADT^A08^ADT_A01" : "ADT^A08", t, msgid);
	buf_adds(out, "EVN|A08|");
	put_time(out, o->site, t);
	buf_addc(out, '\r');
	write_pid(out, o);
	write_pv1(out, o);
	finish(out, o->site);
}
