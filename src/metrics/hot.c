/* SPDX-License-Identifier: BSD-3-Clause */
#include "metrics/hot.h"
#include "base/os/os.h"
#include "base/random.h"
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#define KEY_WORDS ((CM_HOT_KEY_BYTES + 7) / 8)
#define CELLS_PER_KEY                                                                              \
    16u /* the filter is as wide as an error of 1 in 2000 wants it, with 128 keys */
#define GAP_MAX        ((uint32_t)1 << 20)
#define READ_TRIES_MAX 16
#define HOT_SHARE      0.001

struct entry {
    _Atomic uint32_t version;   /* odd while the key is being replaced (T1) */
    _Atomic uint32_t key_bytes; /* 0: nothing yet */
    _Atomic uint64_t hash;
    _Atomic float error, writes, misses, value_bytes;
    uint32_t next; /* of the same chain: its number and one, 0: none */
    _Atomic uint64_t key[KEY_WORDS];
};

struct cm_hot {
    struct cm_hot *next; /* in the group */
    struct entry *entries;
    _Atomic float *requests;  /* an entry each, together because the least is looked for */
    _Atomic float *cells;     /* the filter */
    uint32_t *chains;         /* entries by hash: the first one's number and one */
    uint32_t room, used;      /* entries */
    uint32_t mask;            /* of the number of chains */
    _Atomic float total;      /* requests for any key */
    _Atomic uint32_t clock_s; /* up to when all counts have aged */
    float floor;              /* no entry has less */
    uint32_t gap;             /* one in so many is taken (T3) */
    uint32_t taken;           /* in this second, as if with this gap all along */
    struct cm_random random;
};

struct cm_hot_group {
    unsigned keys;
    struct cm_os_mutex lock; /* guards what follows, not what is in the lists */
    struct cm_hot *first;
    uint32_t start_s; /* when the first joined */
    unsigned count;
};

/* ---- what is read while it is written (T1) ---- */

/* Whoever sees a number sees the versions stored before it. */
static void set(_Atomic float *number, float value) {
    atomic_store_explicit(number, value, memory_order_release);
}

static float look(const _Atomic float *number) {
    return atomic_load_explicit(number, memory_order_acquire);
}

static void add(_Atomic float *number, float value) {
    set(number, look(number) + value);
}

static void scale(_Atomic float *number, float factor) {
    set(number, look(number) * factor);
}

static void set_key(struct entry *entry, struct cm_slice key) {
    uint64_t words[KEY_WORDS] = {0};
    memcpy(words, key.data, key.len);
    for (unsigned i = 0; i < (key.len + 7) / 8; i++)
        atomic_store_explicit(&entry->key[i], words[i], memory_order_release);
    atomic_store_explicit(&entry->key_bytes, (uint32_t)key.len, memory_order_release);
}

/* ---- making and ending ---- */

enum cm_status cm_hot_group_create(unsigned keys, struct cm_hot_group **out) {
    CM_CHECK(keys <= UINT16_MAX);
    struct cm_hot_group *group = calloc(1, sizeof *group);
    if (group == NULL)
        return CM_NO_MEMORY;
    const enum cm_status status = cm_os_mutex_init(&group->lock);
    if (status != CM_OK) {
        free(group);
        return status;
    }
    group->keys = keys;
    *out = group;
    return CM_OK;
}

static void destroy(struct cm_hot *hot) {
    if (hot != NULL) {
        free(hot->entries);
        free(hot->requests);
        free(hot->cells);
        free(hot->chains);
        free(hot);
    }
}

void cm_hot_group_destroy(struct cm_hot_group *group) {
    if (group == NULL)
        return;
    while (group->first != NULL) {
        struct cm_hot *hot = group->first;
        group->first = hot->next;
        destroy(hot);
    }
    cm_os_mutex_deinit(&group->lock);
    free(group);
}

bool cm_hot_is_on(const struct cm_hot_group *group) {
    return group->keys > 0;
}

/* NULL: no memory. */
static struct cm_hot *create(uint32_t keys) {
    uint32_t chains = 1;
    while (chains < keys)
        chains *= 2;
    struct cm_hot *hot = calloc(1, sizeof *hot);
    if (hot == NULL)
        return NULL;
    hot->entries = calloc(keys, sizeof *hot->entries);
    hot->requests = calloc(keys, sizeof *hot->requests);
    hot->cells = calloc((size_t)chains * CELLS_PER_KEY, sizeof *hot->cells);
    hot->chains = calloc(chains, sizeof *hot->chains);
    if (hot->entries == NULL || hot->requests == NULL || hot->cells == NULL ||
        hot->chains == NULL) {
        destroy(hot);
        return NULL;
    }
    hot->room = keys;
    hot->mask = chains - 1;
    hot->gap = 1;
    return hot;
}

