/* evening - a queue with something of everything, for screens: overdue, critical, held, masked by nothing, hostile names. */
#ifndef WETREAD_TESTS_EVENING_H
#define WETREAD_TESTS_EVENING_H

#include "night.h"

void evening_open(struct night *); /* opens the night and fills it */
uint64_t evening_study(struct night *, const char *accession);
void evening_many(struct night *, unsigned n); /* n more studies, cheaply */

#endif
