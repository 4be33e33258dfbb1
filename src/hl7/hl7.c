/*
 * From bytes to fields:
 *
 *	VT FHS.. BHS.. MSH|^~\&|RIS|..|8859/1 CR PID|1||M42 CR MSH|.. BTS.. FTS.. FS
 *	               \_____ one message ____________________/\_ the next _/
 *
 * Lines are cut on raw bytes (no character set in use has CR or LF as a trail byte), MSH-18 is read from the raw MSH,
 * which is ASCII up to there, then the whole message becomes UTF-8 and only now is split at its delimiters.
 */
#include "config.h"

#include "wetread/hl7.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "hl7_int.h"
#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"

static const struct hl7_val absent = {NULL, 0, HL7_ABSENT};

static bool line_end(char c)
{
	return c == '\r' || c == '\n';
}

static bool ignorable(char c)
{
	return line_end(c) || hl7_blank(c) || c == '\0';
}

static bool begins(const char *s, size_t n, const char *name)
{
	return n >= 3 && memcmp(s, name, 3) == 0;
}

static bool envelope(const char *s, size_t n)
{
	return begins(s, n, "FHS") || begins(s, n, "BHS") || begins(s, n, "BTS") || begins(s, n, "FTS");
}

/* Where the line after the one at i begins (its first byte that says something), or n. */
static size_t line_next(const char *s, size_t n, size_t i)
{
	while (i < n && !line_end(s[i]))
		i++;
	while (i < n && ignorable(s[i]))
		i++;
	return i;
}

static size_t line_first(const char *s, size_t n)
{
	size_t i = 0;

	if (n >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0)
		i = 3;
	while (i < n && ignorable(s[i]))
		i++;
	return i;
}

bool hl7_next(const char *frame, size_t n, size_t *at, struct hl7_val *raw)
{
	bool whole = *at == 0;
	size_t first = line_first(frame, n), i = whole ? first : *at, end;

	while (whole && i < n && envelope(frame + i, n - i))
		i = line_next(frame, n, i);
	if (i >= n && (!whole || first >= n))
		return false;
	if (i >= n || !begins(frame + i, n - i, "MSH")) { /* no header: refused as it came */
		*raw = (struct hl7_val){frame, n, HL7_TEXT};
		*at = n;
		return true;
	}
	end = line_next(frame, n, i);
	while (end < n && !begins(frame + end, n - end, "MSH"))
		end = line_next(frame, n, end);
	*raw = (struct hl7_val){frame + i, end - i, HL7_TEXT};
	*at = end;
	return true;
}

/* ---- the header */

static bool is_utf16(const char *s, size_t n)
{
	return n >= 6 && (memcmp(s, "\xff\xfe", 2) == 0 || memcmp(s, "\xfe\xff", 2) == 0 ||
	                     memcmp(s, "M\0S\0H\0", 6) == 0 || memcmp(s, "\0M\0S\0H", 6) == 0);
}

static bool delimiter_ok(const char *all, size_t i)
{
	unsigned char c = (unsigned char)all[i];

	return c > ' ' && c < 0x7f && !isalnum(c) && memchr(all, c, i) == NULL;
}

/* all is MSH-1 and MSH-2 together. */
static bool set_delimiters(struct hl7_msg *m, const char *all, size_t n)
{
	if (n < 2 || n > 6)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!delimiter_ok(all, i))
			return false;
	m->sep = all[0];
	m->comp = all[1];
	m->rep = n > 2 ? all[2] : '\0';
	m->esc = n > 3 ? all[3] : '\0';
	m->sub = n > 4 ? all[4] : '\0';
	if (n < 5)
		m->odd |= HL7_ODD_DELIMS;
	if (n == 4 && m->esc == '&') { /* the escape character got lost on its way, not the subcomponents */
		m->sub = m->esc;
		m->esc = '\0';
	}
	return true;
}

static bool read_delimiters(struct hl7_msg *m)
{
	size_t end = 4;

	if (m->rawlen < 5)
		return false;
	while (end < m->rawlen && m->raw[end] != m->raw[3] && !line_end(m->raw[end]))
		end++;
	return set_delimiters(m, m->raw + 3, end - 3);
}

struct hl7_val hl7_raw_msh(const struct hl7_msg *m, int field)
{
	size_t from = 4, i = 4;
	int at = 2;
	bool shifted = false;

