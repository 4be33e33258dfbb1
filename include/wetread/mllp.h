/*
 * mllp - frames out of a byte stream (HL7 v2 appendix C: VT, the message, FS, CR).
 *
 * Feed bytes as they come; each call stops behind the first thing worth telling.  The machine is lenient where
 * senders are sloppy and there is no doubt: bytes between frames are counted and skipped, FS alone ends a frame,
 * CR and LF behind it belong to it, and VT inside an unfinished frame starts a new one.
 */
#ifndef WETREAD_MLLP_H
#define WETREAD_MLLP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wetread/buf.h"

#define MLLP_VT 0x0b
#define MLLP_FS 0x1c

enum mllp_event {
	MLLP_MORE,  /* all bytes taken, nothing to tell yet */
	MLLP_FRAME, /* body is one whole frame */
	MLLP_CUT,   /* body is a frame that never ended: a new one began, or the stream ended */
	MLLP_LARGE, /* body is the beginning of a frame over the limit: close */
	MLLP_ALIEN, /* the stream is something else: see alien; body is its beginning */
};

struct mllp {
	struct buf body;   /* valid until the next call */
	uint64_t junk;     /* bytes outside frames, line ends not counted */
	uint64_t frames;   /* whole frames so far */
	const char *alien; /* "HTTP", "TLS", "SSH", "HL7 without framing" */
	bool in;           /* inside a frame */
	bool raw;          /* collecting a message that came without a frame */
	bool dull;         /* the rest of this line outside a frame is nothing known */
	bool told;         /* body was handed out and goes with the next call */
};

void mllp_init(struct mllp *, size_t max);
void mllp_release(struct mllp *);
/* Takes some of the bytes and says how many; call again with the rest until *event is MLLP_MORE. */
size_t mllp_feed(struct mllp *, const char *bytes, size_t n, enum mllp_event *event);
/* The stream has ended: MLLP_CUT or MLLP_ALIEN if something is left over, else MLLP_MORE. */
enum mllp_event mllp_end(struct mllp *);

#endif
