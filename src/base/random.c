/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/random.h"

#include <math.h>

void cm_random_init(struct cm_random *random, uint64_t seed) {
    random->state = seed;
}

/* splitmix64 */
uint64_t cm_random_next(struct cm_random *random) {
    uint64_t z = random->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint32_t cm_random_below(struct cm_random *random, uint32_t bound) {
    return (uint32_t)(((cm_random_next(random) >> 32) * bound) >> 32);
}

double cm_random_unit(struct cm_random *random) {
    return (double)(cm_random_next(random) >> 11) * 0x1.0p-53;
}

/* The integral of x^-exponent and its inverse, in forms that stay exact around exponent 1. */
static double integral(const struct cm_zipf *zipf, double x) {
    double log_x = log(x);
    double t = (1 - zipf->exponent) * log_x;
    return fabs(t) < 1e-8 ? log_x * (1 + t / 2) : expm1(t) / t * log_x;
}

static double integral_inverse(const struct cm_zipf *zipf, double x) {
    double t = x * (1 - zipf->exponent);
    if (t < -1)
        t = -1;
    return exp(fabs(t) < 1e-8 ? x * (1 - t / 2) : log1p(t) / t * x);
}

static double density(const struct cm_zipf *zipf, double x) {
    return exp(-zipf->exponent * log(x));
}

void cm_zipf_init(struct cm_zipf *zipf, double exponent, uint32_t count) {
    zipf->exponent = exponent;
    zipf->count = count;
    zipf->integral_first = integral(zipf, 1.5) - 1;
    zipf->integral_last = integral(zipf, (double)count + 0.5);
    zipf->shortcut = 2 - integral_inverse(zipf, integral(zipf, 2.5) - density(zipf, 2));
}

uint32_t cm_zipf_next(const struct cm_zipf *zipf, struct cm_random *random) {
    for (;;) {
        double u = zipf->integral_last +
                   cm_random_unit(random) * (zipf->integral_first - zipf->integral_last);
        double x = integral_inverse(zipf, u);
        double rank = fmin(fmax(floor(x + 0.5), 1), zipf->count);
        if (rank - x <= zipf->shortcut || u >= integral(zipf, rank + 0.5) - density(zipf, rank))
            return (uint32_t)rank - 1;
    }
}
