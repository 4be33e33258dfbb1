/*
 * value - what stands behind an operator: words, "quoted text", /regex/, glob*, numbers with their units.
 */
#include "config.h"

#include "parse_int.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"
#include "wetread/text.h"
#include "wetread/when.h"

/* ---- characters */

bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

size_t value_run(const char *s)
{
	return strcspn(s, " \t\r\n|&()\",");
}

size_t word_run(const char *s)
{
	size_t n = strcspn(s, " \t\r\n|&()\",:<>=");

	for (size_t i = 1; i < n; i++)
		if (s[i] == '!' && s[i + 1] == '=')
			return i;
	return n;
}

/* ---- errors */

static const char *wanted(enum filter_type type)
{
	static const char *const texts[] = {
	    [FILTER_PRIO] = "0 to 5 or a name: stroke, trauma, stat, ed, inpatient, routine, screening",
	    [FILTER_NUMBER] = "a number",
	    [FILTER_SPAN] = "a time",
	    [FILTER_PERCENT] = "a percentage",
	    [FILTER_SCORE] = "a percentage",
	    [FILTER_STATE] =
	        "a state: ordered, acquiring, ready, assigned, reading, prelim, final, unmatched, "
	        "cancelled, open, closed or held",
	    [FILTER_FLAG] = "yes or no",
	};

	return texts[type];
}

/* An example of a comparison with a number of this type. */
static const char *sample(enum filter_type type)
{
	return type == FILTER_SPAN ? "15m" : type == FILTER_NUMBER ? "100" : "80%";
}

static void *fail_value(
    struct parser *ps, enum filter_field field, const char *from, size_t n, const char *word)
{
	const struct filter_field_info *info = filter_field_info(field);
	const char *near = nearest_known(field, word);

	if (near)
		return parse_fail(
		    ps, from, n, "%s has no \"%.40s\": did you mean %s?", info->name, word, near);
	if (info->type == FILTER_PRIO || info->type == FILTER_STATE || info->type == FILTER_FLAG)
		return parse_fail(ps, from, n, "%s wants %s", info->name, wanted(info->type));
	return parse_fail(
	    ps, from, n, "%s wants %s, e.g. %s", info->name, wanted(info->type), sample(info->type));
}

/* ---- values */

/* The text between two `quote`s, where a backslash keeps the quote (and in "..." itself) from its work. */
static char *take_quoted(struct parser *ps, char quote)
{
	const char *from = ps->p++;
	struct buf b = BUF_INIT(FILTER_WORD_MAX);

	for (; *ps->p && *ps->p != quote; ps->p++) {
		if (*ps->p == '\\' && (ps->p[1] == quote || (quote == '"' && ps->p[1] == '\\')))
			ps->p++;
		else if (*ps->p == '\\' && quote == '/' && ps->p[1])
			buf_addc(&b, *ps->p++); /* the regex's own escape goes with its character */
		buf_addc(&b, *ps->p);
	}
	if (!*ps->p)
		parse_fail(ps, from, strlen(from), "the closing %c is missing", quote);
	else if (b.failed)
		parse_fail(ps, from, (size_t)(ps->p + 1 - from), "longer than %d bytes", FILTER_WORD_MAX);
	else if (b.len == 0)
		parse_fail(ps, from, 2,
		    quote == '/' ? "an empty regex" : "empty quotes: write field:none for what is not there");
	else {
		ps->p++;
		return buf_take(&b);
	}
	buf_release(&b);
	return NULL;
}

static bool take_regex(struct parser *ps, struct value *v)
{
	const char *from = ps->p, *why;

	v->text = take_quoted(ps, '/');
	if (!v->text)
		return false;
	v->regex = regex_new(v->text, &why);
	if (!v->regex) {
		parse_fail(ps, from, (size_t)(ps->p - from), "%s", why);
		return false;
	}
	v->kind = VALUE_REGEX;
	return true;
}

static bool number_in(const char *s, int64_t *out)
{
	const char *digits = s + (*s == '-' || *s == '+');
	char *end;

	if (!isdigit((unsigned char)*digits) || strlen(digits) > 12)
		return false;
	*out = strtoll(s, &end, 10);
	return !*end;
}

/* "1h30m", "-5m", "0": a sign, then a span with its unit. */
static bool span_in(const char *s, struct value *v)
{
	bool minus = *s == '-';
	size_t n = strlen(s += minus);
	char unit = n > 0 ? s[n - 1] : '\0';

	if (strcmp(s, "0") == 0)
		s = "0s", unit = 's';
	if (!unit || !strchr("smhd", unit) || strstr(s, "ms") || span_parse(s, &v->number) < 0)
		return false;
	v->unit = unit == 's' ? 1000 : unit == 'm' ? 60000 : unit == 'h' ? 3600000 : 86400000;
	v->number *= minus ? -1 : 1;
	return true;
}

static bool prio_in(const char *s, int64_t *out)
{
	struct known k;

	if (known_find(FILTER_p, s, &k))
		s = k.matches;
	else if ((*s == 'p' || *s == 'P') && s[1])
		s++;
	if (s[0] < '0' || s[0] > '5' || s[1])
		return false;
	*out = s[0] - '0';
	return true;
}

static bool percent_in(const char *s, int64_t *out)
{
	char digits[16];
	size_t n = strlen(s);

	if (n > 0 && s[n - 1] == '%')
		n--;
	if (n >= sizeof(digits))
		return false;
	snprintf(digits, sizeof(digits), "%.*s", (int)n, s);
	return number_in(digits, out);
}

