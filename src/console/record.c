/*
 * record - a console's screen as an asciicast (version 2), and the playing of one.
 *
 *     {"version":2,"width":80,"height":24,"timestamp":1795232400,"title":"wetread 0.1.0","env":{"TERM":"xterm-256color"}}
 *     [0.000000,"o","\u001b[2J\u001b[1;1H wetread ..."]
 *     [1.204113,"o","\u001b[3;1H\u001b[7m..."]
 *     [9.100000,"r","100x30"]
 *
 * What is written is the masked screen, row by row where it changed, in nothing but positions, attributes and text: no
 * byte of the real screen and no key goes into the file.  A file that is played is not trusted: only these
 * sequences reach the terminal, whatever else it has.
 */
#include "config.h"

#include "record_int.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "wetread/buf.h"
#include "wetread/crash.h"
#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/term.h"
#include "wetread/text.h"

enum { FRAME_BYTES = 4 * 1024 * 1024, LINE_BYTES = 16 * 1024 * 1024, LONGEST_WAIT_MS = 2000 };

struct record {
	FILE *f;
	int64_t began;
	struct grid before; /* the last frame */
	bool any;
};

/* ---- writing */

int record_open(struct record **out, const char *path, int w, int h, char **why)
{
	struct buf b = BUF_INIT(4096);
	struct record *r;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0) {
		*why = xasprintf("%s: %s", path, strerror(errno));
		return E_IO;
	}
	r = xcalloc(1, sizeof *r);
	r->f = fdopen(fd, "w");
	r->began = env_mono(&env_system);
	grid_init(&r->before, w, h);
	json_open(&b, '{');
	json_kint(&b, "version", 2);
	json_kint(&b, "width", w);
	json_kint(&b, "height", h);
	json_kint(&b, "timestamp", env_now(&env_system) / 1000);
	json_kstr(&b, "title", "wetread " PACKAGE_VERSION ", patients masked");
	json_close(&b, '}');
	fprintf(r->f, "%s\n", b.data);
	buf_release(&b);
	*out = r;
	return 0;
}

static void event_put(struct record *r, const char *kind, const char *data)
{
	struct buf b = BUF_INIT(2 * FRAME_BYTES);
	int64_t t = env_mono(&env_system) - r->began;

	json_str(&b, data);
	if (!b.failed)
		fprintf(r->f, "[%lld.%03lld000,\"%s\",%s]\n", (long long)(t / 1000), (long long)(t % 1000),
		    kind, b.data);
	buf_release(&b);
}

static void look_put(struct buf *b, const struct cell *c)
{
	const struct look_type *look = look_type((enum look)c->look);

	buf_adds(b, "\033[0");
	if (look->attrs & ATTR_BOLD)
		buf_adds(b, ";1");
	if (look->attrs & ATTR_DIM)
		buf_adds(b, ";2");
	if (look->attrs & ATTR_UNDERLINE)
		buf_adds(b, ";4");
	if (c->bar || (look->attrs & ATTR_REVERSE))
		buf_adds(b, ";7");
	if (look->c256 >= 0 && !c->bar)
		buf_addf(b, ";38;5;%d", look->c256);
	buf_addc(b, 'm');
}

static bool same_look(const struct cell *a, const struct cell *b)
{
	return a->look == b->look && a->bar == b->bar;
}

static void row_put(struct buf *b, const struct grid *g, int y)
{
	const struct cell *before = NULL;

	buf_addf(b, "\033[%d;1H", y + 1);
	for (int x = 0; x < g->w; x++) {
		const struct cell *c = grid_cell(g, x, y);

		if (c->width == 0)
			continue;
		if (!before || !same_look(before, c))
			look_put(b, c);
		before = c;
		for (int i = 0; i < 3 && c->cp[i]; i++) {
			char text[5] = "";

			utf8_encode(c->cp[i], text);
			buf_adds(b, text);
		}
	}
}

