/*
 * A refused frame: kept first, then announced with
 *
 *	hl7.refused {"peer":"10.1.1.7:40112","reason":"no-pid: ..","file":"20261121T140700.123-x7Qa","size":212,"control":".."}
 *
 * so that a person who is told of it can look at it.  A full disk is no reason not to announce it.
 */
#include "config.h"

#include "intake_int.h"

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/log.h"

enum { ANNOUNCE_MAX = 120 };

static bool keep_bytes(struct intake *in, const struct refusal *f, struct refused *r)
{
	const struct hl7_server *s = &in->profiles->server;
	struct refused_caps caps = {(uint64_t)s->spool_count, (uint64_t)s->spool_bytes};
	size_t dropped = 0;
	int err;

	*r = (struct refused){.peer = (char *)(uintptr_t)f->peer,
	    .reason = (char *)(uintptr_t)f->reason,
	    .sender = (char *)(uintptr_t)f->sender,
	    .control = (char *)(uintptr_t)f->control,
	    .whole = f->whole};
	err = refused_keep(in->opt.spool, &caps, in->opt.env, r, f->bytes, f->n, &dropped);
	if (dropped)
		log_warn("the spool is full: the oldest %zu refused frames were removed", dropped);
	if (err)
		log_err("%s: refused %s, which could not be kept: %s", f->peer, f->reason, err_text(err));
	else
		log_warn("%s: refused %s (%zu bytes, kept as %s)", f->peer, f->reason, f->n, r->id);
	return err == 0;
}

/* A sender gone mad must not fill the journal: beyond so many a minute they are only kept. */
static bool may_announce(struct intake *in)
{
	int64_t minute = env_mono(in->opt.env) / 60000;

	if (minute != in->minute) {
		if (in->announced > ANNOUNCE_MAX)
			log_warn("%u refused frames were kept without an announcement",
			    in->announced - ANNOUNCE_MAX);
		in->minute = minute;
		in->announced = 0;
	}
	return ++in->announced <= ANNOUNCE_MAX;
}

uint64_t refuse(struct intake *in, const struct refusal *f, upstream_fn *fn, void *ctx)
{
	struct buf b = BUF_INIT(65536);
	struct refused r;
	bool kept = keep_bytes(in, f, &r);

	if (!may_announce(in))
		return 0;
	json_open(&b, '{');
	json_kstr(&b, "peer", f->peer);
	json_kstr(&b, "reason", f->reason);
	if (kept)
		json_kstr(&b, "file", r.id);
	json_kuint(&b, "size", f->n);
	if (f->control)
		json_kstr(&b, "control", f->control);
	json_close(&b, '}');
	return upstream_call(in->up, "hl7.refused", &b, fn, ctx);
}
