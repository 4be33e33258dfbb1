/*
 * near - the word a person may have meant.
 *
 *     struct near near = near_start("polcy");
 *     for each word of the table: near_try(&near, word);
 *     if (near_word(&near)) "... did you mean policy?"
 *
 * Letters left out, put in, changed or swapped count one each, case does not.  A third of the
 * letters may differ; beyond that nothing is suggested.  Words are borrowed.
 */
#ifndef WETREAD_NEAR_H
#define WETREAD_NEAR_H

struct near {
	const char *typed, *best;
	unsigned cost;
};

struct near near_start(const char *typed);
void near_try(struct near *, const char *word); /* NULL is passed over */
const char *near_word(const struct near *);     /* NULL when none is near; the first of equals */

#endif
