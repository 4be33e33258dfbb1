/* scp_int - what the files of the image intake share. */
#ifndef SCP_INT_H
#define SCP_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "wetread/address.h"
#include "wetread/assoc.h"
#include "wetread/scp.h"
#include "wetread/store.h"

struct event;
struct event_base;
struct zone;

/* ---- config.c */

struct scp_peer {
	char *aet, *site;
	struct network *hosts; /* none: from anywhere */
	size_t nhosts;
	const struct zone *zone; /* of times without an offset */
};
struct quiet {
	char modality[DICOM_AE_MAX + 1];
	int64_t ms;
};
#define CONFIG_COUNT(name) int64_t name;
#define CONFIG_BYTES(name) int64_t name;
#define CONFIG_SPAN(name)  int64_t name;
#define CONFIG_WORDS(name) char *name;
#define CONFIG_PATH(name)  char *name;
#define CONFIG_LIST(name)  char *name;
struct scp_config {
#define DICOM_SETTING(section, key, member, kind, dflt, least, most, help) CONFIG_##kind(member)
#include "dicom_setting.def"
#undef DICOM_SETTING
	struct scp_peer *peers;
	size_t npeers;
	struct quiet *quiets;
	size_t nquiets;
};
/* A file that is not there gives the defaults, which let nobody in. E_SYNTAX, E_IO with *why (caller frees). */
int scp_config_load(const char *path, struct scp_config **out, char **why);
void scp_config_free(struct scp_config *);
const struct scp_peer *scp_peer_find(const struct scp_config *, const char *aet);
bool scp_peer_from(const struct scp_peer *, const struct address *);
int64_t scp_quiet(const struct scp_config *, const char *modality);

/* ---- stream.c: a connection, with or without TLS */

struct ssl_ctx_st;
struct ssl_st;
/* NULL in *out when the configuration has no certificate. E_SYNTAX with *why. */
int tls_open(const struct scp_config *, struct ssl_ctx_st **out, char **why);
void tls_close(struct ssl_ctx_st *);

struct stream {
	int fd;
	struct ssl_st *ssl;
};
int stream_open(struct stream *, int fd, struct ssl_ctx_st *, int64_t deadline);
/* Bytes read (at least 1), 0 at the end, E_TIMEOUT at the deadline (ms, monotonic), E_NOLINK. */
long stream_read(struct stream *, void *out, size_t n, int64_t deadline);
int stream_write(struct stream *, const void *bytes, size_t n, int64_t deadline);
void stream_close(struct stream *, int64_t deadline);

/* ---- what an association's process says to the listener's: one record a write */

enum note_kind {
	NOTE_PEER = 'P',    /* a known peer has associated: text is its AE title */
	NOTE_STORED = 'S',  /* number is an object that was stored and is acknowledged next */
	NOTE_REFUSED = 'F', /* an object was not taken: text says why */
	NOTE_ENDED = 'R',   /* it ended as it should */
	NOTE_BROKEN = 'X'   /* it ended otherwise: text says how */
};
enum { NOTE_TEXT = 112 };
struct notice {
	uint32_t kind, number;
	uint64_t size;
	char text[NOTE_TEXT];
};

/* ---- receive.c: the association's process */

struct receiver {
	const struct scp_config *config;
	struct ssl_ctx_st *tls;
	int conn, folder, above, pipe, lock; /* its only descriptors; lock is held, not used */
	struct address from;
	char peer[PEER_MAX];
	bool crowded; /* reject it */
};
void receive(struct receiver *) __attribute__((noreturn));

/* In an association's folder: "00000001.dcm", "00000001.part" before it is whole, and "from". */
enum { FILE_NAME = 32 };
void object_name(char out[FILE_NAME], uint32_t number, bool whole);

/* ---- reader.c: the process that reads headers */

struct dicom_charsets;
enum { READER_NOT_CONFINED = 2 }; /* its exit status: no file is to blame */
struct reading {
	int fd; /* of the object, -1 when it could not be opened */
	const struct zone *zone;
	bool answer; /* of an archive about a study: it has no series and no object */
};
/* Writes one line a file on out: {"i":0,"image":{...}} or {"i":0,"why":"..."}. */
void read_headers(const struct reading *, size_t n, uint64_t cpu_seconds, struct dicom_charsets *, int out)
    __attribute__((noreturn));

/* ---- scp.c */

