/*
 * Any text: parsed, it either fails with an error inside the text, or prints to a
 * text that parses to the same filter, matches and explains without a fault, and
 * completes at every place with candidates that fit their room.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/filter.h"
#include "wetread/text.h"

/* Views: one that is fine, one with an error, one within itself, two that double each other. */
static const char *view(void *ctx, const char *name)
{
	static const char *const views[][2] = {{"nights", "p<=1 sort:left"}, {"bad", "left<"},
	    {"loop", "@loop"}, {"a", "@b @b | x"}, {"b", "@nights @empty"}, {"empty", ""}};

	(void)ctx;
	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++)
		if (strcmp(views[i][0], name) == 0)
			return views[i][1];
	return NULL;
}

static const char *view_at(void *ctx, unsigned i)
{
	(void)ctx;
	return i == 0 ? "nights" : NULL;
}

static const char *value_at(void *ctx, enum filter_field field, unsigned i)
{
	static const char *const values[] = {"HARBOR", "two words", "q\"uote", "none", NULL};

	(void)ctx;
	(void)field;
	return values[i];
}

/* The row's texts are made of the input too, so that text meets pattern. */
static const char *text(const struct filter_subject *s, enum filter_field field)
{
	const char *all = s->ctx;
	size_t n = strlen(all);

	return field % 5 == 4 ? NULL : all + n * (size_t)field / FILTER_FIELDS;
}

static bool number(const struct filter_subject *s, enum filter_field field, int64_t *out)
{
	*out = (int64_t)field * 100000 - 500000 + (int64_t)strlen(s->ctx);
	return field % 7 != 3;
}

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void use(const struct filter *f, char *input)
{
	const struct filter_subject s = {.ctx = input, .me = "okafor", .text = text, .number = number};
	struct buf why = BUF_INIT(1 << 20);

	filter_explain(f, &s, &why);
	must(why.failed || why.len > 0);
	must(utf8_valid(why.data, why.len));
	if (!strchr(why.data, '\x1b') && strstr(why.data, "no ") == NULL)
		must(filter_match(f, &s));
	must(!strchr(why.data, '\x1b'));
	filter_match(f, &s);
	buf_release(&why);
}

static void print_and_parse(const struct filter *f, const struct filter_names *names)
{
	struct buf one = BUF_INIT(1 << 20), two = BUF_INIT(1 << 20);
	struct filter *again;

	filter_text(f, &one);
	buf_add(&one, "", 0);
	/* Quotes and units may make the text longer than the parser takes. */
	if (one.len <= FILTER_TEXT_MAX) {
		must(filter_parse(&again, one.data ? one.data : "", names, NULL) == 0);
		must(filter_same(f, again));
		filter_text(again, &two);
		must(one.len == two.len && (one.len == 0 || memcmp(one.data, two.data, one.len) == 0));
		filter_free(again);
	}
	buf_release(&one);
	buf_release(&two);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct filter_names names = {.view = view, .view_at = view_at, .value_at = value_at};
	struct filter_candidate candidates[8];
	struct filter_error err = {0};
	struct filter *f = NULL;
	char *input;
	size_t from;

	if (size > FILTER_TEXT_MAX + 16)
		return 0;
	input = malloc(size + 1);
	must(input != NULL);
	memcpy(input, data, size);
	input[size] = '\0';
	if (filter_parse(&f, input, &names, &err) == 0) {
		print_and_parse(f, &names);
		use(f, input);
	} else {
		must(f == NULL && err.text[0] && utf8_valid(err.text, strlen(err.text)));
		must((size_t)err.offset + err.length <= strlen(input));
	}
	for (size_t at = 0; at <= size && at < 64; at++) {
		unsigned n = filter_complete(input, at, &names, candidates, 8, &from);

		must(n <= 8 && from <= at);
	}
	filter_free(f);
	free(input);
	return 0;
}
