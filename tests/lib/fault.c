/* See fault.h.  A file is known by its path from its first opening on; closing does not forget it. */
#include "fault.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILES = 16 };

static void must(bool true_)
{
	if (!true_)
		abort();
}

struct change {
	int64_t at; /* a truncation when bytes is NULL */
	void *bytes;
	int n;
};

struct disk_file {
	char path[512];
	char *synced;
	int64_t nsynced, size;
	struct change *since;
	unsigned nsince;
};

struct faulty {
	sqlite3_file base;
	struct disk_file *disk; /* NULL: not one that a power cut matters to */
	sqlite3_file *real;
};

static struct {
	sqlite3_vfs vfs, *below;
	sqlite3_mem_methods mem;
	struct disk_file files[FILES];
	unsigned kinds;
	long left, count;
	bool dead, happened;
	int64_t space;
} state = {.left = -1, .space = -1};

/* Counts an operation; true: it is to fail. */
static bool strikes(unsigned kind)
{
	if (state.happened && state.dead)
		return kind & (FAULT_WRITE | FAULT_SYNC | FAULT_TRUNCATE);
	if (!(state.kinds & kind) || state.happened)
		return false;
	state.count++;
	if (state.left-- > 0)
		return false;
	state.happened = true;
	return true;
}

void fault_after(unsigned kinds, long n, bool dead)
{
	state.kinds = kinds;
	state.left = n;
	state.count = 0;
	state.dead = dead;
	state.happened = false;
}

void fault_off(void)
{
	state.kinds = 0;
	state.dead = false;
}

bool fault_happened(void)
{
	return state.happened;
}

long fault_count(void)
{
	return state.count;
}

void fault_space(int64_t bytes)
{
	state.space = bytes;
}

/* ---- what a power cut leaves */

static void changes_drop(struct disk_file *d)
{
	for (unsigned i = 0; i < d->nsince; i++)
		free(d->since[i].bytes);
	free(d->since);
	d->since = NULL;
	d->nsince = 0;
}

static void change_add(struct disk_file *d, int64_t at, const void *bytes, int n)
{
	struct change *c;

	if (!d)
		return;
	d->since = realloc(d->since, (d->nsince + 1) * sizeof(*d->since));
	must(d->since);
	c = &d->since[d->nsince++];
	*c = (struct change){.at = at, .n = n};
	if (bytes) {
		c->bytes = malloc((size_t)n + 1);
		must(c->bytes);
		memcpy(c->bytes, bytes, (size_t)n);
	}
}

static void change_make(char **data, int64_t *size, const struct change *c)
{
	int64_t end = c->bytes ? c->at + c->n : c->at;

	if (end > *size || !c->bytes) {
		*data = realloc(*data, (size_t)end + 1);
		must(*data);
		if (end > *size)
			memset(*data + *size, 0, (size_t)(end - *size));
		*size = end;
	}
	if (c->bytes)
		memcpy(*data + c->at, c->bytes, (size_t)c->n);
}

static void disk_sync(struct disk_file *d)
{
	if (!d)
		return;
	for (unsigned i = 0; i < d->nsince; i++)
		change_make(&d->synced, &d->nsynced, &d->since[i]);
	changes_drop(d);
}

static struct disk_file *disk_find(const char *path, bool make)
{
	struct disk_file *empty = NULL;

	for (int i = 0; i < FILES; i++) {
		if (!strcmp(state.files[i].path, path))
			return &state.files[i];
		if (!state.files[i].path[0] && !empty)
			empty = &state.files[i];
	}
	if (!make)
		return NULL;
	must(empty);
	snprintf(empty->path, sizeof(empty->path), "%s", path);
	return empty;
}

static void disk_drop(struct disk_file *d)
{
	if (!d)
		return;
	changes_drop(d);
	free(d->synced);
	*d = (struct disk_file){0};
}

void fault_forget(void)
{
	for (int i = 0; i < FILES; i++)
		disk_drop(&state.files[i]);
}

