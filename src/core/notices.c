/*
 * What a study's reader must acknowledge: parts with "; " between them, the newest first.
 *
 *     the association broke off after 6 images; the images give another sex than the order: compare
 *
 * A part is known by words of it, so that a newer one takes the place of the older, and one that is settled goes away.
 */
#include "config.h"

#include "core_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"
#include "wetread/text.h"
#include "wetread/when.h"

enum { REST_MAX = 300 };

static const char broke_words[] = "the association broke off after";

/* The parts without those that have the words. Caller frees. */
static char *without(const char *ack, const char *words)
{
	size_t room = ack ? strlen(ack) + 1 : 1, at = 0;
	char *out = xcalloc(room, 1);

	while (ack && *ack) {
		const char *end = strstr(ack, "; ");
		size_t n = end ? (size_t)(end - ack) : strlen(ack);

		if (!memmem(ack, n, words, strlen(words)))
			at += (size_t)snprintf(out + at, room - at, "%s%.*s", at ? "; " : "", (int)n, ack);
		ack = end ? end + 2 : NULL;
	}
	return out;
}

char *notices_with(const char *ack, const char *words, const char *text)
{
	char *rest = without(ack, words), *out;

	out = *rest ? xasprintf("%s; %.*s", text, cut(rest, REST_MAX), rest) : xstrdup(text);
	free(rest);
	return out;
}

void images_broke(struct event *e, int64_t images, int64_t now, char text[NOTICE_TEXT])
{
	char at[32];

	when_rfc3339(now, at);
	snprintf(
	    text, NOTICE_TEXT, "%s %lld image%s", broke_words, (long long)images, images == 1 ? "" : "s");
	set_int(e, "incomplete", images);
	set_int(e, "late_at", now);
	set_text(e, "late", "incomplete: %s %.5sZ", text, at + 11);
}

char *notices_broke(const char *ack, const char *text)
{
	return notices_with(ack, broke_words, text);
}

void images_late(struct event *e, const struct study *s, int64_t images, int64_t series, int64_t when)
{
	char at[32];

	when_rfc3339(when, at);
	set_text(e, "late", "+%lld series, +%lld images %.5sZ", (long long)(series - s->ready_series),
	    (long long)(images - s->ready_images), at + 11);
}

void images_whole(struct event *e, const struct study *s)
{
	char *rest;

	if (!s->incomplete)
		return;
	rest = without(s->ack, broke_words);
	set_int(e, "incomplete", 0);
	set_str(e, "ack", *rest ? rest : NULL);
	if (s->ready_images && s->images > s->ready_images)
		images_late(e, s, s->images, s->series, s->late_at);
	else
		set_str(e, "late", NULL);
	free(rest);
}
