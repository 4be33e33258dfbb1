/*
 * json - the writer, and a careful way into cJSON.
 *
 * A value needs a comma unless the buffer's last byte opens something: '{', '[',
 * ':' or the '\n' between two lines.  A string always ends in '"', so its
 * content is never mistaken for one of these.
 */
#include "config.h"

#include "wetread/json.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/text.h"

enum {
	DEPTH = 32,
	VALUES = 131072, /* cJSON takes about 80 bytes for each */
};

static void comma(struct buf *b)
{
	if (b->len > 0 && !strchr("{[:\n", b->data[b->len - 1]))
		buf_addc(b, ',');
}

void json_open(struct buf *b, char bracket)
{
	comma(b);
	buf_addc(b, bracket);
}

void json_close(struct buf *b, char bracket)
{
	buf_addc(b, bracket);
}

static void escape(struct buf *b, unsigned char c)
{
	static const char plain[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";
	const char *at = strchr(plain, c);

	if (c && at)
		buf_addf(b, "\\%c", letter[at - plain]);
	else
		buf_addf(b, "\\u%04x", c);
}

/* Bytes of s[0..n) that can stand as they are. */
static size_t plain_run(const char *s, size_t n)
{
	size_t i = 0, used;
	uint32_t cp;

	while (i < n && (unsigned char)s[i] >= 0x20 && s[i] != '"' && s[i] != '\\') {
		if ((unsigned char)s[i] < 0x80) { /* most of it: worth no call */
			i++;
			continue;
		}
		used = utf8_decode(s + i, n - i, &cp);
		if (cp == 0xfffd && !utf8_valid(s + i, used))
			break;
		i += used;
	}
	return i;
}

static void quoted(struct buf *b, const char *s, size_t n)
{
	buf_addc(b, '"');
	while (n > 0 && !b->failed) {
		size_t run = plain_run(s, n);
		uint32_t cp;

		buf_add(b, s, run);
		s += run;
		n -= run;
		if (n == 0)
			break;
		run = utf8_decode(s, n, &cp);
		if (cp == 0xfffd)
			buf_adds(b, "\xef\xbf\xbd");
		else
			escape(b, (unsigned char)*s);
		s += run;
		n -= run;
	}
	buf_addc(b, '"');
}

void json_key(struct buf *b, const char *key)
{
	comma(b);
	quoted(b, key, strlen(key));
	buf_addc(b, ':');
}

void json_strn(struct buf *b, const char *s, size_t n)
{
	comma(b);
	if (s)
		quoted(b, s, n);
	else
		buf_adds(b, "null");
}

void json_str(struct buf *b, const char *s)
{
	json_strn(b, s, s ? strlen(s) : 0);
}

void json_int(struct buf *b, int64_t v)
{
	comma(b);
	buf_addf(b, "%" PRId64, v);
}

void json_uint(struct buf *b, uint64_t v)
{
	comma(b);
	buf_addf(b, "%" PRIu64, v);
}

/* The shortest text that reads back as v; JSON has no infinities, so those are null. */
void json_real(struct buf *b, double v)
{
	char text[40];

	comma(b);
	if (!isfinite(v)) {
		buf_adds(b, "null");
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, v);
		if (strtod(text, NULL) == v)
			break;
	}
	for (char *p = text; *p; p++)
		if (*p == ',')
			*p = '.'; /* some locales' decimal point */
	buf_adds(b, text);
}

void json_bool(struct buf *b, bool v)
{
	comma(b);
	buf_adds(b, v ? "true" : "false");
}

void json_raw(struct buf *b, const char *json, size_t n)
{
	comma(b);
	buf_add(b, json, n);
}

void json_kstr(struct buf *b, const char *key, const char *s)
{
	json_key(b, key);
	json_str(b, s);
}

void json_kint(struct buf *b, const char *key, int64_t v)
{
	json_key(b, key);
	json_int(b, v);
}

void json_kuint(struct buf *b, const char *key, uint64_t v)
{
	json_key(b, key);
	json_uint(b, v);
}

void json_kbool(struct buf *b, const char *key, bool v)
{
	json_key(b, key);
	json_bool(b, v);
}

/* The byte after the string that starts at s[i] == '"'; 0 if it does not end or holds a NUL. */
static size_t string_end(const char *s, size_t n, size_t i)
{
	for (i++; i < n; i++) {
		if ((unsigned char)s[i] < 0x20)
			return 0;
		if (s[i] == '"')
			return i + 1;
		if (s[i] == '\\') {
			/* cJSON would end the string there, and two ends would read different text. */
			if (n - i > 5 && memcmp(s + i, "\\u0000", 6) == 0)
				return 0;
			i++;
		}
	}
	return 0;
}

/* Is it shallow and small enough to be given to cJSON, whose parser recurses and allocates for each value? */
static bool within_bounds(const char *s, size_t n)
{
	int depth = 0;
	size_t values = 1, i = 0;

	while (i < n) {
		char c = s[i];

		if (c == '"') {
			i = string_end(s, n, i);
			if (i == 0)
				return false;
			continue;
		}
		if ((c == '{' || c == '[') && ++depth > DEPTH)
			return false;
		if (c == '}' || c == ']')
			depth--;
		if ((c == ',' || c == '{' || c == '[') && ++values > VALUES)
			return false;
		i++;
	}
	return true;
}

struct cJSON *json_parse(const char *s, size_t n)
{
	const char *end = NULL;
	cJSON *root;

	if (!s || !utf8_valid(s, n) || !within_bounds(s, n))
		return NULL;
	root = cJSON_ParseWithLengthOpts(s, n, &end, 0);
	if (!root)
		return NULL;
	while (end < s + n && strchr(" \t\r\n", *end) && *end)
		end++;
	if (end == s + n)
		return root;
	cJSON_Delete(root);
	return NULL;
}

const struct cJSON *json_get(const struct cJSON *o, const char *key)
{
	return cJSON_IsObject(o) ? cJSON_GetObjectItemCaseSensitive(o, key) : NULL;
}

const char *json_get_str(const struct cJSON *o, const char *key, const char *dflt)
{
	const cJSON *v = json_get(o, key);

	return cJSON_IsString(v) ? v->valuestring : dflt;
}

int64_t json_get_int(const struct cJSON *o, const char *key, int64_t dflt)
{
	static const double exact = 9007199254740992.0; /* 2^53 */
	const cJSON *v = json_get(o, key);

	if (!cJSON_IsNumber(v) || !(fabs(v->valuedouble) <= exact) || v->valuedouble != trunc(v->valuedouble))
		return dflt;
	return (int64_t)v->valuedouble;
}

bool json_get_bool(const struct cJSON *o, const char *key, bool dflt)
{
	const cJSON *v = json_get(o, key);

	return cJSON_IsBool(v) ? cJSON_IsTrue(v) : dflt;
}
