/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_ADMIN_ORIGIN_H
#define CM_ADMIN_ORIGIN_H

/* What a browser says of whose page asks, and for whom; everything here comes from strangers.
 *
 * Where no token is needed, whoever can connect may read: that is every page in a browser on this
 * machine, from wherever. Two things keep them out. A page of another origin must not read the answer
 * unless it is of this machine, too (Origin). And a name that somebody else lets point to this machine
 * is not ours (Host): its pages would not be of another origin. */

#include "base/buf.h"
#include <stdbool.h>

/* "http://localhost:99" and the like: a page of this machine's. */
bool cm_admin_is_local_origin(const char *origin);
/* Whether a header Host says an address, "localhost" or `own`, with a port or without. */
bool cm_admin_is_known_host(const char *host, const char *own);

/* What is wrong with ?servers=, a line for people in visible ASCII. */
struct cm_admin_servers_error {
    char text[192];
};

/* ?servers= of the page, "HOST:PORT,HOST" and so on, as it came: appends what its
 * Content-Security-Policy must allow to be asked, " HOST:PORT HOST:16181". Blanks around entries, and
 * entries with nothing in them, do no harm. INVALID: that is no such list. NO_MEMORY. */
CM_MUST_CHECK enum cm_status cm_admin_put_servers(const char *servers, struct cm_buf *to,
                                                  struct cm_admin_servers_error *error);

#define CM_ADMIN_PORT         16181
#define CM_ADMIN_SERVERS_MAX  64
#define CM_ADMIN_SERVER_BYTES 128 /* of an entry */

#endif
