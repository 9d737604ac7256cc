/* SPDX-License-Identifier: MIT */
#include "ysync/err.h"

const char *ysync_strerror(enum ysync_err err)
{
    switch (err) {
    case YSYNC_OK:
        return "no error";
    case YSYNC_ERR_NOMEM:
        return "out of memory";
    case YSYNC_ERR_MALFORMED:
        return "malformed input";
    case YSYNC_ERR_LIMIT:
        return "limit exceeded";
    case YSYNC_ERR_DENIED:
        return "permission denied";
    case YSYNC_ERR_NOT_FOUND:
        return "not found";
    case YSYNC_ERR_CONFLICT:
        return "already there, or in the wrong state";
    case YSYNC_ERR_IO:
        return "input or output failed";
    case YSYNC_ERR_CLOSED:
        return "closed";
    case YSYNC_ERR_INVALID_ARG:
        return "invalid argument";
    }
    return "unknown error";
}
