/*
 * The plot.  The opening is a written list, so that a first look finds one of everything: overdue, nearly
 * due, a stroke and a trauma protocol, two studies of one patient, a hold, a merge, an alias, reports in every
 * status, an order nobody knew.  After it chance goes on at a night's rhythm: each study goes
 * through ordered, begun, complete, perhaps changed, reported, with times of its own.
 *
 *     row            begins as       then, by its step
 *     CTHDSTR -12m   NW 26m ago      IP 22m ago, CM 12m ago        (the reader's clock has 8m of 20m left)
 */
#include "config.h"

#include "demo_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"

enum { MINUTE = 60000, LIVE_MAX = 4096 };

/* How far a study of the opening has come. */
enum fate { ORDERED, ACQUIRING, READY, HELD, PRELIM, FINAL, CORRECTED, CANCELLED, ORPHAN };

struct scene {
	const char *site, *exam;
	int patient; /* in demo_patients; the same one twice has two studies */
	char prio, class;
	int minutes; /* since the images were complete (or since the order, or until it) */
	enum fate fate;
	const char *loc;
};

static const struct scene opening[] = {
    {"STANNE", "CTHDSTR", 0, 'S', 'E', 12, READY, "ED^4"},
    {"STANNE", "CTANKSTR", 0, 'S', 'E', 4, READY, "ED^4"},
    {"STANNE", "CTHDWO", 0, 'R', 'O', 8640, FINAL, "CLINIC"},
    {"STANNE", "MRBRAIN", 0, 'R', 'O', 11520, FINAL, "CLINIC"},
    {"VALLEY", "CTCHPE", 1, 'S', 'E', 57, READY, "ED^12"},
    {"NORTHG", "XRCSTRM", 2, 'S', 'E', 33, READY, "TRAUMA^1"},
    {"VALLEY", "CTABPW", 3, 'S', 'E', 41, READY, "ED^7"},
    {"EULUX", "USDVT", 4, 'A', 'E', 49, READY, "3W^312^A"},
    {"VALLEY", "MRBRAIN", 5, 'S', 'E', 31, READY, "ED^3"},
    {"HARBOR", "CTCHW", 6, 'R', 'I', 124, HELD, "5N^507^B"},
    {"NORTHG", "XRKNEE", 7, 'R', 'O', 92, READY, "CLINIC"},
    {"WIEN", "CTTRAUMA", 8, 'S', 'E', 27, READY, "SCHOCKRAUM"},
    {"MESA", "CTTRAUMA", 9, 'S', 'E', 6, READY, "TRAUMA^2"},
    {"CORKUH", "CTKUB", 10, 'A', 'E', 58, READY, "ED^2"},
    {"PERTH", "CTCSP", 11, 'A', 'E', 64, READY, "ED^9"},
    {"PUNE", "CTHDWO", 12, 'S', 'I', 44, READY, "ICU^6"},
    {"PUNE", "XRCH1", 12, 'R', 'I', 75, READY, "ICU^6"},
    {"PUNE", "USGB", 13, 'A', 'E', 22, READY, "CASUALTY"},
    {"KOCHI", "CTAOR", 14, 'S', 'E', 18, READY, "ED^1"},
    {"KOCHI", "XRHIP", 15, 'R', 'I', 201, READY, "ORTHO^14"},
    {"ADEL", "CTABPW", 16, 'S', 'E', 9, READY, "ED^5"},
    {"ADEL", "XRCH2", 17, 'A', 'E', 35, READY, "ED^11"},
    {"PERTH", "CTCHPE", 18, 'S', 'E', 3, ACQUIRING, "ED^1"},
    {"CORKUH", "XRHIP", 19, 'A', 'E', 51, PRELIM, "ED^8"},
    {"LAKES", "CTFACE", 20, 'A', 'E', 26, READY, "ED^3"},
    {"EULUX", "MGSCR", 21, 'R', 'O', 300, READY, "SCREENING"},
    {"EULUX", "MGSCR", 52, 'R', 'O', 420, READY, "SCREENING"},
    {"WIEN", "CTHDWO", 22, 'R', 'I', 110, READY, "STROKEUNIT^2"},
    {"WIEN", "CTABPW", 23, 'R', 'I', 64, PRELIM, "CHIR^21"},
    {"HARBOR", "XRABD", 24, 'S', 'I', 17, READY, "NICU^3"},
    {"STANNE", "CTCHPE", 25, 'S', 'E', 38, READY, "ED^9"},
    {"STANNE", "CTKUB", 26, 'A', 'E', 14, READY, "ED^10"},
    {"VALLEY", "USPELV", 27, 'S', 'E', 25, READY, "ED^1"},
    {"HARBOR", "USTEST", 28, 'S', 'E', 11, READY, "ED^6"},
    {"LAKES", "CTHDWO", 29, 'A', 'E', 47, READY, "ED^1"},
    {"LAKES", "XRHIP", 29, 'A', 'E', 46, READY, "ED^1"},
    {"MESA", "CTCSP", 30, 'A', 'E', 19, READY, "ED^15"},
    {"MESA", "CTABPW", 31, 'S', 'E', 2, READY, "ED^2"},
    {"LAKES", "CTCHW", 32, 'R', 'I', 190, READY, "4E^411"},
    {"MESA", "CTHDWO", 33, 'A', 'E', 8, READY, "ED^4"},
    {"MESA", "MRCES", 34, 'S', 'E', 5, ACQUIRING, "ED^8"},
    {"LAKES", "NMVQ", 35, 'R', 'I', 88, READY, "2S^201"},
    {"LAKES", "XRCH2", 36, 'R', 'O', 300, READY, "CLINIC"},
    {"NORTHG", "CTABPW", 37, 'S', 'E', 21, READY, "ED^18"},
    {"NORTHG", "USPELV", 38, 'A', 'E', 7, READY, "ED^2"},
    {"NORTHG", "CTHDWO", 39, 'A', 'E', 2, ACQUIRING, "ED^5"},
    {"KOCHI", "XRCH1", 40, 'R', 'I', 240, FINAL, "MED^8"},
    {"PUNE", "CTABPW", 41, 'R', 'I', 96, READY, "SURG^3"},
    {"PUNE", "XRCH2", 42, 'R', 'O', 400, CORRECTED, "OPD"},
    {"CORKUH", "CTHDWO", 43, 'A', 'E', 29, READY, "ED^4"},
    {"CORKUH", "XRCH1", 44, 'R', 'I', 71, FINAL, "ICU^2"},
    {"ADEL", "XRKNEE", 45, 'R', 'E', 40, CANCELLED, "ED^20"},
    {"PERTH", "CTFACE", 46, 'A', 'E', 16, READY, "ED^3"},
    {"PERTH", "XRHIP", 47, 'R', 'I', 150, READY, "ORTHO^2"},
    {"NORTHG", "CTCHPE", 48, 'S', 'E', 5, ORDERED, "ED^7"},
    {"STANNE", "CTCSP", 49, 'A', 'E', 3, ORDERED, "ED^2"},
    {"VALLEY", "CTAOR", 50, 'S', 'E', 1, ORDERED, "ED^14"},
    {"HARBOR", "XRABD", 51, 'R', 'I', 12, ORDERED, "PEDS^6"},
    {"EULUX", "CTCHW", 53, 'R', 'I', 205, READY, "2M^208"},
    {"WIEN", "XRHIP", 54, 'A', 'E', 33, READY, "NOTAUFNAHME^3"},
    {"CORKUH", "CTABPW", 55, 'A', 'E', 13, READY, "ED^6"},
    {"ADEL", "CTHDWO", 56, 'R', 'I', 61, ORPHAN, "WARD^7"},
};
enum { OPENING = sizeof(opening) / sizeof(*opening) };

