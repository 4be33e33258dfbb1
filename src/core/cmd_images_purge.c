/*
 * images.aside, images.purge - what a person does with stored images, recorded before it is done.
 *
 * Images of a study that somebody still has to read, or holds, go only by force and with a reason.  The rows stay: what was
 * reported stays reported.  One that was nothing but its images leaves the queue.
 */
#include "config.h"

#include "core_int.h"

#include <stdio.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/text.h"

void cmd_images_aside(struct step *st)
{
	struct event *e = emit_for(st, EVENT_IMAGES_ASIDE, 0);

	set_str(e, "user", st->cmd->by);
	set_int(e, "count", json_get_int(st->cmd->params, "count", 0));
}

static bool is_in_use(const struct study *s)
{
	return state_is_open(s->state) || s->lease_until;
}

static bool may_purge(struct step *st, const uint64_t *ids, size_t n)
{
	char label[32];

	for (size_t i = 0; i < n; i++) {
		const struct study *s = world_study(st->w, ids[i]);

		if (!s->images || !is_in_use(s) || (st->cmd->force && !str_empty(st->cmd->text)))
			continue;
		refuse(st, st->cmd->force ? E_REASON : E_STATE, "%s is %s%s%s: %s", study_label(s, label),
		    state_key(s->state), s->reader ? ", with " : "", s->reader ? s->reader : "",
		    st->cmd->force ? "say why its images are to go" : "its images go only by force");
		return false;
	}
	return true;
}

static void forget_images(struct step *st, const struct study *s)
{
	static const char *const counts[] = {"images", "series", "images_expected", "rate", "aside",
	    "aside_uid", "incomplete", "ready_images", "ready_series", "first_image", "last_image"};
	struct event *e;

	if (s->state == STATE_UNMATCHED && !s->report) {
		emit_for(st, EVENT_STUDY_CLOSED, s->id);
		return;
	}
	e = emit_for(st, EVENT_STUDY_IMAGES, s->id);
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
		set_int(e, counts[i], 0);
	set_str(e, "late", NULL);
	e = emit_for(st, EVENT_STUDY_NOTED, s->id);
	set_str(e, "kind", "supervisor");
	set_text(e, "text", "its images were removed from the store%s%.*s",
	    str_empty(st->cmd->text) ? "" : ": ", cut(st->cmd->text ? st->cmd->text : "", 400),
	    st->cmd->text ? st->cmd->text : "");
}

void cmd_images_purge(struct step *st)
{
	size_t n = 0;
	const uint64_t *ids = world_find(st->w, 'u', NULL, st->cmd->with, &n);
	struct event *e;

	if (str_empty(st->cmd->with)) {
		refuse(st, E_USAGE, "images.purge wants the Study Instance UID as `with`");
		return;
	}
	if (!may_purge(st, ids, n))
		return;
	for (size_t i = 0; i < n; i++) /* an order that only has this UID never had its images */
		if (world_study(st->w, ids[i])->images)
			forget_images(st, world_study(st->w, ids[i]));
	e = emit_for(st, EVENT_IMAGES_PURGED, n ? ids[0] : 0);
	set_str(e, "user", st->cmd->by);
	set_str(e, "file", st->cmd->with);
	set_str(e, "text", st->cmd->text);
	set_int(e, "count", json_get_int(st->cmd->params, "count", 0));
}