/* A write may be torn: only its first sectors arrive. */
static void change_maybe(char **data, int64_t *size, const struct change *c, unsigned dice)
{
	struct change torn = *c;

	if (dice % 4 == 0)
		return;
	if (dice % 4 == 1 && c->bytes)
		torn.n = c->n / 2 / 512 * 512;
	if (!c->bytes || torn.n)
		change_make(data, size, &torn);
}

void fault_power_cut(const char *from, const char *to, unsigned seed)
{
	size_t dir = strlen(from);

	srand(seed);
	for (int i = 0; i < FILES; i++) {
		struct disk_file *d = &state.files[i];
		char path[600], *data;
		int64_t size = d->nsynced;
		FILE *f;

		if (strncmp(d->path, from, dir) || d->path[dir] != '/' || strchr(d->path + dir + 1, '/'))
			continue;
		data = malloc((size_t)size + 1);
		must(data);
		if (size)
			memcpy(data, d->synced, (size_t)size);
		for (unsigned k = 0; k < d->nsince; k++)
			change_maybe(&data, &size, &d->since[k], seed ? (unsigned)rand() >> 4 : 0);
		snprintf(path, sizeof(path), "%s%s", to, d->path + dir);
		f = fopen(path, "w");
		must(f);
		must(fwrite(data, 1, (size_t)size, f) == (size_t)size);
		fclose(f);
		free(data);
	}
}

/* ---- the files */

static struct faulty *F(sqlite3_file *f)
{
	return (struct faulty *)f;
}

static int x_close(sqlite3_file *f)
{
	return F(f)->real->pMethods->xClose(F(f)->real);
}

static int x_read(sqlite3_file *f, void *out, int n, sqlite3_int64 at)
{
	return F(f)->real->pMethods->xRead(F(f)->real, out, n, at);
}

static bool no_room(struct disk_file *d, int64_t end)
{
	int64_t all = 0;

	if (state.space < 0 || !d || end <= d->size)
		return false;
	for (int i = 0; i < FILES; i++)
		all += state.files[i].size;
	return all + end - d->size > state.space;
}

static int x_write(sqlite3_file *f, const void *bytes, int n, sqlite3_int64 at)
{
	struct disk_file *d = F(f)->disk;

	if (d && strikes(FAULT_WRITE))
		return SQLITE_IOERR_WRITE;
	if (no_room(d, at + n))
		return SQLITE_FULL;
	change_add(d, at, bytes, n);
	if (d && at + n > d->size)
		d->size = at + n;
	return F(f)->real->pMethods->xWrite(F(f)->real, bytes, n, at);
}

static int x_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	struct disk_file *d = F(f)->disk;

	if (d && strikes(FAULT_TRUNCATE))
		return SQLITE_IOERR_TRUNCATE;
	change_add(d, size, NULL, 0);
	if (d)
		d->size = size;
	return F(f)->real->pMethods->xTruncate(F(f)->real, size);
}

static int x_sync(sqlite3_file *f, int flags)
{
	(void)flags;
	if (F(f)->disk && strikes(FAULT_SYNC))
		return SQLITE_IOERR_FSYNC;
	disk_sync(F(f)->disk);
	return SQLITE_OK;
}

static int x_size(sqlite3_file *f, sqlite3_int64 *size)
{
	return F(f)->real->pMethods->xFileSize(F(f)->real, size);
}

static int x_lock(sqlite3_file *f, int level)
{
	return F(f)->real->pMethods->xLock(F(f)->real, level);
}

static int x_unlock(sqlite3_file *f, int level)
{
	return F(f)->real->pMethods->xUnlock(F(f)->real, level);
}

static int x_reserved(sqlite3_file *f, int *out)
{
	return F(f)->real->pMethods->xCheckReservedLock(F(f)->real, out);
}

static int x_control(sqlite3_file *f, int op, void *arg)
{
	return F(f)->real->pMethods->xFileControl(F(f)->real, op, arg);
}

static int x_sector(sqlite3_file *f)
{
	return F(f)->real->pMethods->xSectorSize(F(f)->real);
}

