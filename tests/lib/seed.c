/*
 * seed DIR - makes a site directory for tests: a journal with a few sites, people and keys, and a wetreadd.conf
 * that listens on free ports of 127.0.0.1 (or not at all).
 *
 *     seed DIR [--ssh] [--hl7] [--key LOGIN SHA256:...]... [--unix LOGIN NAME]... [--studies N]
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wetread/errors.h"
#include "wetread/journal.h"
#include "wetread/log.h"
#include "wetread/mem.h"

static struct journal *journal;
static int64_t now = INT64_C(1795287600000); /* 2026-11-21 19:00 */

static struct event *add(struct evlist *l, int kind, uint64_t study)
{
	struct event *e = evlist_add(l, kind, study, "seed");

	e->at = now++;
	return e;
}

static void put(struct event *e, const char *key, const char *value)
{
	patch_str(&e->set, event_type(e->kind)->rec, key, value);
}

static void flush(struct evlist *l)
{
	if (journal_append(journal, l) || journal_commit(journal)) {
		fprintf(stderr, "seed: the journal cannot be written\n");
		exit(1);
	}
	evlist_release(l);
}

static void add_site(struct evlist *l, const char *code, const char *zone, const char *jurisdiction)
{
	struct event *e = add(l, EVENT_SITE_SET, 0);

	put(e, "code", code);
	put(e, "name", code);
	put(e, "zone", zone);
	put(e, "jurisdiction", jurisdiction);
}

static void add_user(struct evlist *l, const char *login, const char *role, const char *sites)
{
	struct event *e = add(l, EVENT_USER_SET, 0);

	put(e, "login", login);
	put(e, "name", login);
	put(e, "role", role);
	put(e, "sites", sites);
	if (strcmp(role, "radiologist"))
		return;
	put(e, "duty", "on");
	put(e, "modalities", "*");
	put(e, "licences", "TX:2099-12-31 NM:2099-12-31");
}

static void add_people(void)
{
	struct evlist l = {0};

	add_site(&l, "STANNE", "America/Chicago", "TX");
	add_site(&l, "MESA", "America/Denver", "NM");
	add_user(&l, "okafor", "radiologist", "*");
	add_user(&l, "lind", "radiologist", "*");
	add_user(&l, "mesa", "radiologist", "MESA");
	add_user(&l, "kim", "coordinator", "*");
	add_user(&l, "sup1", "supervisor", "*");
	add_user(&l, "root1", "admin", "*");
	add_user(&l, "audit1", "auditor", "*");
	flush(&l);
}

static void add_key(const char *login, const char *fingerprint)
{
	struct evlist l = {0};
	struct event *e = add(&l, EVENT_KEY_ADDED, 0);

	put(e, "fingerprint", fingerprint);
	put(e, "login", login);
	flush(&l);
}

static void add_unix(const char *login, const char *name)
{
	struct evlist l = {0};
	struct event *e = add(&l, EVENT_USER_SET, 0);

	put(e, "login", login);
	put(e, "unix", name);
	flush(&l);
}

static void add_studies(unsigned n)
{
	struct evlist l = {0};

	for (unsigned i = 1; i <= n; i++) {
		struct event *e = add(&l, EVENT_STUDY_ORDERED, i);
		char text[64];

		put(e, "site", i % 3 ? "STANNE" : "MESA");
		snprintf(text, sizeof text, "%u", 48000000 + i);
		put(e, "accession", text);
		put(e, "name", "DOE^JANE");
		snprintf(text, sizeof text, "P%u", 1000 + i);
		put(e, "pid", text);
		put(e, "modality", i % 2 ? "CT" : "MR");
		put(e, "exam", i % 2 ? "CT HEAD WO" : "MR KNEE");
		patch_int(&e->set, &rec_study, "prio", 1 + i % 4);
		patch_int(&e->set, &rec_study, "ordered", now - 600000);
		patch_int(&e->set, &rec_study, "ready_at", now - 300000);
		patch_int(&e->set, &rec_study, "state", STATE_READY);
	}
	flush(&l);
}

static void write_conf(const char *dir, bool ssh, bool hl7)
{
	char *path = xasprintf("%s/wetreadd.conf", dir);
	FILE *f = fopen(path, "w");

	if (!f)
		exit(1);
	fprintf(f, "[ssh]\nlisten = %s\n[hl7]\nlisten = %s\n", ssh ? "127.0.0.1:0" : "off",
	    hl7 ? "127.0.0.1:0" : "off");
	fclose(f);
	free(path);
}

int main(int argc, char **argv)
{
	bool ssh = false, hl7 = false;
	char *path;

	if (argc < 2)
		return 2;
	log_open("seed", LOG_WARN);
	mkdir(argv[1], 0700);
	path = xasprintf("%s/journal.db", argv[1]);
	if (journal_open(&journal, path, JOURNAL_CREATE))
		return 1;
	free(path);
	add_people();
	for (int i = 2; i < argc; i++) {
		if (!strcmp(argv[i], "--ssh"))
			ssh = true;
		else if (!strcmp(argv[i], "--hl7"))
			hl7 = true;
		else if (!strcmp(argv[i], "--key") && i + 2 < argc)
			add_key(argv[i + 1], argv[i + 2]), i += 2;
		else if (!strcmp(argv[i], "--unix") && i + 2 < argc)
			add_unix(argv[i + 1], argv[i + 2]), i += 2;
		else if (!strcmp(argv[i], "--studies") && i + 1 < argc)
			add_studies((unsigned)strtoul(argv[++i], NULL, 10));
		else
			return 2;
	}
	write_conf(argv[1], ssh, hl7);
	journal_close(journal);
	return 0;
}
