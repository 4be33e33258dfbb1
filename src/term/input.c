/*
 * input - bytes of a terminal to keys.
 *
 *     1b                  Esc, if nothing follows in time
 *     1b [ 5 ~            PgUp            1b [ A, 1b O A    Up
 *     1b [ [ A            F1 of the Linux console
 *     1b [ ? 6 4 ; 1 c    an answer to somebody's question: no key
 *     1b ] ... 07         a string for the terminal: no key
 *     1b [ 2 0 0 ~ ...    a paste, up to 1b [ 2 0 1 ~
 *
 * Any state is left after a bounded number of bytes, and every byte is taken exactly once.
 *
 * What a terminal answers may come at any time and in any pieces.  A piece that ends behind its Esc looks like that
 * key when the rest is late; so, while an answer is awaited, what follows such a key is held back until it is clear
 * whether it goes on like an answer (`[?`, `]1`, `P>`, `_G`) or was typed.
 */
#include "config.h"

#include "wetread/term.h"

#include <string.h>

#include "wetread/text.h"
#include "wetread/view.h"

enum { GROUND, ESCAPE, CONTROL, SS3, LINUX_F, SKIP, STRING, PASTE, HELD };
enum { STRING_MAX = 4096 };

void input_init(struct input *in, const struct input_calls *calls)
{
	*in = (struct input){.calls = *calls, .pasted = BUF_INIT(PASTE_MAX)};
}

void input_release(struct input *in)
{
	buf_release(&in->pasted);
}

static void key_out(struct input *in, uint32_t key)
{
	in->calls.key(in->calls.ctx, key);
}

static const struct {
	char final;
	uint32_t param, key;
} sequences[] = {
    {'A', 0, K_UP},
    {'B', 0, K_DOWN},
    {'C', 0, K_RIGHT},
    {'D', 0, K_LEFT},
    {'H', 0, K_HOME},
    {'F', 0, K_END},
    {'Z', 0, K_BACKTAB},
    {'P', 0, K_F1},
    {'~', 1, K_HOME},
    {'~', 7, K_HOME},
    {'~', 4, K_END},
    {'~', 8, K_END},
    {'~', 3, K_DEL},
    {'~', 5, K_PGUP},
    {'~', 6, K_PGDN},
    {'~', 11, K_F1},
};

static void sequence_end(struct input *in, char final)
{
	bool is_paste = final == '~' && in->param == 200;

	in->state = is_paste ? PASTE : GROUND;
	in->last = 0;
	if (is_paste) {
		buf_clear(&in->pasted);
		return;
	}
	/* Arrows with a modifier come as 1;5A: the letter says enough. */
	for (size_t i = 0; i < sizeof sequences / sizeof *sequences; i++)
		if (sequences[i].final == final && (final != '~' || sequences[i].param == in->param)) {
			key_out(in, sequences[i].key);
			return;
		}
}

/* ---- what the terminal says of itself */

static void said(struct input *in, unsigned char c)
{
	if (in->nsaid < sizeof in->said)
		in->said[in->nsaid] = (char)c;
	if (in->nsaid <= sizeof in->said)
		in->nsaid++; /* one more than there is room for: it was cut, and is no answer to anything */
}

static void reply(struct input *in)
{
	if (in->calls.reply && in->nsaid <= sizeof in->said)
		in->calls.reply(in->calls.ctx, in->kind, in->said, in->nsaid);
}

static void control_end(struct input *in, char c)
{
	bool plain = in->last == 0 && in->param == 0;

	in->state = GROUND;
	/* I and O: mode 1004, it got the focus, or lost it */
	if (in->last == '?' || c == 't' || (plain && (c == 'I' || c == 'O'))) {
		reply(in);
	} else if (plain && c == '[') {
		in->state = LINUX_F;
	} else if (plain && c == 'M') { /* a mouse that nobody turned on: three bytes */
		in->state = SKIP;
		in->param = 3;
	} else {
		sequence_end(in, c);
	}
}

/* Parameters are 0-9 ; : < = > ?, intermediates blank to /; a letter ends it. A private mark makes it an answer, not a key. */
static void control_byte(struct input *in, unsigned char c)
{
	said(in, c);
	if (c == 27) {
		in->state = ESCAPE;
	} else if (c >= '0' && c <= '9') {
		if (in->last == 0 && in->param < 100000)
			in->param = in->param * 10 + (uint32_t)(c - '0');
	} else if (c == ';' || c == ':') {
		if (in->last == 0)
			in->last = ';';
	} else if (c >= '<' && c <= '?') {
		in->last = '?';
	} else if (c >= 0x40 && c <= 0x7e) {
		control_end(in, (char)c);
	} else if (c < 0x20 || c > 0x2f) {
		in->state = GROUND; /* not a sequence after all */
	}
}

/* Ends with BEL or ESC \; a control byte, which a person can type, or too much ends it too. */
static void string_byte(struct input *in, unsigned char c)
{
	bool whole = c == 7 || (in->last == 27 && c == '\\');

	if ((c < 0x20 && c != 27) || whole || ++in->param > STRING_MAX)
		in->state = GROUND;
	if (whole)
		reply(in);
	else if (c != 27)
		said(in, c);
	in->last = (char)c;
}

