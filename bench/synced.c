/* SPDX-License-Identifier: MIT */
/*
 * What does a server bring to the disk? Loaded into it by LD_PRELOAD, this notes each fsync() and fdatasync() that
 * succeeded, one line in the file that YSYNC_BENCH_SYNCS names:
 *
 *     3251.204 3253.377 1310742 45056 /data/docs.db-wal       from, to (ms, CLOCK_MONOTONIC), inode, bytes of the file
 *
 * Of a file that only grows, what lies behind the size at its last sync may be gone after a power cut.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef int sync_fn(int fd);

/* What is called first finds it out; threads that do so at once find the same. */
static int log_fd = -1;

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void open_log(void)
{
    const char *path = getenv("YSYNC_BENCH_SYNCS");

    if (log_fd < 0 && path)
        log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

static void note(int fd, double from_ms)
{
    char link[64];
    char path[1024];
    char line[1200];
    struct stat file;
    ssize_t len;
    int n;

    open_log();
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    len = readlink(link, path, sizeof(path));
    if (log_fd < 0 || len < 0 || fstat(fd, &file) != 0)
        return;
    n = snprintf(line, sizeof(line), "%.3f %.3f %llu %llu %.*s\n", from_ms, now_ms(), (unsigned long long)file.st_ino,
                 (unsigned long long)file.st_size, (int)len, path);
    if (write(log_fd, line, (size_t)n) != n)
        abort(); /* there would be no telling what the figures mean */
}

static int sync_and_note(const char *name, int fd)
{
    sync_fn *real = (sync_fn *)dlsym(RTLD_NEXT, name);
    double from_ms = now_ms();
    int status = real(fd);

    if (status == 0)
        note(fd, from_ms);
    return status;
}

int fsync(int fd)
{
    return sync_and_note("fsync", fd);
}

int fdatasync(int fd)
{
    return sync_and_note("fdatasync", fd);
}
