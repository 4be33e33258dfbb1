/* lock - a console that shows nobody anything until its person has proven to be there. */
#ifndef WETREAD_VIEW_LOCK_H
#define WETREAD_VIEW_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "edit.h"

enum lock_phase {
	LOCK_OPEN,
	LOCK_SHUT,
	LOCK_PROVING, /* the host is at it */
	LOCK_ASKING,  /* and wants a passphrase */
};
struct lock {
	enum lock_phase phase;
	int64_t since; /* coordinator's clock */
	struct edit edit;
	char *ask, *note; /* what the host wants; what went wrong last */
	unsigned wrong;   /* proofs that failed since it was shut */
	int64_t again_at; /* monotonic: no proof before */
	bool asked, told; /* a secret was, for this proof; that none was has been said */
};

#endif
