/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

void cm_check_failed(const char *expression, const char *file, int line) {
    fprintf(stderr, "cacheman: broken invariant: %s (%s:%d)\n", expression, file, line);
    fflush(stderr);
    abort();
}