struct scp {
	struct scp_options opt;
	struct scp_config *config;
	struct ssl_ctx_st *tls;
	struct event_base *base;
	struct upstream *up;
	struct store *store;
	int lock;
	struct dicom_charsets *charsets;
	struct arrival *arrivals; /* list */
	unsigned nlive;           /* of them with a process */
	struct filing *filing;
	struct telling *telling;
	struct previewing *previewing;
	struct priors *priors;
	bool stopping;
	int result;
};
void scp_stop(struct scp *, int result);

/* ---- arrival.c: associations, from the listener's side */

enum { FOLDER_ID = 24 };
struct arrival { /* one association, or a folder found at the start */
	struct arrival *next;
	struct scp *scp;
	char folder[FOLDER_ID]; /* in incoming/ */
	char peer[PEER_MAX];
	char aet[DICOM_AE_MAX + 1];
	char *site;
	const struct zone *zone;
	struct source source;
	pid_t pid; /* 0: none (any more) */
	int pipe;
	struct event *event;
	bool ended, released, told_refusal;
	unsigned waiting; /* files not filed yet */
	uint32_t last;    /* number of the newest object known */
	uint64_t stored;
	char (*studies)[STORE_KEY];
	size_t nstudies;
};
/* Starts a process for the connection, which stays the caller's to close. */
void arrival_start(struct scp *, int conn, const struct address *);
unsigned arrivals_from(const struct scp *, const struct source *);
bool arrival_died(struct scp *, pid_t, int status); /* whether it was one */
/* Takes up what an earlier run left in incoming/. */
int arrivals_recover(struct scp *);
void arrival_filed(
    struct arrival *, const char *study_key); /* one of its files; study_key NULL: it was put aside */
void arrivals_free(struct scp *);

/* ---- filing.c: received files through the header readers into the store */

struct filing *filing_new(struct scp *);
void filing_free(struct filing *);
void filing_add(struct filing *, struct arrival *, uint32_t number);
bool filing_died(struct filing *, pid_t, int status); /* whether it was one of ours */
bool filing_idle(const struct filing *);

/* ---- telling.c: what the coordinator is to know */

struct telling *telling_new(struct scp *);
void telling_free(struct telling *);
int telling_recover(struct telling *);
void telling_grown(struct telling *, const char *study_key);            /* it has more objects */
void telling_busy(struct telling *, const char *study_key, int change); /* an association brings it: +1, -1 */
void telling_refused(struct telling *, const char *peer, const char *reason, const char *file, uint64_t size);

/* ---- pick.c: which answers of an archive are worth fetching */

/* Up to priors_count of them, the best first, borrowed from answers; clock is now, UTC ms. */
bool prior_of_patient(
    const struct store_study *now, const struct image *); /* whoever says it, by its identifiers */
size_t priors_pick(const struct scp_config *, const struct store_study *now, int64_t clock,
    const struct image *answers, size_t n, const struct image **out);

/* ---- scu.c: DCMTK's findscu and movescu */

#define SCU_QUERY "query.dcm"
struct scu {
	char archive[DICOM_AE_MAX + 1], aet[DICOM_AE_MAX + 1], host[PEER_MAX]; /* aet: ours */
	int port;
	int64_t answers;
};
struct scu_key {
	unsigned tag;
	const char *vr, *value;
};
/* "ARCHIVE@10.1.1.5:104". E_SYNTAX. */
int scu_parse(const char *text, struct scu *);
/* Into the folder as SCU_QUERY, which must not be there yet. Keys in the order of their tags. */
int scu_write_query(int folder, const struct scu_key *, size_t n);
/* Asks it from the folder; extract: the answers are written there as rsp0001.dcm and so on. Less than 0: errno says why. */
pid_t scu_start(const struct scu *, int folder, const char *program, bool extract);

/* ---- priors.c: earlier studies of a patient, fetched from an archive */

struct priors *priors_new(struct scp *);
void priors_free(struct priors *);
void priors_want(struct priors *, const struct store_study *); /* of this study's patient, once */
void priors_recover(
    struct priors *); /* those of studies of the last day that an earlier run did not come to */
bool priors_died(struct priors *, pid_t, int status);

/* ---- preview.c: when small pictures are made of what has come */

struct previewing *previewing_new(struct scp *);
void previewing_free(struct previewing *);
void previewing_want(struct previewing *, const char *study_key, bool now);
void previewing_recover(struct previewing *);
bool previewing_died(struct previewing *, pid_t, int status); /* whether it was one of ours */

#endif
