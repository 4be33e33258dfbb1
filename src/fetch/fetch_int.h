/* fetch_int - what the files of fetch share. */
#ifndef FETCH_INT_H
#define FETCH_INT_H

#include "wetread/credit.h"
#include "wetread/env.h"
#include "wetread/fetch.h"

enum {
	PARTS_MAX = 512, /* of one request */
	JOBS_MAX = 3,    /* asked for and not answered: the next begins when one ends */
	MEMORY_MAX = 32 << 20
};

/* What is known of a slice: a prefix of its packets. */
struct held {
	uint8_t *bytes; /* NULL: none yet */
	uint32_t have, asked;
};

struct fetch {
	struct fetch_options opt;
	char *client, *as_user;

	uint64_t study;
	struct manifest m;
	struct held **held; /* by index of series and slice; NULL: of that series nothing */
	size_t memory;

	bool looking;
	unsigned series, slice; /* indices of what is on the screen */
	enum fetch_want want;

	bool open;                  /* hello was sent */
	uint64_t last_id, first_id; /* of requests; answers to those before first_id are old news */
	unsigned jobs;              /* asked since first_id and not answered */
	bool told_done;

	struct credit credit;
};

/* ---- hold.c */
struct held *held_at(const struct fetch *, unsigned series, unsigned slice);
/* Bytes from `at` on; what is known already is skipped. Says whether the usable prefix grew. */
bool held_add(struct fetch *, unsigned series, unsigned slice, uint32_t at, const uint8_t *bytes, size_t n);
void held_release(struct fetch *);

/* ---- plan.c */
struct want_part {
	unsigned series, slice;
	uint32_t from, to;
};
/* The next parts worth asking for, in order, at most PARTS_MAX; 0: everything is asked. Marks them as asked. */
unsigned plan_next(struct fetch *, struct want_part out[PARTS_MAX]);
void plan_again(struct fetch *); /* nothing that has not come is asked for */
/* Whether what is asked already suits the slice on the screen. */
bool plan_suits(const struct fetch *);

#endif
