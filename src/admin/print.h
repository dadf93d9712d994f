/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_ADMIN_PRINT_H
#define CM_ADMIN_PRINT_H

#include "base/buf.h"
#include "base/format.h"

/* A page that is being written, of our own literals and of numbers. */
struct cm_admin_printer {
    struct cm_buf *to;
    enum cm_status status; /* the first that was not OK; nothing is written then */
};

#define CM_ADMIN_PRINT_BYTES 512 /* of what is printed at once; any line fits */

CM_PRINTF(2, 3)
void cm_admin_print(struct cm_admin_printer *printer, const char *format, ...);

#endif
