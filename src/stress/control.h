/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_STRESS_CONTROL_H
#define CM_STRESS_CONTROL_H

#include "stress/worker.h"

/* The main thread while others work: signals, the line a second, the CPU time. */
struct cm_stress_control {
    struct cm_stress_run *run;
    struct cm_stress_worker **workers;
    size_t worker_count;
    bool shows_progress;
    /* Set by a phase: CPU time while it counted. */
    uint64_t own_cpu_ns, server_cpu_ns;
};

/* Has the workers do the run's phase, and waits for all of them. The first SIGINT or SIGTERM has them
 * wind up, the next one leave. NO_MEMORY, SYSTEM: not all threads could be started; none is left. */
CM_MUST_CHECK enum cm_status cm_stress_control_run(struct cm_stress_control *control);

#endif
