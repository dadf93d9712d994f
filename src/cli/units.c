/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/units.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#define NS_PER_S 1000000000u

/* Three digits. The limits are where rounding would show a fourth. */
static void put(char *to, double number, const char *unit) {
    const int decimals = number < 9.995 ? 2 : number < 99.95 ? 1 : 0;
    snprintf(to, CM_UNITS_BYTES, "%.*f%s", decimals, number, unit);
}

/* Divides by `step` until three digits show it; the last of `units`, which end with NULL, takes
 * whatever is left. `limit` is from where rounding would show `step` itself. */
static void scale(char *to, double number, double step, const char *const *units) {
    const double limit = step - .5;
    if (number < limit) {
        snprintf(to, CM_UNITS_BYTES, "%.0f%s", number, *units);
        return;
    }
    while (number >= limit && units[1] != NULL) {
        number /= step;
        units++;
    }
    put(to, number, *units);
}

char *cm_units_size(char *to, uint64_t bytes) {
    static const char *const units[] = {" B", " KiB", " MiB", " GiB", " TiB", " PiB", NULL};
    scale(to, (double)bytes, 1024, units);
    return to;
}

char *cm_units_count(char *to, double count) {
    static const char *const units[] = {"", "k", "M", "G", "T", NULL};
    scale(to, count < 0 ? 0 : count, 1000, units);
    return to;
}

char *cm_units_duration(char *to, uint64_t ns) {
    static const char *const units[] = {" ns", " us", " ms", " s", NULL};
    if (ns < 120 * (uint64_t)NS_PER_S)
        scale(to, (double)ns, 1000, units);
    else
        cm_units_age(to, ns / NS_PER_S);
    return to;
}

char *cm_units_age(char *to, uint64_t seconds) {
    static const struct {
        uint64_t seconds;
        const char *name;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    size_t large = 0;
    while (large < 3 && seconds < units[large].seconds)
        large++;
    const uint64_t count = seconds / units[large].seconds, left = seconds % units[large].seconds;
    int used = snprintf(to, CM_UNITS_BYTES, "%" PRIu64 " %s", count, units[large].name);
    const uint64_t small = large < 3 ? left / units[large + 1].seconds : 0;
    if (small > 0)
        snprintf(to + used, CM_UNITS_BYTES - (size_t)used, " %" PRIu64 " %s", small,
                 units[large + 1].name);
    return to;
}

char *cm_units_percent(char *to, double part, double whole) {
    if (whole > 0)
        snprintf(to, CM_UNITS_BYTES, "%.1f %%", 100 * part / whole);
    else
        snprintf(to, CM_UNITS_BYTES, "-");
    return to;
}
