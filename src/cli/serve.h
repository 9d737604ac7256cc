/* SPDX-License-Identifier: MIT */
/* `ysync serve`: runs a server until it is told to stop. */
#ifndef YS_CLI_SERVE_H
#define YS_CLI_SERVE_H

#include "cli/serve_options.h"

/* Serves until SIGTERM or SIGINT, in the main thread, which must be the only one. Returns the exit status. */
int ys_serve(const struct ys_serve_options *options);

#endif
