/* SPDX-License-Identifier: MIT */
/*
 * The buffer is made as large as it may become before anything is read: growing would leave copies of secrets behind
 * in memory that was given back.
 */
#include "auth/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/token.h"
#include "base/alloc.h"
#include "base/problem.h"

static enum ysync_err complain(struct ysync_problem *problem, const char *path, int number)
{
    ys_problem_set(problem, "cannot read %s: %s", path, strerror(number));
    return YSYNC_ERR_IO;
}

/* How much there is to read at least: a pipe says 0. */
static size_t size_of(int fd)
{
    struct stat status;

    if (fstat(fd, &status) != 0 || status.st_size < 4096)
        return 4096;
    return (uint64_t)status.st_size > YS_SECRET_FILE_MAX_BYTES ? YS_SECRET_FILE_MAX_BYTES : (size_t)status.st_size;
}

static enum ysync_err read_all(int fd, const char *path, struct ys_buf *out, struct ysync_problem *problem)
{
    uint8_t piece[4096];
    size_t before = out->len;
    ssize_t count = 0;
    enum ysync_err err = ys_buf_reserve(out, size_of(fd) + 1);

    while (!err && out->len - before <= YS_SECRET_FILE_MAX_BYTES && (count = read(fd, piece, sizeof(piece))) > 0) {
        ys_buf_put(out, (struct ysync_bytes){ piece, (size_t)count });
        err = ys_buf_err(out);
    }
    if (!err && count < 0)
        err = complain(problem, path, errno);
    OPENSSL_cleanse(piece, sizeof(piece));
    if (!err && out->len - before > YS_SECRET_FILE_MAX_BYTES) {
        ys_problem_set(problem, "%s has more than 1 MiB", path);
        err = YSYNC_ERR_LIMIT;
    }
    return err;
}

static void drop_newline(struct ys_buf *buf)
{
    if (buf->len > 0 && buf->data[buf->len - 1] == '\n')
        buf->len--;
    if (buf->len > 0 && buf->data[buf->len - 1] == '\r')
        buf->len--;
}

enum ysync_err ys_secret_file_read(const char *path, struct ys_buf *out, struct ysync_problem *problem)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    enum ysync_err err;

    if (fd < 0)
        return complain(problem, path, errno);
    ys_problem_set(problem, "out of memory");
    err = read_all(fd, path, out, problem);
    close(fd);
    if (!err)
        drop_newline(out);
    return err;
}

void ys_secret_wipe(struct ys_buf *secret)
{
    if (secret->data)
        OPENSSL_cleanse(secret->data, secret->cap);
    ys_buf_deinit(secret);
}

/* Takes the first line off *rest. */
static struct ysync_bytes next_line(struct ysync_bytes *rest)
{
    const uint8_t *newline = memchr(rest->data, '\n', rest->len);
    struct ysync_bytes line = { rest->data, newline ? (size_t)(newline - rest->data) : rest->len };
    size_t used = newline ? line.len + 1 : line.len;

    *rest = (struct ysync_bytes){ rest->data + used, rest->len - used };
    while (line.len > 0 && strchr(" \t\r", line.data[line.len - 1]))
        line.len--;
    return line;
}

/* The lines that hold a token. There may be no more than an array of as many bytes would hold, which is bounded. */
static enum ysync_err split(const struct ysync_alloc *alloc, struct ysync_bytes text, struct ysync_bytes **out,
                            size_t *out_count)
{
    struct ysync_bytes *lines = NULL;
    size_t count = 0;
    size_t cap = 0;

    while (text.len > 0) {
        struct ysync_bytes line = next_line(&text);

        if (line.len == 0)
            continue;
        if (!ys_grow_array(alloc, &lines, &cap, count + 1, sizeof(*lines))) {
            ys_free(alloc, lines);
            return YSYNC_ERR_NOMEM;
        }
        lines[count++] = line;
    }
    *out = lines;
    *out_count = count;
    return YSYNC_OK;
}

enum ysync_err ys_auth_new_token_file(const struct ysync_alloc *alloc, const char *path, struct ys_auth **out,
                                      struct ysync_problem *problem)
{
    struct ysync_bytes *tokens = NULL;
    size_t count = 0;
    struct ys_buf text;
    enum ysync_err err;

    ys_buf_init(&text, alloc, SIZE_MAX);
    err = ys_secret_file_read(path, &text, problem);
    if (!err)
        err = split(alloc, ys_buf_bytes(&text), &tokens, &count);
    if (!err && count == 0) {
        ys_problem_set(problem, "there is no token in %s", path);
        err = YSYNC_ERR_INVALID_ARG;
    }
    if (!err)
        err = ys_auth_new_tokens(alloc, tokens, count, out);
    ys_free(alloc, tokens);
    ys_secret_wipe(&text);
    return err;
}
