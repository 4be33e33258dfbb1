/*
 * Any text as a manifest: refused, or what it says can be asked for and decoded without further questions, and it
 * comes out as it went in.
 */
#include "config.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/json.h"
#include "wetread/manifest.h"

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void look_at_slice(const struct manifest_series *s, const struct manifest_slice *slice)
{
	static const uint8_t noise[256];
	uint32_t bytes = manifest_slice_bytes(slice);
	struct plane p;

	must(slice->place >= 1 && slice->place <= s->total && manifest_slice(s, slice->place) == slice);
	must(bytes > 0 && bytes <= MANIFEST_SLICE_BYTES && slice->layers <= PREVIEW_LAYERS);
	for (unsigned i = 1; i < slice->layers; i++)
		must(slice->ends[i] >= slice->ends[i - 1]);
	must(manifest_slice_usable(slice, bytes) == bytes && manifest_slice_usable(slice, 0) <= bytes);
	/* a header from outside with nothing good behind it */
	if (preview_decode(&s->coding, noise, bytes < sizeof noise ? bytes : sizeof noise, &p) == 0)
		plane_release(&p);
}

static void look_at(const struct manifest *m)
{
	must(m->n <= MANIFEST_SERIES);
	for (unsigned i = 0; i < m->n; i++) {
		const struct manifest_series *s = &m->series[i];

		must(manifest_series(m, s->n) == s && s->nslices <= PREVIEW_KEYS &&
		     s->nwindows <= MANIFEST_WINDOWS);
		must(!s->nslices || s->first < s->nslices);
		for (unsigned k = 0; k < s->nslices; k++)
			if (k < 2)
				look_at_slice(s, &s->slices[k]);
	}
}

static char *text_of(const struct manifest *m, size_t *n)
{
	struct buf b = BUF_INIT(2 * MANIFEST_BYTES);

	json_open(&b, '{');
	manifest_write(&b, m);
	json_close(&b, '}');
	must(!b.failed);
	*n = b.len;
	return buf_take(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct manifest m, again;
	char *one, *two;
	size_t n, k;

	if (manifest_parse(&m, (const char *)data, size))
		return 0;
	look_at(&m);
	one = text_of(&m, &n);
	/* numbers may be written longer than they came */
	if (n <= MANIFEST_BYTES) {
		must(manifest_parse(&again, one, n) == 0);
		two = text_of(&again, &k);
		must(n == k && !memcmp(one, two, n));
		free(two);
		manifest_release(&again);
	}
	free(one);
	manifest_release(&m);
	return 0;
}
