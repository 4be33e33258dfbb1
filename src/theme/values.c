/* Colours and attributes as they are written, for each depth a terminal may have. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "wetread/mem.h"
#include "wetread/near.h"
#include "wetread/text.h"

#include "theme_int.h"

enum { WORD_MAX_ = 64, LIST_MAX = 4 };

/* ---- the palette of 256 */

/* The first 16 as ECMA-48 names them. */
static const uint32_t basic[16] = {0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd, 0x00cdcd,
    0xc0c0c0, 0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00, 0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff};

uint32_t palette_rgb(int n)
{
	static const unsigned levels[6] = {0, 95, 135, 175, 215, 255};

	if (n < 16)
		return basic[n < 0 ? 0 : n];
	if (n >= 232)
		return (8 + 10 * (uint32_t)(n - 232)) * 0x010101;
	n -= 16;
	return levels[n / 36] << 16 | levels[n / 6 % 6] << 8 | levels[n % 6];
}

bool colour_rgb(int32_t colour, uint32_t *rgb)
{
	if (colour >= COLOUR_RGB)
		*rgb = (uint32_t)colour & COLOUR_MASK;
	else if (colour >= 16)
		*rgb = palette_rgb(colour);
	else
		return false;
	return true;
}

static int distance(uint32_t a, uint32_t b)
{
	int sum = 0;

	for (int shift = 0; shift < 24; shift += 8) {
		int d = (int)(a >> shift & 255) - (int)(b >> shift & 255);

		sum += d * d;
	}
	return sum;
}

static int32_t nearest(int32_t colour, int from, int to)
{
	uint32_t want = colour >= COLOUR_RGB ? (uint32_t)colour & COLOUR_MASK : palette_rgb(colour);
	int best = from;

	if (colour < 0 || (colour >= from && colour <= to))
		return colour;
	for (int i = from; i <= to; i++)
		if (distance(palette_rgb(i), want) < distance(palette_rgb(best), want))
			best = i;
	return best;
}

/* ---- words */

static const char *const names[16] = {"black", "red", "green", "yellow", "blue", "magenta", "cyan", "white",
    "bright-black", "bright-red", "bright-green", "bright-yellow", "bright-blue", "bright-magenta",
    "bright-cyan", "bright-white"};

static bool hex_parse(const char *s, int32_t *out)
{
	if (strlen(s) != 7 || strspn(s + 1, "0123456789abcdefABCDEF") != 6)
		return false;
	*out = COLOUR_RGB | (int32_t)strtol(s + 1, NULL, 16);
	return true;
}

static bool number_parse(const char *s, int32_t *out)
{
	size_t n = strspn(s, "0123456789");

	if (n == 0 || n > 3 || s[n])
		return false;
	*out = (int32_t)strtol(s, NULL, 10);
	return *out <= 255;
}

static bool colour_parse(const char *s, int32_t *out, char **why)
{
	struct near near = near_start(s);

	if (*s == '#' ? hex_parse(s, out) : number_parse(s, out))
		return true;
	near_try(&near, "default");
	if (strcmp(s, "default") == 0) {
		*out = COLOUR_DEFAULT;
		return true;
	}
	for (int i = 0; i < 16; i++) {
		if (strcmp(s, names[i]) == 0) {
			*out = i;
			return true;
		}
		near_try(&near, names[i]);
	}
	if (near_word(&near))
		*why = xasprintf("'%s' is no colour; did you mean '%s'?", s, near_word(&near));
	else
		*why = xasprintf(
		    "'%s' is no colour: wanted is #rrggbb, a number up to 255, a name or default", s);
	return false;
}

