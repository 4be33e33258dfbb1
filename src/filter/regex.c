/*
 * regex - POSIX extended regular expressions, found anywhere in a text, without regard to case.
 *
 * The C library's matcher can take all memory or a second a row for a short pattern, and
 * knows letters only by the locale.  This one walks all alternatives at once (Thompson's way):
 * time is at most text times program, memory is fixed, and the answer is the same everywhere.
 *
 * A pattern becomes a program; jumps are relative, so a piece of it can be moved and copied:
 *
 *     a(b|c)*     0 CHAR a   1 SPLIT +1 +6   2 SPLIT +1 +3   3 CHAR b   4 JUMP +2   5 CHAR c   6 JUMP -5   7 MATCH
 */
#include "config.h"

#include "filter_int.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"
#include "wetread/text.h"

enum { PROGRAM_MAX = 1024, RANGES_MAX = 256, GROUPS_MAX = 32, REPEAT_MAX = 255 };

enum inst_op { CHAR, ANY, SET, NOT_SET, SPLIT, JUMP, START, END, MATCH };

/* CHAR: x is the folded code point.  SET: ranges[x..x+y).  SPLIT: go on at both. */
struct inst {
	enum inst_op op;
	int x, y;
};

struct range {
	uint32_t first, last;
};

struct regex {
	struct inst *code;
	struct range *ranges;
	int n, nranges;
};

struct compiler {
	const char *p, *why;
	struct regex *re;
	int groups;
};

/* ---- the program grows */

static bool fail(struct compiler *c, const char *why)
{
	c->why = why;
	return false;
}

static bool emit(struct compiler *c, enum inst_op op, int x, int y)
{
	if (c->re->n == PROGRAM_MAX)
		return fail(c, "the regex is too large: repeat less");
	c->re->code[c->re->n++] = (struct inst){op, x, y};
	return true;
}

/* The same, at a place before what is there. */
static bool insert(struct compiler *c, int at, enum inst_op op, int x, int y)
{
	struct inst *code = c->re->code;

	if (!emit(c, op, x, y))
		return false;
	memmove(code + at + 1, code + at, (size_t)(c->re->n - 1 - at) * sizeof(*code));
	code[at] = (struct inst){op, x, y};
	return true;
}

static bool add_range(struct compiler *c, uint32_t first, uint32_t last)
{
	if (c->re->nranges == RANGES_MAX)
		return fail(c, "the regex has too many ranges");
	c->re->ranges[c->re->nranges++] = (struct range){first, last};
	return true;
}

static uint32_t take_char(struct compiler *c)
{
	uint32_t cp;

	c->p += utf8_decode(c->p, strnlen(c->p, 4), &cp);
	return cp;
}

/* ---- [a-z] */

/* Case is not looked at, so upper and lower are letters.  Beyond ASCII, all from U+00C0 counts as one. */
static const struct {
	const char *name;
	struct range ranges[4];
} classes[] = {
    {"alpha", {{'A', 'Z'}, {'a', 'z'}, {0xc0, 0x10ffff}}},
    {"upper", {{'A', 'Z'}, {'a', 'z'}, {0xc0, 0x10ffff}}},
    {"lower", {{'A', 'Z'}, {'a', 'z'}, {0xc0, 0x10ffff}}},
    {"digit", {{'0', '9'}}},
    {"alnum", {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}, {0xc0, 0x10ffff}}},
    {"xdigit", {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}},
    {"space", {{'\t', '\r'}, {' ', ' '}}},
    {"blank", {{'\t', '\t'}, {' ', ' '}}},
    {"punct", {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}},
};

/* "alpha:]" and so on, after "[:". */
static bool take_class(struct compiler *c)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		size_t n = strlen(classes[i].name);

		if (strncmp(c->p, classes[i].name, n) != 0 || strncmp(c->p + n, ":]", 2) != 0)
			continue;
		c->p += n + 2;
		for (size_t k = 0; k < 4 && classes[i].ranges[k].last; k++)
			if (!add_range(c, classes[i].ranges[k].first, classes[i].ranges[k].last))
				return false;
		return true;
	}
	return fail(c, "[: :] wants alpha, digit, alnum, xdigit, space, blank or punct");
}

