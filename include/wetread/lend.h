/*
 * lend - images out of the store, piece by piece, for whoever may not be kept waiting by a disk.
 *
 *     wetreadd --struct lend_ask--> wetread-images --struct lend_say, bytes--> wetreadd
 *
 * One process reads the index and the files, and presses pieces (press.h), one question after the other.  It looks at no file's
 * meaning.  Questions and answers are packets of a SOCK_SEQPACKET socket of one machine and one build; the socket's end is its end.
 */
#ifndef WETREAD_LEND_H
#define WETREAD_LEND_H

#include <stdbool.h>
#include <stdint.h>

enum { LEND_KEY = 33, LEND_MOST = 160 * 1024 };

struct lend_ask {
	uint64_t number;
	char study[LEND_KEY], image[LEND_KEY]; /* image "": the list of the study's */
	uint64_t at;
	uint32_t skip, most;
	bool press;
};
/* In front of the answer's bytes. A list is `images`, `n` and `bytes` of a JSON object. */
struct lend_say {
	uint64_t number;
	int32_t err;
	uint32_t plain;  /* bytes of the file that the piece stands for */
	uint64_t behind; /* bytes of the file behind it */
};

/* Answers until the socket ends. E_*: the store cannot be opened. */
int lend_run(const char *dir, int socket);

#endif
