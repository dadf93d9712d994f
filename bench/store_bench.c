/* SPDX-License-Identifier: BSD-3-Clause */

/* cm_store_bench: the engine in this process, without sockets. One million items of a 16-byte key
 * and a 100-byte value, uniform keys; each figure is the median of several rounds with the lowest
 * and the highest: million operations a second, of time on the wall and, for the work of one core
 * whatever else the machine does, of the thread's CPU time. */

#include "base/random.h"
#include "lib/machine.h"

#include <cacheman/store.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS           1000000u
#define KEY_BYTES      16u
#define VALUE_BYTES    100u
#define MEMORY_BYTES   ((uint64_t)1 << 30)
#define BATCH          32u
#define ROUNDS         7u
#define ROUND_SECONDS  0.5
#define THREADS_MAX    2u
#define GETS_PER_SET   10u
#define KEY_TABLE_MASK 0xffffu /* keys' texts are made before the clock runs */

enum task { GET_BATCHED, GET_PLAIN, SET, MIXED };

struct worker {
    cmstore *store;
    enum task task;
    unsigned core;
    uint64_t seed;
    uint64_t operations;
    uint64_t misses;
    double seconds;
    double cpu_seconds;
    atomic_uint *waiting; /* workers that are not ready yet */
};

/* A worker's own: the texts of keys it asks for. */
struct plan {
    cmstore_thread *thread;
    cmstore *store;
    char (*keys)[KEY_BYTES];
    char value[BATCH][VALUE_BYTES];
    uint64_t misses;
};

static void put_key(char *text, uint32_t number) {
    for (unsigned i = KEY_BYTES; i-- > 1; number /= 10)
        text[i] = (char)('0' + number % 10);
    text[0] = 'k';
}

static void must(enum cm_status status) {
    if (status != CM_OK)
        cm_bench_die("%s", cm_status_text(status));
}

/* ---- tasks: each does BATCH operations on the keys from `at` on ------------------------------ */

static void get_locked(struct plan *plan, const struct cmstore_key *key, char *to) {
    struct cmstore_item item;
    must(cmstore_get(plan->thread, key, NULL, to, VALUE_BYTES, &item));
    plan->misses += item.outcome != CMSTORE_HIT;
}

static void get_one(struct plan *plan, const struct cmstore_key *key, char *to) {
    struct cmstore_peek peek;
    do {
        if (cmstore_peek(plan->thread, key, &peek) != CMSTORE_PEEK_HIT) {
            get_locked(plan, key, to);
            return;
        }
        cmstore_copy(to, peek.item.value.data, peek.item.value.bytes);
    } while (!cmstore_confirm(plan->thread, &peek));
}

static void prefetch(const struct plan *plan, uint32_t at, struct cmstore_key *keys) {
    for (unsigned i = 0; i < BATCH; i++) {
        keys[i] = cmstore_key(plan->store, plan->keys[at + i], KEY_BYTES);
        cmstore_prefetch_bucket(plan->store, &keys[i]);
    }
    for (unsigned i = 0; i < BATCH; i++)
        cmstore_prefetch_slot(plan->store, &keys[i]);
    for (unsigned i = 0; i < BATCH; i++)
        cmstore_prefetch_item(plan->store, &keys[i]);
}

static void get_batched(struct plan *plan, uint32_t at) {
    struct cmstore_key keys[BATCH];
    cmstore_begin(plan->thread);
    prefetch(plan, at, keys);
    for (unsigned i = 0; i < BATCH; i++)
        get_one(plan, &keys[i], plan->value[i]);
    cmstore_end(plan->thread);
}

static void get_plain(struct plan *plan, uint32_t at) {
    for (unsigned i = 0; i < BATCH; i++) {
        struct cmstore_key key = cmstore_key(plan->store, plan->keys[at + i], KEY_BYTES);
        get_locked(plan, &key, plan->value[i]);
    }
}

static void set(struct plan *plan, uint32_t at) {
    struct cmstore_key keys[BATCH];
    cmstore_begin(plan->thread);
    prefetch(plan, at, keys);
    for (unsigned i = 0; i < BATCH; i++)
        must(cmstore_store(plan->thread, &keys[i],
                           (struct cmstore_value){plan->value[i], VALUE_BYTES}, NULL, NULL));
    cmstore_end(plan->thread);
}

static void mixed(struct plan *plan, uint32_t at) {
    struct cmstore_key keys[BATCH];
    cmstore_begin(plan->thread);
    prefetch(plan, at, keys);
    for (unsigned i = 0; i < BATCH; i++) {
        struct cmstore_value value = {plan->value[i], VALUE_BYTES};
        if ((at + i) % (GETS_PER_SET + 1) == 0)
            must(cmstore_store(plan->thread, &keys[i], value, NULL, NULL));
        else
            get_one(plan, &keys[i], plan->value[i]);
    }
    cmstore_end(plan->thread);
}

static void (*const tasks[])(struct plan *plan, uint32_t at) = {
    [GET_BATCHED] = get_batched, [GET_PLAIN] = get_plain, [SET] = set, [MIXED] = mixed};

/* ---- workers --------------------------------------------------------------------------------- */

