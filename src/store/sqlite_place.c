/* SPDX-License-Identifier: MIT */
/*
 * The lock is a file of its own. SQLite's locks belong to the process, so that they are lost when anybody in the
 * process closes another descriptor of the same file; flock() belongs to the descriptor. For the same reason nothing
 * here opens the database itself once SQLite has it.
 *
 * Whoever holds the lock removes its file before letting go. So who gets a lock looks whether its file still has the
 * name, and if not tries again with the one that has.
 */
#include "store/sqlite_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include <uv.h>

#include "base/alloc.h"
#include "base/problem.h"
#include "store/sqlite_failure.h"

#define OWNER_ONLY 0600

/* Which file */

static struct ys_file_id id_of(const struct stat *status)
{
    return (struct ys_file_id){ true, S_ISREG(status->st_mode), status->st_dev, status->st_ino };
}

enum ysync_err ys_file_id_get(const char *path, struct ys_file_id *out, struct ysync_problem *problem)
{
    struct stat status;

    if (stat(path, &status) == 0) {
        *out = id_of(&status);
        return YSYNC_OK;
    }
    if (errno != ENOENT)
        return ys_sqlite_explain_errno("cannot find", path, errno, problem);
    *out = (struct ys_file_id){ .is_there = false };
    return YSYNC_OK;
}

bool ys_file_id_is_same(struct ys_file_id a, struct ys_file_id b)
{
    return a.is_there == b.is_there && (!a.is_there || (a.device == b.device && a.inode == b.inode));
}

static bool has_name(int fd, const char *path)
{
    struct stat named;
    struct stat open_file;

    return fstat(fd, &open_file) == 0 && stat(path, &named) == 0 &&
           ys_file_id_is_same(id_of(&open_file), id_of(&named));
}

enum ysync_err ys_make_private_file(const char *path, struct ysync_problem *problem)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, OWNER_ONLY);

    if (fd < 0)
        return ys_sqlite_explain_errno("cannot make", path, errno, problem);
    close(fd);
    return YSYNC_OK;
}

enum ysync_err ys_sync_path(const char *path, struct ysync_problem *problem)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    enum ysync_err err = YSYNC_OK;

    if (fd < 0)
        return ys_sqlite_explain_errno("cannot open", path, errno, problem);
    if (fsync(fd) != 0)
        err = ys_sqlite_explain_errno("cannot write", path, errno, problem);
    close(fd);
    return err;
}

/* Names */

static enum ysync_err join(const struct ysync_alloc *alloc, const char *a, const char *b, const char *c, char **out)
{
    size_t size = strlen(a) + strlen(b) + strlen(c) + 1;
    char *joined = ys_alloc_array(alloc, size, 1);

    if (!joined)
        return YSYNC_ERR_NOMEM;
    snprintf(joined, size, "%s%s%s", a, b, c);
    *out = joined;
    return YSYNC_OK;
}

/* Absolute, without symbolic links; to be freed. */
static enum ysync_err real_path(const struct ysync_alloc *alloc, const char *path, char **out, int *number)
{
    enum ysync_err err = YSYNC_OK;
    uv_fs_t request;

    *number = -uv_fs_realpath(NULL, &request, path, NULL);
    if (*number != 0)
        err = *number == ENOMEM ? YSYNC_ERR_NOMEM : YSYNC_ERR_IO;
    else if (!ys_copy_text(alloc, request.ptr, out))
        err = YSYNC_ERR_NOMEM;
    uv_fs_req_cleanup(&request);
    return err;
}

static enum ysync_err real_folder(const struct ysync_alloc *alloc, const char *folder, char **out,
                                  struct ysync_problem *problem)
{
    int number;
    enum ysync_err err = real_path(alloc, folder, out, &number);

    if (err != YSYNC_ERR_IO)
        return err;
    if (number != ENOENT)
        return ys_sqlite_explain_errno("cannot open", folder, number, problem);
    ys_problem_set(problem, "there is no folder %s: make it first", folder);
    return YSYNC_ERR_NOT_FOUND;
}

