/*
 * Which decoder for which file.
 *
 *     native pixels           read where they lie
 *     JPEG 2000               decoded by us, else by gdcmconv
 *     JPEG, JPEG-LS           gdcmconv, else dcmdjpeg, dcmdjpls
 *     RLE                     dcmdrle, else gdcmconv (which mistakes colours of 16 bits)
 *     big endian, deflated    dcmconv, else gdcmconv (which swaps colours of 8 bits)
 *     palettes, odd colours   dcmj2pnm, which makes RGB of them, else gdcmconv
 *
 * gdcmconv decodes a whole file, so what it wrote is kept until another file is wanted.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "picture_int.h"
#include "wetread/errors.h"
#include "wetread/mem.h"

#define DECODED "decoded"

/* Programs may have left files of their own. */
static void empty(int folder)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			unlinkat(folder, e->d_name, 0);
	if (d)
		closedir(d);
}

int lab_open(struct lab *lab, const char *out, struct dicom_charsets *charsets)
{
	*lab = (struct lab){.work = -1, .work_path = xasprintf("%s.work", out), .charsets = charsets};
	if (mkdir(lab->work_path, 0700) == 0 || errno == EEXIST)
		lab->work = open(lab->work_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (lab->work >= 0) {
		empty(lab->work); /* of one that was killed */
		return 0;
	}
	free(lab->work_path);
	return E_IO;
}

void lab_close(struct lab *lab)
{
	empty(lab->work);
	close(lab->work);
	rmdir(lab->work_path);
	free(lab->work_path);
}

/* ---- programs */

enum tool { TOOL_GDCM, TOOL_JPEG, TOOL_JLS, TOOL_RLE, TOOL_CONV, TOOL_PNM, TOOL_LUT, TOOLS };

static int run_tool(struct lab *lab, enum tool tool, const char *input, uint32_t frame, char why[WHY_MAX])
{
	/* execve(2) wants them writable, though it does not write */
	char gdcm_name[] = "gdcmconv", quiet[] = "--quiet", raw[] = "--raw", explicit[] = "--explicit";
	char jpeg_name[] = "dcmdjpeg", jls_name[] = "dcmdjpls", rle_name[] = "dcmdrle",
	     pnm_name[] = "dcmj2pnm";
	char conv_name[] = "dcmconv", te[] = "+te", op[] = "+op", one[] = "+F", lut[] = "--apply-lut8",
	     in[4096], number[16], out[] = DECODED;
	char *const gdcm[] = {gdcm_name, quiet, raw, explicit, in, out, NULL};
	char *const jpeg[] = {jpeg_name, in, out, NULL};
	char *const jls[] = {jls_name, in, out, NULL};
	char *const rle[] = {rle_name, in, out, NULL};
	char *const pnm[] = {pnm_name, op, one, number, in, out, NULL};
	char *const conv[] = {conv_name, te, in, out, NULL};
	char *const colours[] = {gdcm_name, quiet, lut, raw, explicit, in, out, NULL};
	char *const *const all[TOOLS] = {gdcm, jpeg, jls, rle, conv, pnm, colours};
	char *real = realpath(input, NULL); /* it runs in another folder */
	int err;

	if (!real || snprintf(in, sizeof(in), "%s", real) >= (int)sizeof(in)) {
		free(real);
		return E_IO;
	}
	snprintf(number, sizeof(number), "%u", frame + 1);
	unlinkat(lab->work, DECODED, 0);
	lab->decoded = NULL;
	err = child_program(all[tool], lab->work, in, why);
	free(real);
	return err;
}

/* ---- developing */

static int develop_fd(struct lab *lab, int fd, enum developing how, uint32_t frame, double unit,
    struct plane *out, char why[WHY_MAX])
{
	struct develop d = {how, fd, frame, unit, lab->charsets};
	int err;

	if (fd < 0) {
		snprintf(why, WHY_MAX, "it cannot be opened");
		return E_IO;
	}
	err = develop(&d, out, why);
	close(fd);
	return err;
}

static int develop_source(struct lab *lab, const struct source *s, enum developing how, uint32_t frame,
    double unit, struct plane *out, char why[WHY_MAX])
{
	int fd = open(s->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	return develop_fd(lab, fd, how, frame, unit, out, why);
}

static int develop_decoded(struct lab *lab, uint32_t frame, double unit, struct plane *out, char why[WHY_MAX])
{
	int fd = openat(lab->work, DECODED, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	return develop_fd(
	    lab, fd, lab->decoded_how, lab->decoded_how == DEVELOP_PNM ? 0 : frame, unit, out, why);
}

static int with_tool(struct lab *lab, enum tool tool, const struct source *s, uint32_t frame, double unit,
    struct plane *out, char why[WHY_MAX])
{
	int err = run_tool(lab, tool, s->path, frame, why);

	if (err)
		return err;
	lab->decoded = s;
	lab->decoded_how = tool == TOOL_PNM ? DEVELOP_PNM : DEVELOP_FILE;
	lab->decoded_frame = tool == TOOL_PNM ? (int)frame : -1;
	err = develop_decoded(lab, frame, unit, out, why);
	if (err)
		lab->decoded = NULL;
	return err;
}

/* In this order until one can; the reason that is kept is the first one's. */
static int with_tools(struct lab *lab, const enum tool tools[], unsigned n, const struct source *s,
    uint32_t frame, double unit, struct plane *out, char why[WHY_MAX])
{
	char later[WHY_MAX] = "";
	int err = E_CORRUPT;

	for (unsigned i = 0; i < n && err; i++)
		err = with_tool(lab, tools[i], s, frame, unit, out, i ? later : why);
	return err;
}

static const struct {
	enum tool tools[3];
	unsigned n;
} ways[] = {
    [CODING_NATIVE] = {{TOOL_PNM, TOOL_LUT}, 2}, /* only for colours that are not known here */
    [CODING_J2K] = {{TOOL_GDCM}, 1},
    [CODING_JPEG] = {{TOOL_GDCM, TOOL_JPEG, TOOL_PNM}, 3},
    [CODING_JLS] = {{TOOL_GDCM, TOOL_JLS}, 2},
    [CODING_RLE] = {{TOOL_RLE, TOOL_GDCM, TOOL_PNM}, 3},
    [CODING_OTHER] = {{TOOL_CONV, TOOL_GDCM, TOOL_PNM}, 3},
};

int lab_plane(struct lab *lab, const struct source *s, uint32_t frame, double unit, struct plane *out,
    char why[WHY_MAX])
{
	const struct sheet *sheet = &s->sheet;

	if (lab->decoded == s && (lab->decoded_frame < 0 || lab->decoded_frame == (int)frame))
		return develop_decoded(lab, frame, unit, out, why);
	if (sheet->photo == PHOTO_PALETTE)
		return with_tools(lab, ways[CODING_NATIVE].tools, 2, s, frame, unit, out, why);
	if (sheet->coding == CODING_NATIVE && sheet->photo != PHOTO_ODD)
		return develop_source(lab, s, DEVELOP_FILE, frame, unit, out, why);
	if (sheet->coding == CODING_J2K && develop_source(lab, s, DEVELOP_J2K, frame, unit, out, why) == 0)
		return 0;
	return with_tools(lab, ways[sheet->coding].tools, ways[sheet->coding].n, s, frame, unit, out, why);
}
