/*
 * Edit distance with adjacent swaps ("optimal string alignment"): three rows of the usual table are
 * kept, since a swap looks two rows back.
 */
#include "config.h"

#include "wetread/near.h"

#include <ctype.h>
#include <string.h>

enum { WORD_MAX = 63 };

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static int fold(char c)
{
	return tolower((unsigned char)c);
}

static unsigned distance(const char *a, size_t na, const char *b, size_t nb)
{
	unsigned rows[3][WORD_MAX + 1];
	unsigned *before = rows[0], *last = rows[1], *row = rows[2];

	for (size_t j = 0; j <= nb; j++)
		last[j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			unsigned changed = fold(a[i - 1]) != fold(b[j - 1]);

			row[j] = least(last[j - 1] + changed, least(last[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) &&
			    fold(a[i - 2]) == fold(b[j - 1]))
				row[j] = least(row[j], before[j - 2] + 1);
		}
		unsigned *spare = before;
		before = last;
		last = row;
		row = spare;
	}
	return last[nb];
}

struct near near_start(const char *typed)
{
	return (struct near){.typed = typed, .cost = (unsigned)strlen(typed) / 3 + 2};
}

void near_try(struct near *near, const char *word)
{
	size_t na = strlen(near->typed), nb = word ? strlen(word) : 0;
	unsigned cost;

	if (!nb || na > WORD_MAX || nb > WORD_MAX)
		return;
	cost = distance(near->typed, na, word, nb);
	if (cost < near->cost) {
		near->cost = cost;
		near->best = word;
	}
}

const char *near_word(const struct near *near)
{
	return near->best;
}
