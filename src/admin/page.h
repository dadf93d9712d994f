/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_ADMIN_PAGE_H
#define CM_ADMIN_PAGE_H

#include <stddef.h>

/* The page at /, one file made of those in src/admin/page/ by cmake/page.cmake. */
struct cm_admin_page {
    const unsigned char *text;
    size_t bytes;
    const char *style_hash; /* "sha256-...", as a Content-Security-Policy wants it */
    const char *script_hash;
};

extern const struct cm_admin_page cm_admin_page;

#endif
