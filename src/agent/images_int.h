/*
 * images_int - what the agent's files about pictures and images share.
 *
 *     plan (fetch.c) -> films: what is wanted of each study, what is here (shelf.c)
 *       -> requests on the connection for pictures, in order of need (bulk.c) -> blobs in the cache
 *       -> clients' trays (lend.c)
 *
 *     film  "m/17"            {"of":320,"manifest":{..}}: the list of small pictures, as it was when there were 320 images
 *     film  "l/17"            {"of":320,"images":[{"i","s","size","sha256"},..]}
 *     blob  "p/17/3/2"        packets of series 2, revision 3
 *     blob  "i/17/<key>"      an image's file
 */
#ifndef WETREAD_IMAGES_INT_H
#define WETREAD_IMAGES_INT_H

#include "wetread/credit.h"
#include "wetread/manifest.h"
#include "wetread/map.h"
#include "wetread/press.h"
#include "wetread/tray.h"

#include "agent_int.h"

enum { IMAGE_KEY = 33, BLOB_KEY = 80, REQUEST_MAX = 900 * 1024 };

struct film_image {
	char key[IMAGE_KEY], series[IMAGE_KEY];
	uint64_t size;
	unsigned char sha256[32];
	bool here, asked;
};

/* A study whose pictures are wanted. */
struct film {
	uint64_t study;
	int need;
	bool wants_images;
	int64_t not_before, no_pictures_before; /* monotonic: after a refusal */
	int64_t pictures_wait;                  /* how long until the manifest is asked for again */
	unsigned bad;                           /* files that were not what their SHA-256 said */
	bool full;                              /* there is no room for more of it */

	bool knows_pictures;
	uint64_t pictures_of; /* how many images there were when the manifest was made */
	struct manifest m;
	bool *here, *asked; /* by index of m.series */

	bool knows_images;
	uint64_t images_of;
	struct film_image *images;
	unsigned nimages;
	struct film_image *coming; /* of a list that is being fetched */
	unsigned ncoming;
};

enum job_kind { JOB_PICTURES, JOB_LIST, JOB_IMAGES, JOB_RELAY };
struct job {
	enum job_kind kind;
	uint64_t number, study;
	int need;
	struct relay *relay; /* JOB_RELAY */
};
/* What a client wants to see and the cache has not. */
struct relay {
	struct relay *next;
	uint64_t client;
	char *id, *params;
	bool sent;
};

struct images {
	struct film **films; /* most needed first */
	unsigned nfilms;
	int64_t plan_at;
	struct map whole; /* blobs that are all here: key to size */
	bool knows_whole;
	uint64_t bytes; /* of them */

	/* the connection */
	bool up, greeted;
	uint64_t last;
	struct job jobs[TRAY_JOBS]; /* the first is being answered */
	unsigned njobs, ncancelled; /* of the first jobs */
	struct relay *relays;
	bool asking_manifest;
	struct credit credit;
	int64_t measured, free_at, linger_until;
	bool to_tell;

	/* what is coming */
	struct {
		uint64_t study, rev;
		uint32_t n, have, total;
		uint8_t *bytes; /* NULL: none */
	} album;
	struct {
		uint64_t study, at;
		char key[IMAGE_KEY];
		size_t n, of, have; /* of 0: none */
		uint8_t bytes[PRESS_MOST];
	} piece;
	struct blob *blob;
	char blob_key[BLOB_KEY];
	uint64_t blob_study;

	/* how fast */
	int64_t window;
	uint64_t window_coded, window_plain;
	uint64_t coded_a_second, plain_a_second;
	uint64_t fetched; /* bytes, since the beginning */

	/* a series' packets that a client looks at */
	struct {
		uint64_t study, rev;
		uint32_t n;
		struct buf bytes;
	} page;
};

struct images *images_new(void);
void images_free(struct agent *);
void images_forget(struct agent *); /* before the cache is emptied */

/* shelf.c: what is wanted, what is here */
void shelf_plan(struct agent *, int64_t now);
void shelf_sweep(struct agent *); /* what left the queue, or whose images left the store */
bool shelf_may_keep(const struct agent *, uint64_t study);
struct film *shelf_film(struct agent *, uint64_t study);
struct film *film_read(struct agent *, uint64_t study); /* as the cache has it; a copy */
void film_free(struct film *);
int film_keep_pictures(struct agent *, struct film *, const struct cJSON *manifest);
int film_add_images(
    struct film *, const struct cJSON *images); /* to the list that is coming. E_SYNTAX, E_LIMIT */
void film_list_is_whole(struct agent *, struct film *, uint64_t of);
int film_keep_images(struct agent *, struct film *);
struct film_image *film_image(struct film *, const char *key);
uint64_t film_count(const struct agent *, const struct film *); /* images of the study now */
bool film_has_series(struct agent *, uint64_t study, uint64_t rev, uint32_t n);
void picture_key(char out[BLOB_KEY], uint64_t study, uint64_t rev, uint32_t n);
void image_key(char out[BLOB_KEY], uint64_t study, const char *image);
void shelf_add(struct agent *, const char *key, uint64_t size); /* it is whole now */
static inline int film_weight(const struct film *f, bool pictures)
{
	return 2 * f->need + pictures;
}
/* Makes room by what weighs less; false: there is nothing like that. */
bool shelf_room(struct agent *, uint64_t bytes, int weight);
void shelf_status(struct agent *, struct buf *);

/* bulk.c: the connection */
void bulk_stop(struct agent *);   /* what is under way is not wanted any more */
void bulk_cancel(struct agent *); /* the same of requests of ours; what people wait for comes */
void bulk_send_out(struct agent *, struct buf *); /* and releases it */
struct job *bulk_request(
    struct agent *, enum job_kind, uint64_t study, const char *method, struct buf *params);
struct buf bulk_params(uint64_t study); /* an open object */
void bulk_ask(struct agent *, enum job_kind, const struct film *, const char *method, struct buf *params);
void bulk_came(struct agent *, size_t n);
void bulk_give_back(
    struct agent *, int64_t now, int64_t *next); /* what came, as fast as the settings allow */
void bulk_measure(struct agent *, int64_t now);  /* the round trip of the queue's connection, now and then */
void bulk_linger(struct agent *);                /* the connection is wanted for some time */
void film_forget_asked(struct film *);

/* next.c */
void bulk_turn(struct agent *, int64_t now, int64_t *next);

/* album.c: small pictures */
void album_ask(struct agent *, struct film *, unsigned index);
void album_ask_manifest(struct agent *, struct film *);
int album_took(struct agent *, const struct wire_msg *, const char *line, size_t len);

/* image.c: images */
void image_ask_list(struct agent *, struct film *);
void image_took_list(struct agent *, struct film *, const struct cJSON *result);
bool image_ask(struct agent *, struct film *); /* false: all is asked for */
int image_took(struct agent *, const struct cJSON *params);
void image_close(struct images *);

/* relay.c: what clients wait for */
struct relay *relay_first(const struct images *); /* whose what comes now is; NULL: ours */
bool relay_waits(const struct images *);
void relay_put(
    struct agent *, struct agent_client *, const struct wire_msg *); /* passes a preview.fetch on */
void relay_send_all(struct agent *);
void relay_fail_all(struct agent *); /* those that were not sent */
void relay_answer(struct agent *, struct relay *, const struct wire_msg *);
void relay_cancel(struct agent *, uint64_t client);

/* lend.c: clients' pictures */
void lend_open(struct agent_client *);
void lend_close(struct agent_client *);
bool lend_take(struct agent_client *, const struct wire_msg *); /* false: it is about something else */
void lend_turn(struct agent *);

#endif
