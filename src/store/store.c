/*
 * Taking objects in: a link, a row, a commit, and then the way it came by is removed.
 */
#include "config.h"

#include "store_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "wetread/errors.h"
#include "wetread/log.h"
#include "wetread/mem.h"
#include "wetread/text.h"

/* ---- opening */

static int open_dirs(struct store *s)
{
	static const char *const parts[] = {"incoming", "study", "aside", "preview", "query"};

	if (mkdir(s->dir, 0700) < 0 && errno != EEXIST)
		return io_err();
	s->fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->fd < 0)
		return io_err();
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		int rc = dir_make(s->fd, parts[i]);

		if (rc < 0)
			return rc;
	}
	return fsync(s->fd) < 0 ? io_err() : 0;
}

int store_open(struct store **out, const char *dir)
{
	struct store *s = xcalloc(1, sizeof(*s));
	mode_t mask = umask(077);
	int err;

	s->dir = xstrdup(dir);
	s->fd = -1;
	err = open_dirs(s);
	if (err)
		log_err("%s: %s", dir, strerror(errno));
	else
		err = index_open(s);
	umask(mask);
	if (err) {
		store_close(s);
		return err;
	}
	*out = s;
	return 0;
}

void store_close(struct store *s)
{
	if (s == NULL)
		return;
	store_rollback(s);
	index_close(s);
	if (s->fd >= 0)
		close(s->fd);
	free(s->done);
	free(s->dirty);
	free(s->dir);
	free(s);
}

int store_dir(const struct store *s)
{
	return s->fd;
}

uint64_t store_room(const struct store *s)
{
	struct statvfs v;

	return fstatvfs(s->fd, &v) < 0 ? 0 : (uint64_t)v.f_bavail * v.f_frsize;
}

/* ---- batches */

static int begin(struct store *s)
{
	int err;

	if (s->batch)
		return 0;
	err = index_run(s, Q_BEGIN, "");
	s->batch = !err;
	return err;
}

void store_rollback(struct store *s)
{
	if (s->batch && !sqlite3_get_autocommit(s->db)) /* a failure may have rolled it back already */
		index_run(s, Q_ROLLBACK, "");
	s->batch = false;
	s->ndone = s->ndirty = 0;
}

static void finished(struct store *s, const char *file)
{
	s->done = xreallocarray(s->done, s->ndone + 1, sizeof(*s->done));
	snprintf(s->done[s->ndone++].file, STORE_PATH, "%s", file);
}

int store_commit(struct store *s)
{
	int err;

	if (!s->batch)
		return 0;
	err = dirty_sync(s);
	if (!err)
		err = index_run(s, Q_COMMIT, "");
	if (err) {
		store_rollback(s);
		return err;
	}
	s->batch = false;
	for (size_t i = 0; i < s->ndone; i++)
		unlinkat(
		    s->fd, s->done[i].file, 0); /* if this is lost, it is taken once more as STORE_SAME */
	s->ndone = 0;
	return 0;
}

/* ---- aside */

static int aside_name(struct store *s, int64_t at, char out[STORE_PATH])
{
	struct stat st;

	do
		snprintf(out, STORE_PATH, "aside/%013lld-%lu.dcm", (long long)at, ++s->counter);
	while (fstatat(s->fd, out, &st, AT_SYMLINK_NOFOLLOW) == 0);
	return 0;
}

/* What is known of an object that goes aside; each may be NULL. */
struct about {
	const char *study, *sha, *patient;
};

static int set_aside(struct store *s, const char *file, const char *reason, const struct store_origin *o,
    const struct about *a, char kept[STORE_PATH])
{
	char name[STORE_PATH];
	int err = begin(s);

	if (err)
		return err;
	aside_name(s, o->at, name);
	if (linkat(s->fd, file, s->fd, name, 0) < 0)
		return io_err();
	dirty_add(s, "aside");
	err = index_run(s, Q_ASIDE, "sissssisss", name, o->at, o->site, o->aet, o->peer, reason,
	    (int64_t)o->size, a->study, a->sha, a->patient);
	if (err)
		return err;
	finished(s, file);
	memcpy(kept, name, STORE_PATH);
	return 0;
}

