/* SPDX-License-Identifier: BSD-3-Clause */
#include "command/watch.h"
#include "base/check.h"
#include "base/num.h"
#include "base/os/os.h"
#include <stdlib.h>

/* How often a lock is looked at before the line is given up (V1). */
#define LOOKS_MAX 64
/* Copied out of a ring under one lock (V2). */
#define TAKE_BYTES ((size_t)8 << 10)
/* ts=1721000000.123456 gid=18446744073709551615 */
#define STAMP_CHARS   64
#define SKIPPED_CHARS 32

/*      ring      head           head + used      ring_bytes; wraps around
 *       |  free   |    waiting    |      free      |                      */
struct cm_watcher {
    _Alignas(64) atomic_bool locked;
    _Atomic uint32_t streams; /* 0: nobody's; changed under the lock */
    _Atomic uint64_t missed;  /* lines he has not been told of yet */
    char *ring;
    size_t ring_bytes;
    size_t head;
    size_t used;
};

/* ---- locks ---- */

static bool try_lock(struct cm_watcher *watcher) {
    for (int looks = 0; looks < LOOKS_MAX; looks++) {
        if (!atomic_load_explicit(&watcher->locked, memory_order_relaxed) &&
            !atomic_exchange_explicit(&watcher->locked, true, memory_order_acquire)) {
            return true;
        }
        cm_os_cpu_relax();
    }
    return false;
}

/* Its holder may have been interrupted: lets it run. */
static void lock(struct cm_watcher *watcher) {
    while (!try_lock(watcher)) {
        cm_os_thread_yield();
    }
}

static void unlock(struct cm_watcher *watcher) {
    atomic_store_explicit(&watcher->locked, false, memory_order_release);
}

/* ---- rings; the caller holds the lock ---- */

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

static void put_locked(struct cm_watcher *watcher, struct cm_slice bytes) {
    CM_DCHECK(bytes.len <= watcher->ring_bytes - watcher->used);
    const size_t at = (watcher->head + watcher->used) % watcher->ring_bytes;
    const size_t first = smaller(bytes.len, watcher->ring_bytes - at);
    memcpy(watcher->ring + at, bytes.data, first);
    memcpy(watcher->ring, bytes.data + first, bytes.len - first);
    watcher->used += bytes.len;
}

static size_t take_locked(struct cm_watcher *watcher, char *to, size_t bytes_max) {
    const size_t bytes = smaller(watcher->used, bytes_max);
    const size_t first = smaller(bytes, watcher->ring_bytes - watcher->head);
    memcpy(to, watcher->ring + watcher->head, first);
    memcpy(to + first, watcher->ring, bytes - first);
    watcher->head = (watcher->head + bytes) % watcher->ring_bytes;
    watcher->used -= bytes;
    return bytes;
}

/* skipped=N\n */
static size_t format_skipped(char *to, uint64_t count) {
    const struct cm_slice name = CM_SLICE("skipped=");
    memcpy(to, name.data, name.len);
    const size_t bytes = name.len + cm_num_format_u64(to + name.len, count);
    to[bytes] = '\n';
    return bytes + 1;
}

/* What was missed is told as soon as there is room for it and for `bytes` behind it. */
static void put_skipped_locked(struct cm_watcher *watcher, size_t bytes) {
    char text[SKIPPED_CHARS];
    if (atomic_load_explicit(&watcher->missed, memory_order_relaxed) == 0 ||
        watcher->ring_bytes - watcher->used < sizeof text + bytes) {
        return;
    }
    const uint64_t missed = atomic_exchange_explicit(&watcher->missed, 0, memory_order_relaxed);
    put_locked(watcher, cm_slice(text, format_skipped(text, missed)));
}

