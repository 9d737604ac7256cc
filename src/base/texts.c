/* SPDX-License-Identifier: MIT */
/*
 *     [ pointer | pointer | pointer | "one\0" "two\0" "three\0" ]
 */
#include "base/texts.h"

#include <string.h>

#include "base/alloc.h"

enum ysync_err ys_texts_copy(const struct ysync_alloc *alloc, const char *const *texts, size_t count,
                             const char *const **out)
{
    size_t bytes = count * sizeof(*texts);
    const char **copies;
    char *to;

    if (count == 0) {
        *out = NULL;
        return YSYNC_OK;
    }
    for (size_t i = 0; i < count; i++)
        bytes += strlen(texts[i]) + 1;
    copies = ys_alloc_array(alloc, bytes, 1);
    if (!copies)
        return YSYNC_ERR_NOMEM;
    to = (char *)(copies + count);
    for (size_t i = 0; i < count; i++) {
        copies[i] = strcpy(to, texts[i]);
        to += strlen(to) + 1;
    }
    *out = (const char *const *)copies;
    return YSYNC_OK;
}
