/* SPDX-License-Identifier: MIT */
/*
 * Logging from inside:
 *
 *     ys_log(log, YSYNC_LOG_INFO, "room_evicted", YS_LOG_BYTES("room", name), YS_LOG_NUM("bytes", n));
 *
 * Lower layers return errors; whoever decides what to do about one logs it, once.
 */
#ifndef YS_BASE_LOG_H
#define YS_BASE_LOG_H

#include "ysync/log.h"

#define YS_LOG_NUM(k, n) { .key = (k), .is_number = 1, .number = (n) }
#define YS_LOG_BYTES(k, b) { .key = (k), .text = (b) }
#define YS_LOG_STR(k, s) { .key = (k), .text = ys_log_str(s) }

/* At least one field. `log` may be NULL. */
#define ys_log(log, level, event, ...) \
    ys_log_write(log, level, event, (const struct ysync_log_field[]){ __VA_ARGS__, { .key = NULL } })

void ys_log_write(const struct ysync_log *log, enum ysync_log_level level, const char *event,
                  const struct ysync_log_field *fields);

/* A view of a zero-terminated string; NULL is empty. */
struct ysync_bytes ys_log_str(const char *str);

#endif
