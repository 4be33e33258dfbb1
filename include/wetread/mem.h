/*
 * mem - small allocations that do not fail.
 *
 * For sizes we choose ourselves: on exhaustion the process says so and aborts
 * (the journal makes that safe).  Sizes that come from outside go through a
 * buf with a maximum instead.
 */
#ifndef WETREAD_MEM_H
#define WETREAD_MEM_H

#include <stdarg.h>
#include <stddef.h>

void *xmalloc(size_t n);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *p, size_t n);
void *xreallocarray(void *p, size_t count, size_t size);
char *xstrdup(const char *s);              /* NULL gives NULL */
char *xstrndup(const char *s, size_t max); /* at most max bytes, always ended */
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
char *xvasprintf(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));
/* Frees *slot and puts a copy of s there; NULL empties it. */
void str_put(char **slot, const char *s);

#endif
