#include "unit.h"

#include "wetread/assoc.h"

static const char CT[] = "1.2.840.10008.5.1.4.1.1.2", VERIFY[] = "1.2.840.10008.1.1",
                  ILE[] = "1.2.840.10008.1.2", ELE[] = "1.2.840.10008.1.2.1",
                  JPEG[] = "1.2.840.10008.1.2.4.50", J2K[] = "1.2.840.10008.1.2.4.90";

/* ---- what a sender says */

static void be16(struct buf *b, unsigned v)
{
	buf_addc(b, (char)(v >> 8));
	buf_addc(b, (char)v);
}

static void be32(struct buf *b, size_t v)
{
	be16(b, (unsigned)(v >> 16));
	be16(b, (unsigned)v);
}

static void item(struct buf *b, int type, const void *p, size_t n)
{
	buf_addc(b, (char)type);
	buf_addc(b, 0);
	be16(b, (unsigned)n);
	buf_add(b, p, n);
}

static void context(struct buf *b, int id, const char *class, const char *const *syntaxes)
{
	struct buf in = BUF_INIT(4096);

	buf_add(&in, (const char[]){(char)id, 0, 0, 0}, 4);
	item(&in, 0x30, class, strlen(class));
	for (; *syntaxes; syntaxes++)
		item(&in, 0x40, *syntaxes, strlen(*syntaxes));
	item(b, 0x20, in.data, in.len);
	buf_release(&in);
}

static void pdu(struct buf *b, int type, const struct buf *body)
{
	buf_addc(b, (char)type);
	buf_addc(b, 0);
	be32(b, body->len);
	buf_add(b, body->data, body->len);
}

static void request(struct buf *b)
{
	struct buf in = BUF_INIT(8192);
	char zeros[32] = {0};

	be16(&in, 1);
	be16(&in, 0);
	buf_adds(&in, "WETREAD         ");
	buf_adds(&in, "CT1             ");
	buf_add(&in, zeros, 32);
	item(&in, 0x10, "1.2.840.10008.3.1.1.1", 21);
	context(&in, 1, VERIFY, (const char *const[]){ILE, NULL});
	context(&in, 3, CT, (const char *const[]){JPEG, ILE, ELE, NULL});
	context(&in, 5, CT, (const char *const[]){ELE, J2K, NULL});
	context(&in, 7, CT, (const char *const[]){JPEG, NULL});
	context(&in, 9, "1.2.840.10008.5.1.4.1.2.2.1", (const char *const[]){ILE, NULL});
	item(&in, 0x50, "\x51\0\0\4\0\0\x40\0", 8);
	pdu(b, 1, &in);
	buf_release(&in);
}

static void number(struct buf *b, unsigned element, unsigned v)
{
	const uint8_t e[] = {
	    0, 0, (uint8_t)element, (uint8_t)(element >> 8), 2, 0, 0, 0, (uint8_t)v, (uint8_t)(v >> 8)};

	buf_add(b, e, sizeof(e));
}

static void uid(struct buf *b, unsigned element, const char *s)
{
	size_t n = strlen(s), even = n + n % 2;

	buf_add(
	    b, (const uint8_t[]){0, 0, (uint8_t)element, (uint8_t)(element >> 8), (uint8_t)even, 0, 0, 0}, 8);
	buf_add(b, s, n);
	if (n % 2)
		buf_addc(b, 0);
}

static void pdv(struct buf *b, int id, int flags, const void *p, size_t n)
{
	be32(b, n + 2);
	buf_addc(b, (char)id);
	buf_addc(b, (char)flags);
	buf_add(b, p, n);
}

static void data(struct buf *b, int id, int flags, const void *p, size_t n)
{
	struct buf in = BUF_INIT(1 << 20);

	pdv(&in, id, flags, p, n);
	pdu(b, 4, &in);
	buf_release(&in);
}

static void echo(struct buf *b)
{
	struct buf c = BUF_INIT(1024);

	uid(&c, 0x0002, VERIFY);
	number(&c, 0x0100, 0x30);
	number(&c, 0x0110, 7);
	number(&c, 0x0800, 0x0101);
	data(b, 1, 3, c.data, c.len);
	buf_release(&c);
}

