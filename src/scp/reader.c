/*
 * The process that reads headers: it gets open files and gives back lines, and can do nothing else.
 */
#include "config.h"

#include "scp_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wetread/dicom.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/log.h"
#include "wetread/mem.h"
#include "wetread/sandbox.h"

enum { MEMORY = 256 << 20, LINE_MAX_OUT = 256 << 10 };

static int confine(uint64_t cpu_seconds)
{
	static const struct sandbox_call calls[] = {
	    {.name = "pread64"},
	    {.name = "fstat"},
	    {.name = "newfstatat"},
	};
	const struct sandbox_limit limits[] = {
	    {RLIMIT_AS, MEMORY},
	    {RLIMIT_CPU, cpu_seconds},
	};

	return sandbox_enter(&(struct sandbox){.calls = calls,
	    .ncalls = sizeof(calls) / sizeof(*calls),
	    .limits = limits,
	    .nlimits = sizeof(limits) / sizeof(*limits),
	    .folder = -1});
}

static const char *check(const struct dicom_header *h, int err, bool answer)
{
	if (err == E_SYNTAX || err == E_IO)
		return err == E_IO ? "it cannot be read" : "it is not DICOM";
	if (answer)
		return h->study_uid && dicom_uid_ok(h->study_uid) ? NULL
		                                                  : "it does not say which study it is";
	if (!h->study_uid || !h->series_uid || !h->sop_instance || !dicom_uid_ok(h->study_uid) ||
	    !dicom_uid_ok(h->series_uid) || !dicom_uid_ok(h->sop_instance))
		return "it does not say which study, series and object it is";
	return NULL;
}

/* The object's facts into *im; NULL, or why there are none. */
static const char *read_one(const struct reading *r, struct dicom_charsets *cs, struct image *im)
{
	unsigned char sha[STORE_SHA];
	char hex[2 * STORE_SHA + 1];
	struct dicom_source src;
	struct dicom_header h;
	struct stat st;
	const char *why;
	int err;

	if (r->fd < 0 || fstat(r->fd, &st) < 0 || !S_ISREG(st.st_mode))
		return "it cannot be opened";
	src = dicom_source_fd(&r->fd, (uint64_t)st.st_size);
	err = dicom_read(&h, &src, cs);
	why = check(&h, err, r->answer);
	if (!why && store_digest(r->fd, sha) < 0)
		why = "it cannot be read";
	if (!why) {
		image_of(im, &h, r->zone);
		store_hex(sha, STORE_SHA, hex);
		im->sha256 = xstrdup(hex);
	}
	dicom_header_release(&h);
	return why;
}

static void write_line(struct buf *b, size_t i, const char *why, const struct image *im)
{
	json_open(b, '{');
	json_kuint(b, "i", i);
	if (why)
		json_kstr(b, "why", why);
	else {
		json_key(b, "image");
		image_write(b, im);
	}
	json_close(b, '}');
	buf_addc(b, '\n');
}

static int send_line(int out, const struct buf *b)
{
	for (size_t at = 0; at < b->len;) {
		ssize_t n = write(out, b->data + at, b->len - at);

		if (n < 0 && errno != EINTR)
			return E_IO;
		at += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

void read_headers(
    const struct reading *list, size_t n, uint64_t cpu_seconds, struct dicom_charsets *cs, int out)
{
	struct buf line = BUF_INIT(LINE_MAX_OUT);

	if (confine(cpu_seconds) < 0) {
		log_err("the process that reads headers could not be confined");
		_exit(READER_NOT_CONFINED);
	}
	for (size_t i = 0; i < n; i++) {
		struct image im = {0};
		const char *why = read_one(&list[i], cs, &im);

		buf_clear(&line);
		write_line(&line, i, why, &im);
		image_release(&im);
		if (line.failed || send_line(out, &line) < 0)
			_exit(1);
	}
	_exit(0);
}
