/*
 * manifest - what small pictures of a study there are, series by series.
 *
 *     {"v":1,"rev":3,"complete":true,"series":[{"n":2,"description":"AX 5MM","modality":"CT","w":256,"h":256,
 *      "channels":1,"curve":"ct-soft","header":"base64","windows":[{"w":80,"l":40}],"spacing":0.98,"gap":5,
 *      "total":28,"first":7,"slices":[{"i":18,"z":12.5,"at":0,"ends":[212,305,...]},...]}]}
 *
 * Pure.  Written where the pictures are made, sent by the coordinator, read by whoever shows them; each reader takes it
 * for hostile.  The packets of series n are in the file <n>-<rev>.pvw, slice after slice; a slice's ends tell where its
 * layers end, counted from its own beginning.
 */
#ifndef WETREAD_MANIFEST_H
#define WETREAD_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wetread/buf.h"
#include "wetread/preview.h"

struct cJSON;

enum {
	MANIFEST_BYTES = 512 << 10,
	MANIFEST_SERIES = 128,
	MANIFEST_WINDOWS = 6,
	MANIFEST_TEXT = 64,            /* bytes of a description or a window's name */
	MANIFEST_WHY = 160,            /* bytes of a reason */
	MANIFEST_SLICE_BYTES = 1 << 16 /* of one slice's packets */
};

struct manifest_window {
	double width, level;
	char *name; /* NULL: the file gave none */
};

struct manifest_slice {
	uint32_t place; /* 1 to total, along the stack */
	double z;       /* mm along the normal; NAN: not known */
	uint64_t at;    /* of its first byte in the file */
	unsigned layers;
	uint32_t ends[PREVIEW_LAYERS];
};

struct manifest_series {
	uint32_t n; /* its number, or another that no series of this study has */
	char *description, *modality;
	char date[11]; /* YYYY-MM-DD; "": not known */
	struct preview_series coding;
	struct manifest_window windows[MANIFEST_WINDOWS]; /* the first is the one to show */
	unsigned nwindows;
	bool invert;  /* dark is bright: show it the other way round */
	bool frontal; /* a projection from front to back, or back to front: shown before one from the side */
	double spacing,
	    gap; /* mm a pixel of the small picture, mm from one slice that is here to the next; 0: not known */
	uint32_t total; /* images, or frames, of the series */
	unsigned first; /* index of the slice to show first */
	char *why;      /* why there are no pictures, or fewer than there should be; NULL: all is well */
	struct manifest_slice *slices; /* by place */
	unsigned nslices;              /* at most PREVIEW_KEYS */
};

struct manifest {
	uint64_t rev;  /* grows each time the pictures are made anew */
	bool complete; /* made when all images were there */
	struct manifest_series *series;
	unsigned n;
};

/* The members, for an object that the caller opened and closes. */
void manifest_write(struct buf *, const struct manifest *);
/* Release it after success. E_SYNTAX; E_LIMIT; E_VERSION. Members it does not know are skipped. */
int manifest_read(struct manifest *, const struct cJSON *object);
int manifest_parse(struct manifest *, const char *text, size_t n);
void manifest_release(struct manifest *); /* a manifest of zeroes is fine */

/* The series to show first: one with pictures, of most images, rather from the front. NULL: there is no series. */
const struct manifest_series *manifest_best(const struct manifest *);
/* NULL when there is none. */
const struct manifest_series *manifest_series(const struct manifest *, uint32_t n);
const struct manifest_slice *manifest_slice(const struct manifest_series *, uint32_t place);
/* Does this slice, by index, lie where the one before it does?  A cut across the stack takes one of them. */
bool manifest_repeats(const struct manifest_series *, unsigned i);
/* Bytes of a slice's packets, all layers. */
uint32_t manifest_slice_bytes(const struct manifest_slice *);
/* How many bytes of a slice that are there can be decoded: up to the end of the last whole layer; 0: none. */
uint32_t manifest_slice_usable(const struct manifest_slice *, uint32_t have);

/* The study's folder among the previews: the first 32 hex digits of its UID's SHA-256. */
void manifest_key(const char *study_uid, char key[33]);
/* "2-17.pvw" */
void manifest_file(uint32_t n, uint64_t rev, char name[40]);

#endif