static void store_command(struct buf *b, const char *instance)
{
	struct buf c = BUF_INIT(1024);

	uid(&c, 0x0002, CT);
	number(&c, 0x0100, 0x01);
	number(&c, 0x0110, 8);
	number(&c, 0x0800, 0x0000);
	uid(&c, 0x1000, instance);
	data(b, 3, 3, c.data, c.len);
	buf_release(&c);
}

static void store(struct buf *b, const char *instance, const char *bytes)
{
	size_t n = strlen(bytes), half = n / 2;

	store_command(b, instance);
	data(b, 3, 0, bytes, half);
	data(b, 3, 2, bytes + half, n - half);
}

static void release(struct buf *b)
{
	struct buf in = BUF_INIT(8);

	be32(&in, 0);
	pdu(b, 5, &in);
	buf_release(&in);
}

/* ---- feeding: the story as letters, and what was stored */

struct heard {
	char story[256];
	struct buf stored, answers;
};

static void feed(struct assoc *a, struct heard *h, const struct buf *in, size_t chunk)
{
	static const char letters[] = "-QESbDRAX";
	size_t n = strlen(h->story);

	for (size_t at = 0; at < in->len;) {
		size_t give = in->len - at < chunk ? in->len - at : chunk, left = give;
		enum assoc_event e;

		do {
			left -= assoc_feed(a, in->data + at + give - left, left, &e);
			if (e != ASSOC_MORE && e != ASSOC_BYTES && n < sizeof(h->story) - 1)
				h->story[n++] = letters[e];
			if (e == ASSOC_REQUEST)
				assoc_accept(a);
			if (e == ASSOC_BYTES)
				buf_add(&h->stored, a->piece, a->length);
			if (e == ASSOC_STORED)
				assoc_answer(a, ASSOC_SUCCESS);
		} while (e != ASSOC_MORE && e < ASSOC_RELEASED);
		at += give;
		if (e >= ASSOC_RELEASED)
			break;
	}
	buf_add(&h->answers, a->out.data, a->out.len);
	buf_clear(&a->out);
}

static void run(const struct buf *in, size_t chunk, struct heard *h, struct assoc *a)
{
	*h = (struct heard){.stored = BUF_INIT(1 << 20), .answers = BUF_INIT(1 << 20)};
	assoc_init(a, 131072);
	feed(a, h, in, chunk);
}

static void done(struct heard *h, struct assoc *a)
{
	buf_release(&h->stored);
	buf_release(&h->answers);
	assoc_release(a);
}

static void expect(struct buf *in, const char *story)
{
	struct heard h;
	struct assoc a;

	run(in, in->len, &h, &a);
	assert_string_equal(h.story, story);
	done(&h, &a);
	buf_release(in);
}

/* ---- tests */

static void the_same_bytes_tell_the_same_story_however_they_are_cut(void **state)
{
	struct buf in = BUF_INIT(1 << 20);
	struct heard whole, h;
	struct assoc a;

	(void)state;
	request(&in);
	echo(&in);
	store(&in, "1.2.3", "the first object");
	store(&in, "1.2.4", "the second");
	release(&in);
	run(&in, in.len, &whole, &a);
	assert_string_equal(whole.story, "QESDSDR");
	assert_string_equal(whole.stored.data, "the first objectthe second");
	assoc_release(&a);
	for (size_t chunk = 1; chunk < 200; chunk++) {
		run(&in, chunk, &h, &a);
		assert_string_equal(h.story, whole.story);
		assert_string_equal(h.stored.data, whole.stored.data);
		assert_int_equal(h.answers.len, whole.answers.len);
		assert_memory_equal(h.answers.data, whole.answers.data, h.answers.len);
		done(&h, &a);
	}
	buf_release(&whole.stored);
	buf_release(&whole.answers);
	buf_release(&in);
}

