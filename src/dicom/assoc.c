/*
 * The acceptor's machine (PS3.8 9.2), fed with bytes as they come.
 *
 *     WAITING --A-ASSOCIATE-RQ--> ASKED --accept--> OPEN --P-DATA...--> OPEN --A-RELEASE-RQ--> OVER
 *
 * A PDU is six bytes of head and a body.  Bodies other than P-DATA-TF's are small and collected; a P-DATA-TF is taken
 * apart on the way: each presentation data value in it is six bytes of head and a fragment, of a command set (collected)
 * or of an object (handed on).
 */
#include "config.h"

#include "pdu_int.h"

#include <string.h>

enum { REQUEST_MAX = 64 << 10, SMALL_MAX = 256, COMMAND_MAX = 8 << 10, OUT_MAX = 256 << 10, HEAD = 6 };

void assoc_init(struct assoc *a, uint32_t max_pdu)
{
	memset(a, 0, sizeof(*a));
	a->max_pdu = max_pdu < ASSOC_PDU_MIN   ? ASSOC_PDU_MIN
	             : max_pdu > ASSOC_PDU_MAX ? ASSOC_PDU_MAX
	                                       : max_pdu;
	buf_init(&a->out, OUT_MAX);
	buf_init(&a->in, REQUEST_MAX);
	buf_init(&a->command, COMMAND_MAX);
}

void assoc_release(struct assoc *a)
{
	buf_release(&a->out);
	buf_release(&a->in);
	buf_release(&a->command);
}

static enum assoc_event broken(struct assoc *a, const char *why, enum abort_reason reason)
{
	a->why = why;
	a->state = ASSOC_OVER;
	pdu_write_abort(reason, true, &a->out);
	return ASSOC_BROKEN;
}

void assoc_abort(struct assoc *a)
{
	a->state = ASSOC_OVER;
	pdu_write_abort(ABORT_UNSPECIFIED, false, &a->out);
}

void assoc_accept(struct assoc *a)
{
	a->state = ASSOC_OPEN;
	pdu_write_accept(a, &a->out);
}

void assoc_reject(struct assoc *a, enum assoc_reject r)
{
	a->state = ASSOC_OVER;
	pdu_write_reject(r, &a->out);
}

/* ---- messages */

static void respond(struct assoc *a, uint16_t status)
{
	dimse_write(&a->out, a->message_context, a->command_field, a->message, a->store.class,
	    a->store.instance, status);
	a->phase = ASSOC_IDLE;
}

void assoc_answer(struct assoc *a, uint16_t status)
{
	if (a->phase == ASSOC_TO_ANSWER)
		respond(a, status);
	else if (a->phase == ASSOC_IN_OBJECT) {
		a->phase = ASSOC_IN_REFUSED;
		a->refusal = status;
	}
}

static const struct assoc_context *context_of(const struct assoc *a, uint8_t id)
{
	const struct assoc_context *c = &a->contexts[(id - 1) / 2];

	return id % 2 == 1 && c->accepted ? c : NULL;
}

/* A data set is on its way that we do not want: answer when it has passed. */
static enum assoc_event refuse(struct assoc *a, bool data_set, uint16_t status)
{
	if (data_set) {
		a->phase = ASSOC_IN_REFUSED;
		a->refusal = status;
	} else
		respond(a, status);
	return ASSOC_MORE;
}

static enum assoc_event begin_store(struct assoc *a, const struct dimse *d)
{
	const struct assoc_context *c = context_of(a, a->message_context);

	if (!d->data_set)
		return broken(a, "a C-STORE comes without an object", ABORT_BAD_VALUE);
	if (!d->class_ok || strcmp(d->class, c->class) != 0)
		return refuse(a, true, ASSOC_NO_CLASS);
	if (!d->instance_ok)
		return refuse(a, true, ASSOC_NO_INSTANCE);
	a->store.syntax = c->syntax;
	a->phase = ASSOC_IN_OBJECT;
	return ASSOC_STORE;
}

static enum assoc_event take_command(struct assoc *a)
{
	struct dimse d;
	const char *why = dimse_read(&d, (const uint8_t *)a->command.data, a->command.len);

