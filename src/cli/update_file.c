/* SPDX-License-Identifier: MIT */
#include "cli/update_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/problem.h"

/* As much as a pipe holds on Linux. */
#define READ_BYTES 65536

static bool is_standard(const char *file)
{
    return !file || strcmp(file, "-") == 0;
}

const char *ys_update_file_source(const char *file)
{
    return is_standard(file) ? "standard input" : file;
}

static enum ysync_err fail(struct ysync_problem *problem, const char *doing, const char *what, int error)
{
    ys_problem_set(problem, "cannot %s %s: %s", doing, what, strerror(error));
    return YSYNC_ERR_IO;
}

static enum ysync_err read_all(int fd, const char *source, struct ys_buf *out, struct ysync_problem *problem)
{
    uint8_t piece[READ_BYTES];
    ssize_t count;

    for (;;) {
        count = read(fd, piece, sizeof(piece));
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return fail(problem, "read", source, errno);
        if (count == 0)
            break;
        ys_buf_put(out, (struct ysync_bytes){ piece, (size_t)count });
    }
    if (ys_buf_err(out))
        ys_problem_set(problem, "cannot read %s: %s", source, ysync_strerror(ys_buf_err(out)));
    return ys_buf_err(out);
}

enum ysync_err ys_update_file_read(const char *file, struct ys_buf *out, struct ysync_problem *problem)
{
    const char *source = ys_update_file_source(file);
    enum ysync_err err;
    int fd;

    if (is_standard(file))
        return read_all(STDIN_FILENO, source, out, problem);
    fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail(problem, "read", source, errno);
    err = read_all(fd, source, out, problem);
    close(fd);
    return err;
}

bool ys_update_file_is_terminal(const char *file)
{
    return !file && isatty(STDOUT_FILENO);
}

/* 0, or what was wrong. */
static int write_all(int fd, struct ysync_bytes bytes)
{
    while (bytes.len > 0) {
        ssize_t count = write(fd, bytes.data, bytes.len);

        if (count < 0 && errno != EINTR)
            return errno;
        bytes.data += count > 0 ? count : 0;
        bytes.len -= count > 0 ? (size_t)count : 0;
    }
    return 0;
}

enum ysync_err ys_update_file_write(const char *file, struct ysync_bytes update, struct ysync_problem *problem)
{
    const char *target = is_standard(file) ? "standard output" : file;
    int fd = is_standard(file) ? STDOUT_FILENO : open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    int error;

    if (fd < 0)
        return fail(problem, "write", target, errno);
    error = write_all(fd, update);
    if (!is_standard(file) && close(fd) != 0 && !error) /* some file systems tell only now */
        error = errno;
    return error ? fail(problem, "write", target, error) : YSYNC_OK;
}
