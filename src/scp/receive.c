/*
 * The process of one association.
 *
 * It holds the connection, a folder of its own and a pipe to the listener's process, and can reach nothing else.  An
 * object becomes "00000001.part", is synced, is looked at (does it say the UIDs the command said?), becomes
 * "00000001.dcm", the folder is synced, and then the sender hears that it is stored.
 */
#include "config.h"

#include "scp_int.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "wetread/dicom.h"
#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/log.h"
#include "wetread/mem.h"
#include "wetread/sandbox.h"
#include "wetread/text.h"

enum { READ_SIZE = 256 << 10, MEMORY = 256 << 20, DESCRIPTORS = 16, LINGER_MS = 1000, META_MAX = 1024 };
enum { CREATE = O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC };

struct reception {
	struct receiver *r;
	const struct scp_peer *peer;
	struct stream stream;
	struct assoc assoc;
	uint32_t number; /* of the newest object */
	int file;        /* -1: none open */
	uint64_t size;   /* of the open one */
	uint64_t bytes;  /* of all */
	bool begun;      /* the folder is in use */
	bool over;
	struct notice end; /* how it ended */
};

void object_name(char out[FILE_NAME], uint32_t number, bool whole)
{
	snprintf(out, FILE_NAME, "%08u.%s", number, whole ? "dcm" : "part");
}

/* ---- to the listener's process */

static void say(struct reception *x, enum note_kind kind, const char *text)
{
	struct notice n = {.kind = kind, .number = x->number, .size = x->size};

	snprintf(n.text, sizeof(n.text), "%s", text);
	while (write(x->r->pipe, &n, sizeof(n)) < 0 && errno == EINTR)
		;
}

static void end(struct reception *x, enum note_kind kind, const char *text)
{
	if (x->over)
		return;
	x->over = true;
	x->end = (struct notice){.kind = kind};
	snprintf(x->end.text, sizeof(x->end.text), "%s", text);
}

/* ---- files */

