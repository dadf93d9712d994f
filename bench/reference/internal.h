/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_REFERENCE_INTERNAL_H
#define CM_REFERENCE_INTERNAL_H

#include "reference/reference.h"

/* Lists of keys, linked through arrays indexed by key. A key is in at most one list (L1). */
#define CM_REFERENCE_NONE UINT32_MAX

struct cm_reference_list {
    uint32_t newest;
    uint32_t oldest;
    uint64_t bytes;
    uint32_t count;
};

/* What a policy does. `hit` of a resident key; `miss` before room is made; `evict` takes one key
 * out of the policy's lists and names it; `insert` puts the missed key into one. */
struct cm_reference_policy {
    const char *name;
    size_t state_bytes;
    bool (*init)(struct cm_reference *cache);   /* false: out of memory; may be NULL */
    void (*deinit)(struct cm_reference *cache); /* may be NULL */
    void (*hit)(struct cm_reference *cache, uint32_t key);
    void (*miss)(struct cm_reference *cache, uint32_t key); /* may be NULL */
    uint32_t (*evict)(struct cm_reference *cache);
    void (*insert)(struct cm_reference *cache, uint32_t key);
};

struct cm_reference {
    const struct cm_reference_policy *policy;
    struct cm_reference_options options;
    void *state; /* the policy's, zeroed */
    uint64_t used;
    uint32_t items;
    uint32_t *newer, *older; /* by key, within its list */
    uint32_t *bytes;         /* by key; 0: not resident */
    uint8_t *counter;        /* by key, the policy's to use */
};

void cm_reference_list_init(struct cm_reference_list *list);
void cm_reference_push(struct cm_reference *cache, struct cm_reference_list *list, uint32_t key);
void cm_reference_remove(struct cm_reference *cache, struct cm_reference_list *list, uint32_t key);
/* The list must not be empty. */
uint32_t cm_reference_pop(struct cm_reference *cache, struct cm_reference_list *list);

/* Capacity in objects of typical size, at least 1. */
double cm_reference_objects(const struct cm_reference *cache);

extern const struct cm_reference_policy cm_reference_fifo;
extern const struct cm_reference_policy cm_reference_lru;
extern const struct cm_reference_policy cm_reference_clock;
extern const struct cm_reference_policy cm_reference_lfu;
extern const struct cm_reference_policy cm_reference_s3fifo;
extern const struct cm_reference_policy cm_reference_s3fifo_fixed;
extern const struct cm_reference_policy cm_reference_s3fifo_size;
extern const struct cm_reference_policy cm_reference_duel;

#endif
