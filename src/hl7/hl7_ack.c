/*
 * The acknowledgement (2.9.2), e.g. for an order from RIS|MEADOW to RQ|TELERAD:
 *
 *	MSH|^~\&|RQ|TELERAD|RIS|MEADOW|20260302061418+0000||ACK^O23^ACK|wr42|P|2.5.1
 *	MSA|AE|MX02221538|there is no PID segment
 *	ERR|||100^Segment sequence error^HL70357|E||||there is no PID segment
 *
 * Everything the sender will compare is echoed as its bytes came, MSH-10 above all.
 */
#include "config.h"

#include "wetread/hl7_map.h"

#include <stdio.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/mllp.h"

#define MAX_TEXT 80

/* Delimiters of the answer: the sender's where they can be used. */
struct marks {
	char sep, comp, esc;
	const char *all; /* MSH-2 */
	size_t nall;
};

static struct marks marks_of(const struct hl7_msg *m)
{
	struct hl7_val enc = hl7_raw_msh(m, 2);

	if (m->comp == '\0' || enc.kind != HL7_TEXT)
		return (struct marks){'|', '^', '\\', "^~\\&", 4};
	return (struct marks){m->sep, m->comp, m->esc, enc.p, enc.n};
}

/* Fields of a header that could not be read are only echoed when they are in the usual form. */
static struct hl7_val echoed(const struct hl7_msg *m, int field)
{
	if (m->comp == '\0' && !(m->headed && m->rawlen > 3 && m->raw[3] == '|'))
		return (struct hl7_val){NULL, 0, HL7_ABSENT};
	return hl7_raw_msh(m, field);
}

static void put(struct buf *b, char sep, struct hl7_val v)
{
	buf_addc(b, sep);
	if (v.n)
		buf_add(b, v.p, v.n);
}

static void put_or(struct buf *b, char sep, struct hl7_val v, const char *dflt)
{
	if (v.kind == HL7_TEXT)
		put(b, sep, v);
	else
		buf_addf(b, "%c%s", sep, dflt);
}

static void put_time(struct buf *b, const struct hl7_verdict *v)
{
	struct when_parts t;
	int east;

	when_local(v->now, v->zone, &t);
	east = t.offset < 0 ? -t.offset : t.offset;
	buf_addf(b, "%04d%02d%02d%02d%02d%02d%c%02d%02d", t.year, t.month, t.day, t.hour, t.minute, t.second,
	    t.offset < 0 ? '-' : '+', east / 3600, east / 60 % 60);
}

static void put_type(struct buf *b, const struct hl7_msg *m, const struct marks *k)
{
	struct hl7_val type = echoed(m, 9);
	const char *at = type.n && m->comp ? memchr(type.p, k->comp, type.n) : NULL, *end;

	buf_adds(b, "ACK");
	if (at == NULL)
		return;
	at++;
	end = memchr(at, k->comp, (size_t)(type.p + type.n - at));
	if (end == NULL)
		end = type.p + type.n;
	if (end == at)
		return;
	buf_addc(b, k->comp);
	buf_add(b, at, (size_t)(end - at));
	buf_addf(b, "%cACK", k->comp);
}

/* Our own words: ASCII, short, and never a delimiter. */
static void put_text(struct buf *b, const struct marks *k, const char *text)
{
	for (size_t i = 0; text && text[i] && i < MAX_TEXT; i++) {
		char c = text[i];
		bool mark = c == k->sep || memchr(k->all, c, k->nall);

		buf_addc(b, c < ' ' || c > '~' || mark ? ' ' : c);
	}
}

static const char *error_name(int code)
{
	static const struct {
		int code;
		const char *name;
	} names[] = {
	    {100, "Segment sequence error"},
	    {101, "Required field missing"},
	    {102, "Data type error"},
	    {103, "Table value not found"},
	    {200, "Unsupported message type"},
	    {201, "Unsupported event code"},
	    {202, "Unsupported processing id"},
	    {203, "Unsupported version id"},
	    {204, "Unknown key identifier"},
	    {205, "Duplicate key identifier"},
	    {206, "Application record locked"},
	    {207, "Application internal error"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (names[i].code == code)
			return names[i].name;
	return "Application internal error";
}

static void put_header(
    struct buf *b, const struct hl7_msg *m, const struct marks *k, const struct hl7_verdict *v)
{
	buf_addf(b, "MSH%c", k->sep);
	buf_add(b, k->all, k->nall);
	put(b, k->sep, echoed(m, 5));
	put(b, k->sep, echoed(m, 6));
	put(b, k->sep, echoed(m, 3));
	put(b, k->sep, echoed(m, 4));
	buf_addc(b, k->sep);
	put_time(b, v);
	buf_addf(b, "%c%c", k->sep, k->sep);
	put_type(b, m, k);
	buf_addf(b, "%c%s", k->sep, v->id);
	put_or(b, k->sep, echoed(m, 11), "P");
	put_or(b, k->sep, echoed(m, 12), "2.5");
	if (echoed(m, 18).kind == HL7_TEXT) {
		buf_addf(b, "%c%c%c%c%c", k->sep, k->sep, k->sep, k->sep, k->sep);
		put(b, k->sep, echoed(m, 18));
	}
	buf_addc(b, '\r');
}

static void put_answer(
    struct buf *b, const struct hl7_msg *m, const struct marks *k, const struct hl7_verdict *v)
{
	static const char *const words[] = {"AA", "AE", "AR"}, *const commits[] = {"CA", "CE", "CR"};

	buf_addf(b, "MSA%c%s", k->sep, (v->commit ? commits : words)[v->answer]);
	put(b, k->sep, echoed(m, 10));
	if (v->text) {
		buf_addc(b, k->sep);
		put_text(b, k, v->text);
	}
	buf_addc(b, '\r');
	if (v->answer == HL7_AA || v->code == 0)
		return;
	buf_addf(b, "ERR%c%c%c%d%c%s%cHL70357%cE%c%c%c%c", k->sep, k->sep, k->sep, v->code, k->comp,
	    error_name(v->code), k->comp, k->sep, k->sep, k->sep, k->sep, k->sep);
	put_text(b, k, v->text);
	buf_addc(b, '\r');
}

/* MSH-15 (table 0155) decides in enhanced mode; ours is always one answer. */
static bool wanted(const struct hl7_msg *m, const struct hl7_verdict *v)
{
	struct hl7_val when = echoed(m, 15);
	bool good = v->answer == HL7_AA;

	if (v->answer == HL7_NONE)
		return false;
	if (!v->commit || when.n < 2)
		return true;
	if (memcmp(when.p, "NE", 2) == 0)
		return false;
	if (memcmp(when.p, "ER", 2) == 0)
		return !good;
	return memcmp(when.p, "SU", 2) != 0 || good;
}

int hl7_ack(const struct hl7_msg *m, const struct hl7_verdict *v, struct buf *out)
{
	struct marks k = marks_of(m);

	if (!wanted(m, v))
		return 0;
	buf_addc(out, MLLP_VT);
	put_header(out, m, &k, v);
	put_answer(out, m, &k, v);
	buf_addc(out, MLLP_FS);
	buf_addc(out, '\r');
	return out->failed ? E_LIMIT : 0;
}
