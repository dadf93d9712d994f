/* SPDX-License-Identifier: BSD-3-Clause */
#include "console/batch.h"

#include <stdlib.h>

int cm_batch_init(struct cm_console *console, const struct cm_args *args, struct cm_batch *batch) {
    *batch = (struct cm_batch){.count = args->count};
    batch->requests = calloc(args->count, sizeof *batch->requests);
    batch->results = calloc(args->count, sizeof *batch->results);
    if (batch->requests == NULL || batch->results == NULL) {
        free(batch->requests);
        free(batch->results);
        return cm_error(console, CM_EXIT_UNAVAILABLE, "out of memory");
    }
    for (size_t i = 0; i < args->count; i++)
        batch->requests[i].key = cm_to(args->operands[i]);
    return CM_EXIT_OK;
}

/* What became of it all is in the results. */
void cm_batch_run(struct cm_console *console, struct cm_batch *batch) {
    const struct cacheman_call what = {
        .requests = batch->requests, .count = batch->count, .results = batch->results};
    if (cacheman_run(console->client, &what) != CM_OK)
        return;
}

void cm_batch_deinit(struct cm_batch *batch) {
    cacheman_release(batch->results, batch->count);
    free(batch->requests);
    free(batch->results);
}

int cm_batch_failed(struct cm_console *console, struct cm_slice key,
                    const struct cacheman_result *result) {
    struct cacheman_server *servers = NULL;
    uint32_t place = 0;
    size_t count = 0;
    struct cm_trouble trouble = {.status = result->status, .key = key};
    if (result->status == CM_OK)
        return CM_EXIT_OK;
    if (cacheman_servers(console->client, &servers, &count) == CM_OK &&
        cacheman_where(console->client, cm_to(key), NULL, &place, 1) == 1 && place < count) {
        trouble.server = servers[place].name;
        trouble.why = servers[place].error;
    }
    const int status = cm_error_of(console, &trouble);
    free(servers);
    return status;
}

int cm_batch_one(struct cm_console *console, const struct cacheman_request *request,
                 struct cacheman_result *result) {
    const struct cacheman_call what = {.requests = request, .count = 1, .results = result};
    if (cacheman_run(console->client, &what) == CM_OK)
        return CM_EXIT_OK;
    const int status = cm_batch_failed(console, cm_of(request->key), result);
    cacheman_release(result, 1);
    return status;
}