/* A message that waits for its time. */
enum act {
	NEW,
	BEGIN,
	COMPLETE,
	HOLD,
	CHANGE,
	UPGRADE,
	REPORT_P,
	REPORT_F,
	REPORT_C,
	CANCEL,
	MERGE,
	RENAME,
	AI
};
struct cue {
	int64_t at;
	enum act act;
	struct order *order;
};

struct night {
	const struct cast *cast;
	struct chance chance;
	int64_t began, next_order;
	struct cue *cues; /* unsorted; a few thousand at most */
	unsigned ncues, capcues;
	struct order **orders;
	unsigned norders, caporders;
	uint64_t messages;
	bool prepared;
};

static void cue(struct night *n, int64_t at, enum act act, struct order *o)
{
	if (n->ncues == n->capcues) {
		n->capcues = n->capcues ? n->capcues * 2 : 64;
		n->cues = xreallocarray(n->cues, n->capcues, sizeof(*n->cues));
	}
	n->cues[n->ncues++] = (struct cue){at, act, o};
}

static const struct demo_site *site_named(const struct cast *cast, const char *code)
{
	for (unsigned i = 0; i < cast->nsites; i++)
		if (strcmp(cast->sites[i].code, code) == 0)
			return &cast->sites[i];
	return &cast->sites[0];
}

