#include "config.h"

#include "vt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "wetread/mem.h"
#include "wetread/text.h"

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* The terminal answers questions (DA1, cursor position) here. */
static void term_says(const char *bytes, size_t n, void *user)
{
	struct vt *v = user;

	if (v->mute)
		buf_add(&v->answers, bytes, n);
	else if (write(v->master, bytes, n) < 0)
		v->ended = true;
}

static void child(const char *home, const char *const *env, const char *const *argv, int fence)
{
	static const char *const keep[] = {
	    "PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "WETREAD_LIBEXECDIR"};
	char *kept[8] = {0};

	for (size_t i = 0; i < sizeof keep / sizeof *keep; i++)
		kept[i] = getenv(keep[i]) ? xasprintf("%s=%s", keep[i], getenv(keep[i])) : NULL;
	clearenv();
	for (size_t i = 0; i < sizeof keep / sizeof *keep; i++)
		if (kept[i])
			putenv(kept[i]);
	putenv((char *)"TERM=xterm-256color");
	putenv((char *)"LC_ALL=C.UTF-8");
	putenv((char *)"TZ=UTC");
	putenv((char *)"WETREAD_TOUR=no");
	putenv((char *)"WETREAD_TEST_FD=3");
	putenv(xasprintf("HOME=%s", home));
	putenv(xasprintf("XDG_CONFIG_HOME=%s/config", home));
	putenv(xasprintf("XDG_STATE_HOME=%s/state", home));
	for (; env && *env; env++)
		putenv(xstrdup(*env));
	dup2(fence, 3);
	prctl(PR_SET_PDEATHSIG, SIGTERM); /* a test that failed leaves nothing running */
	execv(argv[0], (char *const *)argv);
	perror(argv[0]);
	_exit(127);
}

void vt_open(struct vt *v, int w, int h, const char *home, const char *const *env, const char *const *argv)
{
	struct winsize ws = {.ws_row = (unsigned short)h, .ws_col = (unsigned short)w};
	int fence[2];

	*v = (struct vt){.w = w, .h = h, .fenced = BUF_INIT(65536), .answers = BUF_INIT(65536)};
	v->term = vterm_new(h, w);
	vterm_set_utf8(v->term, 1);
	vterm_output_set_callback(v->term, term_says, v);
	v->screen = vterm_obtain_screen(v->term);
	vterm_screen_enable_altscreen(v->screen, 1);
	vterm_screen_reset(v->screen, 1);
	if (pipe(fence) < 0)
		abort();
	v->pid = forkpty(&v->master, NULL, NULL, &ws);
	if (v->pid < 0)
		abort();
	if (v->pid == 0)
		child(home, env, argv, fence[1]);
	close(fence[1]);
	v->fence = fence[0];
	fcntl(v->master, F_SETFL, O_NONBLOCK);
	fcntl(v->fence, F_SETFL, O_NONBLOCK);
	fcntl(v->master, F_SETFD, FD_CLOEXEC);
	fcntl(v->fence, F_SETFD, FD_CLOEXEC);
}

static void frame_line(struct vt *v, const char *line)
{
	char keys[16], order[16];

	if (sscanf(line,
	        "frame %lu rev %llu cursor %llu keys %15s order %15s pending %u bytes %llu writes %llu input "
	        "%llu",
	        &v->frame, &v->rev, &v->cursor, keys, order, &v->pending, &v->out_bytes, &v->out_writes,
	        &v->input) != 9)
		return;
	v->deaf = strcmp(keys, "open") != 0;
	v->moving = strcmp(order, "settled") != 0;
}

static bool master_read(struct vt *v)
{
	char part[8192];
	ssize_t n = read(v->master, part, sizeof part);

	if (n > 0) {
		v->bytes += (uint64_t)n;
		vterm_input_write(v->term, part, (size_t)n);
	}
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		v->ended = true;
	return n > 0;
}

static void fence_read(struct vt *v)
{
	char part[4096], *end;
	ssize_t n;

	/* A frame's bytes are written before its line: take them first. */
	while ((n = read(v->fence, part, sizeof part)) > 0)
		buf_add(&v->fenced, part, (size_t)n);
	while (master_read(v))
		;
	while (v->fenced.len && (end = memchr(v->fenced.data, '\n', v->fenced.len)) != NULL) {
		*end = '\0';
		frame_line(v, v->fenced.data);
		buf_drop(&v->fenced, (size_t)(end - v->fenced.data) + 1);
	}
}

void vt_pump(struct vt *v, int ms)
{
	struct pollfd p[2] = {
	    {.fd = v->ended ? -1 : v->master, .events = POLLIN}, {.fd = v->fence, .events = POLLIN}};

	if (poll(p, 2, ms) <= 0)
		return;
	while (!v->ended && master_read(v))
		;
	fence_read(v);
}

/* What is on the screen and what the newest line says belong to the same frame. */
static bool in_step(const struct vt *v)
{
	return v->frame == 0 || v->ended || v->pid == 0 || v->bytes == v->out_bytes;
}

bool vt_until(struct vt *v, int ms, bool (*cond)(struct vt *, const void *), const void *ctx)
{
	int64_t limit = now_ms() + ms;

	vt_pump(v, 0);
	while (!cond(v, ctx) || !in_step(v)) {
		int64_t left = limit - now_ms();

		if (left <= 0)
			return false;
		vt_pump(v, left < 50 ? (int)left : 50);
	}
	return true;
}

char *vt_row(struct vt *v, int y)
{
	struct buf b = BUF_INIT(65536);
	size_t solid = 0;

	buf_reserve(&b, 1);
	for (int x = 0; x < v->w; x++) {
		VTermScreenCell c;
		char utf8[4];

		if (!vterm_screen_get_cell(v->screen, (VTermPos){.row = y, .col = x}, &c))
			continue;
		if (c.chars[0] == (uint32_t)-1)
			continue; /* right half of a wide one */
		if (c.chars[0] == 0)
			c.chars[0] = ' ';
		for (int i = 0; i < VTERM_MAX_CHARS_PER_CELL && c.chars[i]; i++)
			buf_add(&b, utf8, utf8_encode(c.chars[i], utf8));
		if (c.chars[0] != ' ')
			solid = b.len;
	}
	b.len = solid;
	b.data[solid] = '\0';
	return buf_take(&b);
}

char *vt_text(struct vt *v)
{
	struct buf b = BUF_INIT(1024 * 1024);

	for (int y = 0; y < v->h; y++) {
		char *row = vt_row(v, y);

		buf_addf(&b, "%s\n", row);
		free(row);
	}
	return buf_take(&b);
}

static unsigned colour_number(const VTermScreen *s, VTermColor c)
{
	(void)s;
	if (VTERM_COLOR_IS_DEFAULT_FG(&c) || VTERM_COLOR_IS_DEFAULT_BG(&c))
		return 999;
	return VTERM_COLOR_IS_INDEXED(&c) ? c.indexed.idx : 1000u + c.rgb.red;
}

char *vt_cells(struct vt *v)
{
	struct buf b = BUF_INIT(16 * 1024 * 1024);

	for (int y = 0; y < v->h; y++) {
		char *row = vt_row(v, y);

		buf_addf(&b, "%s\n", row);
		free(row);
		for (int x = 0; x < v->w; x++) {
			VTermScreenCell c;

			vterm_screen_get_cell(v->screen, (VTermPos){.row = y, .col = x}, &c);
			if ((c.chars[0] == 0 || c.chars[0] == ' ') && !c.attrs.underline &&
			    !c.attrs.reverse) {
				buf_adds(&b, "- "); /* what a blank would be written with nobody sees */
				continue;
			}
			buf_addf(&b, "%u.%d%d%d ", colour_number(v->screen, c.fg), c.attrs.bold,
			    c.attrs.underline, c.attrs.reverse);
		}
		buf_addc(&b, '\n');
	}
	return buf_take(&b);
}

static bool text_is_there(struct vt *v, const void *ctx)
{
	char *all = vt_text(v);
	bool there = strstr(all, ctx) != NULL;

	free(all);
	return there;
}

static bool text_is_gone(struct vt *v, const void *ctx)
{
	return !text_is_there(v, ctx);
}

bool vt_sees(struct vt *v, const char *text, int ms)
{
	return vt_until(v, ms, text_is_there, text);
}

bool vt_gone(struct vt *v, const char *text, int ms)
{
	return vt_until(v, ms, text_is_gone, text);
}

static bool is_quiet(struct vt *v, const void *ctx)
{
	const unsigned long *after = ctx;

	return v->frame > *after && !v->deaf && !v->moving && v->pending == 0;
}

bool vt_quiet(struct vt *v, int ms)
{
	unsigned long frame = v->frame;

	return vt_until(v, ms, is_quiet, &frame);
}

static bool has_ended(struct vt *v, const void *ctx)
{
	(void)ctx;
	if (v->pid > 0 && waitpid(v->pid, &v->status, WNOHANG) == v->pid)
		v->pid = 0;
	return v->pid == 0;
}

bool vt_ends(struct vt *v, int ms)
{
	return vt_until(v, ms, has_ended, NULL);
}

void vt_send(struct vt *v, const char *bytes)
{
	size_t n = strlen(bytes);

	while (n > 0 && !v->ended) {
		ssize_t k = write(v->master, bytes, n);

		if (k > 0) {
			bytes += k;
			n -= (size_t)k;
		} else {
			vt_pump(v, 10);
		}
	}
}

void vt_answer(struct vt *v)
{
	if (v->answers.len && write(v->master, v->answers.data, v->answers.len) < 0)
		v->ended = true;
	buf_clear(&v->answers);
}

void vt_resize(struct vt *v, int w, int h)
{
	struct winsize ws = {.ws_row = (unsigned short)h, .ws_col = (unsigned short)w};

	v->w = w;
	v->h = h;
	vterm_set_size(v->term, h, w);
	ioctl(v->master, TIOCSWINSZ, &ws);
}

void vt_cursor(struct vt *v, int *x, int *y)
{
	VTermPos pos;

	vterm_state_get_cursorpos(vterm_obtain_state(v->term), &pos);
	*x = pos.col;
	*y = pos.row;
}

void vt_close(struct vt *v)
{
	if (v->pid > 0) {
		kill(v->pid, SIGTERM);
		if (!vt_ends(v, 5000)) {
			kill(v->pid, SIGKILL);
			waitpid(v->pid, &v->status, 0);
		}
	}
	close(v->master);
	close(v->fence);
	vterm_free(v->term);
	buf_release(&v->fenced);
	buf_release(&v->answers);
}
