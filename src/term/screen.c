/*
 * screen - a grid on a terminal, through curses.
 *
 * Curses is given a file in memory for its output, so its many small writes cost nothing and a frame can be written at once,
 * late, or in parts as the terminal takes it.  It never reads: keys are input.c's.  Terminal modes are set here, since the memory
 * file has none.
 */
#include "config.h"

#include "wetread/term.h"

#include "wetread/errors.h" /* before curses, which has an ERR of its own */

#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <sodium.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include "wetread/mem.h"

#include "term_int.h"

enum { FRAME_MAX = 16 * 1024 * 1024, COPY_MAX = 256 };

/* A look as curses has it. */
struct paint {
	attr_t attrs;
	int pair;
};

struct term {
	int fd, mem;
	FILE *out, *in;
	SCREEN *curses;
	struct termios before, raw;
	enum theme_depth depth;
	bool direct, entered; /* direct: a colour's number is its red, green and blue */
	struct paint paint[LOOK_COUNT];
	bool mouse;
	struct pairs pairs;
	struct thrift thrift;
	enum term_graphics graphics;
	struct term_facts facts;
	struct film films[GRID_FILMS];
	struct buf frame; /* as curses wrote it */
	struct buf rest;  /* what the terminal has not taken yet */
	uint64_t bytes, writes;
};

static const char enter_more[] = "\033[?2004h\033[?1004h"; /* pastes come bracketed, the focus is told */
static const char leave_more[] = "\033[?1004l\033[?2004l";
static const char mouse_on[] = "\033[?1000h\033[?1006h", mouse_off[] = "\033[?1006l\033[?1000l";
static const char frame_begins[] = "\033[?2026h", frame_ends[] = "\033[?2026l";
static const char kitty_erase[] = "\033_Ga=d,d=A,q=2\033\\";
const char term_goodbye[] = "\033[0m\033[2J\033[H\033[?2004l\033[?1004l\033[?25h\033[?1049l\r\n";

/* ---- looks */

/* A style's colour as curses numbers it. Terminals of direct colour keep 0 to 7 for their palette. */
static int look_colour(const struct term *t, int32_t c)
{
	if (c < 0)
		return -1;
	if (t->depth == DEPTH_DIRECT)
		return c >= COLOUR_RGB ? c & COLOUR_MASK : c < 8 ? c : (int)palette_rgb(c);
	return COLORS < 16 && c > 7 ? c - 8 : c;
}

static attr_t attrs_of(const struct term *t, const struct style *style)
{
	static const struct {
		unsigned bit;
		attr_t attr;
	} attrs[] = {{ATTR_BOLD, A_BOLD}, {ATTR_DIM, A_DIM}, {ATTR_UNDERLINE, A_UNDERLINE},
	    {ATTR_REVERSE, A_REVERSE}, {ATTR_ITALIC, A_ITALIC}};
	attr_t a = A_NORMAL;

	for (size_t i = 0; i < sizeof attrs / sizeof *attrs; i++)
		if (style->attrs[t->depth] & attrs[i].bit)
			a |= attrs[i].attr;
	/* Of eight colours the bright ones are bold. */
	if (t->depth == DEPTH_16 && COLORS < 16 && style->fg[DEPTH_16] > 7)
		a |= A_BOLD;
	return a;
}

void term_theme(struct term *t, const struct theme *theme)
{
	cchar_t blank;

	set_term(t->curses);
	for (int i = 0; i < LOOK_COUNT; i++) {
		const struct style *style = &theme->styles[i];
		int fg = look_colour(t, style->fg[t->depth]), bg = look_colour(t, style->bg[t->depth]);
		bool coloured = t->depth != DEPTH_MONO && (fg >= 0 || bg >= 0);

		if (coloured)
			init_extended_pair(i + 1, fg, bg);
		t->paint[i] = (struct paint){attrs_of(t, style), coloured ? i + 1 : 0};
	}
	setcchar(&blank, L" ", A_NORMAL, 0, &t->paint[LOOK_TEXT].pair);
	bkgrndset(&blank);
}

static enum theme_depth depth_of(enum theme_depth most)
{
	enum theme_depth best;

	if (most == DEPTH_MONO || !has_colors() || start_color() != OK || use_default_colors() != OK ||
	    COLORS < 8)
		return DEPTH_MONO;
	best = COLORS > 0x10000 ? DEPTH_DIRECT : COLORS >= 256 ? DEPTH_256 : DEPTH_16;
	return best < most ? best : most;
}