static bool row_same(const struct grid *a, const struct grid *b, int y)
{
	for (int x = 0; x < a->w; x++) {
		const struct cell *p = grid_cell(a, x, y), *q = grid_cell(b, x, y);

		if (memcmp(p->cp, q->cp, sizeof p->cp) != 0 || p->width != q->width || !same_look(p, q))
			return false;
	}
	return true;
}

static void size_follow(struct record *r, const struct grid *g)
{
	char size[32];

	if (r->before.w == g->w && r->before.h == g->h)
		return;
	snprintf(size, sizeof size, "%dx%d", g->w, g->h);
	event_put(r, "r", size);
	grid_resize(&r->before, g->w, g->h);
	r->any = false;
}

void record_frame(struct record *r, const struct grid *g)
{
	struct buf b = BUF_INIT(FRAME_BYTES);
	bool changed;

	size_follow(r, g);
	changed = !r->any;
	if (changed)
		buf_adds(&b, "\033[0m\033[2J");
	for (int y = 0; y < g->h; y++)
		if (!r->any || !row_same(&r->before, g, y)) {
			row_put(&b, g, y);
			changed = true;
		}
	if (changed || r->before.cur_x != g->cur_x || r->before.cur_y != g->cur_y) {
		buf_addf(&b, "\033[0m\033[%d;%dH", g->cur_y + 1, g->cur_x + 1);
		event_put(r, "o", b.data);
	}
	memcpy(r->before.cells, g->cells, (size_t)g->w * (size_t)g->h * sizeof *g->cells);
	r->before.cur_x = g->cur_x;
	r->before.cur_y = g->cur_y;
	r->any = true;
	buf_release(&b);
}

int record_close(struct record *r)
{
	int rc;

	if (!r)
		return 0;
	grid_release(&r->before);
	rc = fclose(r->f) == 0 ? 0 : E_IO;
	free(r);
	return rc;
}

/* ---- playing */

/* Is this control sequence one of a picture of cells?  p stands behind ESC [; *n is its length. */
static bool sequence_fits(const char *p, size_t *n)
{
	size_t i = strspn(p, "0123456789;");

	*n = i + (p[i] != '\0');
	return p[i] != '\0' && strchr("HJKm", p[i]) != NULL;
}

static void char_put(struct buf *out, const char *data, size_t n)
{
	char one[8], clean[8];

	memcpy(one, data, n);
	one[n] = '\0';
	text_clean(clean, sizeof clean, one);
	if (strcmp(one, clean) == 0)
		buf_add(out, data, n);
}

void play_clean(struct buf *out, const char *data)
{
	while (*data) {
		uint32_t cp;
		size_t n;

		if (data[0] == '\033' && data[1] == '[') {
			if (sequence_fits(data + 2, &n))
				buf_add(out, data, n + 2);
			data += n + 2;
			continue;
		}
		n = utf8_decode(data, strlen(data), &cp);
		if (n == 0)
			return;
		if (cp == '\r' || cp == '\n')
			buf_addc(out, (char)cp);
		else
			char_put(out, data, n);
		data += n;
	}
}

struct play {
	FILE *f;
	int tty;
	bool paused;
	struct buf line;
};

/* One line into p->line, without its newline. 0 at the end. */
static int line_next(struct play *p)
{
	int c;

	buf_clear(&p->line);
	while ((c = getc(p->f)) != EOF && c != '\n')
		if (buf_addc(&p->line, (char)c) < 0)
			return E_LIMIT;
	return p->line.len > 0 || c == '\n';
}

static struct cJSON *header_read(struct play *p, char **why)
{
	struct cJSON *doc = line_next(p) > 0 && p->line.len ? json_parse(p->line.data, p->line.len) : NULL;

	if (doc && json_get_int(doc, "version", 0) == 2 && json_get_int(doc, "width", 0) > 0)
		return doc;
	cJSON_Delete(doc);
	*why = xstrdup("this is not an asciicast of version 2, which `wetread --record FILE` writes");
	return NULL;
}

