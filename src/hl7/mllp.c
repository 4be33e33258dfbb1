/*
 * The machine has two states, outside and inside a frame:
 *
 *	CR LF keepalive CR LF VT MSH|... FS CR VT MSH|... FS VT MSH|...
 *	\____ outside, counted ____/\_inside_/ \_/\_ inside _/  \_ FS without CR: the next VT is enough
 *
 * A frame is told at its FS and does not wait for the CR, because some senders never write one.  Outside, the first
 * bytes of every line are compared with what other protocols begin with, so that a browser, a TLS client or a sender
 * without framing gets one clear log line instead of silence.
 */
#include "config.h"

#include "wetread/mllp.h"

#include <string.h>

#define HEAD "HL7 without framing"

static const struct {
	const char *begins, *what;
} aliens[] = {
    {"MSH", HEAD},
    {"FHS", HEAD},
    {"BHS", HEAD},
    {"GET ", "HTTP"},
    {"POST ", "HTTP"},
    {"PUT ", "HTTP"},
    {"HEAD ", "HTTP"},
    {"OPTIONS ", "HTTP"},
    {"CONNECT ", "HTTP"},
    {"PRI * ", "HTTP"},
    {"\x16\x03", "TLS"},
    {"SSH-", "SSH"},
};

void mllp_init(struct mllp *m, size_t max)
{
	*m = (struct mllp){.body = BUF_INIT(max)};
}

void mllp_release(struct mllp *m)
{
	buf_release(&m->body);
}

/* Takes what still fits, so that the beginning of an overlong frame can be shown. */
static bool collect(struct mllp *m, const char *bytes, size_t n)
{
	size_t room = m->body.max - m->body.len;

	return buf_add(&m->body, bytes, n < room ? n : room) == 0 && n <= room;
}

static bool line_end(char c)
{
	return c == '\r' || c == '\n' || c == '\0';
}

enum guess { GUESS_NO, GUESS_MAYBE, GUESS_YES };

static enum guess alien_guess(struct mllp *m)
{
	enum guess best = GUESS_NO;

	for (size_t i = 0; i < sizeof(aliens) / sizeof(*aliens); i++) {
		size_t n = strlen(aliens[i].begins);

		if (memcmp(aliens[i].begins, m->body.data, m->body.len < n ? m->body.len : n) != 0)
			continue;
		if (m->body.len < n) {
			best = GUESS_MAYBE;
			continue;
		}
		m->alien = aliens[i].what;
		return GUESS_YES;
	}
	return best;
}

/* One byte outside a frame. */
static enum mllp_event outside(struct mllp *m, char c)
{
	if (line_end(c)) {
		m->dull = false;
		buf_clear(&m->body);
		return MLLP_MORE;
	}
	m->junk++;
	if (m->dull)
		return MLLP_MORE;
	collect(m, &c, 1);
	switch (alien_guess(m)) {
	case GUESS_MAYBE:
		return MLLP_MORE;
	case GUESS_YES:
		m->raw = strcmp(m->alien, HEAD) == 0;
		return m->raw ? MLLP_MORE : MLLP_ALIEN;
	case GUESS_NO:
		break;
	}
	m->dull = true;
	buf_clear(&m->body);
	return MLLP_MORE;
}

/* Bytes of a message that was sent without a frame: kept, to be shown when it ends. */
static size_t unframed(struct mllp *m, const char *bytes, size_t n, enum mllp_event *event)
{
	const char *vt = memchr(bytes, MLLP_VT, n);
	size_t take = vt ? (size_t)(vt - bytes) : n;

	m->junk += take;
	if (!collect(m, bytes, take)) {
		*event = MLLP_ALIEN;
		m->told = true;
	} else if (vt) {
		*event = MLLP_CUT;
		m->raw = false;
		m->told = true;
	}
	return take;
}

static size_t frame_span(const char *bytes, size_t n)
{
	size_t i = 0;

	while (i < n && bytes[i] != MLLP_VT && bytes[i] != MLLP_FS)
		i++;
	return i;
}

static size_t inside(struct mllp *m, const char *bytes, size_t n, enum mllp_event *event)
{
	size_t take = frame_span(bytes, n);

	if (!collect(m, bytes, take)) {
		*event = MLLP_LARGE;
		m->told = true;
		return take;
	}
	if (take == n)
		return take;
	if (bytes[take] == MLLP_FS) {
		*event = MLLP_FRAME;
		m->frames++;
		m->in = false;
		m->dull = false;
		m->told = true;
	} else if (m->body.len > 0) {
		*event = MLLP_CUT; /* the VT belongs to the next frame, which begins now */
		m->told = true;
	}
	return take + 1;
}

size_t mllp_feed(struct mllp *m, const char *bytes, size_t n, enum mllp_event *event)
{
	size_t used = 0;

	*event = MLLP_MORE;
	if (m->told) {
		buf_clear(&m->body);
		m->told = false;
	}
	while (used < n && *event == MLLP_MORE) {
		if (m->in) {
			used += inside(m, bytes + used, n - used, event);
		} else if (m->raw) {
			used += unframed(m, bytes + used, n - used, event);
		} else if (bytes[used] == MLLP_VT) {
			buf_clear(&m->body);
			m->in = true;
			used++;
		} else {
			*event = outside(m, bytes[used++]);
		}
	}
	return used;
}

enum mllp_event mllp_end(struct mllp *m)
{
	bool left = !m->told && m->body.len > 0;

	m->told = true;
	if (!left)
		return MLLP_MORE;
	if (m->in)
		return MLLP_CUT;
	return m->raw ? MLLP_ALIEN : MLLP_MORE;
}
