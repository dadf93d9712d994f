/* SPDX-License-Identifier: BSD-3-Clause */

/* Consistent hashing on a circle of 32-bit points, exactly as libmemcached 1.0 and 1.1 draw it: a
 * server's points are hashes of "HOST:PORT-N", the port left out where it is 11211, and a key
 * belongs to the first point that is not before its own hash.
 *
 *   weighted   160 points a server on average, in proportion to its weight, rounded in single
 *              precision to a multiple of four; four from each MD5
 *   plain      100 points a server, from Jenkins's hash
 *
 * The key's hash is MD5's first word with MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED. With
 * MEMCACHED_BEHAVIOR_KETAMA and no hash chosen it is Jenkins's, and the points are plain until a
 * server has a weight above 1. tests/libmemcached/placement.c compares with the library. */

#include "base/check.h"
#include "ring/internal.h"
#include "ring/md5.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define DEFAULT_PORT      11211
#define PLAIN_POINTS      100
#define WEIGHTED_POINTS   160
#define POINTS_PER_DIGEST 4
#define NAME_BYTES_MAX    1100

static uint32_t word_of(const uint8_t *digest, size_t number) {
    const uint8_t *from = digest + 4 * number;
    return (uint32_t)from[3] << 24 | (uint32_t)from[2] << 16 | (uint32_t)from[1] << 8 | from[0];
}

static uint32_t md5_word(struct cm_slice text) {
    uint8_t digest[CM_MD5_BYTES];
    cm_md5(text, digest);
    return word_of(digest, 0);
}

/* One-at-a-time (B. Jenkins, "Hash functions", 1997), on bytes with a sign as in libmemcached. */
static uint32_t jenkins(struct cm_slice text) {
    uint32_t hash = 0;
    for (size_t i = 0; i < text.len; i++) {
        const uint32_t letter = (uint8_t)text.data[i];
        hash += letter < 128 ? letter : letter - 256;
        hash += hash << 10;
        hash ^= hash >> 6;
    }
    hash += hash << 3;
    hash ^= hash >> 11;
    return hash + (hash << 15);
}

static uint64_t weight_sum(const struct cm_ring_member *members, size_t count) {
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += members[i].weight;
    return sum;
}

/* Digests that a server gets. The rounding is libmemcached's, with its types. */
static uint32_t weighted_digests(const struct cm_ring *ring, uint32_t weight, uint64_t sum) {
    const float percent = (float)weight / (float)sum;
    const float digests =
        (float)((double)(percent * WEIGHTED_POINTS / 4 * (float)ring->count) + 0.0000000001);
    return (uint32_t)floor((double)digests);
}

static struct cm_slice point_name(const struct cm_ring_member *member, uint32_t number, char *to) {
    int length = member->port == DEFAULT_PORT
                     ? snprintf(to, NAME_BYTES_MAX, "%s-%u", member->host, number)
                     : snprintf(to, NAME_BYTES_MAX, "%s:%u-%u", member->host,
                                (unsigned)member->port, number);
    return cm_slice(to, length < NAME_BYTES_MAX ? (size_t)length : NAME_BYTES_MAX - 1);
}

static void add_point(struct cm_ring *ring, uint32_t value, uint32_t member) {
    ring->ketama.points[ring->ketama.point_count++] = (struct cm_ring_point){value, member};
}

static void add_weighted(struct cm_ring *ring, const struct cm_ring_member *member, uint32_t index,
                         uint32_t digests) {
    for (uint32_t i = 0; i < digests; i++) {
        char name[NAME_BYTES_MAX];
        uint8_t digest[CM_MD5_BYTES];
        cm_md5(point_name(member, i, name), digest);
        for (size_t k = 0; k < POINTS_PER_DIGEST; k++)
            add_point(ring, word_of(digest, k), index);
    }
}

static void add_plain(struct cm_ring *ring, const struct cm_ring_member *member, uint32_t index) {
    for (uint32_t i = 0; i < PLAIN_POINTS; i++) {
        char name[NAME_BYTES_MAX];
        add_point(ring, jenkins(point_name(member, i, name)), index);
    }
}

static int compare(const void *a, const void *b) {
    const struct cm_ring_point *x = a, *y = b;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return x->member < y->member ? -1 : x->member > y->member;
}

static enum cm_status init(struct cm_ring *ring, const struct cm_ring_member *members) {
    const uint64_t sum = weight_sum(members, ring->count);
    CM_CHECK(ring->count > 0);
    const size_t points_max = ring->count * (WEIGHTED_POINTS + POINTS_PER_DIGEST);
    ring->memory = ring->ketama.points = malloc(points_max * sizeof(struct cm_ring_point));
    if (ring->memory == NULL)
        return CM_NO_MEMORY;
    for (uint32_t i = 0; i < ring->count; i++) {
        if (ring->ketama.weighted)
            add_weighted(ring, &members[i], i, weighted_digests(ring, members[i].weight, sum));
        else
            add_plain(ring, &members[i], i);
    }
    qsort(ring->ketama.points, ring->ketama.point_count, sizeof(struct cm_ring_point), compare);
    return CM_OK;
}

/* The place of the key's point: of the first not before the key's, around the circle. */
static size_t find(const struct cm_ring *ring, struct cm_slice key) {
    const uint32_t value = ring->ketama.jenkins ? jenkins(key) : md5_word(key);
    size_t low = 0, high = ring->ketama.point_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (ring->ketama.points[middle].value < value)
            low = middle + 1;
        else
            high = middle;
    }
    return low == ring->ketama.point_count ? 0 : low;
}

static uint32_t pick(const struct cm_ring *ring, struct cm_slice key) {
    return ring->ketama.points[find(ring, key)].member;
}

static bool contains(const uint32_t *members, size_t count, uint32_t member) {
    for (size_t i = 0; i < count; i++) {
        if (members[i] == member)
            return true;
    }
    return false;
}

/* A server without points, too light among heavy ones, is nobody's choice. */
static size_t order(const struct cm_ring *ring, struct cm_slice key, uint32_t *out, size_t room) {
    const size_t start = find(ring, key), points = ring->ketama.point_count;
    size_t count = 0;
    for (size_t i = 0; i < points && count < room; i++) {
        const uint32_t member = ring->ketama.points[(start + i) % points].member;
        if (!contains(out, count, member))
            out[count++] = member;
    }
    return count;
}

const struct cm_ring_kind cm_ring_ketama = {init, pick, order};
