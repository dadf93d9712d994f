/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/os/os.h"
#include "command/internal.h"
#include "metrics/hot.h"
#include <stdlib.h>

/* Past this many prefixes further ones are not counted: the
 * statistics are for a handful of applications sharing a cache, not for unbounded key sets. */
#define PREFIXES_MAX 1024

#define HOT_KEYS 128

struct cm_admin {
    struct cm_metrics_group *metrics;
    struct cm_watch *watch;
    struct cm_hot_group *hot_keys;
    atomic_bool crawler_on;
    atomic_bool detail_on;
    atomic_bool sizes_on;
    char prefix_delimiter;
    _Atomic int64_t wall_zero_s;
    _Atomic uint64_t dump;   /* under way: its number, and in the lower half when it last got on */
    _Atomic uint32_t dumps;  /* the last one's number */
    struct cm_os_mutex lock; /* guards what follows */
    struct cm_server_stats zero; /* at the last reset */
    unsigned prefix_count;
    struct cm_prefix *prefixes; /* PREFIXES_MAX of them, made when first needed */
};

enum cm_status cm_admin_create(struct cm_metrics_group *metrics, struct cm_admin **out) {
    struct cm_admin *admin = calloc(1, sizeof *admin);
    if (admin == NULL) {
        return CM_NO_MEMORY;
    }
    enum cm_status status = cm_watch_create(&admin->watch);
    if (status == CM_OK) {
        status = cm_hot_group_create(HOT_KEYS, &admin->hot_keys);
    }
    if (status == CM_OK) {
        status = cm_os_mutex_init(&admin->lock);
    }
    if (status != CM_OK) {
        cm_hot_group_destroy(admin->hot_keys);
        cm_watch_destroy(admin->watch);
        free(admin);
        return status;
    }
    admin->metrics = metrics;
    admin->prefix_delimiter = ':';
    atomic_init(&admin->crawler_on, true);
    atomic_init(&admin->sizes_on, true);
    *out = admin;
    return CM_OK;
}

void cm_admin_destroy(struct cm_admin *admin) {
    if (admin != NULL) {
        cm_os_mutex_deinit(&admin->lock);
        cm_hot_group_destroy(admin->hot_keys);
        cm_watch_destroy(admin->watch);
        free(admin->prefixes);
        free(admin);
    }
}

struct cm_metrics_group *cm_admin_metrics(struct cm_admin *admin) {
    return admin->metrics;
}

struct cm_watch *cm_admin_watch(const struct cm_admin *admin) {
    return admin->watch;
}

enum cm_status cm_admin_set_hot_keys(struct cm_admin *admin, unsigned keys) {
    struct cm_hot_group *group;
    const enum cm_status status = cm_hot_group_create(keys, &group);
    if (status == CM_OK) {
        cm_hot_group_destroy(admin->hot_keys);
        admin->hot_keys = group;
    }
    return status;
}

struct cm_hot_group *cm_admin_hot_keys(const struct cm_admin *admin) {
    return admin->hot_keys;
}

bool cm_admin_crawler_is_on(const struct cm_admin *admin) {
    return atomic_load_explicit(&admin->crawler_on, memory_order_relaxed);
}

void cm_admin_set_crawler(struct cm_admin *admin, bool on) {
    atomic_store_explicit(&admin->crawler_on, on, memory_order_relaxed);
}

bool cm_admin_sizes_are_on(const struct cm_admin *admin) {
    return atomic_load_explicit(&admin->sizes_on, memory_order_relaxed);
}

void cm_admin_set_sizes(struct cm_admin *admin, bool on) {
    atomic_store_explicit(&admin->sizes_on, on, memory_order_relaxed);
}

/* ---- the server's counters ---- */

void cm_admin_reset_server(struct cm_admin *admin, const struct cm_server_stats *stats) {
    cm_os_mutex_lock(&admin->lock);
    admin->zero = *stats;
    cm_os_mutex_unlock(&admin->lock);
}

/* Who read the server's counters before the reset may ask after it. */
static void take_off(uint64_t *count, uint64_t zero) {
    *count = *count > zero ? *count - zero : 0;
}

/* Those that count events; the others are levels. */
void cm_admin_subtract(struct cm_admin *admin, struct cm_server_stats *stats) {
    cm_os_mutex_lock(&admin->lock);
    const struct cm_server_stats *zero = &admin->zero;
    take_off(&stats->total_connections, zero->total_connections);
    take_off(&stats->rejected_connections, zero->rejected_connections);
    take_off(&stats->idle_kicks, zero->idle_kicks);
    take_off(&stats->listen_disabled_num, zero->listen_disabled_num);
    take_off(&stats->time_in_listen_disabled_us, zero->time_in_listen_disabled_us);
    cm_os_mutex_unlock(&admin->lock);
}

