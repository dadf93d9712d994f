/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_STRESS_PLAN_H
#define CM_STRESS_PLAN_H

#include "base/random.h"
#include "base/slice.h"
#include "stress/options.h"

/* What comes next: the kind of a request, its key, its value's size. A thread has a plan of its own;
 * the same seed and thread give the same sequence. */
struct cm_stress_plan {
    const struct cm_stress_options *options;
    struct cm_random random;
    struct cm_zipf zipf;
    uint32_t step; /* through the keys, where they come in sequence */
    uint64_t next;
};

void cm_stress_plan_init(struct cm_stress_plan *plan, const struct cm_stress_options *options,
                         uint32_t thread);
enum cm_stress_kind cm_stress_plan_kind(struct cm_stress_plan *plan);
uint32_t cm_stress_plan_key(struct cm_stress_plan *plan);
uint32_t cm_stress_plan_bytes(struct cm_stress_plan *plan);

/* Keys: a prefix, a letter, the number with zeros before it. */
struct cm_stress_names {
    char zeros[CM_STRESS_KEY_BYTES_MAX];
    uint32_t prefix_bytes, bytes;
};

/* False: together they are too long for a key. */
bool cm_stress_names_init(struct cm_stress_names *names, const char *prefix, uint32_t key_bytes);
/* Of what: values, counters. They never meet. */
#define CM_STRESS_VALUES   'k'
#define CM_STRESS_COUNTERS 'c'
/* Writes the name to `to`, with room for CM_STRESS_KEY_BYTES_MAX. */
struct cm_slice cm_stress_name(const struct cm_stress_names *names, char letter, uint32_t number,
                               char *to);

#endif
