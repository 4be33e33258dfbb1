/*
 * Keys, sizes, events of others and time in any order, at a coordinator in the same process: no crash, the cursor's study
 * stays the cursor's study unless the person moved or it left, and no command goes to another study than the one
 * the cursor was on or that is marked.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "../lib/desk.h"
#include "../lib/evening.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint32_t keys[] = {'j', 'k', 'G', 'g', 'g', ' ', '*', 'M', 'V', 4, 21, 6, K_PGUP, K_DOWN, K_UP,
    K_HOME, K_END, '?', 27, 27, 'v', 's', '\r', ':', '/', 'm', 'o', 'a', 'A', 'f', 'c', 't', 'r', 'u', 'U',
    'w', '!', 'F', 'Z', '.', '\\', '\t', K_BACKTAB, 127, '1', '2', '3', '4', '5', 'p', 'y', 'z', 't', 'q',
    'J', 'K', 0xe9, 0x7530, 'x', '<', '5', 's', 'n', 'y', 'W', 'l', 'h', '-', '[', ']', 'N', ';', '0', '+',
    15, 'S', 'R', 'D', 'L'};
static const uint8_t sizes[][2] = {
    {80, 24}, {160, 48}, {60, 16}, {40, 10}, {20, 4}, {1, 1}, {133, 20}, {100, 30}};
static const char *const who[] = {"neuro", "coord", "sup1", "body"};

static void others_do(struct night *n, uint8_t what)
{
	uint64_t id = 1 + what % 11;
	static const enum cmd cmds[] = {
	    CMD_claim, CMD_hold, CMD_unhold, CMD_assign, CMD_takeover, CMD_note, CMD_release, CMD_finish};
	enum cmd cmd = cmds[what >> 5 & 7];

	night_do(n, cmd == CMD_claim || cmd == CMD_finish ? "body" : "sup2", cmd,
	    (struct command){.study = id,
	        .reader = "neuro",
	        .reason = cmd == CMD_hold ? "TECH" : "why not",
	        .text = "words"});
}

static void one(struct desk *d, uint8_t op, uint8_t arg)
{
	uint64_t before = view_cursor(d->view);
	unsigned calls = d->ncalls;
	bool settled = view_settled(d->view); /* a filter of the person's own may still be at work */

	switch (op & 3) {
	case 0:
	case 1:
		d->mono += (op & 4) ? 400 : 10;
		view_key(d->view, keys[arg % (sizeof keys / sizeof *keys)]);
		if (d->ncalls > calls && (op & 8) == 0)
			desk_pump(d);
		if (d->ncalls > 32)
			desk_pump(d);
		break;
	case 2:
		others_do(d->night, arg);
		desk_pump(d);
		if (night_get(d->night, before) && state_is_open(night_get(d->night, before)->state) &&
		    view_cursor(d->view) != before && d->ncalls == calls && settled && !view_deaf(d->view))
			abort(); /* somebody else moved this person's cursor, and said nothing */
		break;
	default:
		if (arg & 1)
			view_resize(d->view, sizes[arg >> 1 & 7][0], sizes[arg >> 1 & 7][1]);
		else
			desk_pass(d, (int64_t)arg * 50);
		break;
	}
	view_draw(d->view);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct night n;
	struct desk d;

	if (size < 1 || size > 400)
		return 0;
	evening_open(&n);
	desk_open(&d, &n, who[data[0] & 3], 80, 24);
	for (size_t i = 1; i + 1 < size; i += 2)
		one(&d, data[i], data[i + 1]);
	desk_pump(&d);
	desk_close(&d);
	night_close(&n);
	return 0;
}