/* ---- dumps ---- */

static uint64_t dump_word(uint32_t number, uint32_t now_s) {
    return (uint64_t)number << 32 | now_s;
}

uint32_t cm_admin_begin_dump(struct cm_admin *admin, uint32_t now_s) {
    uint64_t dump = atomic_load(&admin->dump);
    if (dump != 0 && now_s - (uint32_t)dump < CM_DUMP_STALL_S) {
        return 0;
    }
    uint32_t number = atomic_fetch_add(&admin->dumps, 1) + 1;
    number += number == 0;
    return atomic_compare_exchange_strong(&admin->dump, &dump, dump_word(number, now_s)) ? number
                                                                                         : 0;
}

void cm_admin_go_on_dump(struct cm_admin *admin, uint32_t number, uint32_t now_s) {
    uint64_t dump = atomic_load_explicit(&admin->dump, memory_order_relaxed);
    if (dump >> 32 == number) {
        (void)atomic_compare_exchange_strong(&admin->dump, &dump, dump_word(number, now_s));
    }
}

void cm_admin_end_dump(struct cm_admin *admin, uint32_t number) {
    uint64_t dump = atomic_load(&admin->dump);
    if (number != 0 && dump >> 32 == number) {
        (void)atomic_compare_exchange_strong(&admin->dump, &dump, 0);
    }
}

bool cm_admin_detail_is_on(const struct cm_admin *admin) {
    return atomic_load_explicit(&admin->detail_on, memory_order_relaxed);
}

void cm_admin_set_detail(struct cm_admin *admin, bool on) {
    atomic_store_explicit(&admin->detail_on, on, memory_order_relaxed);
}

/* ---- the time of day ---- */

void cm_admin_set_wall_zero(struct cm_admin *admin, int64_t wall_zero_s) {
    atomic_store_explicit(&admin->wall_zero_s, wall_zero_s, memory_order_relaxed);
}

int64_t cm_admin_wall_zero(const struct cm_admin *admin) {
    return atomic_load_explicit(&admin->wall_zero_s, memory_order_relaxed);
}

/* ---- prefixes ---- */

void cm_admin_set_prefix_delimiter(struct cm_admin *admin, char delimiter) {
    admin->prefix_delimiter = delimiter;
}

/* Empty: the key has no prefix and is not counted. */
static struct cm_slice prefix_of(const struct cm_admin *admin, struct cm_slice key) {
    const char *end = memchr(key.data, admin->prefix_delimiter, key.len);
    return cm_slice(key.data, end == NULL ? 0 : (size_t)(end - key.data));
}

/* NULL: no room or no memory. Caller holds the lock. */
static struct cm_prefix *find_prefix_locked(struct cm_admin *admin, struct cm_slice name) {
    if (admin->prefixes == NULL) {
        admin->prefixes = calloc(PREFIXES_MAX, sizeof *admin->prefixes);
    }
    if (admin->prefixes == NULL) {
        return NULL;
    }
    for (unsigned i = 0; i < admin->prefix_count; i++) {
        struct cm_prefix *prefix = &admin->prefixes[i];
        if (cm_slice_equal(cm_slice(prefix->name, prefix->name_bytes), name)) {
            return prefix;
        }
    }
    if (admin->prefix_count == PREFIXES_MAX || name.len > sizeof admin->prefixes->name) {
        return NULL;
    }
    struct cm_prefix *prefix = &admin->prefixes[admin->prefix_count++];
    memcpy(prefix->name, name.data, name.len);
    prefix->name_bytes = name.len;
    return prefix;
}

void cm_admin_count_detail(struct cm_admin *admin, struct cm_slice key, enum cm_detail what) {
    if (CM_LIKELY(!cm_admin_detail_is_on(admin))) {
        return;
    }
    const struct cm_slice name = prefix_of(admin, key);
    if (name.len == 0) {
        return;
    }
    cm_os_mutex_lock(&admin->lock);
    struct cm_prefix *prefix = find_prefix_locked(admin, name);
    if (prefix != NULL) {
        prefix->counts[what]++;
    }
    cm_os_mutex_unlock(&admin->lock);
}

void cm_admin_visit_details(struct cm_admin *admin, cm_prefix_visitor *visitor, void *context) {
    cm_os_mutex_lock(&admin->lock);
    for (unsigned i = 0; i < admin->prefix_count; i++) {
        visitor(context, &admin->prefixes[i]);
    }
    cm_os_mutex_unlock(&admin->lock);
}
