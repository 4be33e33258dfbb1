/*
 * Whose image it is.
 *
 * A Study Instance UID belongs to one patient (DICOM PS3.3 A.1.2), but worklists are picked wrongly and devices reuse what
 * they should not.  Nobody here can say which of two patients is right, so that whoever came first stays, and
 * what contradicts in any identifier waits for a person.
 */
#include "config.h"

#include "store_int.h"

#include <stdio.h>

#include "wetread/match.h"
#include "wetread/text.h"

/* The same id of two issuers is two patients. */
static bool other_id(const struct store_study *st, const struct image *im)
{
	if (match_texts(st->pid, im->pid) == MATCH_OTHER)
		return true;
	return match_texts(st->pid, im->pid) == MATCH_SAME &&
	       match_texts(st->pid_auth, im->pid_auth) == MATCH_OTHER;
}

bool patient_differs(const struct store_study *st, const struct image *im)
{
	return other_id(st, im) || match_names(st->name, im->name) == MATCH_OTHER ||
	       match_texts(st->birth, im->birth) == MATCH_OTHER;
}

void patient_text(const struct image *im, char out[STORE_PATIENT])
{
	snprintf(out, STORE_PATIENT, "id %.60s (%.60s), %.100s, born %.12s", im->pid ? im->pid : "?",
	    im->pid_auth ? im->pid_auth : "?", im->name ? im->name : "?", im->birth ? im->birth : "?");
}
