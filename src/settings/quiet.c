/* quiet - "22:00-06:00 except p0,critical" to numbers. */
#include "config.h"

#include "wetread/quiet.h"

#include <stdio.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"

static bool hour_parse(const char **s, int *minutes)
{
	int h, m, used = 0;

	if (sscanf(*s, " %2d:%2d%n", &h, &m, &used) != 2 || h < 0 || h > 24 || m < 0 || m > 59)
		return false;
	*s += used;
	*minutes = (h * 60 + m) % (24 * 60);
	return true;
}

static unsigned except_bit(const char *word, size_t n)
{
	static const struct {
		const char *word;
		unsigned bit;
	} known[] = {{"p0", 1}, {"p1", 2}, {"p2", 4}, {"p3", 8}, {"p4", 16}, {"p5", 32},
	    {"overdue", QUIET_OVERDUE}, {"critical", QUIET_CRITICAL}, {"mine", QUIET_MINE}};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (strlen(known[i].word) == n && strncmp(known[i].word, word, n) == 0)
			return known[i].bit;
	return 0;
}

static bool except_parse(const char *s, unsigned *bits)
{
	if (strncmp(s, "except ", 7) != 0)
		return false;
	for (s += 7; *(s += strspn(s, " ,"));) {
		size_t n = strcspn(s, " ,");
		unsigned bit = except_bit(s, n);

		if (!bit)
			return false;
		*bits |= bit;
		s += n;
	}
	return *bits != 0;
}

int quiet_parse(struct quiet *q, const char *text, char **why)
{
	struct quiet now = {0};
	const char *s = text ? text : "";

	*q = now;
	if (!s[strspn(s, " ")] || strcmp(s, "off") == 0)
		return 0;
	if (hour_parse(&s, &now.from) && *s++ == '-' && hour_parse(&s, &now.to)) {
		s += strspn(s, " ");
		if (!*s || except_parse(s, &now.except)) {
			*q = now;
			return 0;
		}
	}
	*why = xasprintf(
	    "quiet = %s: wanted is a time such as 22:00-06:00, and then if you like: except p0,critical "
	    "(p0 to p5, overdue, critical, mine)",
	    text);
	return E_SYNTAX;
}

bool quiet_at(const struct quiet *q, int minute, unsigned marks)
{
	if (q->from == q->to || (q->except & marks))
		return false;
	return q->from < q->to ? minute >= q->from && minute < q->to : minute >= q->from || minute < q->to;
}
