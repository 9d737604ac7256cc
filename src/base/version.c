/* SPDX-License-Identifier: MIT */
#include "ysync/version.h"

const char *ysync_version(void)
{
    return YSYNC_VERSION;
}
