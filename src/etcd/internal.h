/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_ETCD_INTERNAL_H
#define CM_ETCD_INTERNAL_H

#include "base/os/os.h"
#include "etcd/answer.h"
#include "etcd/etcd.h"
#include "etcd/http.h"
#include <stdatomic.h>

#define CM_ETCD_PREFIX_BYTES (sizeof CM_ETCD_PREFIX + CM_CLUSTER_NAME_BYTES + sizeof "/members/")

struct cm_etcd {
    /* Not changed after opening. */
    struct cm_cluster endpoints;
    struct cm_settings settings;
    char prefix[CM_ETCD_PREFIX_BYTES];
    char cluster[CM_CLUSTER_NAME_BYTES];
    char *name; /* of this server, as members are called; NULL: it only follows */
    uint32_t weight;
    void (*on_change)(void *context);
    void *context;
    struct cm_http *http;
    struct cm_os_thread thread;
    bool has_lock, has_cond;

    atomic_bool is_told; /* to leave or to close: ends waits and requests */
    atomic_bool leaving, closing;

    struct cm_os_mutex lock; /* of what follows */
    struct cm_os_cond ready; /* there are members, or a first answer */
    struct cm_cluster members;
    struct cm_etcd_state state;
    bool was_answered;

    /* The thread's alone. */
    size_t endpoint;
    uint32_t request_ms;             /* what an endpoint may take */
    char token[CM_ETCD_TOKEN_BYTES]; /* of a login; empty: none */
    int64_t lease;                   /* 0: none */
    uint64_t lease_due_ns;           /* when to keep it alive */
    bool is_put;
    uint64_t etcd; /* which one answered last, and its */
    int64_t revision;
    uint64_t settle_until_ns; /* E2 */
    uint32_t backoff_ms;
    struct cm_buf body;
};

#define CM_ETCD_REQUEST_MS 2000

/* turn.c: the thread. */
void cm_etcd_main(void *context);

/* etcd.c: what the thread has learnt; each tells on_change() if that is news. */
void cm_etcd_note_members(struct cm_etcd *etcd, struct cm_etcd_range *range);
/* There was an answer, which changes nothing. */
void cm_etcd_note_answered(struct cm_etcd *etcd);
void cm_etcd_note_registered(struct cm_etcd *etcd, bool is_registered);
void cm_etcd_note_left(struct cm_etcd *etcd);
/* An empty text: none any more. */
void cm_etcd_note_problem(struct cm_etcd *etcd, const char *text);

/* Whether every member known is in the range too. */
bool cm_etcd_range_has_all(struct cm_etcd *etcd, const struct cm_etcd_range *range);

#endif
