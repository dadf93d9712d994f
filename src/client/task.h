/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_CLIENT_TASK_H
#define CM_CLIENT_TASK_H

/* What a call does for each of its requests: which servers it asks, in which order, and what their
 * answers come to. Knows no socket: an engine carries attempts to servers and back, waiting in
 * poll() (engine.h) or in a loop (loop.c).
 *
 *     migrate: during a warm-up, what needs the item there is, first brings it over:
 *              read at the old server, add at the new one, delete at the old one
 *     main:    the request itself; SET, DELETE and TOUCH to all replicas at once, and a SET or
 *              DELETE of a warm-up deletes at the old server too
 *     warm:    a read that missed, during a warm-up: read at the old server, add at the new one
 *     follow:  what changed the first replica and cannot be repeated: the new value to the others,
 *              or, where it is not known here, their deletion
 *
 * T1. The old server's copy is deleted with or before every change, so that it can never come back
 *     after the item has left the new server.
 * T2. A result is written once, by finish(). */

#include "base/num.h"
#include "client/view.h"

#define CM_CANDIDATES_MAX 8
#define CM_REPLICAS_MAX   4

struct cm_engine {
    /* Sees to it that attempt->done() is called, sooner or later; maybe before it returns. */
    void (*push)(struct cm_engine *engine, struct cm_attempt *attempt);
};

enum cm_phase {
    CM_PHASE_MIGRATE_READ,
    CM_PHASE_MIGRATE_ADD,
    CM_PHASE_MIGRATE_DELETE,
    CM_PHASE_MAIN,
    CM_PHASE_CREATE,
    CM_PHASE_WARM_READ,
    CM_PHASE_WARM_ADD,
    CM_PHASE_FOLLOW,
};

/* What only some tasks need. */
struct cm_more {
    struct cm_attempt others[CM_REPLICAS_MAX - 1];
    struct cm_attempt old;        /* at the server that was responsible before */
    struct cacheman_result found; /* there */
    char number[CM_NUM_U64_CHARS];
};

struct cm_task {
    const struct cacheman_request *request;
    struct cacheman_result *result;
    struct cm_call *call;
    struct cm_wire_key key;
    char *made_key; /* hashed, or with its prefix to be encoded; else NULL */
    struct cm_server *old;
    uint32_t candidates[CM_CANDIDATES_MAX]; /* servers that are not down, the first choice first */
    uint8_t candidate_count, candidate;
    uint8_t pending; /* attempts under way, and one while they are being started */
    uint8_t other_count;
    enum cm_phase phase;
    bool warmed; /* the old server has been asked */
    struct cm_attempt main;
    struct cm_more *more;
};

struct cm_call {
    struct cm_engine *engine;
    struct cm_view *view;
    const struct cm_ask *extra; /* of fetch and invalidate: what the request cannot say; or NULL */
    struct cm_task *tasks;
    size_t count;
    size_t left; /* tasks without a result, and one while they are being started */
    bool over;   /* the deadline has passed: no more attempts */
    void (*done)(struct cm_call *call); /* all have results; may be NULL */
    void *context;
};

/* Sets up a call whose `tasks` has room for all requests. */
void cm_call_init(struct cm_call *call, const struct cacheman_call *what);
/* Starts all; done() may be called before it returns. */
void cm_call_start(struct cm_call *call);
/* The status of the first result that has one. */
enum cm_status cm_call_status(const struct cacheman_call *what);

/* Ends an attempt that was not answered. */
void cm_attempt_fail(struct cm_attempt *attempt, enum cm_status status);

/* key.c: the key as the servers get it. BAD_KEY, NO_MEMORY. */
CM_MUST_CHECK enum cm_status cm_key_make(struct cm_task *task, const struct cm_settings *settings);

#endif