enum cm_status cm_hot_join(struct cm_hot_group *group, uint32_t clock_s, struct cm_hot_turn *turn) {
    *turn = (struct cm_hot_turn){.clock_s = clock_s};
    if (!cm_hot_is_on(group))
        return CM_OK;
    struct cm_hot *hot = create(group->keys);
    if (hot == NULL)
        return CM_NO_MEMORY;
    atomic_store_explicit(&hot->clock_s, clock_s, memory_order_relaxed);
    cm_os_mutex_lock(&group->lock);
    if (group->first == NULL)
        group->start_s = clock_s;
    cm_random_init(&hot->random, ++group->count);
    hot->next = group->first;
    group->first = hot;
    cm_os_mutex_unlock(&group->lock);
    turn->hot = hot;
    turn->left = 1;
    return CM_OK;
}

/* ---- time ---- */

/* What is left of a count. */
static float decay(uint32_t from_s, uint32_t to_s) {
    return to_s > from_s ? exp2f(-(float)(to_s - from_s) / CM_HOT_HALF_LIFE_S) : 1;
}

/* Readers may see some counts a second older than others, and care little: it is 2 %. */
static void age(struct cm_hot *hot, uint32_t clock_s) {
    const float factor = decay(atomic_load_explicit(&hot->clock_s, memory_order_relaxed), clock_s);
    const uint32_t cells = (hot->mask + 1) * CELLS_PER_KEY;
    for (uint32_t i = 0; i < hot->used; i++) {
        struct entry *entry = &hot->entries[i];
        scale(&hot->requests[i], factor);
        scale(&entry->error, factor);
        scale(&entry->writes, factor);
        scale(&entry->misses, factor);
        scale(&entry->value_bytes, factor);
    }
    for (uint32_t i = 0; i < cells; i++)
        scale(&hot->cells[i], factor);
    scale(&hot->total, factor);
    hot->floor *= factor;
    atomic_store_explicit(&hot->clock_s, clock_s, memory_order_relaxed);
}

/* From 1 to twice the gap, which is the mean: whatever has a period of its own is not followed. */
static uint32_t next_interval(struct cm_hot *hot) {
    return hot->gap == 1 ? 1 : 1 + cm_random_below(&hot->random, 2 * hot->gap - 1);
}

/* After a second with few requests more of them are taken, at once, for the next one asked for may
 * come after a long interval only. */
void cm_hot_begin_second(struct cm_hot_turn *turn, uint32_t clock_s) {
    struct cm_hot *hot = turn->hot;
    const bool follows = clock_s == turn->clock_s + 1;
    turn->clock_s = clock_s;
    if (hot == NULL)
        return;
    const uint32_t gap = hot->gap;
    uint64_t taken = follows ? hot->taken : 0;
    for (; hot->gap > 1 && taken < CM_HOT_TAKEN_MAX / 2; taken *= 2)
        hot->gap /= 2;
    if (hot->gap != gap)
        turn->left = next_interval(hot);
    hot->taken = 0;
    age(hot, clock_s);
}

/* ---- the list and its filter ---- */

static _Atomic float *cell_of(const struct cm_hot *hot, uint64_t hash) {
    return &hot->cells[(hash >> 32) & ((uint64_t)(hot->mask + 1) * CELLS_PER_KEY - 1)];
}

static uint64_t hash_of(const struct entry *entry) {
    return atomic_load_explicit(&entry->hash, memory_order_relaxed);
}

#define NOT_THERE UINT32_MAX

/* The number of the key's entry. Keys are told apart by their hashes alone: 64 bits with a secret
 * seed. */
static uint32_t find(const struct cm_hot *hot, uint64_t hash) {
    for (uint32_t i = hot->chains[hash & hot->mask]; i != 0; i = hot->entries[i - 1].next) {
        if (hash_of(&hot->entries[i - 1]) == hash)
            return i - 1;
    }
    return NOT_THERE;
}

/* The number of the entry that has the least, which becomes the floor. */
static uint32_t find_least(struct cm_hot *hot) {
    uint32_t least = 0;
    for (uint32_t i = 1; i < hot->used; i++) {
        if (look(&hot->requests[i]) < look(&hot->requests[least]))
            least = i;
    }
    hot->floor = look(&hot->requests[least]);
    return least;
}

/* The key is gone from the list; what it had it has in its cell, from where it may come back. */
static void give_up(struct cm_hot *hot, uint32_t number) {
    struct entry *entry = &hot->entries[number];
    const uint64_t hash = hash_of(entry);
    _Atomic float *cell = cell_of(hot, hash);
    uint32_t *place = &hot->chains[hash & hot->mask];
    while (*place != number + 1)
        place = &hot->entries[*place - 1].next;
    *place = entry->next;
    set(cell, fmaxf(look(cell), look(&hot->requests[number])));
}

