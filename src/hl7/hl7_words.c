/*
 * Words to codes: modalities, result status, priority, protocols, sex and patient class.  Every list is a table, because
 * each site has a word of its own sooner or later.
 */
#include "config.h"

#include "hl7_map_int.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"
#include "wetread/text.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static const struct {
	const char *word, *code;
} modalities[] = {
#define MODALITY(word, code) {word, code},
#include "hl7_modality.def"
#undef MODALITY
};

static const struct {
	const char *word;
	char code, obr, obx;
	int rank;
} results[] = {
#define RESULT(word, code, obr, obx, rank) {word, code, obr, obx, rank},
#include "hl7_result.def"
#undef RESULT
};

enum urgency { STAT = 1, URGENT = 2, ROUTINE = 4 };

static const struct priority {
	const char *word, *normal;
	enum urgency level;
} priorities[] = {
#define PRIORITY(word, normal, level) {word, normal, level},
#include "hl7_prio.def"
#undef PRIORITY
};

enum where { EXAM, ANY };

static const struct {
	const char *phrase, *protocol;
	enum where where;
} protocols[] = {
#define PROTOCOL(phrase, protocol, where) {phrase, protocol, where},
#include "hl7_protocol.def"
#undef PROTOCOL
};

static const struct {
	const char *word, *code;
} sexes[] =
    {
        {"F", "F"},
        {"FEMALE", "F"},
        {"W", "F"},
        {"2", "F"},
        {"M", "M"},
        {"MALE", "M"},
        {"1", "M"},
        {"O", "O"},
        {"OTHER", "O"},
        {"A", "O"},
        {"X", "O"},
        {"9", "O"},
        {"U", "U"},
        {"UNKNOWN", "U"},
        {"N", "U"},
        {"0", "U"},
},
  classes[] = {
      {"E", "E"},
      {"ER", "E"},
      {"ED", "E"},
      {"EMERGENCY", "E"},
      {"I", "I"},
      {"IP", "I"},
      {"INPATIENT", "I"},
      {"O", "O"},
      {"OP", "O"},
      {"OUTPATIENT", "O"},
      {"P", "P"},
      {"PREADMIT", "P"},
      {"R", "R"},
      {"RECURRING", "R"},
      {"B", "B"},
      {"OBSTETRICS", "B"},
};

const char *modality_code(const char *word)
{
	for (size_t i = 0; word && i < COUNT(modalities); i++)
		if (str_ieq(modalities[i].word, word))
			return modalities[i].code;
	return NULL;
}

const char *modality_guess(struct hl7_reading *r, const char *exam)
{
	size_t n = exam ? strcspn(exam, " -/,_") : 0;

	if (n == 0 || n > 12)
		return NULL;
	return modality_code(keep(r, xstrndup(exam, n)));
}

const char *sex_code(const char *word)
{
	for (size_t i = 0; i < COUNT(sexes); i++)
		if (str_ieq(sexes[i].word, word))
			return sexes[i].code;
	return NULL;
}

const char *class_code(const char *word)
{
	for (size_t i = 0; i < COUNT(classes); i++)
		if (str_ieq(classes[i].word, word))
			return classes[i].code;
	return NULL;
}

static const char *own_word(const struct hl7_profile *p, const char *word, char one[2])
{
	for (size_t i = 0; i < p->nwords; i++)
		if (str_ieq(p->words[i].word, word)) {
			one[0] = p->words[i].code;
			return one;
		}
	return word;
}

char result_code(const struct hl7_profile *p, const char *word, char *obr, char *obx, int *rank)
{
	char one[2] = "";

	if (word == NULL)
		return 0;
	word = own_word(p, word, one);
	for (size_t i = 0; i < COUNT(results); i++)
		if (str_ieq(results[i].word, word)) {
			*obr = results[i].obr;
			*obx = results[i].obx;
			*rank = results[i].rank;
			return results[i].code;
		}
	return 0;
}

/* ---- protocols */

static bool letter(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

static bool same_phrase(const char *s, const char *phrase)
{
	for (; *phrase; s++, phrase++)
		if (toupper((unsigned char)*s) != *phrase)
			return false;
	return !letter(*s);
}

/* Is the word in front of at one that takes it back? */
static bool denied(const char *text, const char *at)
{
	static const char *const words[] = {"NO", "NON", "NOT", "WITHOUT", "DENIES"};
	const char *end = at;

	while (end > text && !letter(end[-1]))
		end--;
	for (size_t i = 0; i < COUNT(words); i++) {
		size_t n = strlen(words[i]);

		if ((size_t)(end - text) >= n && same_phrase(end - n, words[i]) &&
		    (end - n == text || !letter(end[-n - 1])))
			return true;
	}
	return false;
}

static bool names_phrase(const char *text, const char *phrase)
{
	for (const char *s = text; *s; s++)
		if ((s == text || !letter(s[-1])) && same_phrase(s, phrase) && !denied(text, s))
			return true;
	return false;
}

static const char *protocol_in(const char *text, enum where where)
{
	if (text == NULL || text == hl7_delete)
		return NULL;
	for (size_t i = 0; i < COUNT(protocols); i++)
		if (protocols[i].where >= where && names_phrase(text, protocols[i].phrase))
			return protocols[i].protocol;
	return NULL;
}

const char *hl7_protocol(const char *exam)
{
	return protocol_in(exam, EXAM);
}

static bool screening(const struct hl7_row *row)
{
	return row->exam && row->exam != hl7_delete &&
	       (names_phrase(row->exam, "SCREENING") || names_phrase(row->exam, "SCREEN"));
}

/* ---- priority */

static const struct priority *priority_of(struct ctx *c, const char *word)
{
	if (word == NULL || word == hl7_delete)
		return NULL;
	for (size_t i = 0; i < COUNT(priorities); i++)
		if (str_ieq(priorities[i].word, word))
			return &priorities[i];
	warn(c->r, "the priority \"%.40s\" is not known: taken as routine", word);
	return NULL;
}

/* A routine exam's level is its patient class. */
static int level_of_class(const struct hl7_row *row)
{
	if (row->pclass && strcmp(row->pclass, "E") == 0)
		return 2;
	if (row->pclass && strcmp(row->pclass, "I") == 0)
		return 3;
	return screening(row) ? 5 : 4;
}

void row_priority(struct ctx *c, struct hl7_row *row)
{
	const struct priority *p = priority_of(c, row->prio_raw);
	const char *code = row->ipc >= 0 ? fact(c, hl7_at(c->m, row->ipc, 6, 1, 2, 1)) : NULL;

	row->protocol = protocol_in(row->exam, EXAM);
	if (row->protocol == NULL)
		row->protocol = protocol_in(code, EXAM);
	if (row->protocol == NULL)
		row->protocol = protocol_in(row->reason, ANY);
	row->prio = p ? p->normal : NULL;
	row->level = -1;
	if (row->protocol)
		row->level = 0;
	else if (p && p->level != ROUTINE)
		row->level = (int)p->level;
	else if (p || row->does == HL7_DO_CREATE)
		row->level = level_of_class(row);
}
