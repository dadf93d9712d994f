/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_CLIENT_VIEW_H
#define CM_CLIENT_VIEW_H

/* The cluster as it is between two changes: which servers there are, who is responsible for what,
 * and by which rules. Immutable but for its count of users; a call keeps the one it began with. */

#include "client/server.h"
#include "ring/ring.h"

struct cm_view {
    atomic_uint references;
    struct cm_settings settings;
    struct cm_server **servers; /* the members, then those that are leaving */
    uint32_t *weights;
    size_t member_count, server_count;
    struct cm_ring *ring;      /* of the members */
    struct cm_ring *previous;  /* before the last change, while its warm-up lasts; or NULL */
    uint32_t *previous_places; /* its members as indexes into `servers` */
    size_t previous_count;
    uint64_t warm_until_ns;
    atomic_bool *spoiled; /* by index: missed a change while it was down; not to be asked again */
};

/* The view of `cluster`, taking over the servers that `old` (may be NULL) has too; `tls` is for new
 * ones, NULL: none. */
CM_MUST_CHECK enum cm_status cm_view_create(const struct cm_cluster *cluster,
                                            const struct cm_view *old, struct cm_tls_context *tls,
                                            struct cm_view **out);
/* The same cluster without what the warm-up needed. */
CM_MUST_CHECK enum cm_status cm_view_settle(const struct cm_view *old, struct cm_view **out);
void cm_view_release(struct cm_view *view); /* NULL is allowed */

static inline void cm_view_hold(struct cm_view *view) {
    atomic_fetch_add_explicit(&view->references, 1, memory_order_relaxed);
}

/* The ring of a view's members under any distribution. */
CM_MUST_CHECK enum cm_status cm_view_ring(const struct cm_view *of,
                                          enum cm_distribution distribution, struct cm_ring **out);

#define CM_VIEW_NOWHERE SIZE_MAX

/* The index of the server that was responsible for the key before the last change; NOWHERE outside
 * of a warm-up, or if the server is spoiled. */
size_t cm_view_previous(const struct cm_view *view, struct cm_slice key, uint64_t now_ns);

#endif
