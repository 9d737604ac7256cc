/* SPDX-License-Identifier: MIT */
/* A file of the test's own, under /tmp. */
#ifndef YS_TESTS_SUPPORT_TEMP_FILE_H
#define YS_TESTS_SUPPORT_TEMP_FILE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct temp_file {
    char path[64];
};

static inline void temp_file_write(const struct temp_file *file, const void *data, size_t len)
{
    FILE *stream = fopen(file->path, "w");

    if (!stream || fwrite(data, 1, len, stream) != len || fclose(stream) != 0)
        abort();
}

static inline struct temp_file temp_file_make(const char *text)
{
    struct temp_file file = { "/tmp/ysync-test-XXXXXX" };
    int fd = mkstemp(file.path);

    if (fd < 0)
        abort();
    close(fd);
    temp_file_write(&file, text, strlen(text));
    return file;
}

#endif
