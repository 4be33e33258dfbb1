/*
 * The small tables as functions: states and the moves between them, priorities, roles.
 */
#include "config.h"

#include "wetread/model.h"

#include <string.h>

#include "wetread/errors.h"
#include "wetread/text.h"

struct state_row {
	const char *key, *abbrev;
};
static const struct state_row states[STATE_COUNT_] = {
#define STATE(name, num, key, abbrev, help) [num] = {key, abbrev},
#include "state.def"
#undef STATE
};

const char *state_key(int64_t state)
{
	return state > 0 && state < STATE_COUNT_ && states[state].key ? states[state].key : "?";
}

const char *state_abbrev(int64_t state)
{
	return state > 0 && state < STATE_COUNT_ && states[state].abbrev ? states[state].abbrev : "?";
}

int state_parse(const char *key)
{
	for (int i = 1; i < STATE_COUNT_; i++)
		if (states[i].key && str_ieq(states[i].key, key))
			return i;
	return E_SYNTAX;
}

bool state_may_move(int64_t from, int64_t to)
{
	static const struct {
		int from, to;
	} moves[] = {
#define MOVE(a, b) {STATE_##a, STATE_##b},
#include "state.def"
#undef MOVE
	};

	for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++)
		if (moves[i].from == from && moves[i].to == to)
			return true;
	return false;
}

bool state_is_open(int64_t state)
{
	return state != STATE_FINAL && state != STATE_CANCELLED && state != STATE_PRIOR;
}

struct prio_row {
	const char *key, *label;
};
static const struct prio_row prios[] = {
#define PRIO(num, key, label, help) [num] = {key, label},
#include "prio.def"
#undef PRIO
};
enum { PRIOS = sizeof prios / sizeof prios[0] };

const char *prio_label(int64_t prio)
{
	return prio >= 0 && prio < PRIOS ? prios[prio].label : "P?";
}

const char *prio_key(int64_t prio)
{
	return prio >= 0 && prio < PRIOS ? prios[prio].key : "?";
}

int role_parse(const char *key)
{
#define ROLE(name, bit, word, help)                                                                          \
	if (str_ieq(key, word))                                                                              \
		return bit;
#include "role.def"
#undef ROLE
	return E_SYNTAX;
}
