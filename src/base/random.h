/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_BASE_RANDOM_H
#define CM_BASE_RANDOM_H

#include <stdint.h>

/* Repeatable random numbers: the same seed gives the same sequence on every machine. */
struct cm_random {
    uint64_t state;
};

void cm_random_init(struct cm_random *random, uint64_t seed);
uint64_t cm_random_next(struct cm_random *random);
/* Uniform in [0, bound), bound > 0. */
uint32_t cm_random_below(struct cm_random *random, uint32_t bound);
/* Uniform in [0, 1). */
double cm_random_unit(struct cm_random *random);

/* Zipf by rejection inversion (Hoermann and Derflinger 1996): rank r in [0, count) with a
 * probability in proportion to (r + 1)^-exponent, in constant time and memory. */
struct cm_zipf {
    double exponent; /* > 0 */
    double count;
    double integral_first;
    double integral_last;
    double shortcut;
};

void cm_zipf_init(struct cm_zipf *zipf, double exponent, uint32_t count);
uint32_t cm_zipf_next(const struct cm_zipf *zipf, struct cm_random *random);

#endif