static void colours_make(struct term *t, enum theme_depth most)
{
	t->depth = depth_of(most);
	t->direct = t->depth != DEPTH_MONO && COLORS > 0x10000;
	if (t->direct)
		t->depth = DEPTH_DIRECT; /* its colours have no other names */
	if (t->depth != DEPTH_MONO)
		pairs_init(&t->pairs, LOOK_COUNT + 1, COLOR_PAIRS - 1);
}

enum theme_depth term_depth(const struct term *t)
{
	return t->depth;
}

enum draw_colours term_colours(const struct term *t)
{
	static const enum draw_colours colours[DEPTH_COUNT] = {[DEPTH_MONO] = DRAW_MONO,
	    [DEPTH_16] = DRAW_16,
	    [DEPTH_256] = DRAW_256,
	    [DEPTH_DIRECT] = DRAW_TRUE};

	return t->depth == DEPTH_16 && COLORS < 16 ? DRAW_MONO : colours[t->depth];
}

/* What the terminal calls a colour of a picture's cell. */
static int cell_colour(const struct term *t, uint32_t c)
{
	return c & CELL_RGB ? (int)(c & CELL_COLOUR) : colour_number(t->direct, (int)(c & CELL_COLOUR));
}

/* The row under the cursor is one bar: its cells' own looks would only cost bytes. */
static void cell_draw(struct term *t, const struct cell *c, int x, int y)
{
	const struct paint *paint = &t->paint[c->bar ? LOOK_CURSOR : c->look];
	wchar_t text[4] = {(wchar_t)c->cp[0], (wchar_t)c->cp[1], (wchar_t)c->cp[2], 0};
	int pair = paint->pair;
	cchar_t cc;

	if (c->width == 0)
		return;
	if (t->depth != DEPTH_MONO && c->fg && !c->bar)
		pair = pairs_get(&t->pairs, cell_colour(t, c->fg), cell_colour(t, c->bg));
	if (wcwidth(text[0]) !=
	    c->width) /* the terminal's library would put the rest of the line elsewhere */
		wmemcpy(text, c->width == 2 ? L"??" : L"?", 2), text[1] = 0;
	setcchar(&cc, text, paint->attrs, 0, &pair);
	mvadd_wch(y, x, &cc);
}

/* ---- memory to terminal */

static void rest_write(struct term *t)
{
	while (t->rest.len > 0) {
		ssize_t n = write(t->fd, t->rest.data, t->rest.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN) /* it is gone; reading will say so */
			buf_clear(&t->rest);
		if (n <= 0)
			return;
		t->bytes += (uint64_t)n;
		t->writes++;
		buf_drop(&t->rest, (size_t)n);
	}
}

/* Moves what curses has written into `rest`. */
static void frame_take(struct term *t)
{
	off_t size;

	fflush(t->out);
	size = lseek(t->mem, 0, SEEK_END);
	buf_clear(&t->frame);
	if (size > 0 && buf_reserve(&t->frame, (size_t)size) == 0 &&
	    pread(t->mem, t->frame.data, (size_t)size, 0) == size)
		thrift_feed(&t->thrift, t->frame.data, (size_t)size, &t->rest);
	lseek(t->mem, 0, SEEK_SET);
	if (ftruncate(t->mem, 0) < 0)
		lseek(t->mem, 0, SEEK_SET);
}

