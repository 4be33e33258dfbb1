/*
 * wire_fuzz - a line as either end may get it: parsed, decoded as a command, as an answer, as a page, and fed to a replica.
 *
 * The first byte says what the rest is: 'L' lines for a replica, 'P' the bytes of pages (before base64), each page
 * behind its length as two bytes, else one line.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <sodium.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/replica.h"
#include "wetread/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was understood says the same when it is said again. */
static void check_command(enum cmd kind, const struct wire_msg *m)
{
	struct command cmd, back;
	struct buf b = BUF_INIT(4 * WIRE_LINE_MAX);
	struct wire_msg again;
	const char *why;

	if (wire_command_decode(&cmd, kind, m->params, &why))
		return;
	wire_command(&b, "1", &cmd);
	if (!b.failed && b.len <= WIRE_LINE_MAX && !wire_parse(&again, b.data, b.len - 1)) {
		if (wire_command_decode(&back, kind, again.params, &why) || back.study != cmd.study ||
		    back.rev != cmd.rev || back.fence != cmd.fence || !back.op != !cmd.op ||
		    (cmd.op && strcmp(cmd.op, back.op)))
			abort();
		wire_msg_release(&again);
	}
	buf_release(&b);
}

static void check_line(const char *line, size_t n)
{
	struct wire_msg m;
	struct buf b = BUF_INIT(4 * WIRE_LINE_MAX);

	if (wire_parse(&m, line, n))
		return;
	for (int kind = 0; m.method && kind < CMD_COUNT; kind++)
		if (kind == CMD_claim || kind == CMD_finish || kind == cmd_find(m.method))
			check_command((enum cmd)kind, &m);
	if (!m.method) {
		struct answer a = {0};

		if (!wire_answer_decode(&a, m.result, m.error))
			wire_answer(&b, m.id, &a);
		answer_release(&a);
	}
	wire_error(&b, m.id, E_STALE, NULL, NULL);
	buf_release(&b);
	wire_msg_release(&m);
}

static void drop(void *ctx, const char *lines, size_t n)
{
	(void)ctx;
	(void)lines;
	(void)n;
}

static struct replica *listening_replica(void)
{
	struct replica_options opt = {.env = &env_system, .client = "fuzz", .follow = true, .send = drop};
	struct replica *r = replica_new(&opt);
	struct buf b = BUF_INIT(8192);

	replica_first_lines(r, &b);
	buf_release(&b);
	return r;
}

static void feed_lines(const char *data, size_t n)
{
	struct replica *r = listening_replica();
	const char *end;
	char digest[65];

	for (; n && (end = memchr(data, '\n', n)); n -= (size_t)(end + 1 - data), data = end + 1)
		if (replica_line(r, data, (size_t)(end - data)))
			break;
	world_digest(replica_world(r), true, digest);
	replica_free(r);
}

static void feed_page(struct wire_loader *l, struct world *w, unsigned i, const uint8_t *bytes, size_t n)
{
	size_t room = sodium_base64_encoded_len(n, sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
	char *text = xmalloc(room);
	cJSON *params = cJSON_CreateObject();

	sodium_bin2base64(text, room, bytes, n, sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
	cJSON_AddNumberToObject(params, "i", i);
	cJSON_AddNumberToObject(params, "of", 100);
	cJSON_AddNumberToObject(params, "n", 7);
	cJSON_AddStringToObject(params, "z", text);
	wire_loader_page(l, w, params);
	cJSON_Delete(params);
	free(text);
}

static void feed_pages(const uint8_t *data, size_t size)
{
	struct wire_loader *l = wire_loader_new();
	struct world w;
	char digest[65];

	world_init(&w);
	for (unsigned i = 0; size > 2 && i < 100; i++) {
		size_t n = (size_t)data[0] << 8 | data[1];

		data += 2;
		size -= 2;
		if (n > size)
			n = size;
		feed_page(l, &w, i, data, n);
		data += n;
		size -= n;
	}
	world_digest(&w, true, digest);
	world_release(&w);
	wire_loader_free(l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy;

	if (sodium_init() < 0 || !size)
		return 0;
	if (*data == 'P') {
		feed_pages(data + 1, size - 1);
		return 0;
	}
	copy = xmalloc(size + 1); /* ended where it ends, for a sanitizer to see a byte too far */
	memcpy(copy, data, size);
	copy[size] = '\0';
	if (*copy == 'L')
		feed_lines(copy + 1, size - 1);
	else
		check_line(copy, size);
	free(copy);
	return 0;
}