/* After "[". */
static bool take_set(struct compiler *c)
{
	bool negated = *c->p == '^' && c->p++;
	int from = c->re->nranges;
	bool first = true;
	uint32_t lo, hi;

	for (; *c->p && (*c->p != ']' || first); first = false) {
		if (c->p[0] == '[' && c->p[1] == ':') {
			c->p += 2;
			if (!take_class(c))
				return false;
			continue;
		}
		if (c->p[0] == '[' && (c->p[1] == '.' || c->p[1] == '='))
			return fail(c, "[. and [= are not known");
		lo = hi = take_char(c);
		if (c->p[0] == '-' && c->p[1] && c->p[1] != ']') {
			c->p++;
			hi = take_char(c);
		}
		if (hi < lo)
			return fail(c, "a range is the wrong way around");
		if (!add_range(c, lo, hi))
			return false;
	}
	if (!*c->p)
		return fail(c, "the closing ] is missing");
	c->p++;
	return emit(c, negated ? NOT_SET : SET, from, c->re->nranges - from);
}

/* ---- pieces */

static bool take_either(struct compiler *c);

static bool take_group(struct compiler *c)
{
	if (++c->groups > GROUPS_MAX)
		return fail(c, "the regex nests too deep");
	if (!take_either(c))
		return false;
	if (*c->p != ')')
		return fail(c, "the closing ) is missing");
	c->p++;
	c->groups--;
	return true;
}

static bool take_atom(struct compiler *c)
{
	uint32_t cp = take_char(c);

	switch (cp) {
	case '(':
		return take_group(c);
	case '[':
		return take_set(c);
	case '.':
		return emit(c, ANY, 0, 0);
	case '^':
		return emit(c, START, 0, 0);
	case '$':
		return emit(c, END, 0, 0);
	case '*':
	case '+':
	case '?':
	case '{':
		return fail(c, "there is nothing to repeat before *, +, ? or {");
	case '\\':
		if (isdigit((unsigned char)*c->p))
			return fail(c, "back-references are not known");
		if (!*c->p || isalpha((unsigned char)*c->p))
			return fail(c, "a backslash stands before punctuation only: for \\d write [0-9]");
		cp = take_char(c);
	}
	return emit(c, CHAR, (int)cp_fold(cp), 0);
}

static bool take_number(struct compiler *c, int *out)
{
	if (!isdigit((unsigned char)*c->p))
		return false;
	for (*out = 0; isdigit((unsigned char)*c->p); c->p++)
		if ((*out = *out * 10 + (*c->p - '0')) > REPEAT_MAX)
			return false;
	return true;
}

/* After "{": most is -1 when there is no end. */
static bool take_counts(struct compiler *c, int *least, int *most)
{
	bool ok = take_number(c, least);

	*most = *least;
	if (ok && *c->p == ',') {
		c->p++;
		*most = -1;
		ok = *c->p == '}' || (take_number(c, most) && *most >= *least);
	}
	if (ok && *c->p == '}') {
		c->p++;
		return true;
	}
	return fail(c, "repetition is {n}, {n,} or {n,m}, at most 255");
}

/* Makes the code from `at` to the end repeat. */
static bool repeat(struct compiler *c, int at, int least, int most)
{
	int len = c->re->n - at;
	struct inst piece[PROGRAM_MAX];

	memcpy(piece, c->re->code + at, (size_t)len * sizeof(*piece));
	c->re->n = at;
	for (int i = 0; i < least || i < most || (i == 0 && most < 0); i++) {
		/* An optional copy can be stepped over; an endless one comes back to itself. */
		if (i >= least && most >= 0 && !emit(c, SPLIT, 1, len + 1))
			return false;
		if (least == 0 && most < 0 && !emit(c, SPLIT, 1, len + 2))
			return false;
		for (int k = 0; k < len; k++)
			if (!emit(c, piece[k].op, piece[k].x, piece[k].y))
				return false;
	}
	if (most >= 0)
		return true;
	return least == 0 ? emit(c, JUMP, -(len + 1), 0) : emit(c, SPLIT, -len, 1);
}

static bool take_piece(struct compiler *c)
{
	int at = c->re->n, least, most;

	if (!take_atom(c))
		return false;
	while (*c->p && strchr("*+?{", *c->p)) {
		char q = *c->p++;

		least = q == '+';
		most = q == '?' ? 1 : -1;
		if ((q == '{' && !take_counts(c, &least, &most)) || !repeat(c, at, least, most))
			return false;
	}
	return true;
}

/* Pieces, and behind "|" the same again. */
static bool take_either(struct compiler *c)
{
	int at = c->re->n, jump;

	while (*c->p && *c->p != '|' && *c->p != ')')
		if (!take_piece(c))
			return false;
	if (*c->p != '|')
		return true;
	c->p++;
	jump = c->re->n + 1;
	if (!insert(c, at, SPLIT, 1, jump + 1 - at) || !emit(c, JUMP, 0, 0) || !take_either(c))
		return false;
	c->re->code[jump].x = c->re->n - jump;
	return true;
}