/*
 * Numbers as a RIS gives them: rising, with the site's prefix; a patient keeps the medical record number.
 * They rise with the clock, one for eight seconds, so a night that begins later does not use one again.
 */
static void number(struct order *o, int64_t began, unsigned serial)
{
	unsigned who = (unsigned)(o->patient - demo_patients);
	unsigned n = (unsigned)((began / 8000 + serial) % 1000000);

	snprintf(o->accession, sizeof(o->accession), "%s%06u", o->site->prefix, n);
	snprintf(o->placer, sizeof(o->placer), "P%s%06u", o->site->prefix, n);
	snprintf(o->filler, sizeof(o->filler), "F%s%06u", o->site->prefix, n);
	snprintf(o->visit, sizeof(o->visit), "V%07u", who * 37 + n);
	snprintf(o->mrn, sizeof(o->mrn), "%07u", 93312 + who * 7919);
	/* below 2.25 are integers made of UUIDs (DICOM PS3.5 B.2); ours are made of time and serial */
	snprintf(o->uid, sizeof(o->uid), "2.25.%llu%04u", (unsigned long long)began, serial);
}

static struct order *order_new(
    struct night *n, const struct demo_site *site, const struct patient *p, const struct exam *e)
{
	struct order *o = xcalloc(1, sizeof(*o));

	if (n->norders == n->caporders) {
		n->caporders = n->caporders ? n->caporders * 2 : 64;
		n->orders = xreallocarray(n->orders, n->caporders, sizeof(*n->orders));
	}
	n->orders[n->norders++] = o;
	o->site = site;
	o->patient = p;
	o->exam = e;
	o->reason = e->reason;
	o->doctor = demo_doctors[chance_below(&n->chance, demo_ndoctors)];
	number(o, n->began, n->norders);
	return o;
}

struct night *night_new(const struct cast *cast, uint64_t seed, int64_t now)
{
	struct night *n = xcalloc(1, sizeof(*n));

	n->cast = cast;
	n->chance.state = seed;
	n->began = now;
	return n;
}

void night_free(struct night *n)
{
	if (!n)
		return;
	for (unsigned i = 0; i < n->norders; i++)
		free(n->orders[i]);
	free(n->orders);
	free(n->cues);
	free(n);
}