/* The entry is another key's from now on; what was counted in that one's cell may have been its. */
static void replace(struct cm_hot *hot, uint32_t number, const struct cm_hot_request *request) {
    struct entry *entry = &hot->entries[number];
    const uint32_t version = atomic_load_explicit(&entry->version, memory_order_relaxed);
    uint32_t *chain = &hot->chains[request->hash & hot->mask];
    const float before = look(cell_of(hot, request->hash));
    entry->next = *chain;
    *chain = number + 1;
    atomic_store_explicit(&entry->version, version + 1, memory_order_relaxed);
    set(&hot->requests[number], before);
    set(&entry->error, before);
    set(&entry->writes, 0);
    set(&entry->misses, 0);
    set(&entry->value_bytes, 0);
    atomic_store_explicit(&entry->hash, request->hash, memory_order_release);
    set_key(entry, request->key);
    atomic_store_explicit(&entry->version, version + 2, memory_order_release);
}

/* The number of the key's entry from now on. NOT_THERE: it was counted in its cell, and stays there
 * while that is no more than the least of the list has. */
static uint32_t admit(struct cm_hot *hot, const struct cm_hot_request *request) {
    _Atomic float *cell = cell_of(hot, request->hash);
    const float requests = look(cell) + (float)hot->gap;
    uint32_t number = hot->used;
    if (number < hot->room) {
        hot->used++;
    } else {
        if (requests > hot->floor)
            number = find_least(hot);
        if (requests <= hot->floor) {
            set(cell, requests);
            return NOT_THERE;
        }
        give_up(hot, number);
    }
    replace(hot, number, request);
    return number;
}

static void count(struct cm_hot *hot, const struct cm_hot_request *request) {
    const float weight = (float)hot->gap;
    uint32_t number = find(hot, request->hash);
    if (number == NOT_THERE)
        number = admit(hot, request);
    if (number == NOT_THERE)
        return;
    struct entry *entry = &hot->entries[number];
    add(&hot->requests[number], weight);
    if (request->writes)
        add(&entry->writes, weight);
    if (request->misses)
        add(&entry->misses, weight);
    if (request->value_bytes > 0)
        add(&entry->value_bytes, weight * (float)request->value_bytes);
}

void cm_hot_take(struct cm_hot_turn *turn, const struct cm_hot_request *request) {
    struct cm_hot *hot = turn->hot;
    if (hot == NULL)
        return;
    if (request != NULL && request->key.len > 0 && request->key.len <= CM_HOT_KEY_BYTES) {
        count(hot, request);
        add(&hot->total, (float)hot->gap);
    }
    if (++hot->taken >= CM_HOT_TAKEN_MAX && hot->gap < GAP_MAX) {
        hot->gap *= 2;
        hot->taken /= 2;
    }
    turn->left = next_interval(hot);
}

/* ---- reading ---- */

/* An entry of one thread's; summed up, a key of all. */
struct found {
    struct cm_hot_key key;
    uint64_t hash;
    double strange; /* requests that may have been other keys' */
    double cell;    /* of the threads that have the key in their lists */
};

struct reading {
    const struct cm_hot_group *group;
    uint32_t clock_s;
    struct found *found;
    size_t count;
    double total;
    double seconds;
};

/* False: it is empty, or being replaced, and so not hot. */
static bool read_entry(const struct cm_hot *hot, uint32_t number, struct found *to) {
    const struct entry *entry = &hot->entries[number];
    uint64_t words[KEY_WORDS];
    for (unsigned i = 0; i < READ_TRIES_MAX; i++) {
        const uint32_t version = atomic_load_explicit(&entry->version, memory_order_acquire);
        const uint32_t bytes = atomic_load_explicit(&entry->key_bytes, memory_order_acquire);
        to->hash = atomic_load_explicit(&entry->hash, memory_order_acquire);
        to->strange = (double)look(&entry->error);
        to->key.requests = (double)look(&hot->requests[number]);
        to->key.writes = (double)look(&entry->writes);
        to->key.misses = (double)look(&entry->misses);
        to->key.value_bytes = (double)look(&entry->value_bytes);
        for (unsigned j = 0; j < KEY_WORDS; j++)
            words[j] = atomic_load_explicit(&entry->key[j], memory_order_acquire);
        if (version % 2 == 0 &&
            atomic_load_explicit(&entry->version, memory_order_relaxed) == version) {
            memcpy(to->key.key, words, bytes);
            to->key.key_bytes = (uint8_t)bytes;
            return bytes > 0;
        }
    }
    return false;
}

