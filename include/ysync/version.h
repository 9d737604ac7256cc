/* SPDX-License-Identifier: MIT */
/* Which ysync this is. */
#ifndef YSYNC_VERSION_H
#define YSYNC_VERSION_H

#include "ysync/api.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The version of these headers. */
#define YSYNC_VERSION "0.1.0"

/* The version of the library that runs. Static; any thread. */
YSYNC_API const char *ysync_version(void);

#ifdef __cplusplus
}
#endif

#endif
