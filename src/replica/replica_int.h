/* replica_int - what replica.c, feed.c and ask.c share. */
#ifndef WETREAD_REPLICA_INT_H
#define WETREAD_REPLICA_INT_H

#include "wetread/replica.h"

enum {
	ASKED_MAX = 4096,    /* open requests */
	LATE_MAX = 200000,   /* events kept for rows that are not there yet */
	STUDY_MAX = 1 << 24, /* the world keeps an array up to the highest id */
	FAULTS_MAX = 5,      /* times in a row that the world had to be fetched anew */
};

/* A request that was not answered yet. */
struct asked {
	struct asked *next;
	uint64_t id;
	char *line; /* with its newline */
	size_t len;
	bool is_command;
	uint64_t study;
	replica_answer_fn *on_answer;
	replica_result_fn *on_result;
	void *ctx;
};

struct replica {
	struct replica_options opt;
	char *client, *as_user;
	struct world world;
	struct replica_me me;
	enum replica_phase phase;
	char *epoch; /* of the world; NULL: none yet */
	bool whole;  /* the world is complete as of world.n: a delta can start there */
	struct wire_loader *loader;
	bool first_page_due;
	unsigned pages, pages_have;
	struct evlist late; /* of studies on later pages, in order */
	unsigned faults;
	char *held; /* the queue was refused for now, in words; NULL: it was not */
	int held_err;

	struct asked *asked, **asked_end;
	unsigned nasked;
	uint64_t last_id;

	int64_t hello_sent, clock_sent; /* monotonic ms */
	int64_t offset;                 /* coordinator's clock minus our monotonic one */
	int64_t best_rtt;               /* of this connection; -1: none */
};

void set_phase(struct replica *, enum replica_phase);
void tell_changed(struct replica *, uint64_t study, const struct event *);

/* feed.c: what the coordinator tells */
void put_follow(struct replica *, struct buf *, bool anew);
int follow_answer(struct replica *, const struct cJSON *result, const struct cJSON *error);
int notified(struct replica *, const struct wire_msg *);
void feed_release(struct replica *);

/* ask.c: open requests */
void ask_again(struct replica *, struct buf *out);
int answered(struct replica *, const struct wire_msg *);
void ask_release(struct replica *);

#endif
