/*
 * store - the images there are: files under names we choose, and an index of them.
 *
 *     DIR/incoming/<association>/            objects received and acknowledged, not yet indexed
 *     DIR/study/<key>/<series>/<object>.dcm  keys are the first 32 hexadecimal digits of the UID's SHA-256
 *     DIR/aside/                             objects that could not be taken, for a person to look at; those of another
 *                                            patient than the study they say they belong to among them
 *     DIR/preview/                           what previews are made into
 *     DIR/query/                             what an archive is asked, and answers
 *     DIR/index.db                           SQLite: study, series, instance, aside
 *
 * An object is taken by a second link to its file; the index is committed, and only then the file leaves incoming/.
 * So at every moment a crash leaves it in incoming/ or in the index, and taking it again changes nothing.
 *
 * One process takes; others may read, verify and purge at the same time.  Everything here holds patients' data and is
 * the owner's alone.  Functions return 0 or a negative E_*; blocking I/O.
 */
#ifndef WETREAD_STORE_H
#define WETREAD_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wetread/buf.h"

struct cJSON;
struct dicom_header;
struct zone;

enum { STORE_KEY = 33, STORE_PATH = 128, STORE_SHA = 32 };

/* The name of everything that belongs to a UID. */
void store_key(const char *uid, char out[STORE_KEY]);
/* SHA-256 of a whole file. May be called where no file can be opened any more, if store_digest_ready() was before. */
int store_digest(int fd, unsigned char out[STORE_SHA]);
int store_digest_ready(void);
void store_hex(const unsigned char *bytes, size_t n, char *out); /* 2 * n + 1 */

/* ---- an object's facts */

#define IMAGE_STR(name) char *name;
#define IMAGE_INT(name) int64_t name;
struct image {
#define IMAGE(name, type, home, help) IMAGE_##type(name)
#include "image_fact.def"
#undef IMAGE
};
/* All but sha256. A time without an offset is in the zone. */
void image_of(struct image *, const struct dicom_header *, const struct zone *);
void image_write(struct buf *, const struct image *); /* as a JSON object */
/* Of such an object; E_CORRUPT when the UIDs in it are not UIDs. Release it in every case. */
int image_read(struct image *, const struct cJSON *);
void image_release(struct image *);

/* ---- the store */

struct store;

/* Makes what is missing. E_IO, E_CORRUPT (the index is no index, or a newer one), E_FULL. */
int store_open(struct store **, const char *dir);
void store_close(struct store *);
int store_dir(const struct store *); /* descriptor of DIR, the store's */
/* Bytes that are still free for us on the disk. */
uint64_t store_room(const struct store *);

struct store_origin {
	const char *site, *aet, *peer; /* copied */
	int64_t at;                    /* arrival, UTC ms */
	uint64_t size;
};
enum store_taken {
	STORE_NEW,
	STORE_SAME,   /* these very bytes were here already */
	STORE_OTHER,  /* other bytes are here under its SOP Instance UID: it was put aside */
	STORE_FOREIGN /* it names another patient than its study: it was put aside */
};
/* Why STORE_OTHER and STORE_FOREIGN are put aside, for a person. */
const char *store_why(enum store_taken);

/*
 * Within a batch: file is relative to DIR.  Changes last, and file goes away, with store_commit().  kept: of an object that was
 * put aside.  Two patients are never filed under one Study Instance UID: an object with another patient id (and issuer),
 * name or birth date than its study has is STORE_FOREIGN.
 */
int store_take(struct store *, const char *file, const struct image *, const struct store_origin *,
    enum store_taken *, char kept[STORE_PATH]);
/* Puts it into aside/; *kept gets its name there. The reason is for a person. */
int store_aside(
    struct store *, const char *file, const char *reason, const struct store_origin *, char kept[STORE_PATH]);
/* Syncs the directories, commits the index, removes the files from incoming/. On failure the batch did not happen. */
int store_commit(struct store *);
void store_rollback(struct store *);

/* ---- studies */

