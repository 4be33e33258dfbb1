/*
 * Command sets (PS3.7 6.3): elements of group 0000, always implicit little endian.
 *
 *     (0000,0100) Command Field, (0000,0110) Message ID, (0000,0800) 0x0101 when no data set follows
 *     (0000,0002) Affected SOP Class UID, (0000,1000) Affected SOP Instance UID, (0000,0900) Status
 */
#include "config.h"

#include "dicom_int.h"
#include "pdu_int.h"

#include <string.h>

enum {
	GROUP_LENGTH = 0x0000,
	AFFECTED_CLASS = 0x0002,
	COMMAND_FIELD = 0x0100,
	MESSAGE_ID = 0x0110,
	ANSWERED_ID = 0x0120,
	DATA_SET_TYPE = 0x0800,
	STATUS_ = 0x0900,
	AFFECTED_INSTANCE = 0x1000,
	NO_DATA_SET = 0x0101
};

static bool take_uid(char out[DICOM_UID_MAX + 1], const uint8_t *p, size_t n)
{
	return take_name(out, DICOM_UID_MAX, p, n) && dicom_uid_ok(out);
}

static void take_element(struct dimse *d, uint16_t element, const uint8_t *p, size_t n)
{
	uint16_t v = n >= 2 ? get16(p, false) : 0;

	switch (element) {
	case AFFECTED_CLASS:
		d->class_ok = take_uid(d->class, p, n);
		break;
	case COMMAND_FIELD:
		d->field = v;
		break;
	case MESSAGE_ID:
		d->message = v;
		break;
	case DATA_SET_TYPE:
		d->data_set = v != NO_DATA_SET;
		break;
	case AFFECTED_INSTANCE:
		d->instance_ok = take_uid(d->instance, p, n);
		break;
	default:
		break;
	}
}

const char *dimse_read(struct dimse *d, const uint8_t *p, size_t n)
{
	*d = (struct dimse){0};
	while (n > 0) {
		uint32_t length;

		if (n < 8 || (length = get32(p + 4, false)) > n - 8)
			return "a command set is cut off";
		if (get16(p, false) != 0)
			return "a command set has an element of another group";
		take_element(d, get16(p + 2, false), p + 8, length);
		p += 8 + length;
		n -= 8 + (size_t)length;
	}
	return d->field ? NULL : "a command set names no command";
}

static void add16(struct buf *b, uint16_t v)
{
	buf_addc(b, (char)v);
	buf_addc(b, (char)(v >> 8));
}

static void add32(struct buf *b, uint32_t v)
{
	add16(b, (uint16_t)v);
	add16(b, (uint16_t)(v >> 16));
}

static void add_number(struct buf *b, uint16_t element, uint16_t v)
{
	add16(b, 0);
	add16(b, element);
	add32(b, 2);
	add16(b, v);
}

static void add_uid(struct buf *b, uint16_t element, const char *uid)
{
	size_t n = strlen(uid);

	if (n == 0)
		return;
	add16(b, 0);
	add16(b, element);
	add32(b, (uint32_t)(n + n % 2));
	buf_add(b, uid, n);
	if (n % 2)
		buf_addc(b, 0);
}

void dimse_write(struct buf *out, uint8_t context, uint16_t field, uint16_t message, const char *class,
    const char *instance, uint16_t status)
{
	struct buf b = BUF_INIT(512);
	uint32_t head = 12; /* of the group length itself */

	add_uid(&b, AFFECTED_CLASS, class);
	add_number(&b, COMMAND_FIELD, field | RESPONSE);
	add_number(&b, ANSWERED_ID, message);
	add_number(&b, DATA_SET_TYPE, NO_DATA_SET);
	add_number(&b, STATUS_, status);
	add_uid(&b, AFFECTED_INSTANCE, instance);
	buf_addc(out, PDU_DATA);
	buf_addc(out, 0);
	put32(out, (uint32_t)b.len + head + 6);
	put32(out, (uint32_t)b.len + head + 2);
	buf_addc(out, (char)context);
	buf_addc(out, PDV_COMMAND | PDV_LAST);
	add16(out, 0);
	add16(out, GROUP_LENGTH);
	add32(out, 4);
	add32(out, (uint32_t)b.len);
	buf_add(out, b.data, b.len);
	buf_release(&b);
}
