/* SPDX-License-Identifier: BSD-3-Clause */
#include "admin/print.h"

#include <stdarg.h>
#include <stdio.h>

void cm_admin_print(struct cm_admin_printer *printer, const char *format, ...) {
    if (printer->status == CM_OK)
        printer->status = cm_buf_reserve(printer->to, CM_ADMIN_PRINT_BYTES);
    if (printer->status != CM_OK)
        return;
    va_list arguments;
    va_start(arguments, format);
    int bytes = vsnprintf(cm_buf_tail(printer->to), CM_ADMIN_PRINT_BYTES, format, arguments);
    va_end(arguments);
    CM_CHECK(bytes >= 0 && bytes < CM_ADMIN_PRINT_BYTES);
    cm_buf_wrote(printer->to, (size_t)bytes);
}
