/*
 * buf - a byte buffer that is born with its maximum.
 *
 * Growth past the maximum (or out of memory) fails with E_LIMIT and sets
 * `failed`; a buf that failed keeps what it had and refuses further bytes, so
 * a writer may check once at the end.  data is NUL-ended whenever it is not NULL;
 * the NUL is not counted in len.
 */
#ifndef WETREAD_BUF_H
#define WETREAD_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *data;
	size_t len, cap, max;
	bool failed;
};

#define BUF_INIT(maximum) ((struct buf){.max = (maximum)})

void buf_init(struct buf *, size_t max);
void buf_release(struct buf *);
void buf_clear(struct buf *); /* len = 0, failed = false; keeps the memory */
int buf_add(struct buf *, const void *bytes, size_t n);
int buf_addc(struct buf *, char c);
int buf_adds(struct buf *, const char *s);
int buf_addf(struct buf *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int buf_reserve(struct buf *, size_t more); /* room for more bytes behind len */
void buf_drop(struct buf *, size_t n);      /* forgets the first n bytes */
char *buf_take(struct buf *);               /* caller frees; the buf is empty after */

#endif