struct regex *regex_new(const char *pattern, const char **why)
{
	struct regex *re = xcalloc(1, sizeof(*re));
	struct compiler c = {.p = pattern, .re = re};
	bool ok;

	re->code = xcalloc(PROGRAM_MAX, sizeof(*re->code));
	re->ranges = xcalloc(RANGES_MAX, sizeof(*re->ranges));
	ok = strlen(pattern) <= FILTER_REGEX_MAX || fail(&c, "the regex is longer than 128 bytes");
	ok = ok && take_either(&c) && (!*c.p || fail(&c, "there is no ( for a )")) && emit(&c, MATCH, 0, 0);
	if (!ok) {
		*why = c.why;
		regex_free(re);
		return NULL;
	}
	re->code = xreallocarray(re->code, (size_t)re->n, sizeof(*re->code));
	re->ranges = xreallocarray(re->ranges, (size_t)re->nranges, sizeof(*re->ranges));
	return re;
}

void regex_free(struct regex *re)
{
	if (!re)
		return;
	free(re->code);
	free(re->ranges);
	free(re);
}

/* ---- running */

/* The places of the program that are reached before the next character. */
struct places {
	unsigned at[PROGRAM_MAX];
	unsigned n;
};

struct run {
	const struct regex *re;
	unsigned seen[PROGRAM_MAX]; /* the step in which a place was last reached */
	unsigned step;
	bool at_start, at_end;
};

/* Follows splits, jumps and anchors from a place; true when that reaches the end of the program. */
static bool reach(struct run *r, struct places *to, unsigned place)
{
	unsigned stack[PROGRAM_MAX + 1], depth = 0;

	stack[depth++] = place;
	while (depth > 0) {
		unsigned at = stack[--depth];
		const struct inst *i = &r->re->code[at];

		if (r->seen[at] == r->step)
			continue;
		r->seen[at] = r->step;
		if (i->op == MATCH)
			return true;
		if (i->op == SPLIT && depth < PROGRAM_MAX)
			stack[depth++] = at + (unsigned)i->y;
		if (i->op == SPLIT || i->op == JUMP)
			stack[depth++] = at + (unsigned)i->x;
		else if (i->op == START || i->op == END) {
			if (i->op == START ? r->at_start : r->at_end)
				stack[depth++] = at + 1;
		} else
			to->at[to->n++] = at;
	}
	return false;
}

static bool within(const struct regex *re, const struct inst *set, uint32_t cp)
{
	for (int i = set->x; i < set->x + set->y; i++)
		if (cp >= re->ranges[i].first && cp <= re->ranges[i].last)
			return true;
	return false;
}

/* The capital of a small letter, or the letter: the other way around from cp_fold(). */
static uint32_t capital(uint32_t cp)
{
	static const uint32_t steps[] = {32, 1, 80};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (cp > steps[i] && cp_fold(cp - steps[i]) == cp)
			return cp - steps[i];
	return cp;
}

static bool eats(const struct regex *re, const struct inst *i, uint32_t cp)
{
	uint32_t folded = cp_fold(cp);

	switch (i->op) {
	case CHAR:
		return folded == (uint32_t)i->x;
	case SET:
	case NOT_SET:
		return (within(re, i, cp) || within(re, i, folded) || within(re, i, capital(folded))) ==
		       (i->op == SET);
	default:
		return i->op == ANY;
	}
}

bool regex_find(const struct regex *re, const char *s, size_t n)
{
	struct run r = {.re = re, .at_start = true};
	struct places lists[2], *now = &lists[0], *next = &lists[1], *spare;
	uint32_t cp;

	now->n = 0;
	for (;;) {
		/* The match may begin here too; what is reached already was marked in this step. */
		r.at_end = n == 0;
		if (r.step == 0)
			r.step = 1;
		if (reach(&r, now, 0))
			return true;
		if (n == 0)
			return false;
		size_t used = utf8_decode(s, n, &cp);

		s += used;
		n -= used;
		r.step++;
		r.at_start = false;
		r.at_end = n == 0;
		next->n = 0;
		for (unsigned i = 0; i < now->n; i++)
			if (eats(re, &re->code[now->at[i]], cp) && reach(&r, next, now->at[i] + 1))
				return true;
		spare = now;
		now = next;
		next = spare;
	}
}
