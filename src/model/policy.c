/*
 * The policy file: text to rules.  See the door for the format.
 *
 * inih walks the lines; each section kind has a row in `sections` and each key of a
 * clock a row in `clock_keys`, so an unknown word is told apart from a wrong value.
 */
#include "config.h"

#include "wetread/policy.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <ini.h>

#include "policy_int.h"
#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"
#include "wetread/when.h"

const char policy_builtin[] =
    "; wetread's policy: clocks, holds and ranking. Checked by `wetreadctl policy check FILE`.\n"
    "[lease]\n"
    "term = 15m\n"
    "grace = 5m\n"
    "grace.p0 = 60s\n"
    "keep = 12h\n"
    "offline = 12h\n"
    "offline.max = 12\n"
    "\n"
    "[hold TECH]\n"
    "text = images incomplete or wrong: the technologist must act\n"
    "[hold PRIOR]\n"
    "text = waiting for a prior study\n"
    "[hold HISTORY]\n"
    "text = waiting for clinical history\n"
    "[hold WRONGSIDE]\n"
    "text = side or body part in doubt\n"
    "[hold READER]\n"
    "text = the reader needs time: the clock runs on\n"
    "\n"
    "; The first row that matches gives a study its clock for each `until`.\n"
    "[clock stroke]\n"
    "match = protocol:stroke\n"
    "until = prelim\n"
    "target = 20m\n"
    "pause = TECH WRONGSIDE\n"
    "[clock trauma]\n"
    "match = protocol:trauma\n"
    "until = prelim\n"
    "target = 30m\n"
    "pause = TECH WRONGSIDE\n"
    "[clock stat]\n"
    "match = prio:0,1\n"
    "until = prelim\n"
    "target = 45m\n"
    "pause = TECH PRIOR HISTORY WRONGSIDE\n"
    "[clock ed]\n"
    "match = prio:2\n"
    "until = prelim\n"
    "target = 60m\n"
    "pause = TECH PRIOR HISTORY WRONGSIDE\n"
    "[clock overread]\n"
    "match = prio:0,1,2\n"
    "until = final\n"
    "target = 12h\n"
    "pause = TECH PRIOR HISTORY WRONGSIDE\n"
    "[clock inpatient]\n"
    "match = prio:3\n"
    "until = final\n"
    "target = 4h\n"
    "pause = TECH PRIOR HISTORY WRONGSIDE\n"
    "[clock routine]\n"
    "match = prio:4\n"
    "until = final\n"
    "target = 24h\n"
    "pause = TECH PRIOR HISTORY WRONGSIDE\n"
    "[clock screening]\n"
    "match = prio:5\n"
    "until = final\n"
    "target = 7d\n"
    "pause = *\n"
    "\n"
    "; Points. used: for each whole target used up. wait: for each hour since the order.\n"
    "[rank]\n"
    "p0 = 1000\n"
    "p1 = 600\n"
    "p2 = 400\n"
    "p3 = 200\n"
    "p4 = 100\n"
    "p5 = 0\n"
    "class.e = 60\n"
    "class.i = 20\n"
    "class.o = 0\n"
    "used = 300\n"
    "wait = 12\n"
    "ai = 150\n"
    "held = -3000\n";

static const char *const rank_names[RANK_WEIGHTS] = {[RANK_P0] = "p0",
    [RANK_P1] = "p1",
    [RANK_P2] = "p2",
    [RANK_P3] = "p3",
    [RANK_P4] = "p4",
    [RANK_P5] = "p5",
    [RANK_CLASS_E] = "class.e",
    [RANK_CLASS_I] = "class.i",
    [RANK_CLASS_O] = "class.o",
    [RANK_USED] = "used",
    [RANK_WAIT] = "wait",
    [RANK_AI] = "ai",
    [RANK_HELD] = "held"};

