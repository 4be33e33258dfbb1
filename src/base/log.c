/*
 * log - "wetreadd: warning: lease 12 expired", one write(2) a line so that
 * lines of several processes on one descriptor stay whole.
 */
#include "config.h"

#include "wetread/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "wetread/text.h"

enum { LINE = 1024 };

/* Set once by log_open(), before there is anything to say. */
static struct {
	char program[32];
	enum log_level upto;
} setup = {"wetread", LOG_INFO};

void log_open(const char *program, enum log_level upto)
{
	text_clean(setup.program, sizeof(setup.program), program);
	setup.upto = upto;
}

void log_msg(enum log_level level, const char *fmt, ...)
{
	static const char *const names[] = {"error", "warning", "info", "debug"};
	char raw[LINE], clean[LINE], line[LINE + 64];
	va_list ap;
	int n;

	if (level > setup.upto)
		return;
	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	text_clean(clean, sizeof(clean), raw);
	n = snprintf(line, sizeof(line), "%s: %s: %s\n", setup.program, names[level], clean);
	if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0)
		return; /* a log that cannot be written has nowhere to say so */
}
