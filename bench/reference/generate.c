/* SPDX-License-Identifier: BSD-3-Clause */
#include "reference/generate.h"

#include "base/random.h"

#include <stdlib.h>

#define ZIPF_EXPONENT 0.9
#define SCAN_SHARE    4  /* one key of four is only there for scans */
#define SCAN_LENGTH   50 /* a scan runs over a 50th of the keys */
#define SCAN_CHANCE   2  /* scans begun per `keys` requests */
#define HOT_SHARE     10 /* a tenth of the keys is hot */
#define MOVES         8  /* times the hot set moves in a trace */

struct generator {
    struct cm_random random;
    struct cm_zipf zipf;
    uint32_t keys;
    size_t count;
    uint32_t scan_at;
    uint32_t scan_left;
};

static uint32_t next_zipf(struct generator *g, size_t i) {
    (void)i;
    return cm_zipf_next(&g->zipf, &g->random);
}

static uint32_t next_scan(struct generator *g, size_t i) {
    (void)i;
    uint32_t scanned = g->keys / SCAN_SHARE;
    if (!g->scan_left && cm_random_below(&g->random, g->keys) < SCAN_CHANCE)
        g->scan_left = g->keys / SCAN_LENGTH;
    if (!g->scan_left)
        return scanned + cm_zipf_next(&g->zipf, &g->random) % (g->keys - scanned);
    g->scan_left--;
    g->scan_at = (g->scan_at + 1) % scanned;
    return g->scan_at;
}

static uint32_t next_loop(struct generator *g, size_t i) {
    return (uint32_t)(i % g->keys);
}

static uint32_t next_shift(struct generator *g, size_t i) {
    uint32_t hot = g->keys / HOT_SHARE;
    uint32_t start = (uint32_t)(i * MOVES / g->count) * hot;
    if (cm_random_below(&g->random, HOT_SHARE) == 0)
        return cm_random_below(&g->random, g->keys);
    return (start + cm_random_below(&g->random, hot)) % g->keys;
}

static const struct {
    const char *name;
    uint32_t (*next)(struct generator *g, size_t i);
} kinds[CM_TRACE_KINDS] = {
    [CM_TRACE_ZIPF] = {"zipf", next_zipf},
    [CM_TRACE_SCAN] = {"scan", next_scan},
    [CM_TRACE_LOOP] = {"loop", next_loop},
    [CM_TRACE_SHIFT] = {"shift", next_shift},
};

const char *cm_trace_kind_name(enum cm_trace_kind kind) {
    return kinds[kind].name;
}

uint32_t *cm_trace_generate(enum cm_trace_kind kind, size_t count, uint32_t keys, uint64_t seed) {
    uint32_t *requests = malloc((count ? count : 1) * sizeof *requests);
    struct generator g = {.keys = keys, .count = count};
    cm_random_init(&g.random, seed);
    cm_zipf_init(&g.zipf, ZIPF_EXPONENT, keys);
    for (size_t i = 0; requests && i < count; i++)
        requests[i] = kinds[kind].next(&g, i);
    return requests;
}
