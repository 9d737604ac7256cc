/* SPDX-License-Identifier: MIT */
/* A second descriptor for a handle's socket: libuv gives none back, and two loops cannot share one. */
#ifndef YS_NET_DESCRIPTOR_H
#define YS_NET_DESCRIPTOR_H

#include <uv.h>

/* *out, the caller's to close, goes with no program that is started. Returns 0, or libuv's number for what is wrong. */
int ys_descriptor_copy(const uv_handle_t *handle, int *out);

#endif
