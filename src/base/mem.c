/*
 * mem - the C library's allocators, with one answer to exhaustion: say so and
 * abort.  A size of zero gives a pointer that can be freed.
 */
#include "config.h"

#include "wetread/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *must(void *p)
{
	static const char msg[] = "out of memory\n";

	if (p)
		return p;
	if (write(STDERR_FILENO, msg, sizeof(msg) - 1) < 0)
		_exit(6);
	abort();
}

void *xmalloc(size_t n)
{
	return must(malloc(n ? n : 1));
}

void *xcalloc(size_t count, size_t size)
{
	return must(count && size ? calloc(count, size) : calloc(1, 1));
}

void *xrealloc(void *p, size_t n)
{
	return must(realloc(p, n ? n : 1));
}

void *xreallocarray(void *p, size_t count, size_t size)
{
	return must(count && size ? reallocarray(p, count, size) : realloc(p, 1));
}

char *xstrdup(const char *s)
{
	return s ? must(strdup(s)) : NULL;
}

char *xstrndup(const char *s, size_t max)
{
	return must(strndup(s, max));
}

char *xvasprintf(const char *fmt, va_list ap)
{
	char *s;

	return must(vasprintf(&s, fmt, ap) < 0 ? NULL : s);
}

char *xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = xvasprintf(fmt, ap);
	va_end(ap);
	return s;
}

void str_put(char **slot, const char *s)
{
	char *copy = xstrdup(s); /* first: s may lie inside *slot */

	free(*slot);
	*slot = copy;
}
