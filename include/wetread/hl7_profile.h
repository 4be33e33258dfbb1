/*
 * hl7_profile - what is particular about a sender.
 *
 * An INI text: [default], then a section per sender named APP|FACILITY (MSH-3.1 and MSH-4.1; either may be *), each
 * key overriding the default's; [server] holds the listener's own limits.  wetread-hl7.ini(5) lists the keys.
 */
#ifndef WETREAD_HL7_PROFILE_H
#define WETREAD_HL7_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wetread/when.h"

struct hl7_word {
	char *word;
	char code; /* of table 0123 */
};

struct hl7_profile {
	char *key;       /* "RIS|MEADOW", "default" */
	char *site;      /* NULL: MSH-4.1 */
	char *accession; /* paths in order of preference */
	char *modality;  /* paths in order of preference */
	bool guess;      /* take the modality from the exam's first word if need be */
	char *charset;   /* of messages that declare none; NULL guesses */
	const struct zone *zone;
	char *zone_name;
	struct hl7_word *words; /* result status words of its own */
	size_t nwords;
	bool ai;        /* everything it reports is an AI result */
	char *ai_codes; /* codes in OBR-4, OBX-3 or OBX-18 that say so, comma separated */
	bool commit;    /* acknowledges with CA, CE, CR */
	bool siu;
};

struct hl7_server {
	int64_t max_frame;                   /* bytes */
	int64_t idle_ms, frame_ms, reply_ms; /* between frames; inside one; for the coordinator's answer */
	int64_t connections, per_source;
	int64_t spool_count, spool_bytes;
};

struct hl7_profiles {
	struct hl7_server server;
	struct hl7_profile *list; /* [0] is the default */
	size_t n;
};

/* name is for messages. On failure E_SYNTAX, and *why (caller frees) says "file:line: what, and what to do". */
int hl7_profiles_parse(struct hl7_profiles **out, const char *text, const char *name, char **why);
void hl7_profiles_free(struct hl7_profiles *);
/* The most exact section for this sender; never NULL. NULL for a name reads as "". */
const struct hl7_profile *hl7_profile_of(const struct hl7_profiles *, const char *app, const char *facility);

#endif
