/*
 * alert.ack - somebody sees to an alert; with a time it comes back then.
 *
 *     text "overdue/17"        until it is over
 *     text "overdue/17 30m"    for half an hour
 */
#include "config.h"

#include "core_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/alerts.h"
#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"
#include "wetread/when.h"

enum { PUT_OFF_MAX_H = 12 };

static bool subject_is_there(struct step *st, const char *key, uint64_t study)
{
	const struct study *s = study ? world_study(st->w, study) : NULL;

	if (study && (!s || !scope_sees(st->cmd->scope, s->site))) {
		refuse(st, E_NOTFOUND, "%s is about a study that is not there", key);
		return false;
	}
	return true;
}

static bool read_until(struct step *st, const char *words, int64_t *until)
{
	int64_t ms;

	*until = 0;
	words += strspn(words, " ");
	if (*words == '\0')
		return true;
	if (span_parse(words, &ms) || ms <= 0 || ms > (int64_t)PUT_OFF_MAX_H * 3600000) {
		refuse(st, E_USAGE, "an alert is put off for a time up to %dh, e.g. 30m, not %.40s",
		    PUT_OFF_MAX_H, words);
		return false;
	}
	*until = st->now + ms;
	return true;
}

void cmd_ack(struct step *st)
{
	const char *text = st->cmd->text ? st->cmd->text : "";
	size_t n = strcspn(text, " ");
	char *key = xstrndup(text, n);
	enum alert_kind kind;
	uint64_t study;
	int64_t until;
	struct event *e;

	if (!alert_key_parse(key, &kind, &study))
		refuse(st, E_USAGE, "%.40s is no alert: its name is KIND/SUBJECT, e.g. overdue/17",
		    *key ? key : "(nothing)");
	else if (subject_is_there(st, key, study) && read_until(st, text + n, &until)) {
		e = emit_for(st, EVENT_ALERT_ACKED, 0);
		set_str(e, "key", key);
		set_str(e, "by", st->cmd->by);
		set_int(e, "at", st->now);
		set_int(e, "until", until);
	}
	free(key);
}
