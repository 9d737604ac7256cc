/* SPDX-License-Identifier: MIT */
/* What the server that is measured uses, as the kernel counts it (Linux). */
#ifndef YS_LOAD_SERVER_USE_H
#define YS_LOAD_SERVER_USE_H

#include <sys/types.h>

/* CPU time of all threads of a process so far, those that have ended included; 0: the caller's own. */
double ys_cpu_seconds(pid_t pid);

/* Resident memory of a process. */
double ys_resident_bytes(pid_t pid);

/* What it has had written to disks so far, in pages; NaN where the kernel does not say. */
double ys_written_bytes(pid_t pid);

#endif