static void fd_blocks(const struct term *t, bool blocks)
{
	int flags = fcntl(t->fd, F_GETFL);

	fcntl(t->fd, F_SETFL, blocks ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

int term_flush(struct term *t)
{
	rest_write(t);
	return t->rest.len > 0;
}

bool term_is_full(const struct term *t)
{
	return t->rest.len > 0;
}

uint64_t term_written(const struct term *t, uint64_t *writes)
{
	if (writes)
		*writes = t->writes;
	return t->bytes;
}

void term_mouse(struct term *t, bool on)
{
	if (t->mouse != on && t->entered)
		buf_adds(&t->rest, on ? mouse_on : mouse_off);
	t->mouse = on;
}

void term_copy(struct term *t, const char *text)
{
	size_t n = strlen(text);
	char *b64;

	if (n > COPY_MAX)
		return;
	b64 = xmalloc(sodium_base64_ENCODED_LEN(n, sodium_base64_VARIANT_ORIGINAL));
	sodium_bin2base64(b64, sodium_base64_ENCODED_LEN(n, sodium_base64_VARIANT_ORIGINAL),
	    (const unsigned char *)text, n, sodium_base64_VARIANT_ORIGINAL);
	buf_addf(&t->rest, "\033]52;c;%s\a", b64);
	free(b64);
}

void term_bell(struct term *t)
{
	buf_addc(&t->rest, '\a');
}

void term_tell(struct term *t, const char *bytes, size_t n)
{
	buf_add(&t->rest, bytes, n);
}

void term_probe(struct term *t, const struct term_path *path)
{
	probe_ask(&t->rest, path);
	rest_write(t);
}

double term_aspect(const struct term *t)
{
	int w, h;

	return cell_size(t->fd, &t->facts, &w, &h) ? (double)h / w : 2;
}

/* ---- pictures in pixels */

static bool film_stays(const struct film *f, const struct grid_film *g)
{
	return f->serial == g->serial && f->x == g->x && f->y == g->y && g->raster;
}

/*
 * A picture that is not to be on the screen any more goes before the text that comes in its place: kitty keeps pictures apart
 * from cells and is told; sixels are gone when blanks are written over them. Two side by side lie on the same lines, so both go
 * when one does.
 */
static void films_erase(struct term *t, const struct grid *g)
{
	bool erase = false;

	for (int i = 0; i < GRID_FILMS; i++)
		erase = erase || (t->films[i].shown && (!g || !film_stays(&t->films[i], &g->films[i])));
	if (erase && t->graphics == TERM_KITTY)
		buf_adds(&t->rest, kitty_erase);
	for (int i = 0; i < GRID_FILMS && erase; i++) {
		struct film *f = &t->films[i];

		if (f->shown && t->graphics != TERM_KITTY)
			wredrawln(stdscr, f->y, f->h);
		f->shown = false;
	}
}

static bool films_shown(const struct term *t)
{
	bool shown = false;

	for (int i = 0; i < GRID_FILMS; i++)
		shown = shown || t->films[i].shown;
	return shown;
}

void term_graphics(struct term *t, enum term_graphics how, const struct term_facts *facts)
{
	set_term(t->curses);
	if (how != t->graphics)
		films_erase(t, NULL);
	t->graphics = how;
	t->facts = *facts;
}

/* The cursor goes back where curses believes it to be. */
static void film_draw(struct term *t, struct film *f, const struct grid_film *g)
{
	if (t->graphics == TERM_CELLS || !g->raster || f->shown)
		return;
	*f = (struct film){true, g->serial, g->x, g->y, g->h};
	buf_addf(&t->rest, "\0337\033[%d;%dH", f->y + 1, f->x + 1);
	film_bytes(&t->rest, t->graphics, g, t->fd, &t->facts);
	buf_adds(&t->rest, "\0338");
}

int term_draw(struct term *t, const struct grid *g, bool all)
{
	bool as_one = t->facts.frames && t->graphics != TERM_CELLS && (films_shown(t) || g->films[0].raster);

	set_term(t->curses);
	pairs_frame(&t->pairs);
	if (as_one)
		buf_adds(&t->rest, frame_begins);
	if (LINES != g->h || COLS != g->w) {
		resize_term(g->h, g->w);
		all = true;
	}
	if (all)
		clearok(curscr, TRUE);
	erase();
	for (int y = 0; y < g->h; y++)
		for (int x = 0; x < g->w; x++)
			cell_draw(t, grid_cell(g, x, y), x, y);
	move(g->cur_y < g->h ? g->cur_y : g->h - 1, g->cur_x < g->w ? g->cur_x : g->w - 1);
	films_erase(t, all ? NULL : g);
	wnoutrefresh(stdscr);
	doupdate();
	frame_take(t);
	for (int i = 0; i < GRID_FILMS; i++)
		film_draw(t, &t->films[i], &g->films[i]);
	if (as_one)
		buf_adds(&t->rest, frame_ends);
	return term_flush(t);
}

/* ---- life */

const struct termios *term_before(const struct term *t)
{
	return &t->before;
}

void term_size(const struct term *t, int *w, int *h)
{
	struct winsize ws;

	*w = 80;
	*h = 24;
	if (ioctl(t->fd, TIOCGWINSZ, &ws) == 0 && ws.ws_col > 0 && ws.ws_row > 0) {
		*w = ws.ws_col < GRID_MAX ? ws.ws_col : GRID_MAX;
		*h = ws.ws_row < GRID_MAX ? ws.ws_row : GRID_MAX;
	}
}

void term_enter(struct term *t)
{
	if (t->entered)
		return;
	t->entered = true;
	tcsetattr(t->fd, TCSADRAIN, &t->raw);
	fd_blocks(t, false);
	buf_adds(&t->rest, enter_more);
	thrift_forget(&t->thrift);
	if (t->mouse)
		buf_adds(&t->rest, mouse_on);
	set_term(t->curses);
	clearok(curscr, TRUE);
}

void term_leave(struct term *t)
{
	if (!t->entered)
		return;
	t->entered = false;
	if (films_shown(t) && t->graphics == TERM_KITTY)
		buf_adds(&t->rest, kitty_erase);
	for (int i = 0; i < GRID_FILMS; i++)
		t->films[i].shown = false;
	set_term(t->curses);
	erase(); /* not every terminal has a second screen to leave */
	refresh();
	endwin();
	frame_take(t);
	thrift_end(&t->thrift, &t->rest);
	if (t->mouse)
		buf_adds(&t->rest, mouse_off);
	buf_adds(&t->rest, leave_more);
	fd_blocks(t, true);
	rest_write(t);
	tcsetattr(t->fd, TCSADRAIN, &t->before);
}

static int files_open(struct term *t)
{
	int again;

	t->mem = memfd_create("frame", MFD_CLOEXEC);
	if (t->mem < 0)
		return E_IO;
	again = fcntl(t->mem, F_DUPFD_CLOEXEC, 0);
	t->out = fdopen(t->mem, "w");
	t->in = again < 0 ? NULL : fdopen(again, "r");
	return t->out && t->in ? 0 : E_IO;
}

static int curses_open(struct term *t, const char *type, const struct term_options *o)
{
	int w, h;

	term_size(t, &w, &h);
	t->curses = newterm(type, t->out, t->in);
	if (!t->curses)
		return E_IO;
	set_term(t->curses);
	resize_term(h, w);
	nonl();
	scrollok(stdscr, FALSE);
	leaveok(stdscr, FALSE);
	colours_make(t, o->depth);
	term_theme(t, o->theme);
	/* Until one endwin() curses flushes at every move of the cursor: harmless into memory, but it also costs bytes. */
	refresh();
	def_prog_mode();
	endwin();
	lseek(t->mem, 0, SEEK_SET);
	if (ftruncate(t->mem, 0) < 0)
		return E_IO;
	return 0;
}

int term_open(struct term **out, const struct term_options *o, char **why)
{
	struct term *t;
	const char *type = o->type;
	int rc = kind_check(type, why);

	if (rc < 0)
		return rc;
	if (o->depth == DEPTH_DIRECT)
		type = kind_direct(type);
	t = xcalloc(1, sizeof *t);
	t->fd = o->fd;
	t->mem = -1;
	t->graphics = o->graphics;
	t->facts = (struct term_facts)TERM_FACTS;
	t->rest = t->frame = BUF_INIT(FRAME_MAX);
	if (tcgetattr(t->fd, &t->before) < 0) {
		*why =
		    xstrdup("standard input and output are not a terminal; `wetread list` prints the queue");
		free(t);
		return E_USAGE;
	}
	t->raw = t->before;
	cfmakeraw(&t->raw);
	rc = files_open(t);
	if (rc == 0)
		rc = curses_open(t, type, o);
	if (rc < 0) {
		*why = xasprintf("the terminal cannot be set up: %s", strerror(errno));
		term_close(t);
		return rc;
	}
	term_enter(t);
	*out = t;
	return 0;
}

void term_close(struct term *t)
{
	if (!t)
		return;
	if (t->curses) {
		term_leave(t);
		delscreen(t->curses);
	}
	if (t->out)
		fclose(t->out);
	else if (t->mem >= 0)
		close(t->mem);
	if (t->in)
		fclose(t->in);
	pairs_release(&t->pairs);
	buf_release(&t->rest);
	buf_release(&t->frame);
	free(t);
}
