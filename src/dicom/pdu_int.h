/* pdu_int - what the files of the upper layer share. */
#ifndef PDU_INT_H
#define PDU_INT_H

#include "wetread/assoc.h"

enum pdu {
	PDU_REQUEST = 1,
	PDU_ACCEPT = 2,
	PDU_REJECT = 3,
	PDU_DATA = 4,
	PDU_RELEASE = 5,
	PDU_RELEASED = 6,
	PDU_ABORT = 7
};

enum { PDV_COMMAND = 1, PDV_LAST = 2 };

/* Reasons of an A-ABORT by the provider (PS3.8 table 9-26). */
enum abort_reason {
	ABORT_UNSPECIFIED = 0,
	ABORT_UNKNOWN_PDU = 1,
	ABORT_UNEXPECTED_PDU = 2,
	ABORT_BAD_VALUE = 6
};

static inline uint16_t net16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t net32(const uint8_t *p)
{
	return (uint32_t)net16(p) << 16 | net16(p + 2);
}

void put16(struct buf *, uint16_t);
void put32(struct buf *, uint32_t);
/* A UID or title out of n bytes: without the padding, printable; out has room for max + 1. False when it is longer. */
bool take_name(char *out, size_t max, const uint8_t *p, size_t n);

/* ---- pdu.c */

/* Reads the body of an A-ASSOCIATE-RQ into the association; NULL, or what is wrong with it. *reject is set when it is
 * well formed but cannot be accepted whoever sends it, -1 otherwise. */
const char *pdu_read_request(struct assoc *, const uint8_t *p, size_t n, int *reject);
void pdu_write_accept(const struct assoc *, struct buf *);
void pdu_write_reject(enum assoc_reject, struct buf *);
void pdu_write_released(struct buf *);
void pdu_write_abort(enum abort_reason, bool by_provider, struct buf *);

/* ---- dimse.c */

enum dimse_command { C_STORE_RQ = 0x0001, C_ECHO_RQ = 0x0030, C_CANCEL_RQ = 0x0fff, RESPONSE = 0x8000 };

struct dimse {
	uint16_t field, message;
	bool data_set; /* one follows */
	char class[DICOM_UID_MAX + 1];
	char instance[DICOM_UID_MAX + 1];
	bool class_ok, instance_ok;
};
/* NULL, or what is wrong with the command set. */
const char *dimse_read(struct dimse *, const uint8_t *p, size_t n);
/* A response as one P-DATA-TF. instance may be "". */
void dimse_write(struct buf *, uint8_t context, uint16_t field, uint16_t message, const char *class,
    const char *instance, uint16_t status);

#endif
