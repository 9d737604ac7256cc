/* SPDX-License-Identifier: MIT */
#include "server_use.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "check.h"

/* The clock of a process counts nanoseconds, where /proc/PID/stat counts ticks of ten milliseconds. */
double ys_cpu_seconds(pid_t pid)
{
    struct timespec used;
    clockid_t clock;

    if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &used))
        ys_give_up("process %ld is gone", (long)pid);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

double ys_resident_bytes(pid_t pid)
{
    char path[64];
    char line[256];
    uint64_t kib = 0;
    FILE *status;

    snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
    status = fopen(path, "r");
    ys_expect(status != NULL, "the server's process is gone");
    while (kib == 0 && fgets(line, sizeof(line), status))
        sscanf(line, "VmRSS: %" SCNu64, &kib);
    fclose(status);
    return (double)kib * 1024;
}

double ys_written_bytes(pid_t pid)
{
    char path[64];
    char line[256];
    uint64_t bytes;
    double found = NAN;
    FILE *io;

    snprintf(path, sizeof(path), "/proc/%ld/io", (long)pid);
    io = fopen(path, "r");
    if (!io)
        return NAN;
    while (fgets(line, sizeof(line), io)) {
        if (sscanf(line, "write_bytes: %" SCNu64, &bytes) == 1)
            found = (double)bytes;
    }
    fclose(io);
    return found;
}