static int write_all(int fd, const void *bytes, size_t n)
{
	const char *p = bytes;

	while (n > 0) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return E_IO;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

/* Before the first object: whose folder this is, for whoever finds it after a crash, and that it is there at all. */
static int begin_folder(struct reception *x)
{
	char text[PEER_MAX + 256];
	int fd = openat(x->r->folder, "from", CREATE, 0600), n, err;

	if (fd < 0)
		return E_IO;
	n = snprintf(text, sizeof(text), "%s\n%.160s\n%s\n", x->peer->aet, x->peer->site, x->r->peer);
	err = write_all(fd, text, (size_t)n);
	if (!err && (fdatasync(fd) < 0 || fsync(x->r->above) < 0))
		err = E_IO;
	close(fd);
	x->begun = !err;
	return err;
}

static void drop_object(struct reception *x)
{
	char name[FILE_NAME];

	if (x->file < 0)
		return;
	close(x->file);
	x->file = -1;
	object_name(name, x->number, false);
	unlinkat(x->r->folder, name, 0);
}

static void put_element(struct buf *b, uint16_t element, const char *vr, const char *value)
{
	size_t n = strlen(value), even = n + n % 2;

	buf_add(b, (const char[]){2, 0, (char)element, (char)(element >> 8), vr[0], vr[1], (char)even, 0}, 8);
	buf_add(b, value, n);
	if (n % 2)
		buf_addc(b, vr[0] == 'U' ? '\0' : ' ');
}

/* File meta information (PS3.10 7.1), the same for the same object whoever sends it: equal files have equal digests. */
static void put_meta(struct buf *out, const struct assoc_store *s)
{
	static const char preamble[128];
	struct buf b = BUF_INIT(META_MAX);

	buf_add(&b, "\2\0\1\0OB\0\0\2\0\0\0\0\1", 14);
	put_element(&b, 0x0002, "UI", s->class);
	put_element(&b, 0x0003, "UI", s->instance);
	put_element(&b, 0x0010, "UI", s->syntax);
	put_element(&b, 0x0012, "UI", ASSOC_IMPLEMENTATION);
	put_element(&b, 0x0013, "SH", ASSOC_VERSION);
	buf_add(out, preamble, sizeof(preamble));
	buf_adds(out, "DICM");
	buf_add(out, "\2\0\0\0UL\4\0", 8);
	buf_add(out, (const char[]){(char)b.len, (char)(b.len >> 8), 0, 0}, 4);
	buf_add(out, b.data, b.len);
	buf_release(&b);
}

static int create_object(struct reception *x)
{
	struct buf meta = BUF_INIT(META_MAX);
	char name[FILE_NAME];
	int err;

	if (!x->begun && begin_folder(x) < 0)
		return E_IO;
	x->number++;
	object_name(name, x->number, false);
	x->file = openat(x->r->folder, name, CREATE, 0600);
	if (x->file < 0)
		return E_IO;
	put_meta(&meta, &x->assoc.store);
	err = write_all(x->file, meta.data, meta.len);
	x->size = meta.len;
	buf_release(&meta);
	if (err)
		drop_object(x);
	return err;
}

/* ---- objects */

static void refuse(struct reception *x, uint16_t status, const char *why)
{
	drop_object(x);
	say(x, NOTE_REFUSED, why);
	assoc_answer(&x->assoc, status);
}

static bool room(const struct reception *x)
{
	struct statvfs v;

	return fstatvfs(x->r->folder, &v) == 0 &&
	       (uint64_t)v.f_bavail * v.f_frsize > (uint64_t)x->r->config->reserve;
}

static void begin_object(struct reception *x)
{
	const struct scp_config *c = x->r->config;

	x->size = 0;
	if (x->number >= c->objects)
		refuse(x, ASSOC_NO_ROOM, "the association has as many objects as [limit] objects allows");
	else if (x->bytes >= (uint64_t)c->bytes)
		refuse(x, ASSOC_NO_ROOM, "the association has as many bytes as [limit] bytes allows");
	else if (!room(x))
		refuse(x, ASSOC_NO_ROOM, "the disk is full up to [limit] reserve");
	else if (create_object(x) < 0)
		refuse(x, ASSOC_NO_ROOM, "it can't be written");
}

static void add_piece(struct reception *x)
{
	if (x->file < 0)
		return;
	x->size += x->assoc.length;
	x->bytes += x->assoc.length;
	if (x->size > (uint64_t)x->r->config->object)
		refuse(x, ASSOC_NO_ROOM, "it is larger than [limit] object allows");
	else if (write_all(x->file, x->assoc.piece, x->assoc.length) < 0)
		refuse(x, ASSOC_NO_ROOM, "it can't be written");
}

static bool says(const char *fact, const char *uid)
{
	return fact && strcmp(fact, uid) == 0;
}

/* Whether the data set is what the command said; 0 when it is. */
static uint16_t look_at(struct reception *x, const char **why)
{
	const struct assoc_store *s = &x->assoc.store;
	struct dicom_source src = dicom_source_fd(&x->file, x->size);
	struct dicom_header h;
	uint16_t status = ASSOC_SUCCESS;

	dicom_read(&h, &src, NULL); /* if it can only be read in part, that is told when it is filed */
	if (!h.study_uid || !h.series_uid || !dicom_uid_ok(h.study_uid) || !dicom_uid_ok(h.series_uid)) {
		status = ASSOC_UNREADABLE;
		*why = "its study or series has no UID";
	} else if (!says(h.sop_instance, s->instance)) { /* about the class some senders are careless */
		status = ASSOC_MISMATCH;
		*why = "the data set is another object than the command says";
	}
	dicom_header_release(&h);
	return status;
}

static int keep_object(struct reception *x)
{
	char part[FILE_NAME], name[FILE_NAME];

	object_name(part, x->number, false);
	object_name(name, x->number, true);
	if (fdatasync(x->file) < 0 || renameat(x->r->folder, part, x->r->folder, name) < 0)
		return E_IO;
	close(x->file);
	x->file = -1;
	return fsync(x->r->folder) < 0 ? E_IO : 0;
}

static void end_object(struct reception *x)
{
	const char *why = "";
	uint16_t status = look_at(x, &why);

	if (status != ASSOC_SUCCESS) {
		refuse(x, status, why);
		return;
	}
	if (keep_object(x) < 0) {
		refuse(x, ASSOC_NO_ROOM, "it can't be synced to the disk");
		return;
	}
	say(x, NOTE_STORED, "");
	assoc_answer(&x->assoc, ASSOC_SUCCESS);
}

/* ---- the association */

static bool called_us(const struct scp_config *c, const char *title)
{
	return *title && str_listed(c->ae, title) && strpbrk(title, ", \t") == NULL;
}

static void reject(struct reception *x, enum assoc_reject r)
{
	char text[NOTE_TEXT];

	assoc_reject(&x->assoc, r);
	snprintf(text, sizeof(text), "rejected, %.16s calls %.16s: %s", x->assoc.calling, x->assoc.called,
	    assoc_reject_text(r));
	end(x, NOTE_BROKEN, text);
}

static void decide(struct reception *x)
{
	const struct scp_config *c = x->r->config;

	x->peer = scp_peer_find(c, x->assoc.calling);
	if (x->r->crowded)
		reject(x, ASSOC_REJECT_CROWDED);
	else if (!called_us(c, x->assoc.called))
		reject(x, ASSOC_REJECT_CALLED);
	else if (x->peer == NULL || !scp_peer_from(x->peer, &x->r->from))
		reject(x, ASSOC_REJECT_CALLING);
	else {
		say(x, NOTE_PEER, x->peer->aet);
		assoc_accept(&x->assoc);
	}
}

static void handle(struct reception *x, enum assoc_event e)
{
	switch (e) {
	case ASSOC_REQUEST:
		decide(x);
		break;
	case ASSOC_STORE:
		begin_object(x);
		break;
	case ASSOC_BYTES:
		add_piece(x);
		break;
	case ASSOC_STORED:
		end_object(x);
		break;
	case ASSOC_RELEASED:
		end(x, NOTE_ENDED, "");
		break;
	case ASSOC_ABORTED:
		end(x, NOTE_BROKEN, "the sender aborted it");
		break;
	case ASSOC_BROKEN:
		end(x, NOTE_BROKEN, x->assoc.why);
		break;
	case ASSOC_ECHO:
	case ASSOC_MORE:
		break;
	}
}

static void flush(struct reception *x, int64_t deadline)
{
	if (x->assoc.out.len && stream_write(&x->stream, x->assoc.out.data, x->assoc.out.len, deadline) < 0)
		end(x, NOTE_BROKEN, "the connection was lost");
	buf_clear(&x->assoc.out);
}

static void take(struct reception *x, const uint8_t *bytes, size_t n, int64_t deadline)
{
	enum assoc_event e = ASSOC_MORE;

	do {
		size_t used = assoc_feed(&x->assoc, bytes, n, &e);

		bytes += used;
		n -= used;
		handle(x, e);
		if (x->assoc.out.len)
			flush(x, deadline);
	} while (!x->over && e != ASSOC_MORE);
}

static int64_t in_ms(int64_t ms)
{
	return env_mono(&env_system) + ms;
}

/* Nothing came for too long. Between two objects that is how some senders end. */
static void timed_out(struct reception *x)
{
	bool within = x->assoc.state != ASSOC_OPEN || x->assoc.phase != ASSOC_IDLE;

	assoc_abort(&x->assoc);
	end(x, within ? NOTE_BROKEN : NOTE_ENDED,
	    within ? "the sender stopped in the middle" : "ended: the sender was idle");
}

static void converse(struct reception *x, uint8_t *bytes)
{
	int64_t deadline = in_ms(x->r->config->request);

	while (!x->over) {
		long n = stream_read(&x->stream, bytes, READ_SIZE, deadline);

		if (n == E_TIMEOUT)
			timed_out(x);
		else if (n == 0 && !x->assoc.heard)
			end(x, NOTE_ENDED, ""); /* somebody only looked whether the port is open */
		else if (n <= 0)
			end(x, NOTE_BROKEN,
			    n == 0 ? "the sender closed the connection" : "the connection was lost");
		else {
			if (x->assoc.state == ASSOC_OPEN)
				deadline = in_ms(x->r->config->idle);
			take(x, bytes, (size_t)n, deadline);
			if (x->assoc.state == ASSOC_OPEN)
				deadline = in_ms(x->r->config->idle);
		}
	}
	flush(x, in_ms(LINGER_MS));
}

/* Files only by way of the folder's descriptor, made in one way only. */
static int confine(const struct receiver *r)
{
	uint64_t folder = (uint64_t)r->folder;
	const struct sandbox_call calls[] = {
	    {"openat", 2, {{0, folder}, {2, CREATE}}},
	    {"renameat", 2, {{0, folder}, {2, folder}}},
	    {"renameat2", 2, {{0, folder}, {2, folder}}},
	    {"unlinkat", 1, {{0, folder}}},
	    {.name = "fdatasync"},
	    {.name = "fsync"},
	    {.name = "fstatfs"},
	    {.name = "pread64"},
	};
	const struct sandbox_limit limits[] = {
	    {RLIMIT_AS, MEMORY},
	    {RLIMIT_NOFILE, DESCRIPTORS},
	    {RLIMIT_FSIZE, (uint64_t)r->config->object + META_MAX},
	};

	return sandbox_enter(&(struct sandbox){.calls = calls,
	    .ncalls = sizeof(calls) / sizeof(*calls),
	    .limits = limits,
	    .nlimits = sizeof(limits) / sizeof(*limits),
	    .folder = r->folder});
}

static void be_alone(struct receiver *r)
{
	static const int defaults[] = {SIGCHLD, SIGTERM, SIGINT};
	int *const own[] = {&r->conn, &r->folder, &r->above, &r->pipe, &r->lock};
	sigset_t none;

	for (size_t i = 0; i < sizeof(defaults) / sizeof(*defaults); i++)
		signal(defaults[i], SIG_DFL);
	signal(SIGHUP, SIG_IGN); /* means the listener's configuration */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	sandbox_keep(own, sizeof(own) / sizeof(*own));
	/* OpenSSL compares times by way of the local zone, whose file could not be opened later. */
	setenv("TZ", "UTC0", 1);
	tzset();
}

void receive(struct receiver *r)
{
	struct reception x = {.r = r, .file = -1};
	uint8_t *bytes = xmalloc(READ_SIZE);

	be_alone(r);
	if (confine(r) < 0) {
		log_err("%s: the association's process could not be confined", r->peer);
		_exit(1);
	}
	assoc_init(&x.assoc, (uint32_t)r->config->pdu);
	if (stream_open(&x.stream, r->conn, r->tls, in_ms(r->config->request)) < 0)
		end(&x, NOTE_BROKEN, "the TLS handshake failed");
	converse(&x, bytes);
	drop_object(&x);
	x.number = 0;
	say(&x, (enum note_kind)x.end.kind, x.end.text);
	stream_close(&x.stream, in_ms(LINGER_MS));
	_exit(0);
}
