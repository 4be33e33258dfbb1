/* study.ready - somebody who knows says that the images are complete, also of those whose association broke off. */
#include "config.h"

#include "core_int.h"

#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"

static bool is_waiting(const struct study *s)
{
	return s->state == STATE_ORDERED || s->state == STATE_ACQUIRING;
}

void cmd_ready(struct step *st)
{
	const struct study *s = st->s;
	struct event *e;
	char label[32];

	if (s->incomplete && !is_waiting(s) && s->state != STATE_CANCELLED) {
		e = emit(st, EVENT_STUDY_IMAGES);
		images_whole(e, s);
		if (s->ready_images)
			return;
		set_int(e, "ready_images", s->images);
		set_int(e, "ready_series", s->series);
		return;
	}
	if (!state_may_move(s->state, STATE_READY) || !is_waiting(s)) {
		refuse(st, E_STATE, "%s is %s", study_label(s, label), state_key(s->state));
		return;
	}
	e = emit(st, EVENT_STUDY_READY);
	set_int(e, "state", STATE_READY);
	set_int(e, "ready_at", st->now);
	images_whole(e, s);
	if (!s->images)
		return;
	set_int(e, "ready_images", s->images);
	set_int(e, "ready_series", s->series);
}
