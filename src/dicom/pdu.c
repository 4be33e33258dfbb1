/*
 * The PDUs of the upper layer that are not P-DATA-TF (PS3.8 9.3).
 *
 *     01 00 length | version, called AE, calling AE, 32 reserved bytes | items
 *     10 application context
 *     20 presentation context: id, (30 abstract syntax), (40 transfer syntax)...     one to 128 of them
 *     50 user information: (51 largest PDU), (52 implementation), (55 its version)...
 *
 * Items are type, a reserved byte, two bytes of length, value; numbers are big endian.
 */
#include "config.h"

#include "pdu_int.h"

#include <string.h>

enum item {
	APPLICATION_CONTEXT = 0x10,
	CONTEXT_OFFERED = 0x20,
	CONTEXT_ANSWERED = 0x21,
	ABSTRACT_SYNTAX = 0x30,
	TRANSFER_SYNTAX = 0x40,
	USER_INFORMATION = 0x50,
	LARGEST_PDU = 0x51,
	IMPLEMENTATION_UID = 0x52,
	IMPLEMENTATION_VERSION = 0x55,
};

enum { FIXED = 68, TITLE = 16 };
enum context_result { CONTEXT_ACCEPTED = 0, CONTEXT_NO_CLASS = 3, CONTEXT_NO_SYNTAX = 4 };

static const char application_context[] = "1.2.840.10008.3.1.1.1", implicit_little[] = "1.2.840.10008.1.2",
                  verification[] = "1.2.840.10008.1.1", storage_root[] = "1.2.840.10008.5.1.4.1.1.",
                  standard_root[] = "1.2.840.10008.";

struct rejection {
	uint8_t result, source, reason;
	const char *text;
};
static const struct rejection rejections[] = {
#define REJECT(name, result, source, reason, text) [ASSOC_REJECT_##name] = {result, source, reason, text},
#include "dicom_reject.def"
#undef REJECT
};

const char *assoc_reject_text(enum assoc_reject r)
{
	return rejections[r].text;
}

/* A class outside the standard's own root is a vendor's: kept, for it belongs to the study. */
bool assoc_storage_class(const char *uid)
{
	return dicom_uid_ok(uid) && (strncmp(uid, storage_root, sizeof(storage_root) - 1) == 0 ||
	                                strncmp(uid, standard_root, sizeof(standard_root) - 1) != 0);
}

/* ---- bytes */

void put16(struct buf *b, uint16_t v)
{
	buf_addc(b, (char)(v >> 8));
	buf_addc(b, (char)v);
}

void put32(struct buf *b, uint32_t v)
{
	put16(b, (uint16_t)(v >> 16));
	put16(b, (uint16_t)v);
}

bool take_name(char *out, size_t max, const uint8_t *p, size_t n)
{
	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\0'))
		n--;
	while (n > 0 && *p == ' ')
		p++, n--;
	if (n > max) {
		*out = '\0';
		return false;
	}
	for (size_t i = 0; i < n; i++)
		out[i] = p[i] >= 0x20 && p[i] < 0x7f ? (char)p[i] : '?';
	out[n] = '\0';
	return true;
}

/* ---- reading a request */

struct items {
	const uint8_t *p;
	size_t n;
};
struct item_at {
	uint8_t type;
	const uint8_t *p;
	size_t n;
};

/* 1 for an item, 0 at the end, -1 when one is cut off. */
static int next_item(struct items *all, struct item_at *it)
{
	if (all->n == 0)
		return 0;
	if (all->n < 4 || net16(all->p + 2) > all->n - 4)
		return -1;
	*it = (struct item_at){all->p[0], all->p + 4, net16(all->p + 2)};
	all->p += 4 + it->n;
	all->n -= 4 + it->n;
	return 1;
}

/* Which of two transfer syntaxes to ask for: see tbl/dicom_syntax.def. */
static bool better(const char *now, const char *other)
{
	const struct dicom_syntax *a = dicom_syntax_find(now), *b = dicom_syntax_find(other);

	return !*now || (b ? b->rank : 0) > (a ? a->rank : 0);
}

static const char *read_context(struct assoc *a, const struct item_at *it)
{
	struct items sub = {it->p + 4, it->n - 4};
	struct assoc_context *c;
	struct item_at in;
	int rc;

	if (it->n < 4 || it->p[0] % 2 == 0)
		return "a presentation context has an even number";
	c = &a->contexts[(it->p[0] - 1) / 2];
	if (c->offered)
		return "two presentation contexts have the same number";
	*c = (struct assoc_context){.offered = true};
	while ((rc = next_item(&sub, &in)) > 0) {
		char uid[DICOM_UID_MAX + 1];

		if (!take_name(uid, DICOM_UID_MAX, in.p, in.n) || !dicom_uid_ok(uid))
			continue; /* nothing we could agree to */
		if (in.type == ABSTRACT_SYNTAX)
			memcpy(c->class, uid, sizeof(uid));
		else if (in.type == TRANSFER_SYNTAX && better(c->syntax, uid))
			memcpy(c->syntax, uid, sizeof(uid));
	}
	c->accepted = *c->syntax && (assoc_storage_class(c->class) || strcmp(c->class, verification) == 0);
	return rc < 0 ? "an item of a presentation context is cut off" : NULL;
}

