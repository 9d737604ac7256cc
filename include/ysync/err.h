/* SPDX-License-Identifier: MIT */
/* What can go wrong, by what the caller can do about it. */
#ifndef YSYNC_ERR_H
#define YSYNC_ERR_H

#include "ysync/api.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The numbers never change once released. */
enum ysync_err {
    YSYNC_OK = 0,
    YSYNC_ERR_NOMEM = 1,       /* an allocation failed; nothing was changed */
    YSYNC_ERR_MALFORMED = 2,   /* the bytes break their format: drop them, and whoever sent them */
    YSYNC_ERR_LIMIT = 3,       /* a configured limit would be passed */
    YSYNC_ERR_DENIED = 4,      /* not allowed */
    YSYNC_ERR_NOT_FOUND = 5,   /* there is no such thing */
    YSYNC_ERR_CONFLICT = 6,    /* it is there already, or in the wrong state for this */
    YSYNC_ERR_IO = 7,          /* the system or a peer failed; trying again may help */
    YSYNC_ERR_CLOSED = 8,      /* it has been closed, or is closing */
    YSYNC_ERR_INVALID_ARG = 9, /* the call itself is wrong */
};

/* A short English phrase, "out of memory". Static; for numbers unknown to this version too. Any thread. */
YSYNC_API const char *ysync_strerror(enum ysync_err err);

#ifdef __cplusplus
}
#endif

#endif