struct store_study {
	char key[STORE_KEY];
	char *uid, *site, *aet, *accession, *pid, *pid_auth, *name, *birth, *sex, *modality, *exam, *body;
	char *current; /* of a prior: UID of the study it was asked for, to compare with */
	int64_t images, series, bytes, expected;
	int64_t first_image, last_image; /* when made, UTC ms; 0 not known */
	int64_t newest;                  /* arrival of the newest object */
	int64_t aside;                   /* objects put aside: they name another patient, or */
	int64_t aside_uid;               /* another object has their SOP Instance UID */
	int64_t told_images, told_series, told_aside;
	int64_t broken; /* so many were there when it was told that their association broke off */
	int64_t asked;  /* 1: the archive was asked for priors */
	int64_t born;   /* arrival of the oldest object that is here: another after a purge */
	bool released;  /* the association that brought the newest object ended as it should */
	bool complete;  /* and that was told */
};
void store_study_release(struct store_study *);
int store_study_get(struct store *, const char *key, struct store_study *); /* E_NOTFOUND */
/* Those of which not everything was told. fn returns 0 to go on. */
int store_each_open(struct store *, int (*fn)(void *ctx, const struct store_study *), void *ctx);
/* Outside of a batch. */
int store_told(struct store *, const struct store_study *); /* its counts were */
int store_released(struct store *, const char *key);
int store_completed(
    struct store *, const char *key, int64_t images); /* nothing if more images are there by now */

/* By its UID, ACCESSION or SITE/ACCESSION. E_NOTFOUND, E_AMBIGUOUS. */
int store_study_find(struct store *, const char *name, struct store_study *);

/* The study of this UID, here already or not, is a prior of that one: told as such from now on. */
int store_prior(struct store *, const char *uid, const struct store_study *current);
/* Those that came since and whose priors were not asked for. fn returns 0 to go on. */
int store_each_unasked(
    struct store *, int64_t since, int (*fn)(void *ctx, const struct store_study *), void *ctx);
int store_asked(struct store *, const char *key); /* the archive was asked for this one's priors */

/* Objects put aside. */
struct store_kept {
	const char *file, *aet, *peer, *reason;
	int64_t size, at;    /* arrival, UTC ms */
	const char *patient; /* whom it names; "" when that was not read */
};
int store_each_aside(struct store *, int (*fn)(void *ctx, const struct store_kept *), void *ctx);
/* Those of which that was not told. */
int store_each_kept(struct store *, int (*fn)(void *ctx, const struct store_kept *), void *ctx);
int store_kept_told(struct store *, const char *file);

/* ---- single images, for those who hand them on */

struct store_image {
	char study[STORE_KEY], series[STORE_KEY], key[STORE_KEY];
	char sha256[2 * STORE_SHA + 1], syntax[65];
	int64_t series_number, number, size;
	int64_t rows, columns, frames; /* 0: not known */
};
/* `most` of a study's from the one after `skip` on, by series and number. fn returns 0 to go on. */
int store_images(struct store *, const char *study_key, int64_t skip, int64_t most,
    int (*fn)(void *ctx, const struct store_image *), void *ctx);
int store_image_get(struct store *, const char *key, struct store_image *); /* E_NOTFOUND */
void store_image_file(const struct store_image *, char out[STORE_PATH]);    /* relative to DIR */

/* ---- keeping house */

struct store_usage {
	int64_t studies, series, images, bytes, aside, aside_bytes, waiting,
	    preview_bytes; /* waiting: files in incoming/ */
};
int store_usage(struct store *, struct store_usage *);

struct store_fault {
	const char *file, *what;
};
/* Reads every file again; fault is called for each that is missing, changed or not in the index. *good counts the others. */
int store_verify(
    struct store *, void (*fault)(void *ctx, const struct store_fault *), void *ctx, int64_t *good);
/* Removes the pictures that were made of a study. */
int store_forget_preview(struct store *, const char *key);
/* Removes a study's files, previews and rows. E_NOTFOUND. Interrupted, it can be repeated. */
int store_purge(struct store *, const char *study_uid, int64_t *images);

#endif