static const char *read_user(struct assoc *a, const struct item_at *it)
{
	struct items sub = {it->p, it->n};
	struct item_at in;
	int rc;

	while ((rc = next_item(&sub, &in)) > 0) {
		if (in.type == LARGEST_PDU && in.n == 4)
			a->peer_pdu = net32(in.p);
		else if (in.type == IMPLEMENTATION_VERSION)
			take_name(a->version, DICOM_AE_MAX, in.p, in.n);
	}
	return rc < 0 ? "an item of the user information is cut off" : NULL;
}

static const char *read_item(struct assoc *a, const struct item_at *it, int *reject)
{
	char uid[DICOM_UID_MAX + 1];

	switch (it->type) {
	case APPLICATION_CONTEXT:
		if (!take_name(uid, DICOM_UID_MAX, it->p, it->n) || strcmp(uid, application_context) != 0)
			*reject = ASSOC_REJECT_CONTEXT;
		return NULL;
	case CONTEXT_OFFERED:
		return read_context(a, it);
	case USER_INFORMATION:
		return read_user(a, it);
	default:
		return NULL; /* PS3.8 9.3.1: what is not known is ignored */
	}
}

const char *pdu_read_request(struct assoc *a, const uint8_t *p, size_t n, int *reject)
{
	struct items all;
	const char *why = NULL;
	struct item_at it;
	int rc = 0;

	*reject = -1;
	if (n < FIXED)
		return "the request is too short";
	all = (struct items){p + FIXED, n - FIXED};
	if ((net16(p) & 1) == 0)
		*reject = ASSOC_REJECT_PROTOCOL;
	memcpy(a->titles, p + 4, sizeof(a->titles));
	take_name(a->called, DICOM_AE_MAX, p + 4, TITLE);
	take_name(a->calling, DICOM_AE_MAX, p + 4 + TITLE, TITLE);
	while (!why && (rc = next_item(&all, &it)) > 0)
		why = read_item(a, &it, reject);
	return rc < 0 ? "an item of the request is cut off" : why;
}

/* ---- writing */

static void write_head(struct buf *b, enum pdu type, size_t n)
{
	buf_addc(b, (char)type);
	buf_addc(b, 0);
	put32(b, (uint32_t)n);
}

static void write_item(struct buf *b, enum item type, const void *p, size_t n)
{
	buf_addc(b, (char)type);
	buf_addc(b, 0);
	put16(b, (uint16_t)n);
	buf_add(b, p, n);
}

static void write_context(struct buf *b, size_t i, const struct assoc_context *c)
{
	const char *syntax = c->accepted ? c->syntax : implicit_little; /* not significant when refused */
	bool known = assoc_storage_class(c->class) || strcmp(c->class, verification) == 0;
	struct buf in = BUF_INIT(128);

	buf_addc(&in, (char)(i * 2 + 1));
	buf_addc(&in, 0);
	buf_addc(&in, c->accepted ? CONTEXT_ACCEPTED : known ? CONTEXT_NO_SYNTAX : CONTEXT_NO_CLASS);
	buf_addc(&in, 0);
	write_item(&in, TRANSFER_SYNTAX, syntax, strlen(syntax));
	write_item(b, CONTEXT_ANSWERED, in.data, in.len);
	buf_release(&in);
}

static void write_user(struct buf *b, uint32_t max_pdu)
{
	struct buf in = BUF_INIT(256);

	buf_add(&in, (const char[]){LARGEST_PDU, 0, 0, 4}, 4);
	put32(&in, max_pdu);
	write_item(&in, IMPLEMENTATION_UID, ASSOC_IMPLEMENTATION, sizeof(ASSOC_IMPLEMENTATION) - 1);
	write_item(&in, IMPLEMENTATION_VERSION, ASSOC_VERSION, sizeof(ASSOC_VERSION) - 1);
	write_item(b, USER_INFORMATION, in.data, in.len);
	buf_release(&in);
}

void pdu_write_accept(const struct assoc *a, struct buf *out)
{
	struct buf b = BUF_INIT(64 << 10);

	put16(&b, 1);
	put16(&b, 0);
	buf_add(&b, a->titles, sizeof(a->titles));
	write_item(&b, APPLICATION_CONTEXT, application_context, sizeof(application_context) - 1);
	for (size_t i = 0; i < ASSOC_CONTEXTS; i++)
		if (a->contexts[i].offered)
			write_context(&b, i, &a->contexts[i]);
	write_user(&b, a->max_pdu);
	write_head(out, PDU_ACCEPT, b.len);
	buf_add(out, b.data, b.len);
	buf_release(&b);
}

void pdu_write_reject(enum assoc_reject r, struct buf *out)
{
	const struct rejection *x = &rejections[r];

	write_head(out, PDU_REJECT, 4);
	buf_add(out, (const uint8_t[]){0, x->result, x->source, x->reason}, 4);
}

void pdu_write_released(struct buf *out)
{
	write_head(out, PDU_RELEASED, 4);
	put32(out, 0);
}

void pdu_write_abort(enum abort_reason reason, bool by_provider, struct buf *out)
{
	write_head(out, PDU_ABORT, 4);
	buf_add(out, (const uint8_t[]){0, 0, by_provider ? 2 : 0, (uint8_t)(by_provider ? reason : 0)}, 4);
}
