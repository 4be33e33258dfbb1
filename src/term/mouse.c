/* mouse - SGR reports of a terminal's mouse: "<0;12;5M" is the left button pressed over column 12, row 5, both from 1. */
#include "config.h"

#include "wetread/term.h"

#include <stdio.h>
#include <string.h>

enum { MODIFIERS = 4 | 8 | 16, MOVES = 32, WHEEL = 64 };

bool mouse_read(const char *text, size_t n, enum view_button *button, int *x, int *y)
{
	char report[24], final;
	int code;

	if (n >= sizeof report || n < 2 || *text != '<')
		return false;
	memcpy(report, text, n);
	report[n] = '\0';
	if (sscanf(report, "<%3d;%4d;%4d%c", &code, x, y, &final) != 4 || final != 'M')
		return false; /* a button let go says nothing */
	--*x;
	--*y;
	code &= ~MODIFIERS;
	if (code & MOVES)
		return false;
	if (code & WHEEL)
		*button = code & 1 ? BUTTON_WHEEL_DOWN : BUTTON_WHEEL_UP;
	else
		*button = (code & 3) == 0 ? BUTTON_LEFT : (code & 3) == 1 ? BUTTON_MIDDLE : BUTTON_RIGHT;
	return (code & ~(WHEEL | 3)) == 0 && (code & 3) != 3 && (!(code & WHEEL) || (code & 3) < 2);
}
