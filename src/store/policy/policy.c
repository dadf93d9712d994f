/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/policy/policy.h"

#include <stdlib.h>
#include <string.h>

/* The first is the default. */
static const struct cm_policy_kind *const kinds[] = {
    &cm_policy_duel, &cm_policy_s3fifo_size, &cm_policy_s3fifo, &cm_policy_lru,
    &cm_policy_lfu,  &cm_policy_clock,       &cm_policy_fifo,
};

const struct cm_policy_kind *cm_policy_nth(size_t number) {
    return number < sizeof kinds / sizeof *kinds ? kinds[number] : NULL;
}

const struct cm_policy_kind *cm_policy_find(const char *name) {
    if (!name)
        return kinds[0];
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    }
    return NULL;
}

enum cm_status cm_policy_create(const struct cm_policy_kind *kind, uint64_t items_max,
                                struct cm_policy **out) {
    struct cm_policy *policy = calloc(1, sizeof *policy);
    void *state = calloc(1, kind->state_bytes ? kind->state_bytes : 1);
    if (!policy || !state)
        goto failed;
    policy->kind = kind;
    policy->state = state;
    for (unsigned i = 0; i < 256; i++)
        atomic_init(&policy->on_hit[i], (uint8_t)i);
    enum cm_status status = kind->start ? kind->start(policy, items_max) : CM_OK;
    if (status == CM_OK) {
        *out = policy;
        return CM_OK;
    }
failed:
    free(state);
    free(policy);
    return CM_NO_MEMORY;
}

void cm_policy_destroy(struct cm_policy *policy) {
    if (!policy)
        return;
    if (policy->kind->stop)
        policy->kind->stop(policy);
    free(policy->state);
    free(policy);
}

void cm_policy_count_hits(struct cm_policy *policy, unsigned step, unsigned top) {
    for (unsigned bits = 0; bits < 256; bits++) {
        unsigned after = bits + step < top ? bits + step : top;
        atomic_store_explicit(&policy->on_hit[bits], (uint8_t)after, memory_order_relaxed);
    }
}

uint32_t cm_policy_random(uint32_t *state) {
    uint32_t x = *state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

unsigned cm_policy_older_log(struct cm_policy *policy, const struct cm_log_view *view) {
    (void)policy;
    return view->small_older ? CM_LOG_SMALL : CM_LOG_MAIN;
}

uint8_t cm_policy_admit_only(struct cm_policy *policy, uint64_t hash) {
    (void)policy;
    (void)hash;
    return CM_LOG_ONLY;
}

uint64_t cm_policy_no_adjust(struct cm_policy *policy, const struct cm_log_view *view,
                             uint64_t items) {
    (void)policy;
    (void)view;
    (void)items;
    return 0;
}
