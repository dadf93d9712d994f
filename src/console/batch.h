/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_CONSOLE_BATCH_H
#define CM_CONSOLE_BATCH_H

#include "console/internal.h"

/* A call of the client's for a command's keys. */
struct cm_batch {
    struct cacheman_request *requests;
    struct cacheman_result *results;
    size_t count;
};

/* A request of all zero for each operand, with that as its key; on success the caller ends with
 * cm_batch_deinit(). The exit status. */
CM_MUST_CHECK int cm_batch_init(struct cm_console *console, const struct cm_args *args,
                                struct cm_batch *batch);
void cm_batch_run(struct cm_console *console, struct cm_batch *batch);
void cm_batch_deinit(struct cm_batch *batch);

/* The exit status of a result that is no answer, after a message; OK for any answer. */
int cm_batch_failed(struct cm_console *console, struct cm_slice key,
                    const struct cacheman_result *result);

/* One request about the first operand, and what became of it; the caller releases *result if the
 * status is OK. */
CM_MUST_CHECK int cm_batch_one(struct cm_console *console, const struct cacheman_request *request,
                               struct cacheman_result *result);

#endif