/* Everything that happened to one scene before the curtain rose. */
static void rehearse(struct night *n, const struct scene *s)
{
	struct order *o =
	    order_new(n, site_named(n->cast, s->site), &demo_patients[s->patient], exam_find(s->exam));
	int64_t done = n->began - (int64_t)s->minutes * MINUTE, took = (4 + o->exam->minutes / 2) * MINUTE;

	o->prio = s->prio;
	o->class = s->class;
	o->loc = s->loc;
	o->ordered =
	    s->fate == ORDERED || s->fate == ACQUIRING ? done - 6 * MINUTE : done - took - 9 * MINUTE;
	if (s->fate != ORPHAN)
		cue(n, o->ordered, NEW, o);
	if (s->fate == ORDERED)
		return;
	cue(n, s->fate == ACQUIRING ? done : done - took, BEGIN, o);
	if (s->fate == ACQUIRING)
		return;
	if (s->fate == CANCELLED) {
		cue(n, done, CANCEL, o);
		return;
	}
	cue(n, done, COMPLETE, o);
	if (s->fate == HELD)
		cue(n, done + 20 * MINUTE, HOLD, o);
	if (s->fate == PRELIM)
		cue(n, done + 19 * MINUTE, REPORT_P, o);
	if (s->fate == FINAL || s->fate == CORRECTED || s->fate == ORPHAN)
		cue(n, done + 28 * MINUTE, REPORT_F, o);
	if (s->fate == CORRECTED)
		cue(n, done + 75 * MINUTE, REPORT_C, o);
}

/* An orphan is known by its report alone: nothing that came before it is sent. */
static void orphan(struct night *n)
{
	for (unsigned i = 0; i < n->ncues; i++) {
		const struct order *o = n->cues[i].order;

		if (o == n->orders[OPENING - 1] && n->cues[i].act != REPORT_F)
			n->cues[i--] = n->cues[--n->ncues];
	}
}

static void prepare(struct night *n)
{
	for (unsigned i = 0; i < OPENING; i++)
		rehearse(n, &opening[i]);
	orphan(n);
	cue(n, n->began - 3 * MINUTE, AI, n->orders[0]);
	cue(n, n->began - 2 * MINUTE, MERGE, n->orders[9]);
	/* Soon after the curtain: the trauma patient gets a name, a routine study becomes urgent. */
	cue(n, n->began + 4 * MINUTE, RENAME, n->orders[12]);
	cue(n, n->began + 2 * MINUTE, UPGRADE, n->orders[16]);
	n->prepared = true;
}

/* How the hours of a study go from here. A reader elsewhere reports it in the end, so the queue does not only grow. */
static void foresee(struct night *n, struct order *o, int64_t from, bool begun)
{
	struct chance *c = &n->chance;
	int64_t begin = from + (1 + chance_below(c, 4)) * MINUTE;
	int64_t done = begun ? from : begin + (2 + chance_below(c, 3) + o->exam->minutes / 3) * MINUTE;
	int64_t report = done + (12 + chance_below(c, 50)) * MINUTE;

	if (!begun) {
		cue(n, begin, BEGIN, o);
		cue(n, done, COMPLETE, o);
	}
	if (chance_below(c, 100) < 12)
		cue(n, begin + MINUTE / 2, CHANGE, o);
	if (o->prio != 'S' && chance_below(c, 100) < 6)
		cue(n, done + 5 * MINUTE, UPGRADE, o);
	if (chance_below(c, 100) < 3) {
		cue(n, begin + 20000, CANCEL, o);
		return;
	}
	if (chance_below(c, 100) < 20)
		cue(n, report - 6 * MINUTE, REPORT_P, o);
	cue(n, report, REPORT_F, o);
}

static const struct demo_site *some_site(struct night *n)
{
	int sum = 0, at;

	for (unsigned i = 0; i < n->cast->nsites; i++)
		sum += n->cast->sites[i].weight;
	at = (int)chance_below(&n->chance, (unsigned)sum);
	for (unsigned i = 0; i < n->cast->nsites; i++)
		if ((at -= n->cast->sites[i].weight) < 0)
			return &n->cast->sites[i];
	return &n->cast->sites[0];
}