/* The folder of what is at `path`: the text before the last slash, or the slash if there is nothing before it. */
static enum ysync_err copy_folder(const struct ysync_alloc *alloc, const char *path, char **out)
{
    const char *slash = strrchr(path, '/');

    if (!ys_copy_text(alloc, slash ? path : ".", out))
        return YSYNC_ERR_NOMEM;
    if (slash)
        (*out)[slash == path ? 1 : slash - path] = '\0';
    return YSYNC_OK;
}

/* For a file that is yet to be made its folder counts. */
static enum ysync_err resolve_new(struct ys_sqlite_place *place, const char *path, struct ysync_problem *problem)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    char *folder = NULL;
    enum ysync_err err = copy_folder(place->alloc, path, &folder);

    if (!err)
        err = real_folder(place->alloc, folder, &place->folder, problem);
    if (!err)
        err = join(place->alloc, place->folder, strcmp(place->folder, "/") == 0 ? "" : "/", name, &place->path);
    ys_free(place->alloc, folder);
    return err;
}

/* Whoever calls the file by another name means the same one. */
static enum ysync_err resolve(struct ys_sqlite_place *place, const char *path, struct ysync_problem *problem)
{
    int number;
    enum ysync_err err = real_path(place->alloc, path, &place->path, &number);

    if (err == YSYNC_ERR_IO && number == ENOENT)
        return resolve_new(place, path, problem);
    if (err == YSYNC_ERR_IO)
        return ys_sqlite_explain_errno("cannot open", path, number, problem);
    return err ? err : copy_folder(place->alloc, place->path, &place->folder);
}

enum ysync_err ys_sqlite_place_init(struct ys_sqlite_place *place, const struct ysync_alloc *alloc, const char *path,
                                    struct ysync_problem *problem)
{
    enum ysync_err err;

    *place = (struct ys_sqlite_place){ .alloc = alloc, .lock_fd = -1 };
    ys_problem_set(problem, "out of memory");
    err = resolve(place, path, problem);
    if (!err)
        err = join(alloc, place->path, "-wal", "", &place->wal);
    if (!err)
        err = join(alloc, place->path, "-shm", "", &place->shm);
    if (!err)
        err = join(alloc, place->path, "-lock", "", &place->lock);
    if (!err)
        err = join(alloc, place->path, "-rescue", "", &place->rescue);
    if (err)
        ys_sqlite_place_deinit(place);
    return err;
}

void ys_sqlite_place_deinit(struct ys_sqlite_place *place)
{
    if (place->lock_fd >= 0) {
        if (has_name(place->lock_fd, place->lock))
            unlink(place->lock);
        close(place->lock_fd);
    }
    ys_free(place->alloc, place->rescue);
    ys_free(place->alloc, place->lock);
    ys_free(place->alloc, place->shm);
    ys_free(place->alloc, place->wal);
    ys_free(place->alloc, place->path);
    ys_free(place->alloc, place->folder);
    *place = (struct ys_sqlite_place){ .alloc = place->alloc, .lock_fd = -1 };
}

/* The lock */

static enum ysync_err explain_lock(const struct ys_sqlite_place *place, int number, struct ysync_problem *problem)
{
    if (number != EWOULDBLOCK)
        return ys_sqlite_explain_errno("cannot lock", place->lock, number, problem);
    ys_problem_set(problem, "%s is in use by another process (a server that runs?)", place->path);
    return YSYNC_ERR_CONFLICT;
}

enum ysync_err ys_sqlite_place_lock(struct ys_sqlite_place *place, struct ysync_problem *problem)
{
    while (place->lock_fd < 0 || !has_name(place->lock_fd, place->lock)) {
        int fd = open(place->lock, O_RDWR | O_CREAT | O_CLOEXEC, OWNER_ONLY);
        int number = errno;

        if (fd < 0)
            return ys_sqlite_explain_errno("cannot make", place->lock, number, problem);
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            number = errno;
            close(fd);
            return explain_lock(place, number, problem);
        }
        if (place->lock_fd >= 0)
            close(place->lock_fd);
        place->lock_fd = fd;
    }
    return YSYNC_OK;
}
