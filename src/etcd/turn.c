/* SPDX-License-Identifier: BSD-3-Clause */
#include "etcd/internal.h"
#include "etcd/request.h"

#include <inttypes.h>
#include <stdio.h>

/* The thread. Each turn registers or keeps the registration alive, reads all members, and then
 * watches, which only tells that there is something to read again: whatever is missed, by a break
 * or by a history that was compacted, the next turn makes good. */

#define NS_PER_MS      ((uint64_t)1000000)
#define REVOKE_MS      1000
#define KEEP_MS        (CM_ETCD_LEASE_S * 1000 / 3)
#define WATCH_MS       10000 /* a connection that is dead without a word is noticed by then */
#define CHANGE_MS      50
#define BACKOFF_MS_MIN 50
#define BACKOFF_MS_MAX KEEP_MS
#define VALUE_BYTES    32

/* ---- requests ---- */

static void tell(struct cm_etcd *etcd, const char *what) {
    char text[256];
    snprintf(text, sizeof text, "etcd at %.100s: %.120s",
             etcd->endpoints.members[etcd->endpoint].name, what);
    cm_etcd_note_problem(etcd, text);
}

/* Sends the body that was made with `made`. A token that is not taken any more is forgotten. */
static enum cm_status post(struct cm_etcd *etcd, enum cm_status made, const char *path,
                           struct cm_slice *answer) {
    const struct cm_http_request request = {
        .endpoint = &etcd->endpoints.members[etcd->endpoint],
        .path = path,
        .token = etcd->token[0] != '\0' ? etcd->token : NULL,
        .body = cm_buf_slice(&etcd->body),
        .connect_ms = etcd->request_ms,
        .timeout_ms = etcd->request_ms,
    };
    const enum cm_status status = made == CM_OK ? cm_http_post(etcd->http, &request, answer) : made;
    cm_buf_clear(&etcd->body);
    if (status == CM_NOT_AUTHENTICATED || status == CM_REFUSED)
        etcd->token[0] = '\0';
    return status;
}

static enum cm_status log_in(struct cm_etcd *etcd) {
    struct cm_slice answer;
    if (etcd->settings.etcd_user[0] == '\0' || etcd->token[0] != '\0')
        return CM_OK;
    enum cm_status status =
        cm_etcd_ask_login(&etcd->body, etcd->settings.etcd_user, etcd->settings.etcd_password);
    status = post(etcd, status, "/v3/auth/authenticate", &answer);
    return status == CM_OK ? cm_etcd_read_token(answer, etcd->token) : status;
}

/* ---- the registration ---- */

static void lose_lease(struct cm_etcd *etcd) {
    etcd->lease = 0;
    etcd->is_put = false;
    cm_etcd_note_registered(etcd, false);
}

static enum cm_status take_lease(struct cm_etcd *etcd) {
    struct cm_slice answer;
    const uint64_t now_ns = cm_os_monotonic_ns();
    enum cm_status status =
        post(etcd, cm_etcd_ask_lease(&etcd->body, CM_ETCD_LEASE_S), "/v3/lease/grant", &answer);
    if (status == CM_OK)
        status = cm_etcd_read_lease(answer, &etcd->lease);
    if (status == CM_OK)
        etcd->lease_due_ns = now_ns + KEEP_MS * NS_PER_MS;
    return status;
}

static enum cm_status keep_lease(struct cm_etcd *etcd) {
    struct cm_slice answer;
    int64_t ttl_s = 0;
    const uint64_t now_ns = cm_os_monotonic_ns();
    enum cm_status status =
        post(etcd, cm_etcd_ask_of_lease(&etcd->body, etcd->lease), "/v3/lease/keepalive", &answer);
    if (status == CM_OK)
        status = cm_etcd_read_ttl(answer, &ttl_s);
    if (status != CM_OK)
        return status;
    etcd->lease_due_ns = now_ns + KEEP_MS * NS_PER_MS;
    if (ttl_s == 0)
        lose_lease(etcd);
    return CM_OK;
}

