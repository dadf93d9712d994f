/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_STRESS_TALLY_H
#define CM_STRESS_TALLY_H

#include "base/format.h"
#include "base/latency.h"
#include "base/slice.h"
#include "stress/options.h"

/* What came of it all. A thread counts for itself; in the end they are added up. */

#define CM_STRESS_TROUBLES      16
#define CM_STRESS_TROUBLE_BYTES 96

/* What went wrong, by its text. */
struct cm_stress_trouble {
    char text[CM_STRESS_TROUBLE_BYTES]; /* as the server said it: not for a terminal */
    uint64_t count;
};

struct cm_stress_tally {
    struct cm_latency latency[CM_STRESS_KINDS]; /* of what has been answered */
    struct cm_latency connecting;
    uint64_t no[CM_STRESS_KINDS];     /* of these: not stored, not found; gets count keys below */
    uint64_t failed[CM_STRESS_KINDS]; /* of these: answered by an error */
    uint64_t keys, hits, checked;
    uint64_t errors;   /* answers that were errors */
    uint64_t wrong;    /* values */
    uint64_t bad;      /* answers that made no sense */
    uint64_t lost;     /* requests that were not answered, their connection gone */
    uint64_t timeouts; /* connections given up, no answer having come in time */
    uint64_t refused;  /* connections that did not come about */
    uint64_t skipped;  /* requests not sent, their server being gone */
    uint64_t unsent;   /* requests whose time had come, and then all was over */
    uint64_t sent_bytes, received_bytes;
    struct cm_stress_trouble troubles[CM_STRESS_TROUBLES]; /* the last is all others */
    bool is_denied; /* a login was not accepted, or is missing */
};

CM_PRINTF(2, 3)
void cm_stress_tally_trouble(struct cm_stress_tally *tally, const char *format, ...);
void cm_stress_tally_merge(struct cm_stress_tally *into, const struct cm_stress_tally *from);
uint64_t cm_stress_tally_requests(const struct cm_stress_tally *tally);

#endif
