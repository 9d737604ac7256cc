/* SPDX-License-Identifier: MIT */
/*
 * What the library has to tell an operator: an event and its fields, handed to a callback.
 *
 *     info  room_evicted  room=blog  bytes=311038
 *
 * Document content and tokens never appear.
 */
#ifndef YSYNC_LOG_H
#define YSYNC_LOG_H

#include <stdint.h>

#include "ysync/api.h"
#include "ysync/bytes.h"

#ifdef __cplusplus
extern "C" {
#endif

enum ysync_log_level {
    YSYNC_LOG_ERROR = 0,
    YSYNC_LOG_WARN = 1,
    YSYNC_LOG_INFO = 2,
    YSYNC_LOG_DEBUG = 3,
};

struct ysync_log_field {
    const char *key; /* NULL ends the list */
    int is_number;
    struct ysync_bytes text; /* when not a number; bytes of a peer, so any bytes at all */
    uint64_t number;
};

/* Called from the thread that met the event, with views that end with the call. */
typedef void ysync_log_fn(void *user, enum ysync_log_level level, const char *event,
                          const struct ysync_log_field *fields);

struct ysync_log {
    ysync_log_fn *write; /* NULL: nobody listens */
    void *user;
    enum ysync_log_level level; /* less important events are not handed over */
};

/* Writes one line, `event key=value key="with spaces"`, or one JSON object, without a newline, into `to`
 * (cut off at size - 1 bytes, always zero-terminated). Control characters are escaped. Any thread. */
YSYNC_API void ysync_log_format_text(char *to, size_t size, enum ysync_log_level level, const char *event,
                                     const struct ysync_log_field *fields);
YSYNC_API void ysync_log_format_json(char *to, size_t size, enum ysync_log_level level, const char *event,
                                     const struct ysync_log_field *fields);

#ifdef __cplusplus
}
#endif

#endif