static void skip_byte(struct input *in)
{
	if (--in->param == 0)
		in->state = GROUND;
}

static void linux_byte(struct input *in, unsigned char c)
{
	in->state = GROUND;
	if (c == 'A')
		key_out(in, K_F1);
}

static const char paste_end[] = "\033[201~";

static void paste_byte(struct input *in, unsigned char c)
{
	size_t seen = (size_t)in->last % sizeof paste_end;

	if (c == (unsigned char)paste_end[seen]) {
		in->last++;
		if (paste_end[seen + 1] != '\0')
			return;
		in->state = GROUND;
		in->last = 0;
		in->calls.paste(in->calls.ctx, in->pasted.data ? in->pasted.data : "", in->pasted.len);
		buf_clear(&in->pasted);
		return;
	}
	buf_add(&in->pasted, paste_end, seen); /* it only looked like the end; too much is cut */
	in->last = c == 27;
	if (!in->last)
		buf_addc(&in->pasted, (char)c);
}

static void sequence_begin(struct input *in, unsigned char kind)
{
	in->param = 0;
	in->last = 0;
	in->nsaid = 0;
	in->kind = (char)kind;
}

static void escape_byte(struct input *in, unsigned char c)
{
	sequence_begin(in, c);
	if (c == '[')
		in->state = CONTROL;
	else if (c == 'O')
		in->state = SS3;
	else if (c == ']' || c == 'P' || c == '_' || c == '^' || c == 'X')
		in->state = STRING;
	else if (c == 27)
		key_out(in, 27); /* this Esc was one; the new one may begin something */
	else
		in->state = GROUND; /* Alt and a key: bound to nothing */
}

static void utf8_byte(struct input *in, unsigned char c)
{
	uint32_t cp;

	if (in->nutf8 > 0 && (c & 0xc0) != 0x80)
		in->nutf8 = 0; /* the character before was cut off */
	if (in->nutf8 == 0) {
		in->want = c >= 0xf0 && c < 0xf8 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 0;
		if (in->want == 0 || c >= 0xf8)
			return;
	}
	in->utf8[in->nutf8++] = c;
	if (in->nutf8 < in->want)
		return;
	in->nutf8 = 0;
	if (utf8_decode((const char *)in->utf8, in->want, &cp) == in->want && cp != 0xfffd && cp >= 0xa0)
		key_out(in, cp);
}

static void ground_byte(struct input *in, unsigned char c)
{
	bool may_go_on = in->after_esc && strchr("[]P_", c) && c;

	in->after_esc = false;
	if (may_go_on) {
		sequence_begin(in, c);
		in->state = HELD;
	} else if (c == 27) {
		in->state = ESCAPE;
		in->nutf8 = 0;
	} else if (c >= 0x80) {
		utf8_byte(in, c);
	} else if (c != 0) {
		in->nutf8 = 0;
		key_out(in, c == '\n' ? '\r' : c);
	}
}

/* The second byte tells: an answer's, or another key. */
static void held_byte(struct input *in, unsigned char c)
{
	bool answer = (in->kind == '[' && (c == '?' || c == '6')) || (in->kind == ']' && c == '1') ||
	              (in->kind == 'P' && c == '>') || (in->kind == '_' && c == 'G');

	in->state = !answer ? GROUND : in->kind == '[' ? CONTROL : STRING;
	if (!answer) {
		key_out(in, (unsigned char)in->kind);
		ground_byte(in, c);
	} else if (in->kind == '[') {
		control_byte(in, c);
	} else {
		string_byte(in, c);
	}
}

static void byte_in(struct input *in, unsigned char c)
{
	switch (in->state) {
	case ESCAPE:
		escape_byte(in, c);
		break;
	case CONTROL:
		control_byte(in, c);
		break;
	case SS3:
		in->param = 0;
		sequence_end(in, (char)c);
		break;
	case LINUX_F:
		linux_byte(in, c);
		break;
	case SKIP:
		skip_byte(in);
		break;
	case STRING:
		string_byte(in, c);
		break;
	case PASTE:
		paste_byte(in, c);
		break;
	case HELD:
		held_byte(in, c);
		break;
	default:
		ground_byte(in, c);
		break;
	}
}

void input_feed(struct input *in, const char *bytes, size_t n)
{
	in->drop = false;
	for (size_t i = 0; i < n && !in->drop; i++)
		byte_in(in, (unsigned char)bytes[i]);
}

bool input_waits(const struct input *in)
{
	return in->state == ESCAPE || in->state == HELD;
}

void input_expect(struct input *in, bool answer)
{
	in->expects = answer;
	in->after_esc = in->after_esc && answer;
}

void input_timeout(struct input *in)
{
	uint32_t key = in->state == HELD ? (unsigned char)in->kind : 27;

	if (!input_waits(in))
		return;
	in->after_esc = in->state == ESCAPE && in->expects;
	in->state = GROUND;
	key_out(in, key);
}

void input_drop(struct input *in)
{
	in->drop = true;
	in->nutf8 = 0;
}
