/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_COMMAND_REQUESTS_H
#define CM_COMMAND_REQUESTS_H

/* What an op counts as (tables/requests.def). */

#include "metrics/metrics.h"
#include "op/op.h"
#include "op/reply.h"

/* For kinds whose options do not matter. */
extern const uint8_t cm_command_of_kind[CM_OP_KINDS];
/* By enum cm_store_mode. */
extern const uint8_t cm_command_of_mode[];
/* The counter, from CM_METRIC_request_other_error on. */
extern const uint8_t cm_request_counters[CM_COMMANDS][CM_OUTCOMES];

static inline enum cm_command_kind cm_request_command(const struct cm_op *op) {
    switch (op->kind) {
    case CM_OP_GET:
        return (op->options & CM_OP_SET_EXPIRES) != 0 ? CM_COMMAND_gat : CM_COMMAND_get;
    case CM_OP_STORE:
    case CM_OP_STORE_LONG:
    case CM_OP_STORE_REFUSE:
        return (op->options & CM_OP_CAS) != 0 ? CM_COMMAND_cas
                                              : (enum cm_command_kind)cm_command_of_mode[op->mode];
    case CM_OP_ARITH:
        return (op->options & CM_OP_DECREMENT) != 0 ? CM_COMMAND_decr : CM_COMMAND_incr;
    default:
        return (enum cm_command_kind)cm_command_of_kind[op->kind];
    }
}

static inline void cm_request_count(struct cm_metrics *metrics, enum cm_command_kind command,
                                    uint8_t outcome) {
    const unsigned first = CM_METRIC_request_other_error;
    cm_metrics_count(metrics, (enum cm_metric)(first + cm_request_counters[command][outcome]));
}

#endif
