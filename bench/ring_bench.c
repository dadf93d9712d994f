/* SPDX-License-Identifier: BSD-3-Clause */

/* What each distribution costs and how well it spreads: keys that move when a tenth server becomes
 * eleven, the largest server's share in percent of the fair one, and nanoseconds a key. */

#include "base/check.h"
#include "base/os/os.h"
#include "ring/ring.h"
#include <stdio.h>

#define KEYS    1000000
#define MEMBERS 11

static struct cm_ring *make(enum cm_distribution distribution, size_t count) {
    static char hosts[MEMBERS][32], names[MEMBERS][64];
    struct cm_ring_member members[MEMBERS];
    struct cm_ring *ring;
    for (size_t i = 0; i < count; i++) {
        snprintf(hosts[i], sizeof hosts[i], "10.0.0.%u", (unsigned)i + 1);
        snprintf(names[i], sizeof names[i], "%.20s:11211", hosts[i]);
        members[i] = (struct cm_ring_member){names[i], hosts[i], 11211, 1};
    }
    CM_CHECK(cm_ring_create(distribution, members, count, &ring) == CM_OK);
    return ring;
}

static struct cm_slice key_of(unsigned number, char to[32]) {
    return cm_slice(to, (size_t)snprintf(to, 32, "user:%u:profile", number));
}

static void measure(enum cm_distribution distribution, const char *name) {
    struct cm_ring *ten = make(distribution, 10), *eleven = make(distribution, MEMBERS);
    unsigned counts[10] = {0}, moved = 0, most = 0;
    char text[32];
    for (unsigned i = 0; i < KEYS; i++) {
        const uint32_t before = cm_ring_pick(ten, key_of(i, text));
        counts[before]++;
        moved += before != cm_ring_pick(eleven, key_of(i, text));
    }
    for (size_t i = 0; i < 10; i++)
        most = counts[i] > most ? counts[i] : most;
    const struct cm_slice key = CM_SLICE("user:123456:profile");
    uint32_t sum = 0;
    const uint64_t begin = cm_os_monotonic_ns();
    for (unsigned i = 0; i < KEYS; i++)
        sum += cm_ring_pick(ten, key);
    const uint64_t spent = cm_os_monotonic_ns() - begin;
    CM_CHECK(sum <= 9u * KEYS);
    printf("%s_moved_percent=%.2f\n", name, 100.0 * moved / KEYS);
    printf("%s_largest_percent=%.2f\n", name, 100.0 * most / (KEYS / 10));
    printf("%s_ns_per_key=%.1f\n", name, (double)spent / KEYS);
    cm_ring_destroy(ten);
    cm_ring_destroy(eleven);
}

int main(void) {
    const char *name;
    for (size_t i = 0; (name = cm_distribution_name(i, NULL)) != NULL; i++)
        measure((enum cm_distribution)i, name);
    return 0;
}