	buf_clear(&a->command);
	a->phase = ASSOC_IDLE;
	if (why)
		return broken(a, why, ABORT_BAD_VALUE);
	if (d.field & RESPONSE)
		return broken(a, "an answer comes to nothing we asked", ABORT_BAD_VALUE);
	if (d.field == C_CANCEL_RQ && !d.data_set)
		return ASSOC_MORE; /* what it would cancel is done already */
	a->command_field = d.field;
	a->message = d.message;
	memcpy(a->store.class, d.class, sizeof(d.class));
	memcpy(a->store.instance, d.instance, sizeof(d.instance));
	if (d.field == C_STORE_RQ)
		return begin_store(a, &d);
	if (d.field != C_ECHO_RQ || d.data_set)
		return refuse(a, d.data_set, ASSOC_NO_OPERATION);
	respond(a, ASSOC_SUCCESS);
	return ASSOC_ECHO;
}

/* ---- presentation data values */

static enum assoc_event begin_pdv(struct assoc *a)
{
	uint32_t length = net32(a->head);
	bool command;

	a->pdv_context = a->head[4];
	a->pdv_flags = a->head[5];
	command = a->pdv_flags & PDV_COMMAND;
	if (length < 2 || length - 2 > a->pdu_left)
		return broken(a, "a data value is longer than its PDU", ABORT_BAD_VALUE);
	a->pdv_left = length - 2;
	if (!context_of(a, a->pdv_context))
		return broken(
		    a, "data comes in a presentation context that was not agreed upon", ABORT_BAD_VALUE);
	if (command ? a->phase != ASSOC_IDLE && a->phase != ASSOC_IN_COMMAND
	            : a->phase != ASSOC_IN_OBJECT && a->phase != ASSOC_IN_REFUSED)
		return broken(a,
		    command ? "a command comes before the last one was answered"
		            : "an object comes without a command",
		    ABORT_BAD_VALUE);
	if (a->phase != ASSOC_IDLE && a->pdv_context != a->message_context)
		return broken(a, "a message changes its presentation context", ABORT_BAD_VALUE);
	if (a->phase == ASSOC_IDLE) {
		a->message_context = a->pdv_context;
		a->phase = ASSOC_IN_COMMAND;
	}
	return ASSOC_MORE;
}

static enum assoc_event end_pdv(struct assoc *a)
{
	if (!(a->pdv_flags & PDV_LAST))
		return ASSOC_MORE;
	if (a->pdv_flags & PDV_COMMAND)
		return take_command(a);
	if (a->phase == ASSOC_IN_REFUSED) {
		respond(a, a->refusal);
		return ASSOC_MORE;
	}
	a->phase = ASSOC_TO_ANSWER;
	return ASSOC_STORED;
}

/* Some bytes of the fragment; *used of them. The end of a fragment is told separately from its last bytes. */
static enum assoc_event take_fragment(struct assoc *a, const uint8_t *p, size_t n, size_t *used)
{
	size_t take = n < a->pdv_left ? n : a->pdv_left;

	*used = take;
	a->pdv_left -= (uint32_t)take;
	a->pdu_left -= (uint32_t)take;
	if (a->pdv_flags & PDV_COMMAND) {
		if (buf_add(&a->command, p, take) < 0)
			return broken(a, "a command set is longer than 8 KiB", ABORT_BAD_VALUE);
		return ASSOC_MORE;
	}
	if (a->phase == ASSOC_IN_REFUSED)
		return ASSOC_MORE;
	a->piece = p;
	a->length = take;
	return ASSOC_BYTES;
}

/* ---- PDUs */

static enum assoc_event take_request(struct assoc *a)
{
	int reject;
	const char *why = pdu_read_request(a, (const uint8_t *)a->in.data, a->in.len, &reject);

	if (why)
		return broken(a, why, ABORT_BAD_VALUE);
	a->state = ASSOC_ASKED;
	if (reject < 0)
		return ASSOC_REQUEST;
	assoc_reject(a, (enum assoc_reject)reject);
	a->why = assoc_reject_text((enum assoc_reject)reject);
	return ASSOC_BROKEN;
}

static enum assoc_event take_pdu(struct assoc *a)
{
	switch (a->pdu_type) {
	case PDU_REQUEST:
		return take_request(a);
	case PDU_RELEASE:
		if (a->phase != ASSOC_IDLE)
			return broken(
			    a, "it releases the association within a message", ABORT_UNEXPECTED_PDU);
		a->state = ASSOC_OVER;
		pdu_write_released(&a->out);
		return ASSOC_RELEASED;
	case PDU_ABORT:
		a->state = ASSOC_OVER;
		return ASSOC_ABORTED;
	default:
		return ASSOC_MORE; /* P-DATA-TF, all of it taken */
	}
}

