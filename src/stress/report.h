/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_STRESS_REPORT_H
#define CM_STRESS_REPORT_H

#include "stress/run.h"
#include "stress/tally.h"

struct cm_stress_result {
    const struct cm_stress_run *run;
    struct cm_stress_tally total;  /* while it counted */
    struct cm_stress_tally loaded; /* of --load */
    double seconds;
    uint64_t own_cpu_ns, server_cpu_ns;
    size_t open_count; /* connections, in the end */
};

/* For people, and as JSON; false: standard output cannot be written. */
bool cm_stress_report_text(const struct cm_stress_result *result);
bool cm_stress_report_json(const struct cm_stress_result *result);
/* What cacheman exits with. */
int cm_stress_report_exit(const struct cm_stress_result *result);

#endif