static bool flag_in(const char *s, int64_t *out)
{
	*out = str_listed("yes true on 1", s);
	return *out || str_listed("no false off 0", s);
}

/* Reads s as a number of the field's type. */
static bool numeric(enum filter_field field, const char *s, struct value *v)
{
	v->kind = VALUE_NUMBER;
	v->unit = 1;
	switch (filter_field_info(field)->type) {
	case FILTER_PRIO:
		return prio_in(s, &v->number);
	case FILTER_NUMBER:
		return number_in(s, &v->number);
	case FILTER_SPAN:
		return span_in(s, v);
	case FILTER_PERCENT:
	case FILTER_SCORE:
		return percent_in(s, &v->number);
	default:
		return flag_in(s, &v->number);
	}
}

static bool state_in(const char *s, struct value *v)
{
	struct known k;

	if (!known_find(FILTER_state, s, &k))
		return false;
	v->kind = strcmp(k.word, "open") == 0     ? VALUE_OPEN
	          : strcmp(k.word, "closed") == 0 ? VALUE_CLOSED
	          : strcmp(k.word, "held") == 0   ? VALUE_HELD
	                                          : VALUE_WORD;
	v->text = xstrdup(k.word);
	return true;
}

/* What an unquoted word means in a field of text. */
static enum value_kind word_kind(int field, const char *s)
{
	if (strchr(s, '*'))
		return VALUE_GLOB;
	if (field == FIELD_BARE)
		return VALUE_WORD;
	if (str_ieq(s, "none"))
		return VALUE_NONE;
	if (str_ieq(s, "any"))
		return VALUE_ANY;
	return field == FILTER_reader && str_ieq(s, "me") ? VALUE_ME : VALUE_WORD;
}

/*
 * Is a bare word compared with case?  Smart case: only if it has a capital.  A word
 * written like a name (Okafor) does not count: names come in all capitals from most senders.
 */
static bool smart_case(const char *s)
{
	bool capital = false, later = false, smalls = false;
	uint32_t cp;

	for (const char *p = s; *p; p += utf8_decode(p, strnlen(p, 4), &cp)) {
		utf8_decode(p, strnlen(p, 4), &cp);
		capital |= cp_fold(cp) != cp;
		later |= cp_fold(cp) != cp && p != s;
		smalls |= cp >= 'a' && cp <= 'z';
	}
	return capital && (later || !smalls);
}

bool is_order(enum op op)
{
	return op >= OP_LT && op <= OP_GE;
}

bool wants_number(int field, enum op op)
{
	switch (field == FIELD_BARE ? FILTER_TEXT : filter_field_info(field)->type) {
	case FILTER_PRIO:
	case FILTER_NUMBER:
	case FILTER_SPAN:
	case FILTER_PERCENT:
	case FILTER_FLAG:
		return true;
	case FILTER_SCORE:
		return is_order(op);
	default:
		return false;
	}
}

/* Gives v the meaning that `word` (owned by v afterwards) has in this place. */
static bool understand(
    struct parser *ps, int field, enum op op, char *word, bool quoted, const char *from, struct value *v)
{
	enum value_kind kind = quoted ? VALUE_WORD : word_kind(field, word);
	bool ok = true;

	if ((kind == VALUE_NONE || kind == VALUE_ANY) &&
	    (is_order(op) || filter_field_info((enum filter_field)field)->type == FILTER_FLAG))
		kind = VALUE_WORD; /* there it is a mistake like any other */
	v->kind = kind;
	if (kind == VALUE_NONE || kind == VALUE_ANY || kind == VALUE_ME) {
		free(word);
		return true;
	}
	if (wants_number(field, op) || field == FILTER_state) {
		ok = field == FILTER_state ? state_in(word, v) : numeric((enum filter_field)field, word, v);
		if (!ok)
			fail_value(ps, (enum filter_field)field, from, (size_t)(ps->p - from), word);
		free(word);
		return ok;
	}
	v->exact_case = field == FIELD_BARE && smart_case(word);
	v->text = word;
	return true;
}

bool take_value(struct parser *ps, int field, enum op op, struct value *v)
{
	bool textual = field == FIELD_BARE || !(wants_number(field, op) || field == FILTER_state);
	const char *from = ps->p;
	size_t n = field == FIELD_BARE ? word_run(ps->p) : value_run(ps->p);
	char *word;

	if (*ps->p == '"') {
		word = take_quoted(ps, '"');
		return word && understand(ps, field, op, word, true, from, v);
	}
	if (*ps->p == '/' && textual)
		return take_regex(ps, v);
	if (n > FILTER_WORD_MAX) {
		parse_fail(ps, from, n, "longer than %d bytes", FILTER_WORD_MAX);
		return false;
	}
	ps->p += n;
	if (n > 0)
		return understand(ps, field, op, xstrndup(from, n), false, from, v);
	parse_fail(ps, from, 0, "a value is missing, e.g. %s",
	    field == FIELD_BARE ? "head" : filter_field_info((enum filter_field)field)->example);
	return false;
}

/* Would s be read back as a word of the same text? */
bool word_is_plain(int field, const char *s)
{
	size_t n = strlen(s), run = field == FIELD_BARE ? word_run(s) : value_run(s);
	int same;

	if (n == 0 || run != n || *s == '/' || word_kind(field, s) != VALUE_WORD)
		return false;
	if (field != FIELD_BARE)
		return true;
	same = field_at(s, n);
	return !strchr("!-@", *s) && (same < 0 || !filter_field_info((enum filter_field)same)->alone);
}
