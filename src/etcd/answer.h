/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_ETCD_ANSWER_H
#define CM_ETCD_ANSWER_H

/* What etcd answers, read without believing any of it. BAD_ANSWER: it is not what was asked for. */

#include "ring/cluster.h"

/* Of one answer; more is not read. As many members as a ring may have fit several times. */
#define CM_ETCD_ANSWER_BYTES_MAX ((size_t)4 << 20)
#define CM_ETCD_TOKEN_BYTES      4096 /* its zero included */

struct cm_etcd_range {
    uint64_t etcd; /* which one it is: its cluster_id */
    int64_t revision;
    struct cm_cluster cluster;       /* its members alone */
    struct cm_cluster_error problem; /* of the first entry that was left out; empty: none was */
};

/* The members below the key `prefix`. Entries that make no sense are left out. BAD_ANSWER,
 * NO_MEMORY, INVALID (`problem` tells why). Ends with cm_etcd_range_deinit(), whatever it answers. */
CM_MUST_CHECK enum cm_status cm_etcd_read_range(struct cm_slice json, struct cm_slice prefix,
                                                struct cm_etcd_range *out);
void cm_etcd_range_deinit(struct cm_etcd_range *range);

/* Of a lease that was granted. */
CM_MUST_CHECK enum cm_status cm_etcd_read_lease(struct cm_slice json, int64_t *id);
/* Of a lease kept alive, in seconds; 0: it has ended. */
CM_MUST_CHECK enum cm_status cm_etcd_read_ttl(struct cm_slice json, int64_t *ttl_s);
CM_MUST_CHECK enum cm_status cm_etcd_read_token(struct cm_slice json, char to[CM_ETCD_TOKEN_BYTES]);

/* A line of a watch: OK, nothing has changed yet; CANCELLED, something has; BAD_ANSWER, this is no
 * watch, or one no more. */
CM_MUST_CHECK enum cm_status cm_etcd_read_watch(struct cm_slice json);

/* What an error is about, for people: always something printable, ended by a zero. */
void cm_etcd_read_error(struct cm_slice json, char *to, size_t room);

#endif
