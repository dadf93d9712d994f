/* SPDX-License-Identifier: BSD-3-Clause */
#include "stress/plan.h"

#include "base/hash.h"
#include <math.h>

/* Hot ranks of a Zipf distribution lie scattered over the keys: multiplying by a prime, modulo their
 * number, moves each to a place of its own, unless the number is a multiple of it. */
#define SCATTER 2654435761u
#define TURN    6.283185307179586

void cm_stress_plan_init(struct cm_stress_plan *plan, const struct cm_stress_options *options,
                         uint32_t thread) {
    *plan = (struct cm_stress_plan){
        .options = options, .step = (uint32_t)options->threads, .next = thread};
    cm_random_init(&plan->random, cm_hash(&thread, sizeof thread, (uint64_t)options->seed));
    if (options->distribution == CM_STRESS_ZIPF && options->zipf > 0)
        cm_zipf_init(&plan->zipf, options->zipf, (uint32_t)options->keys);
}

enum cm_stress_kind cm_stress_plan_kind(struct cm_stress_plan *plan) {
    const struct cm_stress_ratio *ratio = &plan->options->ratios;
    uint32_t place = cm_random_below(&plan->random, ratio->total);
    unsigned kind = 0;
    while (place >= ratio->weights[kind])
        place -= ratio->weights[kind++];
    return (enum cm_stress_kind)kind;
}

static uint32_t next_in_sequence(struct cm_stress_plan *plan) {
    const uint64_t key = plan->next % (uint64_t)plan->options->keys;
    plan->next = key + plan->step;
    return (uint32_t)key;
}

uint32_t cm_stress_plan_key(struct cm_stress_plan *plan) {
    const struct cm_stress_options *options = plan->options;
    const uint32_t keys = (uint32_t)options->keys;
    uint32_t among = keys;
    switch ((enum cm_stress_distribution)options->distribution) {
    case CM_STRESS_ZIPF:
        if (options->zipf > 0)
            return (uint32_t)((uint64_t)cm_zipf_next(&plan->zipf, &plan->random) * SCATTER % keys);
        break;
    case CM_STRESS_SEQUENTIAL:
        return next_in_sequence(plan);
    case CM_STRESS_HOT:
        if (cm_random_unit(&plan->random) * 100 < options->hot_share)
            among = (uint32_t)options->hot_keys;
        break;
    case CM_STRESS_UNIFORM:
        break;
    }
    return cm_random_below(&plan->random, among);
}

/* By Box and Muller's transform. */
static double normal(struct cm_random *random) {
    const double radius = sqrt(-2 * log(1 - cm_random_unit(random)));
    return radius * cos(TURN * cm_random_unit(random));
}

uint32_t cm_stress_plan_bytes(struct cm_stress_plan *plan) {
    const struct cm_stress_sizes *sizes = &plan->options->sizes;
    if (sizes->median > 0)
        return (uint32_t)fmin(sizes->median * exp(sizes->sigma * normal(&plan->random)),
                              sizes->max);
    if (sizes->min == sizes->max)
        return sizes->min;
    return sizes->min + cm_random_below(&plan->random, sizes->max - sizes->min + 1);
}

bool cm_stress_names_init(struct cm_stress_names *names, const char *prefix, uint32_t key_bytes) {
    const size_t prefix_bytes = strlen(prefix);
    if (prefix_bytes + key_bytes > CM_STRESS_KEY_BYTES_MAX)
        return false;
    memset(names->zeros, '0', sizeof names->zeros);
    memcpy(names->zeros, prefix, prefix_bytes);
    names->prefix_bytes = (uint32_t)prefix_bytes;
    names->bytes = (uint32_t)prefix_bytes + key_bytes;
    return true;
}

struct cm_slice cm_stress_name(const struct cm_stress_names *names, char letter, uint32_t number,
                               char *to) {
    char *digit = to + names->bytes;
    memcpy(to, names->zeros, names->bytes);
    to[names->prefix_bytes] = letter;
    for (; number > 0; number /= 10)
        *--digit = (char)('0' + number % 10);
    return cm_slice(to, names->bytes);
}