	if (!m->headed || m->rawlen < 4)
		return absent;
	if (field == 1)
		return (struct hl7_val){m->raw + 3, 1, HL7_TEXT};
	for (; i < m->rawlen && !line_end(m->raw[i]);
	     i += charset_step(m->set, m->raw + i, m->rawlen - i, &shifted)) {
		if (m->raw[i] != m->raw[3] || shifted)
			continue;
		if (at == field)
			break;
		at++;
		from = i + 1;
	}
	if (at != field)
		return absent;
	return (struct hl7_val){m->raw + from, i - from, i > from ? HL7_TEXT : HL7_EMPTY};
}

/* The sets MSH-18 names: the first that is known, but any ISO 2022 set among its repetitions decides. */
static const struct charset *declared(struct hl7_msg *m)
{
	struct hl7_val v = hl7_raw_msh(m, 18);
	const struct charset *best = NULL;
	size_t i = 0, n = v.n;

	if (n >= 2 && m->comp && memchr(v.p, m->comp, n))
		n = (size_t)((char *)memchr(v.p, m->comp, n) - v.p);
	while (i < n) {
		size_t end = i;
		const struct charset *cs;

		while (end < n && v.p[end] != m->rep)
			end++;
		cs = end > i ? charset_find(v.p + i, end - i) : NULL;
		if (end > i && cs == NULL)
			m->odd |= HL7_ODD_CHARSET;
		if (cs && (best == NULL || cs->kind == CHARSET_ESC))
			best = cs;
		i = end + 1;
	}
	return best;
}

static bool has_8bit(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] >= 0x80)
			return true;
	return false;
}

static const struct charset *choose_charset(struct hl7_msg *m, const char *preset, bool bom)
{
	const struct charset *cs = declared(m);
	bool high = has_8bit(m->raw, m->rawlen);

	if (bom)
		return charset_find("UTF-8", 5);
	if (cs && !(high && strcmp(cs->what, "ascii") == 0))
		return cs;
	if (preset && (cs == NULL || high))
		return charset_find(preset, strlen(preset));
	if (!high)
		return charset_find("ASCII", 5);
	m->odd |= HL7_ODD_UNDECLARED;
	return charset_guess(m->raw, m->rawlen);
}

/* ---- text and segments */

static void drop_nuls(struct hl7_msg *m, struct buf *b)
{
	size_t to = 0;

	for (size_t i = 0; i < b->len; i++)
		if (b->data[i] != '\0')
			b->data[to++] = b->data[i];
	if (to < b->len)
		m->odd |= HL7_ODD_NUL;
	b->len = to;
	b->data[to] = '\0';
}

static int decode(struct hl7_msg *m, const char *preset, bool bom)
{
	struct buf out = BUF_INIT(m->rawlen * 3 + 16);
	bool bad;
	int rc;

	m->set = choose_charset(m, preset, bom);
	if (m->set == NULL)
		m->set = charset_guess(m->raw, m->rawlen);
	rc = charset_decode(m->set, m->raw, m->rawlen, &out, &bad);
	if (rc == 0 && out.data == NULL)
		rc = E_SYNTAX;
	if (rc < 0) {
		buf_release(&out);
		return rc;
	}
	drop_nuls(m, &out);
	m->charset = m->set->what;
	if (bad)
		m->odd |= HL7_ODD_BYTES;
	m->len = out.len;
	m->text = buf_take(&out);
	return 0;
}

static void name_segment(struct hl7_msg *m, struct hl7_seg *s)
{
	s->name[0] = '\0';
	if (s->n < 3 || (s->n > 3 && s->p[3] != m->sep) || !isalpha((unsigned char)s->p[0])) {
		m->odd |= HL7_ODD_NAMES;
		return;
	}
	for (int i = 0; i < 3; i++) {
		unsigned char c = (unsigned char)s->p[i];

		if (!isalnum(c)) {
			s->name[0] = '\0';
			m->odd |= HL7_ODD_NAMES;
			return;
		}
		if (islower(c))
			m->odd |= HL7_ODD_LOWERCASE;
		s->name[i] = (char)toupper(c);
	}
	s->name[3] = '\0';
}

static int add_segment(struct hl7_msg *m, size_t *cap, const char *p, size_t n)
{
	if (m->nsegs == HL7_MAX_SEGS)
		return E_LIMIT;
	if (m->nsegs == *cap) {
		*cap = *cap ? *cap * 2 : 32;
		m->segs = xreallocarray(m->segs, *cap, sizeof(*m->segs));
	}
	m->segs[m->nsegs] = (struct hl7_seg){.p = p, .n = n};
	name_segment(m, &m->segs[m->nsegs++]);
	return 0;
}

