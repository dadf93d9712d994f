/* SPDX-License-Identifier: BSD-3-Clause */

/* On a libuv loop: a hundred keys are stored and then read, without waiting.
 *
 *     client_uv CONNECTION-STRING */

#define _POSIX_C_SOURCE 200809L /* uv.h wants it where the language is strictly C17 */
#include <cacheman/client_uv.h>
#include <stdio.h>
#include <uv.h>

#define KEYS 100

struct work {
    cacheman_async *async;
    char names[KEYS][16];
    struct cacheman_request requests[KEYS];
    struct cacheman_result results[KEYS];
    int hits, failed;
};

static void start(struct work *work, enum cacheman_verb verb, cacheman_done *done) {
    for (int i = 0; i < KEYS; i++)
        work->requests[i] = (struct cacheman_request){.verb = verb,
                                                      .key = cacheman_text(work->names[i]),
                                                      .value = cacheman_text(work->names[i])};
    const struct cacheman_async_call call = {
        .call = {work->requests, KEYS, work->results, 0}, .done = done, .context = work};
    if (cacheman_async_run(work->async, &call))
        work->failed = 1;
}

static void on_read(void *context, const struct cacheman_call *call) {
    struct work *work = context;
    for (size_t i = 0; i < call->count; i++)
        work->hits += call->results[i].outcome == CACHEMAN_HIT;
    cacheman_release(call->results, call->count);
    printf("read %d of %d\n", work->hits, KEYS);
    cacheman_async_close(work->async, NULL, NULL);
}

static void on_stored(void *context, const struct cacheman_call *call) {
    cacheman_release(call->results, call->count);
    start(context, CACHEMAN_GET, on_read);
}

int main(int argc, char **argv) {
    static struct work work;
    cacheman *client;
    struct cacheman_error error;
    uv_loop_t *loop = uv_default_loop();
    if (cacheman_open(argc > 1 ? argv[1] : "127.0.0.1", &client, &error)) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    for (int i = 0; i < KEYS; i++)
        snprintf(work.names[i], sizeof work.names[i], "uv:%d", i);
    if (cacheman_async_open(client, loop, &work.async))
        return 1;
    start(&work, CACHEMAN_SET, on_stored);
    uv_run(loop, UV_RUN_DEFAULT);
    cacheman_close(client);
    return work.failed || work.hits != KEYS;
}
