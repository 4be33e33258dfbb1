/*
 * assoc - one DICOM association, the acceptor's side, as a machine without I/O.
 *
 * The upper layer (PS3.8 9) and the messages C-ECHO and C-STORE on it (PS3.7 9.1).  Bytes from the peer go in by
 * assoc_feed(), which stops behind the first thing worth telling; bytes for the peer collect in `out`.  The object of a
 * C-STORE is handed on in pieces as they come, so that memory does not depend on its size.
 *
 * Every storage class is accepted, in the transfer syntax the sender has it in; nothing is converted.  What the
 * standard does not allow in the present state ends the association with an A-ABORT.
 */
#ifndef WETREAD_ASSOC_H
#define WETREAD_ASSOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wetread/buf.h"
#include "wetread/dicom.h"

/* Who we are (PS3.7 D.3.3.2): the same in every version, for it goes into stored files too. */
#define ASSOC_IMPLEMENTATION "2.25.194159283050235260518855923450011715748"
#define ASSOC_VERSION        "WETREAD"

enum { ASSOC_CONTEXTS = 128, ASSOC_PDU_MIN = 4096, ASSOC_PDU_MAX = 1 << 20 };

enum assoc_event {
	ASSOC_MORE,     /* all bytes taken, nothing to tell yet */
	ASSOC_REQUEST,  /* a peer wants to associate: call assoc_accept() or assoc_reject() */
	ASSOC_ECHO,     /* it verified that we are here; already answered */
	ASSOC_STORE,    /* an object begins: see `store` */
	ASSOC_BYTES,    /* some of its bytes: piece, length */
	ASSOC_STORED,   /* it is whole: call assoc_answer() */
	ASSOC_RELEASED, /* the peer is done: write `out`, then close */
	ASSOC_ABORTED,  /* the peer gave up: close */
	ASSOC_BROKEN    /* the peer broke the rules: write `out`, then close; `why` says which */
};

/* Why an association is rejected (PS3.8 9.3.4), tbl/dicom_reject.def. */
enum assoc_reject {
#define REJECT(name, result, source, reason, text) ASSOC_REJECT_##name,
#include "dicom_reject.def"
#undef REJECT
};
const char *assoc_reject_text(enum assoc_reject);

/* Statuses of C-STORE (PS3.4 B.2.3, PS3.7 C), tbl/dicom_status.def. */
enum assoc_status {
#define STATUS(name, code, text) ASSOC_##name = code,
#include "dicom_status.def"
#undef STATUS
};

struct assoc_context {
	bool offered, accepted;
	char class[DICOM_UID_MAX + 1];
	char syntax[DICOM_UID_MAX + 1];
};

struct assoc_store {
	char class[DICOM_UID_MAX + 1];
	char instance[DICOM_UID_MAX + 1];
	const char *syntax;
};

enum assoc_state { ASSOC_WAITING, ASSOC_ASKED, ASSOC_OPEN, ASSOC_OVER };

struct assoc {
	struct buf out;
	char called[DICOM_AE_MAX + 1], calling[DICOM_AE_MAX + 1]; /* printable; blanks around them removed */
	char version[DICOM_AE_MAX + 1];                           /* Implementation Version Name, printable */
	struct assoc_store store;
	const uint8_t *piece; /* in the bytes just fed */
	size_t length;
	const char *why;
	uint32_t peer_pdu; /* what it takes at most, 0: any size */
	enum assoc_state state;
	bool heard; /* a byte came */
	/* private */
	uint32_t max_pdu;
	struct assoc_context contexts[ASSOC_CONTEXTS]; /* by (id - 1) / 2 */
	uint8_t titles[64];                            /* of the request: they go back as they came */
	struct buf in;                                 /* the beginning of a PDU, a command set */
	struct buf command;
	uint32_t pdu_left, pdv_left;
	uint8_t head[6], head_n;
	uint8_t pdu_type, pdv_context, pdv_flags;
	bool pdv_ended; /* its last bytes were handed out, its end was not told yet */
	uint16_t message, command_field;
	uint8_t message_context;
	enum { ASSOC_IDLE, ASSOC_IN_COMMAND, ASSOC_IN_OBJECT, ASSOC_IN_REFUSED, ASSOC_TO_ANSWER } phase;
	uint16_t refusal;
};

/* max_pdu: the largest P-DATA PDU we ask for, ASSOC_PDU_MIN to ASSOC_PDU_MAX. */
void assoc_init(struct assoc *, uint32_t max_pdu);
void assoc_release(struct assoc *);

/* Takes some of the bytes and says how many; call again with the rest until *event is ASSOC_MORE. */
size_t assoc_feed(struct assoc *, const void *bytes, size_t n, enum assoc_event *event);

/* Whether this class of objects is one we store; the verification class is not. */
bool assoc_storage_class(const char *uid);

void assoc_accept(struct assoc *);
void assoc_reject(struct assoc *, enum assoc_reject);
/* May be called between ASSOC_STORE and ASSOC_STORED with a failure: the rest of the object is then skipped. */
void assoc_answer(struct assoc *, uint16_t status);
/* An A-ABORT into out, for reasons of our own: a time limit, a shutdown. */
void assoc_abort(struct assoc *);

#endif
