/* What matters of a header, boiled down to numbers of fixed size. */
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "picture_int.h"
#include "wetread/dicom.h"
#include "wetread/text.h"

static void copy(char *to, size_t size, const char *from)
{
	size_t n = from ? utf8_prefix(from, strlen(from), size - 1) : 0;

	if (n)
		memcpy(to, from, n);
	to[n] = '\0';
}

/* ---- filling in */

static enum coding coding_of(const struct dicom_header *h)
{
	static const struct {
		const char *uid;
		enum coding coding;
	} table[] = {
	    {"1.2.840.10008.1.2.4.50", CODING_JPEG},
	    {"1.2.840.10008.1.2.4.51", CODING_JPEG},
	    {"1.2.840.10008.1.2.4.53", CODING_JPEG},
	    {"1.2.840.10008.1.2.4.55", CODING_JPEG},
	    {"1.2.840.10008.1.2.4.57", CODING_JPEG},
	    {"1.2.840.10008.1.2.4.70", CODING_JPEG},
	    {"1.2.840.10008.1.2.4.80", CODING_JLS},
	    {"1.2.840.10008.1.2.4.81", CODING_JLS},
	    {"1.2.840.10008.1.2.4.90", CODING_J2K},
	    {"1.2.840.10008.1.2.4.91", CODING_J2K},
	    {"1.2.840.10008.1.2.4.92", CODING_J2K},
	    {"1.2.840.10008.1.2.4.93", CODING_J2K},
	    {"1.2.840.10008.1.2.4.201", CODING_J2K},
	    {"1.2.840.10008.1.2.4.202", CODING_J2K},
	    {"1.2.840.10008.1.2.4.203", CODING_J2K},
	    {"1.2.840.10008.1.2.5", CODING_RLE},
	    {"1.2.840.10008.1.2", CODING_NATIVE},
	    {"1.2.840.10008.1.2.1", CODING_NATIVE},
	};
	const char *uid = h->transfer_syntax;

	for (size_t i = 0; uid && i < sizeof(table) / sizeof(*table); i++)
		if (!strcmp(uid, table[i].uid))
			return table[i].coding;
	if (uid && (!strncmp(uid, "1.2.840.10008.1.2.4.10", 22)))
		return CODING_VIDEO;
	/* without a word about it, it is what the bytes look like */
	return uid ? CODING_OTHER : h->pixels.encapsulated ? CODING_OTHER : CODING_NATIVE;
}

static bool is(const char *value, const char *word)
{
	return value && !strcmp(value, word);
}

static enum photometric photo_of(const struct dicom_header *h)
{
	const char *p = h->photometric;

	if (h->samples == 1 && is(p, "PALETTE COLOR"))
		return PHOTO_PALETTE;
	if (h->samples == 1 || h->samples == DICOM_NONE)
		return PHOTO_GREY;
	/* RCT and ICT are undone with the wavelet (PS3.3 C.7.6.3.1.2) */
	if (h->samples == 3 && (is(p, "RGB") || is(p, "YBR_RCT") || is(p, "YBR_ICT")))
		return PHOTO_RGB;
	if (h->samples == 3 && is(p, "YBR_FULL"))
		return PHOTO_YBR;
	return PHOTO_ODD;
}

static double real(const struct dicom_reals *r, unsigned i)
{
	return i < r->n && isfinite(r->v[i]) ? r->v[i] : 0;
}

static int32_t small(int64_t v, int32_t missing)
{
	return v == DICOM_NONE ? missing : v < -1 ? -1 : v > INT32_MAX ? INT32_MAX : (int32_t)v;
}

/* In stored units; some files give a signed one as if it were not, and with bits that are not stored. */
static void fill_padding(struct sheet *s, const struct dicom_header *h)
{
	int64_t v = h->padding;

	if (v < INT32_MIN || v > INT32_MAX || s->stored < 1 || s->stored > 31)
		return;
	if (s->is_signed && s->allocated == 16 && v > INT16_MAX)
		v -= 65536;
	if (!s->is_signed)
		v &= (INT64_C(1) << s->stored) - 1;
	s->padded = true;
	s->padding = (int32_t)v;
}

static void fill_frame(struct sheet *s, const struct dicom_header *h)
{
	s->rows = small(h->rows, 0);
	s->columns = small(h->columns, 0);
	s->samples = small(h->samples, 1);
	s->allocated = small(h->bits_allocated, 0);
	s->stored = small(h->bits_stored, s->allocated);
	s->high_bit = small(h->high_bit, s->stored - 1);
	s->frames = small(h->frames, 1);
	s->is_signed = h->is_signed == 1;
	s->planar = h->planar == 1 && s->samples > 1;
	s->photo = photo_of(h);
	/* where both are said, the shape says the same again (PS3.3 C.11.6.1.2) */
	s->inverted =
	    s->photo == PHOTO_GREY && (is(h->photometric, "MONOCHROME1") || is(h->lut_shape, "INVERSE"));
	fill_padding(s, h);
}

