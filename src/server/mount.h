/* SPDX-License-Identifier: MIT */
/* What the whole server uses of a mounted plugin beside ysync/plugin.h: addresses that were read before, and the crew
 * that its plugins make up. */
#ifndef YS_SERVER_MOUNT_H
#define YS_SERVER_MOUNT_H

#include "net/address.h"
#include "server/crew.h"
#include "ysync/plugin.h"

/* A crew for so many plugins of this configuration, with its store. Errors: NOMEM, IO, and those of
 * ysync_store_open(). */
YSYNC_CHECKED enum ysync_err ys_mount_new_crew(const struct ysync_alloc *alloc,
                                               const struct ysync_plugin_config *config, size_t size,
                                               struct ys_crew **out, struct ysync_problem *problem);

/* As ysync_plugin_new(), with a place in a crew; NULL: in one of its own. */
YSYNC_CHECKED enum ysync_err ys_mount_new(struct uv_loop_s *loop, const struct ysync_plugin_config *config,
                                          struct ys_crew *crew, size_t place, struct ysync_plugin **out,
                                          struct ysync_problem *problem);

/* As ysync_plugin_listen(). */
YSYNC_CHECKED enum ysync_err ys_mount_listen(struct ysync_plugin *plugin, const struct ys_address *address,
                                             struct ysync_problem *problem);

/* Listens wherever another plugin of the crew does. Before their loops run. Errors: IO, NOMEM. */
YSYNC_CHECKED enum ysync_err ys_mount_listen_beside(struct ysync_plugin *plugin, const struct ysync_plugin *first,
                                                    struct ysync_problem *problem);

/* The real port of the first address. */
uint16_t ys_mount_port(const struct ysync_plugin *plugin);

#endif
