/*
 * The session processes there are, and who may become one.
 *
 * A connection that has not been let in yet costs us a process and tells us
 * nothing, so there are few places for those: so many from one source and so many in
 * all.  When all places are taken, the source that holds most of them gives one
 * up to a source that holds fewer: a flood from one side cannot shut the door for
 * everybody else.  Within one source (a hospital behind one address) a newcomer takes the place of who has
 * been silent for longer than any login takes.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wetread/mem.h"
#include "gate_int.h"

enum { LOGIN_MS = 6000 }; /* a login at 56 kbit/s and 600 ms takes under 5 s */

void crowd_init(struct crowd *c, size_t max_waiting, size_t max_per_source, size_t max)
{
	*c = (struct crowd){.max_waiting = max_waiting, .max_per_source = max_per_source, .max = max};
	c->list = xcalloc(max, sizeof(*c->list));
}

void crowd_release(struct crowd *c)
{
	while (c->n)
		crowd_remove(c, c->n - 1);
	free(c->list);
	c->list = NULL;
}

static bool same_source(const struct source *a, const struct source *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static size_t waiting_from(const struct crowd *c, const struct source *s)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		n += !c->list[i].in && same_source(&c->list[i].source, s);
	return n;
}

/* The oldest waiting child of the source that has most of them; *held says how many. */
static size_t greediest(const struct crowd *c, size_t *held)
{
	size_t best = 0;

	*held = 0;
	for (size_t i = 0; i < c->n; i++) {
		size_t n = c->list[i].in ? 0 : waiting_from(c, &c->list[i].source);

		if (n > *held || (n && n == *held && c->list[i].since < c->list[best].since)) {
			*held = n;
			best = i;
		}
	}
	return best;
}

/* The source's own oldest waiting child, if it has had time enough. */
static bool overslept(const struct crowd *c, const struct source *s, int64_t now, size_t *victim)
{
	int64_t oldest = INT64_MAX;

	for (size_t i = 0; i < c->n; i++)
		if (!c->list[i].in && same_source(&c->list[i].source, s) && c->list[i].since < oldest) {
			oldest = c->list[i].since;
			*victim = i;
		}
	return now - LOGIN_MS > oldest;
}

enum admit crowd_admit(const struct crowd *c, const struct source *s, int64_t now, size_t *victim)
{
	size_t mine = waiting_from(c, s), most;

	if (mine >= c->max_per_source)
		return overslept(c, s, now, victim) ? ADMIT_EVICT : REFUSE_SOURCE;
	if (c->waiting >= c->max_waiting) {
		*victim = greediest(c, &most);
		return most > mine + 1 ? ADMIT_EVICT : REFUSE_WAITING;
	}
	return c->n >= c->max ? REFUSE_FULL : ADMIT;
}

struct child *crowd_add(struct crowd *c, const struct source *s, int64_t now)
{
	struct child *k = &c->list[c->n++];

	*k = (struct child){.pipe = -1, .source = *s, .since = now};
	c->waiting++;
	return k;
}

void crowd_let_in(struct crowd *c, struct child *k)
{
	if (!k->in)
		c->waiting--;
	k->in = true;
}

void crowd_remove(struct crowd *c, size_t i)
{
	struct child *k = &c->list[i];

	if (k->pipe >= 0)
		close(k->pipe);
	if (!k->in)
		c->waiting--;
	*k = c->list[--c->n];
}