int store_aside(struct store *s, const char *file, const char *reason, const struct store_origin *o,
    char kept[STORE_PATH])
{
	return set_aside(s, file, reason, o, &(struct about){0}, kept);
}

const char *store_why(enum store_taken t)
{
	return t == STORE_OTHER     ? "another object has the same SOP Instance UID"
	       : t == STORE_FOREIGN ? "it names another patient than the study it says it belongs to"
	                            : NULL;
}

/* ---- taking */

struct place {
	char study[STORE_KEY], series[STORE_KEY], object[STORE_KEY];
	char dir[STORE_PATH], file[STORE_PATH];
};

static void place_of(struct place *p, const struct image *im)
{
	store_key(im->study_uid, p->study);
	store_key(im->series_uid, p->series);
	store_key(im->instance, p->object);
	snprintf(p->dir, STORE_PATH, "study/%s/%s", p->study, p->series);
	snprintf(p->file, STORE_PATH, "study/%s/%s/%s.dcm", p->study, p->series, p->object);
}

static int make_dirs(struct store *s, const struct place *p)
{
	char study[STORE_PATH];
	int rc;

	snprintf(study, sizeof(study), "study/%s", p->study);
	rc = dir_make(s->fd, study);
	if (rc == 0)
		dirty_add(s, "study");
	if (rc >= 0 && (rc = dir_make(s->fd, p->dir)) == 0)
		dirty_add(s, study);
	return rc < 0 ? rc : 0;
}

