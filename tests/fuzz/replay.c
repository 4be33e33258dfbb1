/*
 * replay - a main for a fuzz target without libFuzzer: runs every file given once.
 *
 * Arguments are files and directories of files.  Without any it runs
 * $top_srcdir/tests/fuzz/corpus/<x> for the program <x>_fuzz, which is how `make check` calls it.
 */
#include "config.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { INPUT_MAX = 8 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path, size_t size)
{
	/* Exactly as large as the input, so that a sanitizer sees the first byte read past it. */
	uint8_t *data = size <= INPUT_MAX ? malloc(size ? size : 1) : NULL;
	FILE *f = fopen(path, "rb");
	int ran = 0;

	if (data && f && fread(data, 1, size, f) == size) {
		LLVMFuzzerTestOneInput(data, size);
		ran = 1;
	} else
		fprintf(stderr, "replay: cannot read %s\n", path);
	if (f)
		fclose(f);
	free(data);
	return ran;
}

/* Runs the file, or every file in the directory; returns how many, -1 on failure. */
static int run_path(const char *path)
{
	char name[4096];
	struct dirent *e;
	struct stat st;
	int total = 0, n = 0;
	DIR *d;

	if (stat(path, &st) < 0) {
		perror(path);
		return -1;
	}
	if (S_ISREG(st.st_mode))
		return run_file(path, (size_t)st.st_size) ? 1 : -1;
	d = opendir(path);
	while (d && n >= 0 && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		n = run_path(name);
		total += n;
	}
	if (d)
		closedir(d);
	return !d || n < 0 ? -1 : total;
}

/* The corpus that belongs to ".../filter_fuzz". */
static int run_corpus(const char *program)
{
	const char *top = getenv("top_srcdir"), *name = strrchr(program, '/');
	char path[4096];

	name = name ? name + 1 : program;
	if (strncmp(name, "lt-", 3) == 0)
		name += 3;
	snprintf(
	    path, sizeof(path), "%s/tests/fuzz/corpus/%.*s", top ? top : ".", (int)strcspn(name, "_"), name);
	return run_path(path);
}

int main(int argc, char **argv)
{
	int total = 0, n = argc > 1 ? 0 : run_corpus(argv[0]);

	total = n;
	for (int i = 1; i < argc && n >= 0; i++) {
		n = run_path(argv[i]);
		total += n;
	}
	if (n < 0 || total == 0) {
		fprintf(stderr, "replay: there was nothing to run, or not all of it\n");
		return 1;
	}
	printf("%d inputs\n", total);
	return 0;
}
