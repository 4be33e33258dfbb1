/* What has come of each slice, in bounded memory: a series that is not on the screen gives way. */
#include "config.h"

#include "fetch_int.h"

#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"

struct held *held_at(const struct fetch *f, unsigned series, unsigned slice)
{
	return f->held[series] ? &f->held[series][slice] : NULL;
}

static void release_series(struct fetch *f, unsigned series)
{
	const struct manifest_series *s = &f->m.series[series];

	for (unsigned i = 0; f->held[series] && i < s->nslices; i++) {
		struct held *h = &f->held[series][i];

		if (h->bytes)
			f->memory -= manifest_slice_bytes(&s->slices[i]);
		free(h->bytes);
	}
	free(f->held[series]);
	f->held[series] = NULL;
}

void held_release(struct fetch *f)
{
	for (unsigned i = 0; i < f->m.n; i++)
		release_series(f, i);
	free(f->held);
	f->held = NULL;
}

/* A slice takes 64 KiB at most and a series has 32 at most: one series always fits. */
static uint8_t *room(struct fetch *f, unsigned series, size_t n)
{
	for (unsigned i = 0; i < f->m.n && f->memory + n > MEMORY_MAX; i++)
		if (i != f->series && i != series)
			release_series(f, i);
	if (f->memory + n > MEMORY_MAX)
		return NULL;
	f->memory += n;
	return xmalloc(n);
}

bool held_add(struct fetch *f, unsigned series, unsigned slice, uint32_t at, const uint8_t *bytes, size_t n)
{
	const struct manifest_slice *s = &f->m.series[series].slices[slice];
	uint32_t before, size = manifest_slice_bytes(s);
	struct held *h;

	if (!f->held[series])
		f->held[series] = xcalloc(f->m.series[series].nslices, sizeof **f->held);
	h = &f->held[series][slice];
	if (at > h->have || at + n <= h->have || at + n > size)
		return false;
	if (!h->bytes)
		h->bytes = room(f, series, size);
	if (!h->bytes)
		return false;
	before = manifest_slice_usable(s, h->have);
	memcpy(h->bytes + at, bytes, n);
	h->have = at + (uint32_t)n;
	if (h->asked < h->have)
		h->asked = h->have;
	return manifest_slice_usable(s, h->have) > before;
}
