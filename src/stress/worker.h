/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_STRESS_WORKER_H
#define CM_STRESS_WORKER_H

#include "stress/conn.h"

/* A thread of the generator: its clients, its plan, its counts.
 *
 * W1. A client sends a batch of up to `depth` requests, and the next one when all of them have been
 *     answered; answers to a batch of several servers are waited for together.
 * W2. With a rate, request n of the run is due at start + n / rate, whatever came of those before.
 *     Whichever client is free takes what is due; what finds none waits, and its latency counts
 *     from when it was due: there is no coordinated omission. */

enum cm_stress_client_state {
    CM_STRESS_WAITING, /* for a connection, or for the next tick */
    CM_STRESS_IDLE,    /* in the worker's queue: nothing is due */
    CM_STRESS_BUSY,
};

struct cm_stress_client {
    struct cm_stress_worker *worker;
    struct cm_stress_conn *conns;  /* one a server */
    struct cm_stress_client *next; /* IDLE */
    enum cm_stress_client_state state;
    uint32_t left; /* requests under way */
    uint64_t begun_ns;
};

/* What anybody may look at meanwhile. */
struct cm_stress_shown {
    atomic_uint_fast64_t requests, latency_sum_ns, keys, hits, troubles, open;
};

struct cm_stress_worker {
    struct cm_stress_wires wires;
    struct cm_stress_plan plan;
    struct cm_stress_tally *tally;
    struct cm_stress_client *clients;
    struct cm_stress_conn *conns;
    uint32_t index, client_count;
    struct cm_stress_client *idle, **idle_end;
    uint32_t busy;
    uint64_t drawn, quota; /* requests; UINT64_MAX: time decides */
    uint64_t due_number;   /* W2: of the next that this thread sends */
    uint64_t load_next;    /* LOADING: the next key */
    uint64_t tick_ns, deserted_ns;
    bool is_warm;
    uint64_t begin_ns, finish_ns; /* between which was counted */
    /* A get of several keys while it is put together. */
    char *names;
    struct cm_slice *slices;
    uint32_t *numbers, *places; /* of the keys, of their servers */
    uint32_t *chosen;           /* numbers of those that go to one server */
    struct cm_stress_shown shown;
    struct cm_os_thread thread;
    void (*on_end)(void *context); /* called by the thread as its phase is over */
    void *context;
};

CM_MUST_CHECK enum cm_status cm_stress_worker_create(struct cm_stress_run *run, uint32_t index,
                                                     struct cm_stress_worker **out);
void cm_stress_worker_destroy(struct cm_stress_worker *worker); /* NULL is allowed */
/* Does the run's phase; a thread's main function, on a worker. */
void cm_stress_worker_main(void *context);

/* ---- client.c ---- */

/* Whether there is anything left to ask. */
bool cm_stress_worker_has_more(const struct cm_stress_worker *worker, uint64_t now_ns);
uint64_t cm_stress_worker_due_ns(const struct cm_stress_worker *worker, uint64_t number);
/* Gives the client something to do, or notes that it has nothing. */
void cm_stress_client_go_on(struct cm_stress_client *client, uint64_t now_ns);
/* Has idle clients send what is due. */
void cm_stress_worker_pump(struct cm_stress_worker *worker, uint64_t now_ns);

#endif
