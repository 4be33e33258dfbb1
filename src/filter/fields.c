/*
 * fields - the tables of the language: fields, their known values, near misses.
 */
#include "config.h"

#include "filter_int.h"

#include "wetread/errors.h"
#include "wetread/near.h"
#include "wetread/text.h"

static const struct filter_field_info infos[] = {
#define FILTER(name, type, alone, example, help) {#name, FILTER_##type, alone, example, help},
#include "filter.def"
#undef FILTER
};

static const struct {
	enum filter_field field;
	struct known known;
} values[] = {
#define VALUE(field, word, matches, help) {FILTER_##field, {word, matches, help}},
#include "filter.def"
#undef VALUE
};

static const struct known states[] = {
#define STATE(name, num, key, abbrev, help) {key, abbrev, help},
#include "state.def"
#undef STATE
    {"open", "", "not final, not cancelled"},
    {"closed", "", "final or cancelled"},
    {"held", "", "on hold, whatever its state"},
};

static const struct known prios[] = {
#define PRIO(number, key, label, help) {key, #number, help},
#include "prio.def"
#undef PRIO
};

static const struct {
	const char *word;
	enum filter_field field;
} suggestions[] = {
#define SUGGEST(field, word) {word, FILTER_##field},
#include "filter.def"
#undef SUGGEST
};

#define COUNT(a) (unsigned)(sizeof(a) / sizeof((a)[0]))

const enum filter_field bare_fields[] = {FILTER_acc, FILTER_pt, FILTER_exam, FILTER_site, FILTER_reader};
const unsigned nbare_fields = COUNT(bare_fields);
const char *const op_text[] = {":", "<", "<=", ">", ">=", "=", "!="};

const struct filter_field_info *filter_field_info(enum filter_field field)
{
	return &infos[field];
}

int filter_field_find(const char *name)
{
	for (unsigned i = 0; i < FILTER_FIELDS; i++)
		if (str_ieq(infos[i].name, name))
			return (int)i;
	return E_NOTFOUND;
}

static bool take(const struct known *table, unsigned n, unsigned *i, struct known *out)
{
	if (*i >= n) {
		*i -= n;
		return false;
	}
	*out = table[*i];
	return true;
}

bool known_at(enum filter_field field, unsigned i, struct known *out)
{
	if (infos[field].type == FILTER_STATE && take(states, COUNT(states), &i, out))
		return true;
	if (infos[field].type == FILTER_PRIO && take(prios, COUNT(prios), &i, out))
		return true;
	for (unsigned k = 0; k < COUNT(values); k++)
		if (values[k].field == field && i-- == 0) {
			*out = values[k].known;
			return true;
		}
	return false;
}

bool known_find(enum filter_field field, const char *word, struct known *out)
{
	for (unsigned i = 0; known_at(field, i, out); i++)
		if (str_ieq(out->word, word) ||
		    (infos[field].type == FILTER_STATE && str_ieq(out->matches, word)))
			return true;
	return false;
}

const char *nearest_field(const char *word)
{
	struct near near = near_start(word);
	unsigned k;

	for (unsigned i = 0; i < FILTER_FIELDS; i++)
		near_try(&near, infos[i].name);
	for (k = 0; k < COUNT(suggestions); k++)
		near_try(&near, suggestions[k].word);
	for (k = 0; k < COUNT(suggestions); k++)
		if (near_word(&near) == suggestions[k].word)
			return infos[suggestions[k].field].name;
	return near_word(&near);
}

const char *nearest_known(enum filter_field field, const char *word)
{
	struct near near = near_start(word);
	struct known k;

	for (unsigned i = 0; known_at(field, i, &k); i++)
		near_try(&near, k.word);
	return near_word(&near);
}
