/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_STRESS_RUN_H
#define CM_STRESS_RUN_H

#include "base/os/os.h"
#include "client/view.h"
#include "stress/reader.h"
#include <stdatomic.h>

/* What all threads of a run share. Constant while they run, but for `ending`. */

enum cm_stress_phase {
    CM_STRESS_CONNECTING, /* until every connection is there, or cannot be had */
    CM_STRESS_LOADING,    /* every key once */
    CM_STRESS_RUNNING,
};

enum cm_stress_ending {
    CM_STRESS_GO_ON,
    CM_STRESS_WIND_UP, /* nothing new is asked; what is under way may take a second */
    CM_STRESS_LEAVE,   /* at once */
};

/* The servers. The client library reads what describes them, finds their addresses and places the
 * keys; the connections are ours. */
struct cm_stress_target {
    struct cacheman *client;
    struct cm_view *view;
    struct cm_tls_context *tls; /* the client's; NULL: plain */
    size_t count;
};

#define CM_STRESS_ERROR_BYTES 400

/* Returns CM_EXIT_OK, or what to exit with, and why. */
int cm_stress_target_open(struct cm_stress_target *target, const struct cm_cli_where *where,
                          char why_not[CM_STRESS_ERROR_BYTES]);
void cm_stress_target_close(struct cm_stress_target *target);

struct cm_stress_run {
    const struct cm_stress_options *options;
    struct cm_stress_target target;
    struct cm_stress_script script;
    struct cm_stress_block block;
    enum cm_stress_phase phase;
    uint64_t start_ns, warm_ns, end_ns; /* RUNNING: from `warm_ns` on it counts; until `end_ns` */
    uint32_t ttl_s;
    atomic_int ending;       /* enum cm_stress_ending */
    atomic_bool is_lost;     /* a connection was lost, and that was to be the end */
    atomic_bool is_deserted; /* no server could be reached for as long as --timeout says */
};

/* Raises, never lowers. */
void cm_stress_run_end(struct cm_stress_run *run, enum cm_stress_ending ending);

#endif
