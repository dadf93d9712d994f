/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_ETCD_REQUEST_H
#define CM_ETCD_REQUEST_H

/* The bodies of requests. Each is appended to `to`; NO_MEMORY. */

#include "base/buf.h"
#include <stdint.h>

/* Every key that begins with `prefix`, which is not empty; at most `limit`. */
CM_MUST_CHECK enum cm_status cm_etcd_ask_range(struct cm_buf *to, struct cm_slice prefix,
                                               size_t limit);
/* What changes there from a revision on. */
CM_MUST_CHECK enum cm_status cm_etcd_ask_watch(struct cm_buf *to, struct cm_slice prefix,
                                               int64_t revision);
CM_MUST_CHECK enum cm_status cm_etcd_ask_lease(struct cm_buf *to, uint32_t ttl_s);
/* To keep it alive, or to revoke it. */
CM_MUST_CHECK enum cm_status cm_etcd_ask_of_lease(struct cm_buf *to, int64_t lease);

struct cm_etcd_put {
    const char *prefix, *name, *value;
    int64_t lease;
};
CM_MUST_CHECK enum cm_status cm_etcd_ask_put(struct cm_buf *to, const struct cm_etcd_put *put);
CM_MUST_CHECK enum cm_status cm_etcd_ask_login(struct cm_buf *to, const char *user,
                                               const char *password);

#endif
