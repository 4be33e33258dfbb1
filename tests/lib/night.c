#include "config.h"

#include "night.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "wetread/errors.h"
#include "wetread/mem.h"

static int64_t night_now(void *ctx)
{
	return ((struct night *)ctx)->now;
}

static int64_t night_mono(void *ctx)
{
	return ((struct night *)ctx)->now - ((struct night *)ctx)->set;
}

static void night_random(void *ctx, void *out, size_t n)
{
	struct night *night = ctx;

	for (unsigned char *p = out; n--; p++) {
		night->seed = night->seed * 6364136223846793005u + 1442695040888963407u;
		*p = (unsigned char)(night->seed >> 33);
	}
}

static int commit_step(void *ctx, struct evlist *l)
{
	struct night *night = ctx;

	for (unsigned i = 0; i < l->n; i++) {
		l->items[i].n = night->w.n + 1;
		if (world_apply(&night->w, &l->items[i])) {
			fprintf(
			    stderr, "event %s does not fit the world\n", event_type(l->items[i].kind)->name);
			abort();
		}
		event_copy(evlist_add(&night->log, l->items[i].kind, 0, NULL), &l->items[i]);
	}
	return 0;
}

static const struct {
	const char *login, *role, *modalities, *licences, *duty;
} people[] = {
    {"neuro", "radiologist", "CT MR", "TX:2027-12-31 CA:2027-06-30", "on"},
    {"body", "radiologist", "CT US XR CR DX", "TX", "on"},
    {"expired", "radiologist", "CT MR XR", "TX:2026-11-19", "on"},
    {"off", "radiologist", "*", "TX CA LU", "off"},
    {"coord", "coordinator", NULL, NULL, "on"},
    {"sup1", "supervisor", NULL, NULL, "on"},
    {"sup2", "supervisor", NULL, NULL, "on"},
    {"admin", "admin", NULL, NULL, NULL},
};
static const struct {
	const char *code, *zone, *jurisdiction;
} places[] = {{"STANNE", "America/Chicago", "TX"}, {"HARBOR", "America/Los_Angeles", "CA"},
    {"EULUX", "Europe/Luxembourg", "LU"}};

static void settle(struct night *night)
{
	struct evlist l = {0};

	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		struct event *e = evlist_add(&l, EVENT_SITE_SET, 0, "setup");

		patch_str(&e->set, &rec_site, "code", places[i].code);
		patch_str(&e->set, &rec_site, "zone", places[i].zone);
		patch_str(&e->set, &rec_site, "jurisdiction", places[i].jurisdiction);
	}
	for (size_t i = 0; i < sizeof people / sizeof people[0]; i++) {
		struct event *e = evlist_add(&l, EVENT_USER_SET, 0, "setup");

		patch_str(&e->set, &rec_user, "login", people[i].login);
		patch_str(&e->set, &rec_user, "role", people[i].role);
		patch_str(&e->set, &rec_user, "modalities", people[i].modalities);
		patch_str(&e->set, &rec_user, "licences", people[i].licences);
		patch_str(&e->set, &rec_user, "duty", people[i].duty);
	}
	commit_step(night, &l);
	evlist_release(&l);
}

void night_open(struct night *night)
{
	*night = (struct night){.now = NIGHT_START_S * INT64_C(1000), .seed = 1};
	night->env = (struct env){night_now, night_mono, night_random, night};
	world_init(&night->w);
	core_init(&night->c, &night->w, &night->env);
	settle(night);
}

void night_close(struct night *night)
{
	answer_release(&night->a);
	evlist_release(&night->log);
	core_release(&night->c);
	world_release(&night->w);
}

void night_pass(struct night *night, int64_t ms)
{
	int64_t until = night->now + ms, next;

	while ((next = core_next_tick(&night->c)) <= until) {
		struct evlist l = {0};

		if (next > night->now)
			night->now = next;
		core_tick(&night->c, &l);
		commit_step(night, &l);
		evlist_release(&l);
	}
	night->now = until;
}

int night_do(struct night *night, const char *who, enum cmd kind, struct command cmd)
{
	const struct user *u = world_user(&night->w, who);

	cmd.kind = kind;
	cmd.by = who;
	cmd.role = u ? (unsigned)role_parse(u->role) : ROLE_SERVICE;
	answer_release(&night->a);
	core_run(&night->c, &cmd, commit_step, night, &night->a);
	return night->a.err;
}

int night_hl7(struct night *night, const char *op, const char *site, const char *items)
{
	char *text =
	    xasprintf("{\"op\":\"%s\",\"sender\":\"RIS|%s\",\"site\":\"%s\",\"at\":%lld,\"items\":%s}", op,
	        site, site, (long long)night->now, items);
	cJSON *params = cJSON_Parse(text);
	int err;

	if (!params) {
		fprintf(stderr, "not JSON: %s\n", text);
		abort();
	}
	err = night_do(night, "hl7", CMD_hl7, (struct command){.op = op, .params = params});
	cJSON_Delete(params);
	free(text);
	return err;
}

uint64_t night_study(
    struct night *night, const char *accession, const char *modality, int prio, const char *site)
{
	char items[512], op[64];

	snprintf(items, sizeof items,
	    "[{\"do\":\"create\",\"set\":{\"accession\":\"%s\",\"modality\":\"%s\",\"prio\":%d,\"pid\":\"P%"
	    "s\","
	    "\"name\":\"DOE^JANE\",\"class\":\"E\"}},{\"do\":\"complete\",\"set\":{\"accession\":\"%s\"}}]",
	    accession, modality, prio, accession, accession);
	snprintf(op, sizeof op, "study-%s-%u", accession, night->log.n);
	night_hl7(night, op, site, items);
	return night->w.last_study;
}

const struct study *night_get(struct night *night, uint64_t id)
{
	return world_study(&night->w, id);
}

bool night_replays(struct night *night)
{
	struct world w;
	char live[65], again[65];

	world_init(&w);
	for (unsigned i = 0; i < night->log.n; i++)
		if (world_apply(&w, &night->log.items[i]))
			abort();
	world_digest(&night->w, false, live);
	world_digest(&w, false, again);
	world_release(&w);
	return !strcmp(live, again);
}
