/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_ETCD_ETCD_H
#define CM_ETCD_ETCD_H

/* A cluster whose members are in etcd: followed by clients and by servers, which also register
 * themselves there. Spoken is the JSON gateway of etcd's third version (3.4 and later).
 *
 *     /cacheman/CLUSTER/members/HOST:PORT   ->   {"weight":N}, under the server's lease
 *
 * It runs a thread of its own, which alone waits for etcd, without receiving signals.
 *
 * E1. Once members are known they are kept until etcd tells of others: while it is away, or answers
 *     nonsense, nothing changes. It is never believed that there is nobody.
 * E2. An etcd that has lost its data may add members but, for CM_ETCD_SETTLE_S, not remove any:
 *     servers need that long to register anew.
 * E3. A server's entry ends with its lease, CM_ETCD_LEASE_S after it was last heard of. */

#include "ring/cluster.h"

#define CM_ETCD_LEASE_S  10
#define CM_ETCD_SETTLE_S (2 * CM_ETCD_LEASE_S)
#define CM_ETCD_PREFIX   "/cacheman/"

struct cm_etcd;

struct cm_etcd_options {
    const struct cm_where *where;       /* of an etcd form */
    const struct cm_settings *settings; /* those of etcd, and `reload` */
    uint32_t first_ms;     /* what all endpoints together may take at first; 0: as later */
    const char *advertise; /* how clients reach this server; NULL: only follows */
    uint32_t weight;
    /* Something in struct cm_etcd_state is another; called in the thread, without locks held. */
    void (*on_change)(void *context);
    void *context;
};

struct cm_etcd_state {
    uint64_t changes; /* counts them */
    size_t member_count;
    bool is_registered;
    bool has_left;                   /* cm_etcd_leave() has done what can be done */
    struct cm_cluster_error problem; /* empty: none */
};

/* Loads what cm_etcd_open() needs, for who will not be able to then: in a sandbox. False: it is not
 * installed, as *error tells. */
CM_MUST_CHECK bool cm_etcd_load(struct cm_cluster_error *error);
/* Starts. The texts are borrowed for the call only. INVALID (*error tells why), NO_MEMORY, SYSTEM. */
CM_MUST_CHECK enum cm_status cm_etcd_open(const struct cm_etcd_options *options,
                                          struct cm_etcd **out, struct cm_cluster_error *error);
/* Ends at once; a registration is left to its lease. NULL is allowed. */
void cm_etcd_close(struct cm_etcd *etcd);

/* Any thread. */
void cm_etcd_read_state(struct cm_etcd *etcd, struct cm_etcd_state *state);
/* Waits until members are known. UNREACHABLE (*error tells why), also as soon as etcd has answered
 * that there are none. */
CM_MUST_CHECK enum cm_status cm_etcd_await(struct cm_etcd *etcd, uint32_t timeout_ms,
                                           struct cm_cluster_error *error);
/* Adds the members known to `cluster`. NO_MEMORY. */
CM_MUST_CHECK enum cm_status cm_etcd_add_members(struct cm_etcd *etcd, struct cm_cluster *cluster,
                                                 struct cm_cluster_error *error);
/* Takes the registration back; does not wait: see `has_left`. */
void cm_etcd_leave(struct cm_etcd *etcd);

#endif
