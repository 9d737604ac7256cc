/* SPDX-License-Identifier: MIT */
/* All of libysync. */
#ifndef YSYNC_YSYNC_H
#define YSYNC_YSYNC_H

#include "ysync/alloc.h"
#include "ysync/bytes.h"
#include "ysync/doc.h"
#include "ysync/err.h"
#include "ysync/log.h"
#include "ysync/plugin.h"
#include "ysync/problem.h"
#include "ysync/room.h"
#include "ysync/server.h"
#include "ysync/store.h"
#include "ysync/verify.h"
#include "ysync/version.h"

#endif
