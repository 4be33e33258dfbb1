/*
 * picture - small pictures of a study, made from its files.
 *
 *     headers of all files -> series, key slices -> decoders -> small planes -> packets, manifest.json
 *
 * Everything that looks at a file's bytes is a process of its own without rights: readers of headers, decoders of ours
 * (native pixels, JPEG 2000), and programs of others (gdcmconv, dcmdjpeg, dcmdjpls, dcmdrle, dcmj2pnm) for the rest.
 * Each has limits of memory, processor and time; one that ends badly costs its picture, which the manifest says, and
 * nothing else.
 *
 * Blocking; single-threaded callers only (it forks). Long: about 60 ms a picture.
 */
#ifndef WETREAD_PICTURE_H
#define WETREAD_PICTURE_H

#include <stdbool.h>
#include <stddef.h>

struct picture_options {
	unsigned slices;    /* of one series, 1 to PREVIEW_KEYS */
	unsigned blank_top; /* percent of the height that is blanked, 0 to 100: names are burned in there */
	const char *
	    blank; /* modalities that this is for, "US SC OT": unless a file says that nothing is burned in */
	const char *identity_only; /* modalities of which no pictures are made, "MG" */
	bool complete;             /* all images of the study are there */
};
#define PICTURE_OPTIONS                                                                                      \
	{                                                                                                    \
		.slices = 32, .blank = "US SC OT XA RF", .identity_only = "MG"                               \
	}

struct picture_result {
	unsigned files, unreadable, series, pictures, failed;
};

/*
 * Makes pictures of the DICOM files below `folder` (two levels) into the folder `out`, which is made if it is missing.
 * What was there is replaced at once, at the end.  E_IO, E_FULL; a file that cannot be shown is no failure.
 */
int picture_make(
    const char *folder, const char *out, const struct picture_options *, struct picture_result *);

#endif
