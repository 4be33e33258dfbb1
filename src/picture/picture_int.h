/* picture_int - what the files of picture share. */
#ifndef PICTURE_INT_H
#define PICTURE_INT_H

#include <stdint.h>

#include "wetread/buf.h"
#include "wetread/picture.h"
#include "wetread/preview.h"

struct dicom_charsets;
struct dicom_header;

enum {
	FILES_MAX = 20000,
	FRAMES_MAX = 10000, /* of one file */
	SHOTS_MAX = 100000, /* of one series */
	SIDE_MAX = 65535,
	WINDOWS_MAX = 6,
	WHY_MAX = 128,
	MEMORY_MAX = 512 << 20, /* of a decoder */
	CPU_SECONDS = 15,
	WALL_MS = 20000,
	DECODED_MAX = 256 << 20 /* bytes that a program may write */
};

/* How a file's pixels are written, as far as it matters for decoding. */
enum coding { CODING_NATIVE, CODING_J2K, CODING_JPEG, CODING_JLS, CODING_RLE, CODING_OTHER, CODING_VIDEO };
enum photometric { PHOTO_GREY, PHOTO_RGB, PHOTO_YBR, PHOTO_PALETTE, PHOTO_ODD };

/*
 * What a header says, as it comes out of the process that read it: of fixed size, and checked again by sheet_check(), for
 * that process read hostile bytes.
 */
struct sheet {
	char series_uid[65], modality[17], description[65], syntax[65], date[11];
	int64_t series_number, number; /* DICOM_NONE */
	int32_t rows, columns, samples, allocated, stored, high_bit, frames;
	bool is_signed, planar, inverted, is_ct, localiser, frontal,
	    clean /* says that no names are burned in */;
	bool has_pixels, whole_numbers /* not float */, encapsulated, deflated;
	enum coding coding;
	enum photometric photo;
	bool positioned;
	double position[3], orientation[6];
	double spacing, aspect; /* mm a pixel across, 0: not known; pixel height / width */
	double slope, intercept;
	bool padded;
	int32_t padding;
	unsigned windows;
	double width[WINDOWS_MAX], level[WINDOWS_MAX];
	uint64_t offset, length;
};
void sheet_fill(struct sheet *, const struct dicom_header *);
/* False: whoever made it was not honest. Texts are ended and cleaned. */
bool sheet_check(struct sheet *);

struct source {
	char *path;
	bool readable;
	struct sheet sheet;
};
struct sources {
	struct source *items;
	unsigned n;
};
/* All files below the folder with what their headers say. E_IO: the folder cannot be read. */
int sources_find(struct sources *, const char *folder, struct dicom_charsets *);
void sources_release(struct sources *);

/* ---- child.c */
/*
 * Runs fn in a process of its own and collects what it writes; at most out->max bytes, at most WALL_MS. 0, or a negative
 * E_* with the reason in words.
 */
int child_collect(int (*fn)(void *ctx, int out), void *ctx, struct buf *out, char why[WHY_MAX]);
/* Writes it all; E_IO. */
int write_all(int fd, const void *bytes, size_t n);
/* A program of others': folder is where it may write; argv[0] is its name in /usr/bin. */
int child_program(char *const argv[], int folder, const char *input, char why[WHY_MAX]);
/* In a child, before it looks at anything from outside. */
int child_confine(void);

/* ---- develop.c: one frame to a small plane, in a child */
enum developing { DEVELOP_FILE, DEVELOP_J2K, DEVELOP_PNM };
struct develop {
	enum developing how;
	int fd;
	uint32_t frame;
	double unit; /* grey values are multiplied by it, so that whole numbers are fine enough */
	struct dicom_charsets *charsets;
};
int develop(const struct develop *, struct plane *out, char why[WHY_MAX]);

/* j2k.c: 8 to 32 bits as decoded, interleaved, as many bits allocated as *f says afterwards. */
int j2k_frame(
    const uint8_t *file, size_t n, const struct sheet *, uint32_t frame, struct frame *f, struct buf *pixels);

/* ---- lab.c: decoding, with what is known of the last file kept */
struct lab {
	int work; /* folder for what programs write; descriptor */
	char *work_path;
	struct dicom_charsets *charsets;
	const struct source *decoded; /* the file that `file` was made from */
	int decoded_frame;            /* -1: all frames are in it */
	enum developing decoded_how;
};
int lab_open(struct lab *, const char *out, struct dicom_charsets *);
void lab_close(struct lab *);
int lab_plane(
    struct lab *, const struct source *, uint32_t frame, double unit, struct plane *out, char why[WHY_MAX]);

/* ---- stack.c: series, and their frames in order */
struct shot {
	const struct source *from;
	uint32_t frame;
	double z; /* NAN: not known */
};
struct series {
	const struct source *first; /* of its files, any */
	uint32_t n;                 /* its number in the manifest */
	struct shot *shots;         /* in order; two at one place are one */
	unsigned total, files;
	unsigned unreadable; /* files without pixels that can be drawn */
};
struct stacks {
	struct series *items;
	unsigned n;
};
void stacks_make(struct stacks *, const struct sources *);
void stacks_release(struct stacks *);
/* Why pictures of such a file are never made; NULL: they may be. */
const char *why_never(const struct sheet *);

#endif