static const struct exam *some_exam(struct night *n)
{
	int sum = 0, at;

	for (unsigned i = 0; i < demo_nexams; i++)
		sum += demo_exams[i].weight;
	at = (int)chance_below(&n->chance, (unsigned)sum);
	for (unsigned i = 0; i < demo_nexams; i++)
		if ((at -= demo_exams[i].weight) < 0)
			return &demo_exams[i];
	return &demo_exams[0];
}

/* Priorities as a night service sees them: 4 % stroke, 4 % trauma, 35 % STAT, 45 % emergency, the rest wards. */
static struct order *arrive(struct night *n, int64_t now)
{
	static const char *const beds[] = {"ED^1", "ED^3", "ED^6", "ED^11", "ED^14", "ED^17"};
	unsigned dice = chance_below(&n->chance, 100);
	const struct exam *e = dice < 4   ? exam_find(dice < 2 ? "CTHDSTR" : "CTANKSTR")
	                       : dice < 8 ? exam_find(dice < 6 ? "CTTRAUMA" : "XRCSTRM")
	                                  : some_exam(n);
	struct order *o =
	    order_new(n, some_site(n), &demo_patients[chance_below(&n->chance, demo_npatients)], e);

	o->prio = dice < 43 ? 'S' : dice < 92 ? 'A' : 'R';
	o->class = dice < 88 ? 'E' : 'I';
	o->loc = o->class == 'E' ? beds[chance_below(&n->chance, 6)] : "4E^412";
	o->ordered = now;
	return o;
}

static const char *finding(const struct order *o, enum act act)
{
	if (act == REPORT_C)
		return "ADDENDUM: the 6 mm nodule in the right upper lobe was present before and is "
		       "unchanged.";
	if (act == REPORT_P)
		return "Preliminary: no acute abnormality. Final report to follow.";
	return strcmp(o->exam->modality, "XR") == 0
	           ? "No fracture. Alignment is maintained."
	           : "No acute abnormality. Incidental findings as described.";
}

static void perform(struct night *n, const struct cue *c, struct demo_message *m)
{
	struct order *o = c->order;
	int64_t t = c->at;

	snprintf(m->control, sizeof(m->control), "%s%u%06u", o->site->prefix,
	    (unsigned)(n->began / 1000 % 100000000), (unsigned)(n->messages++ % 1000000));
	switch (c->act) {
	case NEW:
		write_order(&m->text, o, "NW", "SC", t, m->control);
		break;
	case BEGIN:
		o->begun = t;
		write_order(&m->text, o, "SC", "IP", t, m->control);
		break;
	case COMPLETE:
		o->ended = t;
		write_order(&m->text, o, "SC", "CM", t, m->control);
		break;
	case HOLD:
		write_order(&m->text, o, "HD", "HD", t, m->control);
		break;
	case CHANGE:
		o->reason = "as before; patient moved, new line placed";
		write_order(&m->text, o, "XO", "", t, m->control);
		break;
	case UPGRADE:
		o->prio = 'S';
		write_order(&m->text, o, "XO", "", t, m->control);
		break;
	case CANCEL:
		write_order(&m->text, o, "CA", "CA", t, m->control);
		break;
	case MERGE:
		write_merge(&m->text, o, "T0000451", t, m->control);
		break;
	case RENAME:
		o->patient = &demo_patients[demo_npatients - 1];
		write_rename(&m->text, o, t, m->control);
		break;
	case AI:
		write_ai(&m->text, o, "ICH suspected, v2.1", 0.91, t, m->control);
		break;
	case REPORT_P:
	case REPORT_F:
	case REPORT_C:
		write_result(&m->text, o,
		    c->act == REPORT_P   ? 'P'
		    : c->act == REPORT_F ? 'F'
		                         : 'C',
		    finding(o, c->act), t, m->control);
		break;
	}
}