static void fill_geometry(struct sheet *s, const struct dicom_header *h)
{
	const struct dicom_reals *spacing = h->spacing.n >= 2 ? &h->spacing : &h->imager_spacing;

	s->positioned = h->position.n >= 3 && h->orientation.n >= 6 && s->frames <= 1;
	for (unsigned i = 0; i < 3; i++)
		s->position[i] = real(&h->position, i);
	for (unsigned i = 0; i < 6; i++)
		s->orientation[i] = real(&h->orientation, i);
	s->spacing = real(spacing, 1) > 0 ? real(spacing, 1) : 0;
	s->aspect = 1;
	if (s->spacing > 0 && real(spacing, 0) > 0)
		s->aspect = real(spacing, 0) / s->spacing;
	else if (real(&h->aspect, 0) > 0 && real(&h->aspect, 1) > 0)
		s->aspect = real(&h->aspect, 0) / real(&h->aspect, 1);
	s->frontal = is(h->view, "AP") || is(h->view, "PA"); /* PS3.3 C.8.7.1.1 and C.8.11.5.1 */
	s->localiser = h->image_type && strstr(h->image_type, "LOCALIZER");
}

static void fill_values(struct sheet *s, const struct dicom_header *h)
{
	s->slope = real(&h->slope, 0);
	s->intercept = real(&h->intercept, 0);
	/* Hounsfield units only where the file says how to get to them */
	s->is_ct = is(h->modality, "CT") && h->intercept.n && h->slope.n && s->slope != 0;
	for (unsigned i = 0; i < h->window_width.n && i < h->window_center.n && s->windows < WINDOWS_MAX; i++)
		if (h->window_width.v[i] >= 1 ||
		    (h->window_width.v[i] > 0 && s->slope != 0 && fabs(s->slope) < 1)) {
			s->width[s->windows] = h->window_width.v[i];
			s->level[s->windows++] = h->window_center.v[i];
		}
}

void sheet_fill(struct sheet *s, const struct dicom_header *h)
{
	*s = (struct sheet){.series_number = h->series_number, .number = h->number};
	copy(s->series_uid, sizeof(s->series_uid), h->series_uid);
	copy(s->modality, sizeof(s->modality), h->modality);
	copy(s->description, sizeof(s->description), h->series_text ? h->series_text : h->protocol);
	copy(s->syntax, sizeof(s->syntax), h->transfer_syntax);
	copy(s->date, sizeof(s->date), h->series_date ? h->series_date : h->study_date);
	s->coding = coding_of(h);
	fill_frame(s, h);
	fill_geometry(s, h);
	fill_values(s, h);
	s->clean = is(h->burned_in, "NO");
	s->has_pixels = h->pixels.there;
	s->whole_numbers = h->pixels.tag == 0x7fe00010;
	s->encapsulated = h->pixels.encapsulated;
	s->deflated = h->pixels.deflated;
	s->offset = h->pixels.offset;
	s->length = h->pixels.length;
	if (s->coding == CODING_NATIVE && (s->encapsulated || s->deflated))
		s->coding = CODING_OTHER;
}

/* ---- checking */

static void settle(char *text, size_t size)
{
	char *clean;

	text[size - 1] = '\0';
	clean = text_clean_dup(text);
	copy(text, size, clean);
	free(clean);
}

static bool all_finite(const double *v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!isfinite(v[i]))
			return false;
	return true;
}

bool sheet_check(struct sheet *s)
{
	settle(s->series_uid, sizeof(s->series_uid));
	settle(s->modality, sizeof(s->modality));
	settle(s->description, sizeof(s->description));
	settle(s->syntax, sizeof(s->syntax));
	settle(s->date, sizeof(s->date));
	return (unsigned)s->coding <= CODING_VIDEO && (unsigned)s->photo <= PHOTO_ODD &&
	       s->windows <= WINDOWS_MAX && all_finite(s->position, 3) && all_finite(s->orientation, 6) &&
	       all_finite(s->width, s->windows) && all_finite(s->level, s->windows) &&
	       all_finite(&s->spacing, 1) && all_finite(&s->aspect, 1) && all_finite(&s->slope, 1) &&
	       all_finite(&s->intercept, 1);
}