static int index_segments(struct hl7_msg *m)
{
	size_t cap = 0;

	for (size_t i = 0; i < m->len;) {
		size_t end = i;

		while (end < m->len && !line_end(m->text[end]))
			end++;
		while (i < end && hl7_blank(m->text[i]))
			i++;
		if (end > i && add_segment(m, &cap, m->text + i, end - i) < 0)
			return E_LIMIT;
		i = end + 1;
	}
	return 0;
}

int hl7_parse(struct hl7_msg *m, const char *raw, size_t n, const char *charset)
{
	bool bom = n >= 3 && memcmp(raw, "\xef\xbb\xbf", 3) == 0;
	size_t skip = line_first(raw, n);
	int rc;

	*m = (struct hl7_msg){.charset = ""};
	m->utf16 = is_utf16(raw, n);
	m->raw = raw + skip;
	m->rawlen = n - skip;
	m->headed = begins(m->raw, m->rawlen, "MSH");
	m->set = charset_find("ASCII", 5);
	if (!m->headed || !read_delimiters(m))
		return E_SYNTAX;
	rc = decode(m, charset, bom);
	return rc < 0 ? rc : index_segments(m);
}

void hl7_release(struct hl7_msg *m)
{
	free(m->text);
	free(m->segs);
	*m = (struct hl7_msg){.charset = ""};
}

/* ---- access */

bool hl7_is(const struct hl7_msg *m, size_t seg, const char *name)
{
	return seg < m->nsegs && strcmp(m->segs[seg].name, name) == 0;
}

long hl7_find(const struct hl7_msg *m, const char *name, size_t nth)
{
	for (size_t i = 0; i < m->nsegs; i++)
		if (hl7_is(m, i, name) && nth-- == 0)
			return (long)i;
	return -1;
}

static struct hl7_val value(const char *p, size_t n)
{
	size_t from = 0, end = n;

	while (from < end && hl7_blank(p[from]))
		from++;
	while (end > from && hl7_blank(p[end - 1]))
		end--;
	if (from == end)
		return (struct hl7_val){p, n, HL7_EMPTY};
	if (end - from == 2 && p[from] == '"' && p[from + 1] == '"')
		return (struct hl7_val){p, n, HL7_NULL};
	return (struct hl7_val){p, n, HL7_TEXT};
}

/* The nth (from 1) of the parts of s that sep divides. */
static struct hl7_val part(const char *s, size_t n, char sep, size_t nth)
{
	const char *end = s + n;

	while (s <= end && nth > 0) {
		const char *stop = sep && s < end ? memchr(s, sep, (size_t)(end - s)) : NULL;

		if (stop == NULL)
			stop = end;
		if (--nth == 0)
			return value(s, (size_t)(stop - s));
		s = stop + 1;
	}
	return absent;
}

struct hl7_val hl7_field(const struct hl7_msg *m, long seg, int field)
{
	const struct hl7_seg *s;

	if (seg < 0 || (size_t)seg >= m->nsegs || field < 1)
		return absent;
	s = &m->segs[seg];
	if (strcmp(s->name, "MSH") == 0) {
		if (field == 1)
			return s->n > 3 ? value(s->p + 3, 1) : absent;
		field--;
	}
	if (s->n < 4)
		return absent;
	return part(s->p + 4, s->n - 4, m->sep, (size_t)field);
}

static struct hl7_val inner(struct hl7_val v, char sep, size_t nth)
{
	if (v.kind == HL7_ABSENT)
		return absent;
	return part(v.p, v.n, sep, nth);
}

struct hl7_val hl7_rep(const struct hl7_msg *m, struct hl7_val field, size_t rep)
{
	return inner(field, m->rep, rep);
}

struct hl7_val hl7_comp(const struct hl7_msg *m, struct hl7_val rep, size_t comp)
{
	return inner(rep, m->comp, comp);
}

struct hl7_val hl7_sub(const struct hl7_msg *m, struct hl7_val comp, size_t sub)
{
	return inner(comp, m->sub, sub);
}

size_t hl7_reps(const struct hl7_msg *m, struct hl7_val field)
{
	size_t reps = 1;

	if (field.kind == HL7_ABSENT)
		return 0;
	for (size_t i = 0; m->rep && i < field.n; i++)
		reps += field.p[i] == m->rep;
	return reps;
}

struct hl7_val hl7_at(const struct hl7_msg *m, long seg, int field, size_t rep, size_t comp, size_t sub)
{
	return hl7_sub(m, hl7_comp(m, hl7_rep(m, hl7_field(m, seg, field), rep), comp), sub);
}
