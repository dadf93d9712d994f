/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/os/os.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

FILE *cm_os_open_regular(const char *path, const char **why) {
    struct _stat64 found;
    FILE *file = NULL;
    bool is_there = _stat64(path, &found) == 0;
    *why = NULL;
    if (is_there && (found.st_mode & _S_IFMT) == _S_IFDIR)
        *why = strerror(EISDIR);
    else if (is_there && (found.st_mode & _S_IFMT) != _S_IFREG)
        *why = "it is a device, not a regular file";
    else if ((file = fopen(path, "rb")) == NULL)
        *why = strerror(errno);
    return file;
}
