/*
 * vt - a terminal for a program under test: forkpty and libvterm.
 *
 * The program writes a line a frame to descriptor 3 ("frame N rev R cursor ID ..."), so a test waits for a fact, with a
 * limit, and never for time.
 */
#ifndef WETREAD_TESTS_VT_H
#define WETREAD_TESTS_VT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <vterm.h>

#include "wetread/buf.h"

struct vt {
	pid_t pid;
	int master, fence;
	VTerm *term;
	VTermScreen *screen;
	int w, h;
	uint64_t bytes; /* read from the program */
	struct buf fenced;
	/* of the newest frame */
	unsigned long frame;
	unsigned long long rev, cursor, out_bytes, out_writes, input;
	unsigned pending;
	bool deaf, moving;
	bool ended;
	int status; /* as of waitpid() */
	bool mute;  /* the terminal's own answers are kept back in `answers` */
	struct buf answers;
};

/* env: NAME=VALUE on top of a bare environment (TERM=xterm-256color, LC_ALL=C.UTF-8, TZ=UTC, own XDG directories in `home`). */
void vt_open(struct vt *, int w, int h, const char *home, const char *const *env, const char *const *argv);
void vt_close(struct vt *); /* ends the program by its pid */
void vt_send(struct vt *, const char *bytes);
void vt_resize(struct vt *, int w, int h);
void vt_answer(struct vt *); /* lets out what `mute` kept back */
/* Takes what has come; waits for something at most ms. */
void vt_pump(struct vt *, int ms);
/* Until cond holds; false after `ms`. */
bool vt_until(struct vt *, int ms, bool (*cond)(struct vt *, const void *), const void *ctx);
bool vt_sees(struct vt *, const char *text, int ms);
bool vt_gone(struct vt *, const char *text, int ms); /* no longer on the screen */
bool vt_quiet(struct vt *, int ms); /* a frame with open keys, a settled order and nothing pending */
bool vt_ends(struct vt *, int ms);
char *vt_text(struct vt *);  /* the screen, a line each, caller frees */
char *vt_cells(struct vt *); /* with every cell's attributes */
char *vt_row(struct vt *, int y);
void vt_cursor(struct vt *, int *x, int *y);

#endif