static bool attr_parse(const char *s, uint8_t *out, char **why)
{
	static const struct {
		const char *word;
		uint8_t bit;
	} words[] = {{"none", 0}, {"bold", ATTR_BOLD}, {"dim", ATTR_DIM}, {"underline", ATTR_UNDERLINE},
	    {"reverse", ATTR_REVERSE}, {"italic", ATTR_ITALIC}};
	struct near near = near_start(s);

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		near_try(&near, words[i].word);
		if (strcmp(s, words[i].word) == 0) {
			*out |= words[i].bit;
			return true;
		}
	}
	if (near_word(&near))
		*why = xasprintf("'%s' is no attribute; did you mean '%s'?", s, near_word(&near));
	else
		*why = xasprintf(
		    "'%s' is no attribute: there are bold, dim, underline, reverse, italic and none", s);
	return false;
}

/* ---- lists */

/* Cuts "a / b / c" at `sep`, blanks off. How many; more than LIST_MAX are counted, not kept. */
static int list_cut(const char *text, char sep, char out[LIST_MAX][WORD_MAX_])
{
	int n = 0;

	for (;; text++) {
		size_t len = strcspn(text, (char[]){sep, '\0'}), keep;
		const char *s = text + strspn(text, " \t");

		keep = s < text + len ? (size_t)(text + len - s) : 0;
		while (keep > 0 && strchr(" \t", s[keep - 1]))
			keep--;
		if (n < LIST_MAX)
			snprintf(
			    out[n], WORD_MAX_, "%.*s", (int)(keep < WORD_MAX_ ? keep : WORD_MAX_ - 1), s);
		n++;
		text += len;
		if (!*text)
			return n;
	}
}

bool colours_parse(const char *text, int32_t out[DEPTH_COUNT], char **why)
{
	char word[LIST_MAX][WORD_MAX_];
	int n = list_cut(text, '/', word);
	int32_t c[3] = {COLOUR_DEFAULT, COLOUR_DEFAULT, COLOUR_DEFAULT};

	if (n > 3) {
		*why = xstrdup("a colour has at most three values: direct / of 256 / of 16");
		return false;
	}
	for (int i = 0; i < n; i++)
		if (!colour_parse(word[i], &c[i], why))
			return false;
	if (n == 3 && c[2] > 15) {
		*why = xasprintf("'%s' is no colour of 16: wanted is a name, 0 to 15 or default", word[2]);
		return false;
	}
	out[DEPTH_DIRECT] = c[0];
	out[DEPTH_256] = nearest(n > 1 ? c[1] : c[0], n > 1 || c[0] >= COLOUR_RGB ? 16 : 0, 255);
	if (n > 1 && c[1] < 16)
		out[DEPTH_256] = c[1];
	out[DEPTH_16] = n > 2 ? c[2] : nearest(out[DEPTH_256], 0, 15);
	out[DEPTH_MONO] = COLOUR_DEFAULT;
	return true;
}

static bool attrs_one(const char *text, uint8_t *out, char **why)
{
	char word[LIST_MAX][WORD_MAX_];
	int n = list_cut(text, ',', word);

	*out = 0;
	for (int i = 0; i < n && i < LIST_MAX; i++)
		if (!attr_parse(word[i], out, why))
			return false;
	return true;
}

/* The last is for mono, those before for direct, 256 and 16. */
bool attrs_parse(const char *text, uint8_t out[DEPTH_COUNT], char **why)
{
	static const enum theme_depth order[3] = {DEPTH_DIRECT, DEPTH_256, DEPTH_16};
	char word[LIST_MAX][WORD_MAX_];
	int n = list_cut(text, '/', word), colours;
	uint8_t a[LIST_MAX] = {0};

	if (n > LIST_MAX) {
		*why =
		    xstrdup("attributes have at most four values: direct / of 256 / of 16 / without colours");
		return false;
	}
	for (int i = 0; i < n; i++)
		if (!attrs_one(word[i], &a[i], why))
			return false;
	colours = n > 1 ? n - 1 : 1;
	for (int i = 0; i < 3; i++)
		out[order[i]] = a[i < colours ? i : colours - 1];
	out[DEPTH_MONO] = a[n - 1];
	return true;
}
