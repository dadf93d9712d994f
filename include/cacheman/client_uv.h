/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CACHEMAN_CLIENT_UV_H
#define CACHEMAN_CLIENT_UV_H

/* libcacheman on a libuv loop of the caller's: the calls of client.h without waiting.
 *
 * Threads: a cacheman_async belongs to its loop's thread, callbacks run there. Servers and what is
 * known of their health are shared with the cacheman it was opened on, connections are not. */

#include <cacheman/client.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uv_loop_s; /* uv_loop_t */

typedef struct cacheman_async cacheman_async;

/* NO_MEMORY, SYSTEM. The loop must outlive *out; an idle one does not keep the loop running. */
CM_MUST_CHECK enum cm_status cacheman_async_open(cacheman *client, struct uv_loop_s *loop,
                                                 cacheman_async **out);

/* All requests of a call have their results: `results` is the call's own array. May start further
 * calls. */
typedef void cacheman_done(void *context, const struct cacheman_call *call);

struct cacheman_async_call {
    struct cacheman_call call; /* copied; what it points to is borrowed until `done` */
    cacheman_done *done;
    void *context;
};

/* `done` is called exactly once, never from within this call, in the order in which calls end.
 * NO_MEMORY: nothing has been started and `done` will not be called. */
CM_MUST_CHECK enum cm_status cacheman_async_run(cacheman_async *async,
                                                const struct cacheman_async_call *call);

/* Ends the calls under way with status CANCELLED, then calls `closed` (may be NULL) from the loop,
 * after which *async is gone. NULL is allowed and calls nothing. */
void cacheman_async_close(cacheman_async *async, void (*closed)(void *context), void *context);

#ifdef __cplusplus
}
#endif

#endif