static void read_list(struct reading *reading, const struct cm_hot *hot) {
    const double factor =
        (double)decay(atomic_load_explicit(&hot->clock_s, memory_order_relaxed), reading->clock_s);
    reading->total += factor * (double)look(&hot->total);
    for (uint32_t i = 0; i < hot->room; i++) {
        struct found *found = &reading->found[reading->count];
        if (!read_entry(hot, i, found))
            continue;
        found->strange *= factor;
        found->cell = factor * (double)look(cell_of(hot, found->hash));
        found->key.requests *= factor;
        found->key.writes *= factor;
        found->key.misses *= factor;
        found->key.value_bytes *= factor;
        reading->count++;
    }
}

static int compare_hashes(const void *one, const void *other) {
    const uint64_t a = ((const struct found *)one)->hash, b = ((const struct found *)other)->hash;
    return (a > b) - (a < b);
}

/* Equal ones by their keys, so that the order is always the same. */
static int compare_requests(const void *one, const void *other) {
    const struct cm_hot_key *a = &((const struct found *)one)->key;
    const struct cm_hot_key *b = &((const struct found *)other)->key;
    if (a->requests != b->requests)
        return a->requests > b->requests ? -1 : 1;
    const size_t bytes = a->key_bytes < b->key_bytes ? a->key_bytes : b->key_bytes;
    const int order = memcmp(a->key, b->key, bytes);
    return order != 0 ? order : (int)a->key_bytes - (int)b->key_bytes;
}

static void sum_up(struct found *sum, const struct found *more) {
    sum->strange += more->strange;
    sum->cell += more->cell;
    sum->key.requests += more->key.requests;
    sum->key.writes += more->key.writes;
    sum->key.misses += more->key.misses;
    sum->key.value_bytes += more->key.value_bytes;
}

static bool is_hot(const struct reading *reading, const struct found *found) {
    const double certain = found->key.requests - found->strange;
    return certain > 1 && certain >= HOT_SHARE * reading->total && certain >= found->strange;
}

/* What the key may have been asked for in threads that do not have it in their lists. */
static double missing(const struct reading *reading, const struct found *found) {
    double cells = 0;
    for (const struct cm_hot *hot = reading->group->first; hot != NULL; hot = hot->next) {
        const uint32_t clock_s = atomic_load_explicit(&hot->clock_s, memory_order_relaxed);
        cells += (double)decay(clock_s, reading->clock_s) * (double)look(cell_of(hot, found->hash));
    }
    return fmax(0, cells - found->cell);
}

/* Each key once, and the hot ones only. */
static void merge(struct reading *reading) {
    struct found *found = reading->found;
    size_t count = 0;
    qsort(found, reading->count, sizeof *found, compare_hashes);
    for (size_t i = 0; i < reading->count;) {
        struct found *sum = &found[count];
        *sum = found[i];
        for (i++; i < reading->count && found[i].hash == sum->hash; i++)
            sum_up(sum, &found[i]);
        if (is_hot(reading, sum)) {
            sum->key.error = sum->strange + missing(reading, sum);
            count++;
        }
    }
    reading->count = count;
    qsort(found, count, sizeof *found, compare_requests);
}

/* The sum of what is left of each second since the beginning. */
static double aged_seconds(const struct cm_hot_group *group, uint32_t clock_s) {
    const double of_one = exp2(-1.0 / CM_HOT_HALF_LIFE_S);
    const double seconds = clock_s > group->start_s ? clock_s - group->start_s + 1 : 1;
    return (1 - pow(of_one, seconds)) / (1 - of_one);
}

enum cm_status cm_hot_read(struct cm_hot_group *group, uint32_t clock_s, unsigned max,
                           struct cm_hot_list **out) {
    struct reading reading = {.group = group, .clock_s = clock_s};
    cm_os_mutex_lock(&group->lock);
    reading.found = malloc(((size_t)group->count * group->keys + 1) * sizeof *reading.found);
    if (reading.found != NULL) {
        for (const struct cm_hot *hot = group->first; hot != NULL; hot = hot->next)
            read_list(&reading, hot);
        merge(&reading);
    }
    reading.seconds = aged_seconds(group, clock_s);
    cm_os_mutex_unlock(&group->lock);
    const unsigned count = reading.count < max ? (unsigned)reading.count : max;
    struct cm_hot_list *list = malloc(sizeof *list + count * sizeof *list->keys);
    if (reading.found == NULL || list == NULL) {
        free(reading.found);
        free(list);
        return CM_NO_MEMORY;
    }
    list->requests = reading.total;
    list->seconds = reading.seconds;
    list->count = count;
    for (unsigned i = 0; i < count; i++)
        list->keys[i] = reading.found[i].key;
    free(reading.found);
    *out = list;
    return CM_OK;
}

void cm_hot_list_destroy(struct cm_hot_list *list) {
    free(list);
}