static int x_character(sqlite3_file *f)
{
	return F(f)->real->pMethods->xDeviceCharacteristics(F(f)->real);
}

static int x_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
	if (extend && strikes(FAULT_OPEN))
		return SQLITE_IOERR_SHMSIZE;
	return F(f)->real->pMethods->xShmMap(F(f)->real, page, size, extend, out);
}

static int x_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	return F(f)->real->pMethods->xShmLock(F(f)->real, offset, n, flags);
}

static void x_shm_barrier(sqlite3_file *f)
{
	F(f)->real->pMethods->xShmBarrier(F(f)->real);
}

static int x_shm_unmap(sqlite3_file *f, int del)
{
	return F(f)->real->pMethods->xShmUnmap(F(f)->real, del);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = x_close,
    .xRead = x_read,
    .xWrite = x_write,
    .xTruncate = x_truncate,
    .xSync = x_sync,
    .xFileSize = x_size,
    .xLock = x_lock,
    .xUnlock = x_unlock,
    .xCheckReservedLock = x_reserved,
    .xFileControl = x_control,
    .xSectorSize = x_sector,
    .xDeviceCharacteristics = x_character,
    .xShmMap = x_shm_map,
    .xShmLock = x_shm_lock,
    .xShmBarrier = x_shm_barrier,
    .xShmUnmap = x_shm_unmap,
};

/* What is already there counts as synced. */
static struct disk_file *disk_open(const char *path, sqlite3_file *real)
{
	struct disk_file *d = disk_find(path, false);
	sqlite3_int64 size = 0;

	if (d)
		return d;
	d = disk_find(path, true);
	if (real->pMethods->xFileSize(real, &size) || !size)
		return d;
	d->synced = malloc((size_t)size);
	must(d->synced);
	real->pMethods->xRead(real, d->synced, (int)size, 0);
	d->nsynced = d->size = size;
	return d;
}

static int x_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *f, int flags, int *out_flags)
{
	struct faulty *file = F(f);
	int code;

	(void)vfs;
	file->base.pMethods = NULL;
	if (strikes(FAULT_OPEN))
		return SQLITE_CANTOPEN;
	file->real = (sqlite3_file *)(file + 1);
	file->disk = NULL;
	code = state.below->xOpen(state.below, path, file->real, flags, out_flags);
	if (code)
		return code;
	if (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL))
		file->disk = disk_open(path, file->real);
	file->base.pMethods = &methods;
	return SQLITE_OK;
}

static int x_delete(sqlite3_vfs *vfs, const char *path, int sync_dir)
{
	(void)vfs;
	if (disk_find(path, false) && strikes(FAULT_TRUNCATE))
		return SQLITE_IOERR_DELETE;
	disk_drop(disk_find(path, false));
	return state.below->xDelete(state.below, path, sync_dir);
}

static void *mem_alloc(int n)
{
	return strikes(FAULT_ALLOC) ? NULL : state.mem.xMalloc(n);
}

static void *mem_realloc(void *p, int n)
{
	return strikes(FAULT_ALLOC) ? NULL : state.mem.xRealloc(p, n);
}

void fault_install(void)
{
	sqlite3_mem_methods mem;

	must(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &state.mem) == SQLITE_OK);
	mem = state.mem;
	mem.xMalloc = mem_alloc;
	mem.xRealloc = mem_realloc;
	must(sqlite3_config(SQLITE_CONFIG_MALLOC, &mem) == SQLITE_OK);
	must(sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0) == SQLITE_OK);
	must(sqlite3_initialize() == SQLITE_OK);
	state.below = sqlite3_vfs_find(NULL);
	state.vfs = *state.below;
	state.vfs.zName = "fault";
	state.vfs.szOsFile += (int)sizeof(struct faulty);
	state.vfs.xOpen = x_open;
	state.vfs.xDelete = x_delete;
	must(sqlite3_vfs_register(&state.vfs, 1) == SQLITE_OK);
}