static bool same_file(const struct store *s, const char *a, const char *b)
{
	struct stat x, y;

	return fstatat(s->fd, a, &x, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstatat(s->fd, b, &y, AT_SYMLINK_NOFOLLOW) == 0 && x.st_ino == y.st_ino &&
	       x.st_dev == y.st_dev;
}

/*
 * The index knows nothing of what lies at this place.  After a crash it is this very file; anything else is left over
 * from an index that was lost, and is kept.
 */
static int make_way(struct store *s, const struct place *p, const char *file, const struct store_origin *o)
{
	char name[STORE_PATH];

	if (same_file(s, p->file, file))
		return 0;
	aside_name(s, o->at, name);
	if (renameat(s->fd, p->file, s->fd, name) < 0 || linkat(s->fd, file, s->fd, p->file, 0) < 0)
		return io_err();
	dirty_add(s, "aside");
	return index_run(s, Q_ASIDE, "sissssisss", name, o->at, o->site, o->aet, o->peer,
	    "it lay where another object belongs, and the index did not know it", (int64_t)0,
	    (const char *)NULL, (const char *)NULL, (const char *)NULL);
}

static int put_file(struct store *s, const struct place *p, const char *file, const struct store_origin *o)
{
	int err = make_dirs(s, p);

	if (err)
		return err;
	if (linkat(s->fd, file, s->fd, p->file, 0) < 0) {
		err = errno == EEXIST ? make_way(s, p, file, o) : io_err();
		if (err)
			return err;
	}
	dirty_add(s, p->dir);
	return 0;
}

/* Objects about the study that are not its pictures: they do not say what kind of study it is. */
static const char *picture_modality(const struct image *im)
{
	return str_listed("SR PR KO SEG REG DOC FID RTSTRUCT RTPLAN RTDOSE AU HC", im->modality)
	           ? NULL
	           : im->modality;
}

static int put_rows(
    struct store *s, const struct place *p, const struct image *im, const struct store_origin *o)
{
	int err = index_run(s, Q_STUDY, "ssssssssssssiiiiss", p->study, im->study_uid, o->site, o->aet,
	    im->accession, im->pid, im->pid_auth, im->name, im->birth, im->sex, im->exam, im->body,
	    im->expected, (int64_t)o->size, im->time, o->at, picture_modality(im), store_why(STORE_OTHER));

	if (!err)
		err = index_run(s, Q_SERIES, "sssssi", p->series, p->study, im->series_uid, im->modality,
		    im->series_text, im->series_number);
	if (!err && sqlite3_changes(s->db) == 1)
		err = index_run(s, Q_STUDY_SERIES, "s", p->study);
	if (!err)
		err = index_run(s, Q_SERIES_MORE, "s", p->series);
	if (!err)
		err = index_run(s, Q_INSTANCE, "ssssssiiiiiiisssis", p->object, p->study, p->series,
		    im->instance, im->class, im->syntax, im->number, im->frames, im->rows, im->columns,
		    im->place, im->time, (int64_t)o->size, im->sha256, o->aet, o->peer, o->at, im->trouble);
	return err;
}

/* 1 when the index has an object of this name; its digest then. */
static int find(struct store *s, const struct place *p, char sha[2 * STORE_SHA + 1])
{
	sqlite3_stmt *q = index_query(s, Q_FIND, "s", p->object);
	int rc = sqlite3_step(q);

	if (rc == SQLITE_ROW)
		snprintf(sha, 2 * STORE_SHA + 1, "%s", (const char *)sqlite3_column_text(q, 0));
	sqlite3_reset(q);
	return rc == SQLITE_ROW ? 1 : index_err(s, rc);
}

/* Was this very object put aside before?  Senders try again. */
static int is_aside(struct store *s, const char *sha)
{
	sqlite3_stmt *q = index_query(s, Q_ASIDE_FIND, "s", sha);
	int rc = sqlite3_step(q);

	sqlite3_reset(q);
	return rc == SQLITE_ROW ? 1 : index_err(s, rc);
}

static int reject(struct store *s, const char *file, const struct place *p, const struct image *im,
    const struct store_origin *o, enum store_taken *taken, char kept[STORE_PATH])
{
	char patient[STORE_PATIENT];
	int rc = is_aside(s, im->sha256);

	if (rc < 0)
		return rc;
	if (rc == 1) {
		finished(s, file);
		*taken = STORE_SAME;
		return 0;
	}
	patient_text(im, patient);
	rc = set_aside(s, file, store_why(*taken), o, &(struct about){p->study, im->sha256, patient}, kept);
	if (!rc)
		rc = index_run(s, Q_STUDY_ASIDE, "si", p->study, (int64_t)(*taken == STORE_OTHER));
	return rc;
}

/* 1 when the study is there and is another patient's. */
static int is_foreign(struct store *s, const struct place *p, const struct image *im)
{
	struct store_study st;
	int rc = store_study_get(s, p->study, &st);

	if (rc)
		return rc == E_NOTFOUND ? 0 : rc;
	rc = patient_differs(&st, im);
	store_study_release(&st);
	return rc;
}

int store_take(struct store *s, const char *file, const struct image *im, const struct store_origin *o,
    enum store_taken *taken, char kept[STORE_PATH])
{
	char sha[2 * STORE_SHA + 1];
	struct place p;
	int rc = begin(s);

	if (rc)
		return rc;
	place_of(&p, im);
	rc = find(s, &p, sha);
	if (rc < 0)
		return rc;
	if (rc == 1 && strcmp(sha, im->sha256) == 0) {
		finished(s, file);
		*taken = STORE_SAME;
		return 0;
	}
	if (rc == 1) {
		*taken = STORE_OTHER;
		return reject(s, file, &p, im, o, taken, kept);
	}
	rc = is_foreign(s, &p, im);
	if (rc < 0)
		return rc;
	if (rc == 1) {
		*taken = STORE_FOREIGN;
		return reject(s, file, &p, im, o, taken, kept);
	}
	rc = put_file(s, &p, file, o);
	if (!rc)
		rc = put_rows(s, &p, im, o);
	if (rc)
		return rc;
	finished(s, file);
	*taken = STORE_NEW;
	return 0;
}
