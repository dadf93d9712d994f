/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_CONSOLE_PAGER_H
#define CM_CONSOLE_PAGER_H

#include "console/internal.h"

/* Long answers a page at a time, where a person reads them and can press a key. No program is run for
 * it, so nothing of what servers say reaches one. */
struct cm_pager {
    struct cm_console *console;
    bool works;
    bool interrupted; /* Ctrl-C ended it */
    size_t left;      /* lines until it asks */
};

void cm_pager_init(struct cm_pager *pager, struct cm_console *console);
/* Before a line of so many columns; false: enough has been seen. */
bool cm_pager_go_on(struct cm_pager *pager, size_t columns);

#endif
