/* A picture in the terminal's pixels: DEC sixels, or the kitty protocol. */
#include "config.h"

#include <sys/ioctl.h>

#include "wetread/draw.h"

#include "term_int.h"

/* What a cell has at least where the terminal does not say: a picture too small is better than one over the text. */
enum { LEAST_W = 6, LEAST_H = 12, MOST = 64 };

bool cell_size(int fd, const struct term_facts *f, int *w, int *h)
{
	struct winsize ws;

	*w = f->cell_w;
	*h = f->cell_h;
	if (*w && *h)
		return true;
	if (ioctl(fd, TIOCGWINSZ, &ws) == 0 && ws.ws_col > 0 && ws.ws_row > 0 &&
	    ws.ws_xpixel / ws.ws_col >= 4 && ws.ws_ypixel / ws.ws_row >= 4) {
		*w = ws.ws_xpixel / ws.ws_col < MOST ? ws.ws_xpixel / ws.ws_col : MOST;
		*h = ws.ws_ypixel / ws.ws_row < MOST ? ws.ws_ypixel / ws.ws_row : MOST;
		return true;
	}
	*w = LEAST_W;
	*h = LEAST_H;
	return false;
}

void film_bytes(struct buf *out, enum term_graphics how, const struct grid_film *film, int fd,
    const struct term_facts *facts)
{
	struct raster fit;
	int w, h;

	cell_size(fd, facts, &w, &h);
	if (how == TERM_KITTY) {
		draw_kitty(out, film->raster, film->w, film->h);
		return;
	}
	fit = raster_fit(film->raster, film->w * w, film->h * h);
	draw_sixel(out, &fit);
	raster_release(&fit);
}
