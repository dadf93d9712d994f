/* SPDX-License-Identifier: BSD-3-Clause */
#include "command/histogram.h"
#include "command/command.h"
#include "command/stats.h"
#include <stdio.h>
#include <stdlib.h>

#define CLASSES_MAX 64
#define PAGE_BYTES  ((size_t)1 << 20)

/* `stats sizes` counts in steps of 32 bytes; what is larger than the last step counts there. */
#define SIZE_STEP  32
#define SIZE_STEPS 32768

struct size_class {
    uint64_t count;
    uint64_t bytes;
    uint64_t chunks;   /* of the class's size that memcached would need */
    uint32_t oldest_s; /* clock second of the least recent access */
    bool has_oldest;
};

struct cm_histogram {
    struct size_class classes[CLASSES_MAX];
    uint64_t sizes[SIZE_STEPS + 1];
};

struct cm_histogram *cm_histogram_create(void) {
    return calloc(1, sizeof(struct cm_histogram));
}

void cm_histogram_destroy(struct cm_histogram *histogram) {
    free(histogram);
}

void cm_histogram_add(struct cm_histogram *histogram, const struct cmstore_item *item) {
    const uint32_t number = cm_size_class(item->item_bytes);
    const size_t chunk_bytes = cm_size_class_bytes(number);
    const size_t step = ((size_t)item->item_bytes + SIZE_STEP - 1) / SIZE_STEP;
    struct size_class *found = &histogram->classes[number];
    found->count++;
    found->bytes += item->item_bytes;
    found->chunks += (item->item_bytes + chunk_bytes - 1) / chunk_bytes;
    if (!found->has_oldest || item->last_access_s < found->oldest_s) {
        found->oldest_s = item->last_access_s;
        found->has_oldest = true;
    }
    histogram->sizes[step < SIZE_STEPS ? step : SIZE_STEPS]++;
}

/* A line "<prefix><class>:<name> <number>". */
static void put_class_line(struct cm_stat_sink *sink, const char *prefix_and_class,
                           const char *name, uint64_t number) {
    char text[64];
    const int bytes = snprintf(text, sizeof text, "%s:%s", prefix_and_class, name);
    cm_stats_number(sink, cm_slice(text, (size_t)bytes), number);
}

/* Names that monitoring asks for and that have no meaning without lists and slabs. */
static const char *const zero_item_lines[] = {
    "evicted",        "evicted_nonzero",   "evicted_time",          "outofmemory",
    "tailrepairs",    "reclaimed",         "expired_unfetched",     "evicted_unfetched",
    "evicted_active", "crawler_reclaimed", "crawler_items_checked", "lrutail_reflocked",
    "moves_to_cold",  "moves_to_warm",     "moves_within_lru",      "direct_reclaims",
    "hits_to_hot",    "hits_to_warm",      "hits_to_cold",          "hits_to_temp",
};

static const char *const zero_slab_lines[] = {
    "get_hits",  "cmd_set",  "delete_hits", "incr_hits",
    "decr_hits", "cas_hits", "cas_badval",  "touch_hits",
};

void cm_histogram_items(const struct cm_histogram *histogram, uint32_t now_s,
                        struct cm_stat_sink *sink) {
    char prefix[24];
    for (unsigned i = 1; i < CLASSES_MAX; i++) {
        const struct size_class *found = &histogram->classes[i];
        if (found->count == 0) {
            continue;
        }
        snprintf(prefix, sizeof prefix, "items:%u", i);
        put_class_line(sink, prefix, "number", found->count);
        put_class_line(sink, prefix, "number_hot", 0);
        put_class_line(sink, prefix, "number_warm", 0);
        put_class_line(sink, prefix, "number_cold", found->count);
        put_class_line(sink, prefix, "age_hot", 0);
        put_class_line(sink, prefix, "age_warm", 0);
        put_class_line(sink, prefix, "age", now_s > found->oldest_s ? now_s - found->oldest_s : 0);
        put_class_line(sink, prefix, "mem_requested", found->bytes);
        for (size_t k = 0; k < sizeof zero_item_lines / sizeof zero_item_lines[0]; k++) {
            put_class_line(sink, prefix, zero_item_lines[k], 0);
        }
    }
}

static uint64_t put_slab(struct cm_stat_sink *sink, unsigned number,
                         const struct size_class *found) {
    char prefix[16];
    const size_t chunk_bytes = cm_size_class_bytes(number);
    const uint64_t per_page = PAGE_BYTES / chunk_bytes;
    const uint64_t pages = (found->chunks + per_page - 1) / per_page;
    snprintf(prefix, sizeof prefix, "%u", number);
    put_class_line(sink, prefix, "chunk_size", chunk_bytes);
    put_class_line(sink, prefix, "chunks_per_page", per_page);
    put_class_line(sink, prefix, "total_pages", pages);
    put_class_line(sink, prefix, "total_chunks", pages * per_page);
    put_class_line(sink, prefix, "used_chunks", found->chunks);
    put_class_line(sink, prefix, "free_chunks", pages * per_page - found->chunks);
    put_class_line(sink, prefix, "free_chunks_end", 0);
    for (size_t k = 0; k < sizeof zero_slab_lines / sizeof zero_slab_lines[0]; k++) {
        put_class_line(sink, prefix, zero_slab_lines[k], 0);
    }
    return pages;
}

void cm_histogram_slabs(const struct cm_histogram *histogram, struct cm_stat_sink *sink) {
    uint64_t pages = 0;
    uint64_t active = 0;
    for (unsigned i = 1; i < CLASSES_MAX; i++) {
        if (histogram->classes[i].count > 0) {
            pages += put_slab(sink, i, &histogram->classes[i]);
            active++;
        }
    }
    cm_stats_number(sink, CM_SLICE("active_slabs"), active);
    cm_stats_number(sink, CM_SLICE("total_malloced"), pages * PAGE_BYTES);
}

void cm_histogram_sizes(const struct cm_histogram *histogram, struct cm_stat_sink *sink) {
    char name[24];
    for (unsigned i = 0; i <= SIZE_STEPS; i++) {
        if (histogram->sizes[i] > 0) {
            const int bytes = snprintf(name, sizeof name, "%u", i * SIZE_STEP);
            cm_stats_number(sink, cm_slice(name, (size_t)bytes), histogram->sizes[i]);
        }
    }
}