static enum cm_status put(struct cm_etcd *etcd) {
    char value[VALUE_BYTES];
    struct cm_slice answer;
    snprintf(value, sizeof value, "{\"weight\":%" PRIu32 "}", etcd->weight);
    const struct cm_etcd_put what = {etcd->prefix, etcd->name, value, etcd->lease};
    const enum cm_status status =
        post(etcd, cm_etcd_ask_put(&etcd->body, &what), "/v3/kv/put", &answer);
    if (status == CM_REFUSED) /* of a lease that has ended, for one */
        lose_lease(etcd);
    if (status == CM_OK)
        cm_etcd_note_problem(etcd, "");
    etcd->is_put = status == CM_OK;
    return status;
}

static enum cm_status stay_registered(struct cm_etcd *etcd) {
    enum cm_status status = CM_OK;
    if (etcd->name == NULL)
        return CM_OK;
    if (etcd->lease != 0 && cm_os_monotonic_ns() >= etcd->lease_due_ns)
        status = keep_lease(etcd);
    if (status == CM_OK && etcd->lease == 0)
        status = take_lease(etcd);
    if (status == CM_OK && !etcd->is_put)
        status = put(etcd);
    if (status == CM_OK)
        cm_etcd_note_registered(etcd, true);
    return status;
}

static void leave(struct cm_etcd *etcd) {
    struct cm_slice answer;
    if (etcd->lease != 0) {
        const enum cm_status made = cm_etcd_ask_of_lease(&etcd->body, etcd->lease);
        etcd->request_ms = REVOKE_MS;
        (void)!post(etcd, made, "/v3/lease/revoke", &answer);
    }
    cm_etcd_note_left(etcd);
}

/* ---- the members ---- */

static bool lists_itself(const struct cm_etcd *etcd, const struct cm_etcd_range *range) {
    for (size_t i = 0; i < range->cluster.count; i++) {
        if (strcmp(range->cluster.members[i].name, etcd->name) == 0)
            return true;
    }
    return false;
}

/* E2: an etcd that knows less than before is a new one, or was restored. */
static void see_history(struct cm_etcd *etcd, const struct cm_etcd_range *range) {
    const bool is_another =
        etcd->revision != 0 && (range->etcd != etcd->etcd || range->revision < etcd->revision);
    if (is_another)
        etcd->settle_until_ns =
            cm_os_monotonic_ns() + (uint64_t)CM_ETCD_SETTLE_S * 1000 * NS_PER_MS;
    etcd->etcd = range->etcd;
    etcd->revision = range->revision;
}

/* False: what is known is believed rather than the range. */
static bool is_settled(struct cm_etcd *etcd, const struct cm_etcd_range *range) {
    if (etcd->settle_until_ns == 0)
        return true;
    if (cm_os_monotonic_ns() < etcd->settle_until_ns && !cm_etcd_range_has_all(etcd, range))
        return false;
    etcd->settle_until_ns = 0;
    return true;
}

static void adopt(struct cm_etcd *etcd, struct cm_etcd_range *range) {
    char text[256];
    see_history(etcd, range);
    etcd->request_ms = CM_ETCD_REQUEST_MS;
    if (etcd->name != NULL && !lists_itself(etcd, range))
        etcd->is_put = false;
    if (range->cluster.count > 0 && is_settled(etcd, range)) {
        cm_etcd_note_problem(etcd, range->problem.text);
        cm_etcd_note_members(etcd, range);
        return;
    }
    if (range->cluster.count == 0)
        snprintf(text, sizeof text, "etcd knows no server of the cluster \"%s\"", etcd->cluster);
    else
        snprintf(text, sizeof text, "etcd has lost its data: servers have %d s to register anew",
                 CM_ETCD_SETTLE_S);
    cm_etcd_note_problem(etcd, text);
    cm_etcd_note_answered(etcd);
}

static enum cm_status read_members(struct cm_etcd *etcd) {
    struct cm_etcd_range range;
    struct cm_slice answer;
    const struct cm_slice prefix = cm_slice(etcd->prefix, strlen(etcd->prefix));
    enum cm_status status = cm_etcd_ask_range(&etcd->body, prefix, CM_RING_MEMBERS_MAX + 1);
    status = post(etcd, status, "/v3/kv/range", &answer);
    if (status != CM_OK)
        return status;
    status = cm_etcd_read_range(answer, prefix, &range);
    if (status == CM_OK)
        adopt(etcd, &range);
    else if (status == CM_INVALID)
        tell(etcd, range.problem.text);
    cm_etcd_range_deinit(&range);
    return status;
}

