/* SPDX-License-Identifier: MIT */
/*
 * A file system between SQLite and the real one, in which a test decides what becomes of each change:
 *
 *     SQLite --> write, truncate, sync, delete --> shim.decide(change) --> the real one
 *
 * The number of changes is counted. With shim.keeps_undo, what was changed since a file was last synced can be taken
 * back: so a machine forgets that loses its power.
 */
#ifndef YS_TEST_STORE_SHIM_VFS_H
#define YS_TEST_STORE_SHIM_VFS_H

#include <fcntl.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum shim_kind {
    SHIM_WRITE,
    SHIM_TRUNCATE,
    SHIM_SYNC,
    SHIM_DELETE,
};

struct shim_change {
    enum shim_kind kind;
    bool is_wal;
    struct shim_file *file; /* DELETE: NULL */
    const void *data;       /* WRITE */
    int len;
    sqlite3_int64 at; /* WRITE, TRUNCATE */
};

struct shim_undo {
    struct shim_undo *older;
    sqlite3_int64 at;
    sqlite3_int64 size_before; /* of the file */
    int len;
    char bytes[]; /* that were there */
};

struct shim_file {
    sqlite3_file base;
    bool is_wal;
    char *path; /* NULL: it is temporary */
    struct shim_undo *undo;
    struct shim_file *next;
    sqlite3_file *real;
};

static struct {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    int (*decide)(const struct shim_change *change); /* SQLITE_OK: it is done */
    bool keeps_undo;
    bool skips_syncs; /* for tests in which no machine loses its power */
    struct shim_file *files;
} shim;

static inline struct shim_file *shim_of(sqlite3_file *file)
{
    return (struct shim_file *)file;
}

static inline sqlite3_file *shim_real(sqlite3_file *file)
{
    return shim_of(file)->real;
}

/* Undoing */

static inline void shim_forget_undo(struct shim_file *file)
{
    while (file->undo) {
        struct shim_undo *undo = file->undo;

        file->undo = undo->older;
        free(undo);
    }
}

/* What a change that begins at `at` and has this length will overwrite. */
static inline void shim_remember(struct shim_file *file, sqlite3_int64 at, sqlite3_int64 len)
{
    sqlite3_int64 size = 0;
    struct shim_undo *undo;

    if (!shim.keeps_undo || !file->path)
        return;
    file->real->pMethods->xFileSize(file->real, &size);
    len = at >= size ? 0 : len > size - at ? size - at : len;
    undo = malloc(sizeof(*undo) + (size_t)len + 1);
    if (!undo)
        abort();
    *undo = (struct shim_undo){ .older = file->undo, .at = at, .size_before = size, .len = (int)len };
    if (len > 0 && file->real->pMethods->xRead(file->real, undo->bytes, (int)len, at) != SQLITE_OK)
        abort();
    file->undo = undo;
}

/* All files are as they were when they were synced. */
static inline void shim_lose_power(void)
{
    for (struct shim_file *file = shim.files; file; file = file->next) {
        int fd = file->undo ? open(file->path, O_RDWR) : -1;

        for (struct shim_undo *undo = file->undo; fd >= 0 && undo; undo = undo->older) {
            if (pwrite(fd, undo->bytes, (size_t)undo->len, undo->at) != undo->len ||
                ftruncate(fd, undo->size_before) != 0)
                abort();
        }
    }
}

/* Files */

static inline int shim_decide(const struct shim_change *change)
{
    return shim.decide ? shim.decide(change) : SQLITE_OK;
}

static inline int shim_write(sqlite3_file *file, const void *data, int len, sqlite3_int64 at)
{
    int code;

    shim_remember(shim_of(file), at, len);
    code = shim_decide(&(struct shim_change){ SHIM_WRITE, shim_of(file)->is_wal, shim_of(file), data, len, at });
    return code ? code : shim_real(file)->pMethods->xWrite(shim_real(file), data, len, at);
}

static inline int shim_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int code;

    shim_remember(shim_of(file), size, INT64_MAX);
    code = shim_decide(&(struct shim_change){ SHIM_TRUNCATE, shim_of(file)->is_wal, shim_of(file), NULL, 0, size });
    return code ? code : shim_real(file)->pMethods->xTruncate(shim_real(file), size);
}

static inline int shim_sync(sqlite3_file *file, int flags)
{
    int code = shim_decide(&(struct shim_change){ SHIM_SYNC, shim_of(file)->is_wal, shim_of(file), NULL, 0, 0 });

    if (code)
        return code;
    shim_forget_undo(shim_of(file));
    return shim.skips_syncs ? SQLITE_OK : shim_real(file)->pMethods->xSync(shim_real(file), flags);
}