static void contexts_are_taken_in_what_loses_nothing(void **state)
{
	struct buf in = BUF_INIT(1 << 20);
	struct heard h;
	struct assoc a;

	(void)state;
	request(&in);
	run(&in, in.len, &h, &a);
	assert_string_equal(a.called, "WETREAD");
	assert_string_equal(a.calling, "CT1");
	assert_string_equal(a.contexts[1].syntax, ELE);
	assert_string_equal(a.contexts[2].syntax, J2K);
	assert_string_equal(a.contexts[3].syntax, JPEG);
	assert_true(a.contexts[0].accepted && a.contexts[3].accepted);
	assert_false(a.contexts[4].accepted); /* a query */
	assert_int_equal(a.peer_pdu, 16384);
	done(&h, &a);
	buf_release(&in);
}

static void what_is_not_allowed_now_ends_the_association(void **state)
{
	struct buf in = BUF_INIT(1 << 20);

	(void)state;
	echo(&in);
	expect(&in, "X"); /* data before an association */
	buf_adds(&in, "GET / HTTP/1.1\r\n\r\n");
	expect(&in, "X");
	request(&in);
	request(&in);
	expect(&in, "QX");
	request(&in);
	store_command(&in, "1.2.3");
	release(&in);
	expect(&in, "QSX"); /* a release within an object */
	request(&in);
	data(&in, 3, 2, "an object", 9);
	expect(&in, "QX"); /* an object without a command */
	request(&in);
	store_command(&in, "1.2.3");
	echo(&in);
	expect(&in, "QSX"); /* a command within an object */
	request(&in);
	data(&in, 9, 3, "x", 1);
	expect(&in, "QX"); /* a context that was refused */
	request(&in);
	data(&in, 2, 3, "x", 1);
	expect(&in, "QX"); /* an even one */
	request(&in);
	buf_add(&in, "\4\0\x7f\xff\xff\xff", 6);
	expect(&in, "QX"); /* a PDU of 2 GiB */
}

static uint16_t last_status(const struct buf *answers)
{
	static const uint8_t tag[] = {0, 0, 0, 9, 2, 0, 0, 0};
	uint16_t status = 0xffff;

	for (size_t i = 0; i + 10 <= answers->len; i++)
		if (memcmp(answers->data + i, tag, sizeof(tag)) == 0)
			status =
			    (uint16_t)((uint8_t)answers->data[i + 8] | (uint8_t)answers->data[i + 9] << 8);
	return status;
}

static void a_hostile_uid_is_refused_and_the_association_goes_on(void **state)
{
	static const char *const bad[] = {"../../../tmp/evil", "1.2;touch x", "1.2.`id`"};
	struct heard h;
	struct assoc a;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct buf in = BUF_INIT(1 << 20);

		request(&in);
		store(&in, bad[i], "its bytes");
		run(&in, in.len, &h, &a);
		assert_string_equal(h.story, "Q");
		assert_int_equal(h.stored.len, 0);
		assert_int_equal(last_status(&h.answers), ASSOC_NO_INSTANCE);
		buf_clear(&in);
		store(&in, "1.2.3", "good");
		release(&in);
		feed(&a, &h, &in, in.len);
		assert_string_equal(h.story, "QSDR");
		assert_int_equal(last_status(&h.answers), ASSOC_SUCCESS);
		done(&h, &a);
		buf_release(&in);
	}
}

static void every_prefix_and_every_flipped_byte_is_survived(void **state)
{
	struct buf in = BUF_INIT(1 << 20);
	struct heard h;
	struct assoc a;

	(void)state;
	request(&in);
	store(&in, "1.2.3", "object");
	release(&in);
	for (size_t i = 0; i < in.len; i++) {
		char was = in.data[i];

		for (int bit = 0; bit < 8; bit += 3) {
			in.data[i] = (char)(was ^ 1 << bit);
			run(&in, 7, &h, &a);
			assert_true(h.stored.len <= 6);
			done(&h, &a);
		}
		in.data[i] = was;
	}
	buf_release(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_same_bytes_tell_the_same_story_however_they_are_cut),
	    cmocka_unit_test(contexts_are_taken_in_what_loses_nothing),
	    cmocka_unit_test(what_is_not_allowed_now_ends_the_association),
	    cmocka_unit_test(a_hostile_uid_is_refused_and_the_association_goes_on),
	    cmocka_unit_test(every_prefix_and_every_flipped_byte_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