/* Takes the earliest cue not later than `until` out of the list and plays it. */
static bool play(struct night *n, int64_t until, struct demo_message *m)
{
	unsigned first = n->ncues;

	for (unsigned i = 0; i < n->ncues; i++)
		if (n->cues[i].at <= until &&
		    (first == n->ncues || n->cues[i].at < n->cues[first].at ||
		        (n->cues[i].at == n->cues[first].at && n->cues[i].act < n->cues[first].act)))
			first = i;
	if (first == n->ncues)
		return false;
	struct cue c = n->cues[first];
	n->cues[first] = n->cues[--n->ncues];
	perform(n, &c, m);
	return true;
}

bool night_opening(struct night *n, struct demo_message *m)
{
	if (!n->prepared)
		prepare(n);
	if (play(n, n->began, m))
		return true;
	if (!n->next_order) {
		n->next_order = n->began;
		for (unsigned i = 0; i < OPENING; i++)
			if (opening[i].fate == READY)
				foresee(n, n->orders[i], n->began, true);
			else if (opening[i].fate == ORDERED)
				foresee(n, n->orders[i], n->began, false);
	}
	return false;
}

bool night_live(struct night *n, int64_t now, unsigned per_hour, struct demo_message *m)
{
	if (!n->next_order)
		n->next_order = now;
	if (per_hour && now >= n->next_order && n->ncues < LIVE_MAX) {
		int64_t gap = 60 * MINUTE / per_hour;
		struct order *o = arrive(n, n->next_order);

		/* after a pause (a suspended machine) the night goes on, it does not catch up */
		if (now - n->next_order > 2 * gap)
			n->next_order = now;
		n->next_order += gap / 2 + (int64_t)(chance_real(&n->chance) * (double)gap);
		cue(n, o->ordered, NEW, o);
		foresee(n, o, o->ordered, false);
	}
	return play(n, now, m);
}

/* Somebody's family name with somebody else's given name: a few thousand different people. */
static void mix_name(char *out, size_t size, uint64_t serial)
{
	const char *family = demo_patients[serial % demo_npatients].name;
	const char *given = strchr(demo_patients[serial / demo_npatients % demo_npatients].name, '^');

	snprintf(out, size, "%.*s%.*s", (int)strcspn(family, "^"), family, (int)strcspn(given, "~"), given);
}

void night_load(struct night *n, uint64_t serial, int64_t now, bool ready, struct demo_message *m)
{
	char name[200];
	struct patient p = {
	    .name = name, .sex = serial % 2 ? 'M' : 'F', .born = 1930 + (int)(serial * 37 % 90)};
	struct order o = {.site = &n->cast->sites[serial % n->cast->nsites],
	    .patient = &p,
	    .exam = &demo_exams[4 + serial % 18],
	    .prio = "SAARA"[serial % 5],
	    .class = "EEEIO"[serial % 5],
	    .loc = "ED^1",
	    .doctor = demo_doctors[serial % demo_ndoctors],
	    .ordered = now,
	    .begun = now,
	    .ended = now};

	mix_name(name, sizeof(name), serial);
	o.reason = o.exam->reason;
	snprintf(o.accession, sizeof(o.accession), "%sL%08llu", o.site->prefix, (unsigned long long)serial);
	snprintf(o.placer, sizeof(o.placer), "PL%010llu", (unsigned long long)serial);
	snprintf(o.filler, sizeof(o.filler), "FL%010llu", (unsigned long long)serial);
	snprintf(o.visit, sizeof(o.visit), "VL%010llu", (unsigned long long)serial);
	snprintf(o.mrn, sizeof(o.mrn), "L%07llu", (unsigned long long)(serial / 3 * 7919 % 9999991));
	snprintf(o.uid, sizeof(o.uid), "2.25.7%010llu", (unsigned long long)serial);
	snprintf(m->control, sizeof(m->control), "L%010llu", (unsigned long long)serial);
	write_order(&m->text, &o, ready ? "SC" : "NW", ready ? "CM" : "SC", now, m->control);
}