/* Waits for a change. False: that is not possible here. */
static bool watch(struct cm_etcd *etcd) {
    struct cm_slice answer;
    const struct cm_slice prefix = cm_slice(etcd->prefix, strlen(etcd->prefix));
    const uint64_t now_ns = cm_os_monotonic_ns();
    uint64_t watch_ms = WATCH_MS;
    if (etcd->name != NULL)
        watch_ms = etcd->lease_due_ns > now_ns ? (etcd->lease_due_ns - now_ns) / NS_PER_MS + 1 : 1;
    enum cm_status status = cm_etcd_ask_watch(&etcd->body, prefix, etcd->revision + 1);
    const struct cm_http_request request = {
        .endpoint = &etcd->endpoints.members[etcd->endpoint],
        .path = "/v3/watch",
        .token = etcd->token[0] != '\0' ? etcd->token : NULL,
        .body = cm_buf_slice(&etcd->body),
        .connect_ms = etcd->request_ms,
        .timeout_ms = (uint32_t)watch_ms,
        .on_line = cm_etcd_read_watch,
    };
    if (status == CM_OK)
        status = cm_http_post(etcd->http, &request, &answer);
    cm_buf_clear(&etcd->body);
    return status == CM_CANCELLED || status == CM_TIMEOUT;
}

/* ---- turns ---- */

static enum cm_status take_turn(struct cm_etcd *etcd) {
    enum cm_status status = log_in(etcd);
    if (status == CM_OK)
        status = stay_registered(etcd);
    if (status == CM_OK)
        status = read_members(etcd);
    return status;
}

/* From half to all of it, so that not everybody comes back at once. */
static uint32_t jittered(uint32_t ms) {
    uint32_t chance = 0;
    if (cm_os_random(&chance, sizeof chance) != CM_OK)
        return ms;
    return ms / 2 + chance % (ms / 2 + 1);
}

/* Whether etcd must have let the registration go, for want of a word from here. */
static void see_expiry(struct cm_etcd *etcd) {
    const uint64_t rest_ns = (uint64_t)(CM_ETCD_LEASE_S * 1000 - KEEP_MS) * NS_PER_MS;
    if (etcd->lease != 0 && cm_os_monotonic_ns() >= etcd->lease_due_ns + rest_ns)
        cm_etcd_note_registered(etcd, false);
}

static void fail(struct cm_etcd *etcd, enum cm_status status) {
    const char *reason = cm_http_reason(etcd->http);
    if (status != CM_INVALID) /* of which read_members() has told more */
        tell(etcd, status != CM_BAD_ANSWER && reason[0] != '\0' ? reason : cm_status_text(status));
    see_expiry(etcd);
    etcd->endpoint = (etcd->endpoint + 1) % etcd->endpoints.count;
    if (etcd->endpoint != 0)
        return;
    cm_http_wait(etcd->http, jittered(etcd->backoff_ms)); /* all have been tried */
    const uint32_t next_ms = 2 * etcd->backoff_ms;
    etcd->backoff_ms = next_ms < BACKOFF_MS_MAX ? next_ms : BACKOFF_MS_MAX;
}

/* After a change everybody asks anew: not all at the same moment, and not for each of several that
 * come together, nor without an end should etcd tell of changes without one. */
static void wait_for_change(struct cm_etcd *etcd) {
    etcd->backoff_ms = BACKOFF_MS_MIN;
    const uint32_t pause_ms = watch(etcd) ? CHANGE_MS : (uint32_t)etcd->settings.reload;
    if (!atomic_load(&etcd->is_told))
        cm_http_wait(etcd->http, jittered(pause_ms));
}

void cm_etcd_main(void *context) {
    struct cm_etcd *etcd = context;
    cm_os_thread_mask_signals();
    etcd->backoff_ms = BACKOFF_MS_MIN;
    while (!atomic_load(&etcd->is_told)) {
        const enum cm_status status = take_turn(etcd);
        if (atomic_load(&etcd->is_told))
            break;
        if (status == CM_OK)
            wait_for_change(etcd);
        else
            fail(etcd, status);
    }
    if (atomic_load(&etcd->leaving) && !atomic_load(&etcd->closing)) {
        atomic_store(&etcd->is_told, false);
        leave(etcd);
    }
}