/* Waits as the record says; Space holds it, a key goes on, q ends it. False: the person has had enough. */
static bool wait_or_key(struct play *p, int64_t ms)
{
	int64_t until = env_mono(&env_system) + (ms > LONGEST_WAIT_MS ? LONGEST_WAIT_MS : ms);

	for (;;) {
		int64_t left = until - env_mono(&env_system);
		struct pollfd fd = {.fd = p->tty, .events = POLLIN};
		char key;

		if (!p->paused && left <= 0)
			return true;
		if (poll(&fd, 1, p->paused ? -1 : (int)left) <= 0)
			continue;
		if (read(p->tty, &key, 1) != 1 || key == 'q' || key == 3 || key == 27)
			return false;
		if (key != ' ' && !p->paused)
			return true; /* on to the next */
		p->paused = key == ' ' && !p->paused;
	}
}

static void all_write(int fd, const char *data, size_t n)
{
	while (n > 0) {
		ssize_t k = write(fd, data, n);

		if (k < 0 && errno != EINTR)
			return;
		if (k > 0) {
			data += k;
			n -= (size_t)k;
		}
	}
}

static int events_play(struct play *p, char **why)
{
	double before = 0;
	int rc, at = 1;

	while ((rc = line_next(p)) > 0) {
		struct cJSON *one = p->line.len ? json_parse(p->line.data, p->line.len) : NULL;
		const struct cJSON *time = cJSON_GetArrayItem(one, 0), *kind = cJSON_GetArrayItem(one, 1),
		                   *data = cJSON_GetArrayItem(one, 2);
		struct buf b = BUF_INIT(FRAME_BYTES);
		bool more = true;

		at++;
		if (p->line.len &&
		    (!cJSON_IsNumber(time) || !cJSON_IsString(kind) || !cJSON_IsString(data))) {
			*why = xasprintf("line %d is not an event of an asciicast", at);
			rc = E_SYNTAX;
		} else if (p->line.len && strcmp(kind->valuestring, "o") == 0) {
			double wait = time->valuedouble - before;

			more = wait_or_key(p, wait > 0 && wait < 1e6 ? (int64_t)(wait * 1000) : 0);
			before = time->valuedouble;
			play_clean(&b, data->valuestring);
			all_write(p->tty, b.data, b.len);
		}
		buf_release(&b);
		cJSON_Delete(one);
		if (rc < 0 || !more)
			return rc < 0 ? rc : 0;
	}
	p->paused = rc == 0;
	if (rc == 0)
		wait_or_key(p, 0); /* the last picture stays until a key */
	return rc;
}

static int terminal_play(struct play *p, const struct cJSON *head, char **why)
{
	static const char begin[] = "\033[?1049h\033[0m\033[2J\033[H";
	struct termios before, raw;
	int rc;

	(void)head;
	if (tcgetattr(p->tty, &before) < 0) {
		*why = xstrdup("a record is played on a terminal");
		return E_USAGE;
	}
	raw = before;
	cfmakeraw(&raw);
	tcsetattr(p->tty, TCSADRAIN, &raw);
	crash_watch(p->tty, &before, term_goodbye, "");
	all_write(p->tty, begin, sizeof begin - 1);
	rc = events_play(p, why);
	all_write(p->tty, term_goodbye, strlen(term_goodbye));
	crash_unwatch();
	tcsetattr(p->tty, TCSADRAIN, &before);
	return rc;
}

int play(const char *path, char **why)
{
	struct play p = {.line = BUF_INIT(LINE_BYTES)};
	struct cJSON *head = NULL;
	int rc = E_IO;

	p.f = fopen(path, "re");
	p.tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (!p.f)
		*why = xasprintf("%s: %s", path, strerror(errno));
	else if (p.tty < 0)
		*why = xstrdup("a record is played on a terminal, and there is none");
	else
		head = header_read(&p, why), rc = head ? terminal_play(&p, head, why) : E_SYNTAX;
	cJSON_Delete(head);
	buf_release(&p.line);
	if (p.f)
		fclose(p.f);
	if (p.tty >= 0)
		close(p.tty);
	return rc == E_SYNTAX ? E_USAGE : rc;
}