static void pin_to_core(unsigned core) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    if (sched_setaffinity(0, sizeof cores, &cores))
        fprintf(stderr, "cannot stay on core %u\n", core);
}

static void start_together(struct worker *worker) {
    atomic_fetch_sub(worker->waiting, 1);
    while (atomic_load(worker->waiting))
        sched_yield();
}

static void *work(void *context) {
    struct worker *worker = context;
    static const uint32_t texts = KEY_TABLE_MASK + 1 + BATCH;
    struct plan *plan = cm_bench_alloc_zeroed(1, sizeof *plan);
    struct cm_random random;
    pin_to_core(worker->core);
    plan->store = worker->store;
    plan->keys = cm_bench_alloc(texts, KEY_BYTES);
    must(cmstore_attach(worker->store, &plan->thread));
    cm_random_init(&random, worker->seed);
    for (uint32_t i = 0; i < texts; i++)
        put_key(plan->keys[i], cm_random_below(&random, KEYS));
    start_together(worker);
    uint64_t cpu_ns = cm_bench_thread_cpu_ns();
    uint64_t start_ns = cm_bench_now_ns(), end_ns = start_ns + (uint64_t)(ROUND_SECONDS * 1e9);
    uint64_t now_ns = start_ns;
    for (uint32_t at = 0; now_ns < end_ns; at = (at + BATCH) & KEY_TABLE_MASK) {
        tasks[worker->task](plan, at);
        worker->operations += BATCH;
        if (at % (32 * BATCH) == 0)
            now_ns = cm_bench_now_ns();
    }
    worker->seconds = (double)(now_ns - start_ns) / 1e9;
    worker->cpu_seconds = (double)(cm_bench_thread_cpu_ns() - cpu_ns) / 1e9;
    worker->misses = plan->misses;
    cmstore_detach(plan->thread);
    free(plan->keys);
    free(plan);
    return NULL;
}

/* Million operations a second, of all threads together. */
struct rate {
    double wall;
    double cpu; /* of CPU time, a thread's average */
};

static struct rate run_round(cmstore *store, enum task task, unsigned threads, uint64_t seed) {
    pthread_t ids[THREADS_MAX];
    struct worker workers[THREADS_MAX];
    atomic_uint waiting = threads;
    for (unsigned i = 0; i < threads; i++) {
        workers[i] = (struct worker){.store = store,
                                     .task = task,
                                     .core = i,
                                     .seed = seed * THREADS_MAX + i,
                                     .waiting = &waiting};
        if (pthread_create(&ids[i], NULL, work, &workers[i]))
            cm_bench_die("cannot start a thread");
    }
    struct rate rate = {0};
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        rate.wall += (double)workers[i].operations / workers[i].seconds / 1e6;
        rate.cpu += (double)workers[i].operations / workers[i].cpu_seconds / 1e6 / threads;
        if (workers[i].misses)
            fprintf(stderr, "%llu misses\n", (unsigned long long)workers[i].misses);
    }
    return rate;
}

/* ---- figures --------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_figure(const char *task, const char *what, double *figures) {
    qsort(figures, ROUNDS, sizeof *figures, compare);
    printf("%s, %s=%.2f (%.2f to %.2f)\n", task, what, figures[ROUNDS / 2], figures[0],
           figures[ROUNDS - 1]);
    fflush(stdout);
}

/* One and two threads in alternation, so that both see the same machine. */
static void measure(cmstore *store, const char *name, enum task task) {
    double one[ROUNDS], cpu[ROUNDS], two[ROUNDS], scale[ROUNDS], cpu_scale[ROUNDS];
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct rate alone = run_round(store, task, 1, i);
        struct rate both = run_round(store, task, 2, i);
        one[i] = alone.wall;
        cpu[i] = alone.cpu;
        two[i] = both.wall;
        scale[i] = both.wall / alone.wall;
        cpu_scale[i] = 2 * both.cpu / alone.cpu;
    }
    print_figure(name, "1 thread, M/s", one);
    print_figure(name, "1 thread, M/s of CPU time", cpu);
    print_figure(name, "2 threads, M/s", two);
    print_figure(name, "2 threads to 1", scale);
    print_figure(name, "2 threads to 1 by CPU time", cpu_scale);
}

static void fill(cmstore *store) {
    char key_text[KEY_BYTES], value[VALUE_BYTES];
    cmstore_thread *thread;
    must(cmstore_attach(store, &thread));
    memset(value, 'x', sizeof value);
    for (uint32_t i = 0; i < KEYS; i++) {
        put_key(key_text, i);
        struct cmstore_key key = cmstore_key(store, key_text, KEY_BYTES);
        must(cmstore_store(thread, &key, (struct cmstore_value){value, VALUE_BYTES}, NULL, NULL));
    }
    cmstore_detach(thread);
}

int main(void) {
    cmstore *store;
    must(cmstore_create(&(struct cmstore_options){.memory_bytes = MEMORY_BYTES}, &store));
    fill(store);
    measure(store, "get, batches with prefetch", GET_BATCHED);
    measure(store, "get, one at a time", GET_PLAIN);
    measure(store, "set, overwriting", SET);
    measure(store, "10 gets to 1 set", MIXED);
    cmstore_destroy(store);
    return 0;
}
