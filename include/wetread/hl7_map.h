/*
 * hl7_map - a message to what the coordinator is asked to do, and the answer to its sender.
 *
 * hl7_read() decides whether a message can be used (the reasons are tbl/hl7_reason.def) and takes it apart: one row per
 * requested procedure, the patient, the merges.  hl7_request() writes that as the parameters of `hl7.apply`, hl7_ack()
 * the acknowledgement (2.9.2).  What is lenient and what is refused follows one rule: a sender that waits for us must
 * not be blocked by something that can be skipped, and nothing may be lost without anybody seeing it.
 *
 * Strings are UTF-8; NULL means that nothing was said, hl7_delete that the sender wrote "" (2.5.3: delete the value).
 */
#ifndef WETREAD_HL7_MAP_H
#define WETREAD_HL7_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wetread/buf.h"
#include "wetread/hl7.h"
#include "wetread/hl7_profile.h"

#define HL7_MAX_ROWS   256   /* rows and merges of one message */
#define HL7_MAX_REPORT 65536 /* bytes of one report's text */

extern const char hl7_delete[];

enum hl7_reason {
	HL7_OK,
#define REASON(name, answer, code, word, text) HL7_##name,
#include "hl7_reason.def"
#undef REASON
};

enum hl7_answer { HL7_AA, HL7_AE, HL7_AR, HL7_NONE };

enum hl7_answer hl7_reason_answer(enum hl7_reason);
const char *hl7_reason_word(enum hl7_reason); /* "no-msh" */
const char *hl7_reason_text(enum hl7_reason);
int hl7_reason_code(enum hl7_reason); /* table 0357 */

enum hl7_class {
	HL7_BAD,
	HL7_ORDER,
	HL7_RESULT,
	HL7_PATIENT,
	HL7_MERGE,
	HL7_RENAME,
	HL7_NOOP,
	HL7_BOOK,
	HL7_UNBOOK,
	HL7_ACK
};

enum hl7_do {
	HL7_DO_NONE,
	HL7_DO_CREATE,
	HL7_DO_CHANGE,
	HL7_DO_CANCEL,
	HL7_DO_DISCONTINUE,
	HL7_DO_HOLD,
	HL7_DO_RELEASE,
	HL7_DO_SCHEDULE,
	HL7_DO_PROGRESS,
	HL7_DO_COMPLETE,
	HL7_DO_REPORT,
	HL7_DO_AI,
	HL7_DO_REPLACE,
};

/* One requested procedure: an ORC/OBR group, or one IPC-2 in it. Segment numbers are -1 where there is none. */
struct hl7_row {
	size_t group;    /* from 1 */
	size_t from, to; /* its segments */
	size_t replaces; /* the row, from 1, of the order whose place it takes; 0 none */
	size_t told_by;  /* the row, from 1, whose observations report this one too (ORC-1 CN); 0 its own */
	long pid, pv1, orc, obr, ipc;
	enum hl7_do does;
	const char *control, *status;     /* ORC-1, ORC-5 */
	const char *accession, *acc_from; /* acc_from names the fields: "OBR-3/ORC-3" */
	const char *study_uid, *uid_from; /* "IPC", "ZDS" or "OBX" */
	const char *modality, *mod_from;  /* a DICOM code; the path, or "exam" */
	const char *prio;                 /* STAT, ASAP, ROUTINE */
	int level;                        /* 0..5 as in tbl/study.def, -1 when nothing was said */
	const char *protocol;             /* stroke, trauma */
	const char *reason;
	const char *pid_id, *pid_auth, *name, *sex, *pclass; /* PID-3, PID-5, PID-8, PV1-2 */
	char obr25, obx11;                                   /* table 0123, 0085; 0 when not known */
	char report;                                         /* P F C R X, 0 none */
	const char *author;                                  /* OBR-32, OBX-16, OBR-33 */
	int64_t at;          /* of a result OBR-22, of an order ORC-9, else MSH-7 */
	const char *why;     /* ORC-16, of a withdrawal or hold */
	bool ai, ai_flagged; /* found by a program; it says positive or abnormal */
	const char *finding; /* what it says, its score and version */
	int score;           /* thousandths, -1 none given */
	                     /* fields by tbl/hl7_map.def */
#define MAP(key, kind, max, paths) HL7_MEMBER_##kind(key)
#define HL7_MEMBER_CODE(key)       const char *key;
#define HL7_MEMBER_TEXT(key)       const char *key;
#define HL7_MEMBER_PERSON(key)     const char *key;
#define HL7_MEMBER_PLACE(key)      const char *key;
#define HL7_MEMBER_PHONE(key)      const char *key;
#define HL7_MEMBER_DATE(key)       const char *key;
#define HL7_MEMBER_TIME(key)       int64_t key; /* UTC ms, 0 nothing said, -1 delete */
#include "hl7_map.def"
#undef MAP
};

struct hl7_who {
	const char *pid, *auth;
};

struct hl7_merging {
	struct hl7_who into;
	struct hl7_who *from;
	size_t n;
};

struct hl7_reading {
	enum hl7_reason why;
	enum hl7_class class;
	const char *type, *event, *control, *app, *facility, *version;
	int64_t at; /* MSH-7, UTC ms */
	struct hl7_row *rows;
	size_t nrows, groups;
	struct hl7_merging *merges;
	size_t nmerges;
	char **warnings; /* name fields and code words, never what identifies a patient */
	size_t nwarnings;
	void *mem; /* what the strings live in */
};

/* Never fails and never returns NULL: what is wrong is in `why`. parsed is what hl7_parse() returned. */
struct hl7_reading *hl7_read(
    const struct hl7_msg *, int parsed, const struct hl7_profiles *, const struct hl7_profile **profile);
/* Parses and reads, in the character set of the sender's profile where the message declares none. */
struct hl7_reading *hl7_take(struct hl7_msg *, const char *raw, size_t n, const struct hl7_profiles *,
    const struct hl7_profile **profile);
void hl7_reading_free(struct hl7_reading *);

/* The first of the paths ("TQ1-9.1 OBR-27.6") that says something, seen from this row. */
struct hl7_val hl7_row_val(const struct hl7_msg *, const struct hl7_row *, const char *paths);

/* The parameters of hl7.apply. E_LIMIT when they would not fit (the message is then HL7_TOO_MANY). */
int hl7_request(const struct hl7_msg *, struct hl7_reading *, const struct hl7_profile *, const char *peer,
    struct buf *params);
/* stroke, trauma: what a study that is called so is for; NULL for anything else. For those that have no order. */
const char *hl7_protocol(const char *exam);
/* The operation id: the same sender, MSH-10 and bytes give the same. */
void hl7_op(const struct hl7_msg *, char out[23]);

struct hl7_verdict {
	enum hl7_answer answer;
	bool commit;      /* CA, CE, CR */
	int code;         /* ERR-3, 0 none */
	const char *text; /* MSA-3, NULL none */
	const char *id;   /* our own MSH-10 */
	int64_t now;      /* UTC ms, for MSH-7 */
	const struct zone *zone;
};
/*
 * The acknowledgement, framed (VT .. FS CR), in the sender's delimiters and character set.  msg may be one that
 * could not be parsed.  Nothing is written for HL7_NONE, nor where MSH-15 says so in commit mode.
 */
int hl7_ack(const struct hl7_msg *, const struct hl7_verdict *, struct buf *out);

#endif