static inline int shim_close(sqlite3_file *file)
{
    struct shim_file **link = &shim.files;
    int code = shim_real(file)->pMethods->xClose(shim_real(file));

    while (*link && *link != shim_of(file))
        link = &(*link)->next;
    if (*link)
        *link = shim_of(file)->next;
    shim_forget_undo(shim_of(file));
    free(shim_of(file)->path);
    return code;
}

static inline int shim_read(sqlite3_file *file, void *to, int len, sqlite3_int64 at)
{
    return shim_real(file)->pMethods->xRead(shim_real(file), to, len, at);
}

static inline int shim_file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return shim_real(file)->pMethods->xFileSize(shim_real(file), size);
}

static inline int shim_lock(sqlite3_file *file, int level)
{
    return shim_real(file)->pMethods->xLock(shim_real(file), level);
}

static inline int shim_unlock(sqlite3_file *file, int level)
{
    return shim_real(file)->pMethods->xUnlock(shim_real(file), level);
}

static inline int shim_check_reserved_lock(sqlite3_file *file, int *out)
{
    return shim_real(file)->pMethods->xCheckReservedLock(shim_real(file), out);
}

static inline int shim_file_control(sqlite3_file *file, int operation, void *argument)
{
    return shim_real(file)->pMethods->xFileControl(shim_real(file), operation, argument);
}

static inline int shim_sector_size(sqlite3_file *file)
{
    return shim_real(file)->pMethods->xSectorSize(shim_real(file));
}

static inline int shim_device_characteristics(sqlite3_file *file)
{
    return shim_real(file)->pMethods->xDeviceCharacteristics(shim_real(file));
}

static inline int shim_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
    return shim_real(file)->pMethods->xShmMap(shim_real(file), page, size, extend, out);
}

static inline int shim_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return shim_real(file)->pMethods->xShmLock(shim_real(file), offset, count, flags);
}

static inline void shim_shm_barrier(sqlite3_file *file)
{
    shim_real(file)->pMethods->xShmBarrier(shim_real(file));
}

static inline int shim_shm_unmap(sqlite3_file *file, int deletes)
{
    return shim_real(file)->pMethods->xShmUnmap(shim_real(file), deletes);
}

/* Version 2: files are not mapped, so that every change passes by. */
static const sqlite3_io_methods shim_methods = {
    .iVersion = 2,
    .xClose = shim_close,
    .xRead = shim_read,
    .xWrite = shim_write,
    .xTruncate = shim_truncate,
    .xSync = shim_sync,
    .xFileSize = shim_file_size,
    .xLock = shim_lock,
    .xUnlock = shim_unlock,
    .xCheckReservedLock = shim_check_reserved_lock,
    .xFileControl = shim_file_control,
    .xSectorSize = shim_sector_size,
    .xDeviceCharacteristics = shim_device_characteristics,
    .xShmMap = shim_shm_map,
    .xShmLock = shim_shm_lock,
    .xShmBarrier = shim_shm_barrier,
    .xShmUnmap = shim_shm_unmap,
};

static inline int shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
    struct shim_file *shimmed = shim_of(file);
    int code;

    (void)vfs;
    *shimmed = (struct shim_file){ .is_wal = (flags & SQLITE_OPEN_WAL) != 0, .real = (sqlite3_file *)(shimmed + 1) };
    code = shim.real->xOpen(shim.real, name, shimmed->real, flags, out_flags);
    if (!shimmed->real->pMethods)
        return code;
    shimmed->base.pMethods = &shim_methods;
    shimmed->path = name ? strdup(name) : NULL;
    shimmed->next = shim.files;
    shim.files = shimmed;
    return code;
}

static inline int shim_delete(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
    int code = shim_decide(&(struct shim_change){ SHIM_DELETE, false, NULL, NULL, 0, 0 });

    (void)vfs;
    return code ? code : shim.real->xDelete(shim.real, name, sync_folder && !shim.skips_syncs);
}

/* From here on databases are opened through it. */
static inline void shim_install(void)
{
    shim.real = sqlite3_vfs_find(NULL);
    shim.vfs = *shim.real;
    shim.vfs.zName = "shim";
    shim.vfs.pNext = NULL;
    shim.vfs.szOsFile = (int)sizeof(struct shim_file) + shim.real->szOsFile;
    shim.vfs.xOpen = shim_open;
    shim.vfs.xDelete = shim_delete;
    sqlite3_vfs_register(&shim.vfs, 1);
}

static inline void shim_uninstall(void)
{
    sqlite3_vfs_unregister(&shim.vfs);
    shim.decide = NULL;
    shim.keeps_undo = shim.skips_syncs = false;
}

#endif