struct reading {
	struct policy *p;
	char *why;        /* what is wrong, once something is */
	char section[64]; /* the section of the line before */
	bool inside;      /* and whether there was one */
};

static int complain(struct reading *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int complain(struct reading *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (!r->why)
		r->why = xvasprintf(fmt, ap);
	va_end(ap);
	return 0;
}

/* ---- conditions: "protocol:stroke class:E,I" */

static const char *const condition_keys[] = {"site", "protocol", "prio", "class", "modality", "exam"};

static int read_condition(struct reading *r, struct clock_rule *c, const char *word, size_t n)
{
	const char *colon = memchr(word, ':', n);
	struct condition *d;

	for (unsigned k = 0; colon && k < sizeof condition_keys / sizeof *condition_keys; k++) {
		if (strlen(condition_keys[k]) != (size_t)(colon - word) ||
		    memcmp(condition_keys[k], word, colon - word))
			continue;
		c->conditions = xreallocarray(c->conditions, c->nconditions + 1, sizeof *c->conditions);
		d = &c->conditions[c->nconditions++];
		d->key = (enum condition_key)k;
		d->values = xstrndup(colon + 1, n - (size_t)(colon + 1 - word));
		return 1;
	}
	return complain(r,
	    "match wants words like protocol:stroke (keys: site protocol prio class modality exam), not %.*s",
	    (int)n, word);
}

static int read_match(struct reading *r, struct clock_rule *c, const char *value)
{
	str_put(&c->match, value);
	for (const char *p = value; *p;) {
		size_t n = strcspn(p, " \t");

		if (n && !read_condition(r, c, p, n))
			return 0;
		p += n;
		p += strspn(p, " \t");
	}
	return 1;
}

/* ---- the keys of a clock */

static int read_until(struct reading *r, struct clock_rule *c, const char *value)
{
	static const char *const words[UNTIL_COUNT] = {"open", "prelim", "final"};

	for (int i = 0; i < UNTIL_COUNT; i++)
		if (str_ieq(words[i], value)) {
			c->until = (enum until)i;
			return 1;
		}
	return complain(r, "until wants open, prelim or final, not %s", value);
}

static int read_span(struct reading *r, const char *key, const char *value, int64_t *out)
{
	if (span_parse(value, out) || *out <= 0)
		return complain(r, "%s wants a time, e.g. 15m, not %s", key, value);
	return 1;
}

static int read_target(struct reading *r, struct clock_rule *c, const char *value)
{
	return read_span(r, "target", value, &c->target);
}

static int read_from(struct reading *r, struct clock_rule *c, const char *value)
{
	c->from = 0;
	for (const char *p = value; *p;) {
		size_t n = strcspn(p, " \t"), k;

		for (k = 0; k < FROM_COUNT; k++)
			if (strlen(policy_from[k].word) == n && !memcmp(policy_from[k].word, p, n))
				break;
		if (k == FROM_COUNT)
			return complain(r, "from wants ready, ordered or images, not %.*s", (int)n, p);
		c->from |= 1u << k;
		p += n;
		p += strspn(p, " \t");
	}
	return c->from ? 1 : complain(r, "from wants ready, ordered or images");
}

static int read_pause(struct reading *r, struct clock_rule *c, const char *value)
{
	(void)r;
	str_put(&c->pause, value);
	return 1;
}

static int read_warn(struct reading *r, struct clock_rule *c, const char *value)
{
	char *end;
	long a = strtol(value, &end, 10), b;

	if (*end == '%')
		end++;
	b = strtol(end, &end, 10);
	if (a <= 0 || b <= a || b > 100 || strcmp(end, "%"))
		return complain(r, "warn wants two rising percentages, e.g. 50%% 80%%, not %s", value);
	c->warn[0] = (int)a;
	c->warn[1] = (int)b;
	return 1;
}

static const struct clock_key {
	const char *key;
	int (*read)(struct reading *, struct clock_rule *, const char *value);
} clock_keys[] = {{"match", read_match}, {"until", read_until}, {"target", read_target}, {"from", read_from},
    {"pause", read_pause}, {"warn", read_warn}};

/* ---- sections */

static int read_clock(struct reading *r, const char *name, const char *key, const char *value)
{
	struct policy *p = r->p;

	if (!r->inside) {
		p->clocks = xreallocarray(p->clocks, p->nclocks + 1, sizeof *p->clocks);
		p->clocks[p->nclocks++] = (struct clock_rule){
		    .name = xstrdup(name), .until = UNTIL_FINAL, .from = FROM_DEFAULT, .warn = {50, 80}};
	}
	for (size_t i = 0; i < sizeof clock_keys / sizeof *clock_keys; i++)
		if (!strcmp(clock_keys[i].key, key))
			return clock_keys[i].read(r, &p->clocks[p->nclocks - 1], value);
	return complain(r, "a clock has match, until, target, from, pause and warn, not %s", key);
}

static int read_hold(struct reading *r, const char *name, const char *key, const char *value)
{
	struct policy *p = r->p;

	if (strcmp(key, "text"))
		return complain(r, "a hold has text, not %s", key);
	if (policy_hold(p, name))
		return complain(r, "hold %s is there twice", name);
	p->holds = xreallocarray(p->holds, p->nholds + 1, sizeof *p->holds);
	p->holds[p->nholds++] = (struct hold_rule){xstrdup(name), xstrdup(value)};
	return 1;
}

static int read_offline_max(struct reading *r, const char *value)
{
	char *end;
	long n = strtol(value, &end, 10);

	if (end == value || *end || n < 0 || n > 1000)
		return complain(r, "offline.max wants a number of studies from 0 to 1000, not %s", value);
	r->p->offline_max = n;
	return 1;
}

static int read_lease(struct reading *r, const char *name, const char *key, const char *value)
{
	int64_t span;

	if (*name)
		return complain(r, "[lease] has no name");
	if (!strcmp(key, "offline.max"))
		return read_offline_max(r, value);
	if (!read_span(r, key, value, &span))
		return 0;
	if (!strcmp(key, "term"))
		r->p->term = span;
	else if (!strcmp(key, "keep"))
		r->p->keep_closed = span;
	else if (!strcmp(key, "offline"))
		r->p->offline = span;
	else if (!strcmp(key, "grace"))
		for (int i = 0; i < 6; i++)
			r->p->grace[i] = span;
	else if (!strncmp(key, "grace.p", 7) && key[7] >= '0' && key[7] <= '5' && !key[8])
		r->p->grace[key[7] - '0'] = span;
	else
		return complain(r,
		    "[lease] has term, grace, grace.p0 to grace.p5, keep, offline and offline.max, not %s",
		    key);
	return 1;
}

static int read_rank(struct reading *r, const char *name, const char *key, const char *value)
{
	char *end;
	long v = strtol(value, &end, 10);

	if (*name)
		return complain(r, "[rank] has no name");
	if (end == value || *end || v < -100000 || v > 100000)
		return complain(r, "%s wants a whole number of points, not %s", key, value);
	for (int i = 0; i < RANK_WEIGHTS; i++)
		if (!strcmp(rank_names[i], key)) {
			r->p->rank[i] = v;
			return 1;
		}
	return complain(
	    r, "[rank] has p0 to p5, class.e, class.i, class.o, used, wait, ai and held, not %s", key);
}

static int read_console(struct reading *r, const char *name, const char *key, const char *value)
{
	if (*name)
		return complain(r, "[console] has no name");
	if (strcmp(key, "copy"))
		return complain(r, "[console] has copy, not %s", key);
	if (strcmp(value, "accession") && strcmp(value, "off"))
		return complain(r, "copy is accession or off, not %s", value);
	r->p->copies = !strcmp(value, "accession");
	return 1;
}

static const struct section {
	const char *word;
	int (*read)(struct reading *, const char *name, const char *key, const char *value);
} sections[] = {{"clock", read_clock}, {"hold", read_hold}, {"lease", read_lease}, {"rank", read_rank},
    {"console", read_console}};

static int read_line(void *ctx, const char *section, const char *key, const char *value)
{
	struct reading *r = ctx;
	size_t n = strcspn(section, " ");
	const char *name = section + n + strspn(section + n, " ");

	r->inside = !strcmp(r->section, section);
	snprintf(r->section, sizeof r->section, "%s", section);
	for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
		if (strlen(sections[i].word) == n && !memcmp(sections[i].word, section, n))
			return sections[i].read(r, name, key, value);
	return complain(
	    r, "sections are [clock NAME], [hold CODE], [lease], [rank] and [console], not [%s]", section);
}

/* inih cuts lines at 200 bytes without a word, so look before it does. */
static int long_line(const char *text)
{
	int line = 1;

	for (const char *p = text; *p; line++) {
		size_t n = strcspn(p, "\n");

		if (n > 190)
			return line;
		p += n + (p[n] == '\n');
	}
	return 0;
}

static char *whole_check(const struct policy *p)
{
	for (unsigned i = 0; i < p->nclocks; i++)
		if (!p->clocks[i].target)
			return xasprintf("clock %s has no target", p->clocks[i].name);
	if (p->nclocks == 0)
		return xasprintf("there is no [clock NAME] section: no study would have a target");
	return NULL;
}

/* A file without [rank] would make everything equally urgent; what it does not say is as in the built-in text. */
static void default_rank(struct policy *p, const char *text)
{
	struct policy *builtin;

	if (text == policy_builtin || policy_parse(&builtin, policy_builtin, 0, NULL))
		return;
	memcpy(p->rank, builtin->rank, sizeof(p->rank));
	policy_free(builtin);
}

int policy_parse(struct policy **out, const char *text, int64_t version, char **why)
{
	struct reading r = {.p = xcalloc(1, sizeof *r.p)};
	int line = strlen(text) > 256 * 1024 ? -2 : long_line(text);

	r.p->version = version;
	r.p->term = 15 * 60000;
	r.p->keep_closed = r.p->offline = 12 * 3600000;
	r.p->offline_max = 12;
	r.p->copies = true;
	for (int i = 0; i < 6; i++)
		r.p->grace[i] = 5 * 60000;
	default_rank(r.p, text);
	if (line > 0)
		complain(&r, "the line is longer than 190 bytes");
	else if (line < 0)
		complain(&r, "the policy is longer than 256 KiB");
	else
		line = ini_parse_string(text, read_line, &r);
	if (line > 0 && !r.why)
		complain(&r, "not a [section], a key = value or a ; comment");
	if (!line)
		r.why = whole_check(r.p);
	if (!r.why) {
		*out = r.p;
		return 0;
	}
	if (why)
		*why = line > 0 ? xasprintf("line %d: %s", line, r.why) : xstrdup(r.why);
	free(r.why);
	policy_free(r.p);
	return E_POLICY;
}

void policy_free(struct policy *p)
{
	if (!p)
		return;
	for (unsigned i = 0; i < p->nclocks; i++) {
		struct clock_rule *c = &p->clocks[i];

		for (unsigned k = 0; k < c->nconditions; k++)
			free(c->conditions[k].values);
		free(c->conditions);
		free(c->name);
		free(c->match);
		free(c->pause);
	}
	for (unsigned i = 0; i < p->nholds; i++) {
		free(p->holds[i].code);
		free(p->holds[i].text);
	}
	free(p->clocks);
	free(p->holds);
	free(p);
}

const struct hold_rule *policy_hold(const struct policy *p, const char *code)
{
	for (unsigned i = 0; i < p->nholds; i++)
		if (str_ieq(p->holds[i].code, code))
			return &p->holds[i];
	return NULL;
}
