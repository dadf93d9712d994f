/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_CONSOLE_GLOB_H
#define CM_CONSOLE_GLOB_H

#include "base/slice.h"

/* Whether all of `text` is like the pattern, byte by byte: * is any bytes, ? any byte, [a-c_] one of
 * several, [!a-c] any other, \ takes a meaning away. A [ that is never closed means itself. */
bool cm_glob_match(struct cm_slice pattern, struct cm_slice text);

#endif