/* False: the ring is full. */
static bool put_line_locked(struct cm_watcher *watcher, struct cm_slice line) {
    put_skipped_locked(watcher, line.len);
    if (watcher->ring_bytes - watcher->used < line.len ||
        atomic_load_explicit(&watcher->missed, memory_order_relaxed) > 0) {
        return false;
    }
    put_locked(watcher, line);
    return true;
}

/* ---- telling ---- */

static void count(_Atomic uint64_t *counter) {
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static void tell_one(struct cm_watch *watch, struct cm_watcher *watcher, uint32_t stream,
                     struct cm_slice line) {
    if (!try_lock(watcher)) {
        count(&watcher->missed);
        count(&watch->dropped);
        return;
    }
    if ((atomic_load_explicit(&watcher->streams, memory_order_relaxed) & stream) != 0) {
        if (put_line_locked(watcher, line)) {
            count(&watch->sent);
        } else {
            count(&watcher->missed);
            count(&watch->skipped);
        }
    }
    unlock(watcher);
}

static char *put(char *to, struct cm_slice text) {
    memcpy(to, text.data, text.len);
    return to + text.len;
}

static char *put_stamp(char *to, uint64_t number) {
    const int64_t now_us = cm_os_wall_us();
    char micros[CM_NUM_U64_CHARS];
    to = put(to, CM_SLICE("ts="));
    to += cm_num_format_i64(to, now_us / 1000000);
    *to++ = '.';
    /* A million in front makes six digits of any number of them. */
    cm_num_format_i64(micros, 1000000 + now_us % 1000000);
    to = put(to, cm_slice(micros + 1, 6));
    to = put(to, CM_SLICE(" gid="));
    to += cm_num_format_u64(to, number);
    *to++ = ' ';
    return to;
}

void cm_watch_tell(struct cm_watch *watch, enum cm_watch_stream stream, struct cm_slice text) {
    char line[STAMP_CHARS + CM_WATCH_TEXT_MAX + 1];
    CM_CHECK(text.len <= CM_WATCH_TEXT_MAX);
    const uint64_t number = atomic_fetch_add_explicit(&watch->lines, 1, memory_order_relaxed) + 1;
    char *to = put(put_stamp(line, number), text);
    *to++ = '\n';
    count(&watch->written);
    for (unsigned i = 0; i < CM_WATCHERS_MAX; i++) {
        struct cm_watcher *watcher = &watch->watchers[i];
        if ((atomic_load_explicit(&watcher->streams, memory_order_relaxed) & stream) != 0) {
            tell_one(watch, watcher, stream, cm_slice(line, (size_t)(to - line)));
        }
    }
}

/* ---- who watches ---- */

/* Caller holds the mutex. */
static void count_wanted_locked(struct cm_watch *watch) {
    uint32_t wanted = 0;
    for (unsigned i = 0; i < CM_WATCHERS_MAX; i++) {
        wanted |= atomic_load(&watch->watchers[i].streams);
    }
    atomic_store(&watch->wanted, wanted);
}

/* False: somebody else's. */
static bool claim_locked(struct cm_watcher *watcher, uint32_t streams, char *ring,
                         size_t ring_bytes) {
    lock(watcher);
    const bool is_free = watcher->ring == NULL;
    if (is_free) {
        watcher->ring = ring;
        watcher->ring_bytes = ring_bytes;
        watcher->head = watcher->used = 0;
        atomic_store(&watcher->missed, 0);
        atomic_store(&watcher->streams, streams);
    }
    unlock(watcher);
    return is_free;
}

enum cm_outcome cm_watcher_open(struct cm_watch *watch, uint32_t streams, struct cm_watcher **out) {
    char *ring = malloc(watch->ring_bytes);
    if (ring == NULL) {
        return CM_OUTCOME_NO_MEMORY;
    }
    cm_os_mutex_lock(&watch->mutex);
    struct cm_watcher *found = NULL;
    for (unsigned i = 0; i < CM_WATCHERS_MAX && found == NULL; i++) {
        struct cm_watcher *watcher = &watch->watchers[i];
        found = claim_locked(watcher, streams, ring, watch->ring_bytes) ? watcher : NULL;
    }
    count_wanted_locked(watch);
    cm_os_mutex_unlock(&watch->mutex);
    if (found == NULL) {
        free(ring);
        return CM_OUTCOME_TOO_MANY;
    }
    *out = found;
    return CM_OUTCOME_DONE;
}

void cm_watcher_close(struct cm_watch *watch, struct cm_watcher *watcher) {
    if (watcher == NULL) {
        return;
    }
    cm_os_mutex_lock(&watch->mutex);
    lock(watcher);
    char *ring = watcher->ring;
    watcher->ring = NULL;
    atomic_store(&watcher->streams, 0);
    unlock(watcher);
    count_wanted_locked(watch);
    cm_os_mutex_unlock(&watch->mutex);
    free(ring);
}

size_t cm_watcher_bytes(const struct cm_watcher *watcher) {
    return watcher->ring_bytes;
}

size_t cm_watcher_take(struct cm_watcher *watcher, char *to, size_t bytes_max) {
    size_t taken = 0;
    size_t part;
    do {
        lock(watcher);
        put_skipped_locked(watcher, 0);
        part = take_locked(watcher, to + taken, smaller(TAKE_BYTES, bytes_max - taken));
        unlock(watcher);
        taken += part;
    } while (part > 0);
    return taken;
}

/* ---- life ---- */

enum cm_status cm_watch_create(struct cm_watch **out) {
    struct cm_watch *watch = cm_os_aligned_alloc(_Alignof(struct cm_watch), sizeof *watch);
    struct cm_watcher *watchers =
        cm_os_aligned_alloc(_Alignof(struct cm_watcher), CM_WATCHERS_MAX * sizeof *watchers);
    enum cm_status status = watch == NULL || watchers == NULL ? CM_NO_MEMORY : CM_OK;
    if (status == CM_OK) {
        status = cm_os_mutex_init(&watch->mutex);
    }
    if (status != CM_OK) {
        cm_os_aligned_free(watch);
        cm_os_aligned_free(watchers);
        return status;
    }
    watch->watchers = watchers;
    watch->ring_bytes = CM_WATCH_RING_BYTES;
    *out = watch;
    return CM_OK;
}

void cm_watch_destroy(struct cm_watch *watch) {
    if (watch != NULL) {
        CM_CHECK(atomic_load(&watch->wanted) == 0);
        cm_os_mutex_deinit(&watch->mutex);
        cm_os_aligned_free(watch->watchers);
        cm_os_aligned_free(watch);
    }
}

void cm_watch_set_ring_bytes(struct cm_watch *watch, size_t bytes) {
    watch->ring_bytes = bytes > CM_WATCH_RING_MIN ? bytes : CM_WATCH_RING_MIN;
}

/* ---- counts ---- */

static uint64_t get(_Atomic uint64_t *counter) {
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void cm_watch_read_counts(struct cm_watch *watch, struct cm_watch_counts *counts) {
    *counts = (struct cm_watch_counts){
        .log_worker_dropped = get(&watch->dropped),
        .log_worker_written = get(&watch->written),
        .log_watcher_skipped = get(&watch->skipped),
        .log_watcher_sent = get(&watch->sent),
    };
    for (unsigned i = 0; i < CM_WATCHERS_MAX; i++) {
        counts->log_watchers +=
            atomic_load_explicit(&watch->watchers[i].streams, memory_order_relaxed) != 0;
    }
}

void cm_watch_reset_counts(struct cm_watch *watch) {
    _Atomic uint64_t *const counters[] = {&watch->dropped, &watch->written, &watch->skipped,
                                          &watch->sent};
    for (unsigned i = 0; i < sizeof counters / sizeof counters[0]; i++) {
        atomic_store_explicit(counters[i], 0, memory_order_relaxed);
    }
}