/* Which PDUs may come in which state, and how long they may be; everything else ends the association. */
static const char *check_pdu(const struct assoc *a)
{
	static const struct {
		enum assoc_state state;
		enum pdu type;
	} allowed[] = {
	    {ASSOC_WAITING, PDU_REQUEST},
	    {ASSOC_WAITING, PDU_ABORT},
	    {ASSOC_OPEN, PDU_DATA},
	    {ASSOC_OPEN, PDU_RELEASE},
	    {ASSOC_OPEN, PDU_ABORT},
	};
	uint32_t most = a->pdu_type == PDU_REQUEST ? REQUEST_MAX
	                : a->pdu_type == PDU_DATA  ? a->max_pdu
	                                           : SMALL_MAX;

	for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed); i++) {
		if (allowed[i].state == a->state && allowed[i].type == a->pdu_type)
			return a->pdu_left > most ? "a PDU is longer than was agreed upon" : NULL;
	}
	return a->state == ASSOC_WAITING ? "it does not begin with an association request"
	                                 : "a PDU comes that is not allowed now";
}

/* Six bytes of head, of a PDU or of a data value; true when they are there. */
static bool fill_head(struct assoc *a, const uint8_t **p, size_t *n)
{
	size_t take = HEAD - a->head_n;

	if (take > *n)
		take = *n;
	memcpy(a->head + a->head_n, *p, take);
	a->head_n += (uint8_t)take;
	*p += take;
	*n -= take;
	return a->head_n == HEAD;
}

static enum assoc_event begin_pdu(struct assoc *a)
{
	const char *why;

	a->head_n = 0;
	a->pdu_type = a->head[0];
	a->pdu_left = net32(a->head + 2);
	why = check_pdu(a);
	if (why) {
		a->pdu_left = 0;
		return broken(a, why,
		    a->pdu_type < PDU_REQUEST || a->pdu_type > PDU_ABORT ? ABORT_UNKNOWN_PDU
		                                                         : ABORT_UNEXPECTED_PDU);
	}
	buf_clear(&a->in);
	return a->pdu_left == 0 ? take_pdu(a) : ASSOC_MORE;
}

static enum assoc_event take_data(struct assoc *a, const uint8_t **p, size_t *n)
{
	enum assoc_event e;
	size_t used = 0;

	if (a->pdv_left == 0) { /* between two data values */
		if (a->pdu_left < HEAD)
			return broken(a, "a PDU has bytes behind its last data value", ABORT_BAD_VALUE);
		if (!fill_head(a, p, n))
			return ASSOC_MORE;
		a->head_n = 0;
		a->pdu_left -= HEAD;
		e = begin_pdv(a);
		return e == ASSOC_MORE && a->pdv_left == 0 ? end_pdv(a) : e;
	}
	e = take_fragment(a, *p, *n, &used);
	*p += used;
	*n -= used;
	if (a->pdv_left > 0 || e == ASSOC_BROKEN)
		return e;
	if (e == ASSOC_BYTES) {
		a->pdv_ended = true; /* tell it with the next call */
		return e;
	}
	return end_pdv(a);
}

static enum assoc_event take_body(struct assoc *a, const uint8_t **p, size_t *n)
{
	size_t take = *n < a->pdu_left ? *n : a->pdu_left;

	buf_add(&a->in, *p, take);
	*p += take;
	*n -= take;
	a->pdu_left -= (uint32_t)take;
	return a->pdu_left == 0 ? take_pdu(a) : ASSOC_MORE;
}

static enum assoc_event take_some(struct assoc *a, const uint8_t **p, size_t *n)
{
	if (a->pdv_ended) {
		a->pdv_ended = false;
		return end_pdv(a);
	}
	if (a->pdu_left == 0)
		return fill_head(a, p, n) ? begin_pdu(a) : ASSOC_MORE;
	return a->pdu_type == PDU_DATA ? take_data(a, p, n) : take_body(a, p, n);
}

size_t assoc_feed(struct assoc *a, const void *bytes, size_t n, enum assoc_event *event)
{
	const uint8_t *p = bytes;
	size_t rest = n;

	*event = ASSOC_MORE;
	a->heard |= n > 0;
	while (*event == ASSOC_MORE && (rest > 0 || a->pdv_ended)) {
		if (a->state == ASSOC_OVER || a->state == ASSOC_ASKED || a->phase == ASSOC_TO_ANSWER)
			break; /* nothing is taken before the caller has decided, or after the end */
		*event = take_some(a, &p, &rest);
		if (a->out.failed)
			*event =
			    broken(a, "it sends commands faster than it takes answers", ABORT_UNSPECIFIED);
	}
	return n - rest;
}
