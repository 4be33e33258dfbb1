/*
 * Whose images they are, when an order says one thing and the images' headers another.
 *
 *     id agrees                 one patient, unless name and birth date both contradict
 *     id contradicts            two patients, unless name and birth date both agree
 *     one of them has no id     one patient, unless name or birth date contradicts
 */
#include "config.h"

#include "core_int.h"

#include <stdio.h>
#include <string.h>

#include "wetread/match.h"
#include "wetread/text.h"

enum { NAME_MAX_BYTES = 512 };

/* The name now, or one the patient had before: images carry what the worklist said when they were made. */
static enum match_verdict names(const struct study *s, const char *said)
{
	enum match_verdict v = match_names(s->name, said);
	const char *at = s->alias;

	while (v == MATCH_OTHER && at && *at) {
		char one[NAME_MAX_BYTES];

		snprintf(one, sizeof one, "%.*s", (int)strcspn(at, "|"), at);
		if (match_names(one, said) == MATCH_SAME)
			v = MATCH_SAME;
		at += strcspn(at, "|");
		at += *at == '|';
	}
	return v;
}

bool images_same_patient(const struct world *w, const struct study *s, const struct hl7_item *item)
{
	enum match_verdict name = names(s, hl7_value(item, "name")),
	                   birth = match_texts(s->birth, hl7_value(item, "birth"));

	if (str_empty(s->pid) || str_empty(hl7_value(item, "pid")))
		return name != MATCH_OTHER && birth != MATCH_OTHER;
	if (hl7_same_patient(w, s, item))
		return name != MATCH_OTHER || birth != MATCH_OTHER;
	return name == MATCH_SAME && birth == MATCH_SAME;
}

const char *images_differ(const struct study *s, const struct hl7_item *item)
{
	if (names(s, hl7_value(item, "name")) == MATCH_OTHER)
		return "name";
	if (match_texts(s->birth, hl7_value(item, "birth")) == MATCH_OTHER)
		return "birth date";
	return NULL;
}
