/* SPDX-License-Identifier: MIT */
#include "net/descriptor.h"

#include <errno.h>
#include <fcntl.h>

int ys_descriptor_copy(const uv_handle_t *handle, int *out)
{
    uv_os_fd_t fd;
    int status = uv_fileno(handle, &fd);

    if (status < 0)
        return status;
    fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return uv_translate_sys_error(errno);
    *out = fd;
    return 0;
}
