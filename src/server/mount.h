/* SPDX-License-Identifier: MIT */
/* What the whole server uses of a mounted plugin beside ysync/plugin.h: addresses that were read before. */
#ifndef YS_SERVER_MOUNT_H
#define YS_SERVER_MOUNT_H

#include "net/address.h"
#include "ysync/plugin.h"

/* As ysync_plugin_listen(). */
YSYNC_CHECKED enum ysync_err ys_mount_listen(struct ysync_plugin *plugin, const struct ys_address *address,
                                             struct ysync_problem *problem);

/* The real port of the first address. */
uint16_t ys_mount_port(const struct ysync_plugin *plugin);

#endif
