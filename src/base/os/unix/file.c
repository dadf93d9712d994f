/* SPDX-License-Identifier: BSD-3-Clause */
#define _DEFAULT_SOURCE
#include "base/os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* NULL: it can be read to its end at once. */
static const char *why_not(const struct stat *found) {
    if (S_ISREG(found->st_mode))
        return NULL;
    return S_ISDIR(found->st_mode)    ? strerror(EISDIR)
           : S_ISFIFO(found->st_mode) ? "it is a pipe, not a regular file"
           : S_ISSOCK(found->st_mode) ? "it is a socket, not a regular file"
                                      : "it is a device, not a regular file";
}

FILE *cm_os_open_regular(const char *path, const char **why) {
    struct stat found;
    FILE *file = NULL;
    int descriptor = -1;
    *why = NULL;
    if (stat(path, &found) == 0 && (*why = why_not(&found)) != NULL)
        return NULL; /* to open a device may do something already */
    descriptor = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (descriptor >= 0 && fstat(descriptor, &found) == 0 && (*why = why_not(&found)) == NULL)
        file = fdopen(descriptor, "rb");
    if (file == NULL && *why == NULL)
        *why = strerror(errno);
    if (file == NULL && descriptor >= 0)
        (void)close(descriptor);
    return file;
}
