/* SPDX-License-Identifier: BSD-3-Clause */
#include "support/cluster.h"
#include <cacheman/client_uv.h>
#include <uv.h>

/* The same calls on a loop of the caller's. */

#define CALLS   200
#define BATCH   60 /* enough for every server to have its share */
#define SERVERS 3

CLUSTER_OF(SERVERS)

struct many {
    cacheman_async *async;
    struct cacheman_request requests[BATCH];
    struct cacheman_result results[BATCH];
    char keys[BATCH][16];
    bool has_set, done;
    enum cm_status expected;
    unsigned *left;
};

static void run_many(struct many *many);

static void on_many(void *context, const struct cacheman_call *call) {
    struct many *many = context;
    assert_ptr_equal(call->results, many->results);
    for (size_t i = 0; i < call->count; i++) {
        assert_int_equal(call->results[i].status, many->expected);
        if (many->expected != CM_OK)
            continue;
        assert_int_equal(call->results[i].outcome, many->has_set ? CACHEMAN_HIT : CACHEMAN_STORED);
        if (many->has_set)
            assert_true(text_is(call->results[i].value, many->keys[i]));
    }
    cacheman_release(many->results, call->count);
    if (many->has_set || many->expected != CM_OK) {
        many->done = true;
        --*many->left;
        return;
    }
    many->has_set = true;
    run_many(many);
}

static void run_many(struct many *many) {
    for (size_t i = 0; i < BATCH; i++)
        many->requests[i] =
            (struct cacheman_request){.verb = many->has_set ? CACHEMAN_GET : CACHEMAN_SET,
                                      .key = cacheman_text(many->keys[i]),
                                      .value = cacheman_text(many->keys[i])};
    const struct cacheman_async_call call = {
        .call = {many->requests, BATCH, many->results, 0}, .done = on_many, .context = many};
    assert_int_equal(cacheman_async_run(many->async, &call), CM_OK);
}

static void start_many(struct many *many, cacheman_async *async, unsigned number, unsigned *left) {
    *many = (struct many){.async = async, .left = left};
    for (unsigned i = 0; i < BATCH; i++)
        snprintf(many->keys[i], sizeof many->keys[i], "a%u", number * BATCH + i);
}

static void on_closed(void *context) {
    *(bool *)context = true;
}

static cacheman *open_all(const char *options, uv_loop_t *loop, cacheman_async **async) {
    cacheman *client = cluster_open(&cluster, options);
    assert_int_equal(uv_loop_init(loop), 0);
    assert_int_equal(cacheman_async_open(client, loop, async), CM_OK);
    return client;
}

static void close_all(cacheman *client, cacheman_async *async, uv_loop_t *loop) {
    bool closed = false;
    cacheman_async_close(async, on_closed, &closed);
    assert_int_equal(uv_run(loop, UV_RUN_DEFAULT), 0);
    assert_true(closed);
    assert_int_equal(uv_loop_close(loop), 0);
    cacheman_close(client);
}

static void calls_are_pipelined(void **state) {
    (void)state;
    static struct many many[CALLS];
    cacheman_async *async;
    uv_loop_t loop;
    cacheman *client = open_all("", &loop, &async);
    unsigned left = CALLS;
    for (unsigned i = 0; i < CALLS; i++) {
        start_many(&many[i], async, i, &left);
        run_many(&many[i]);
        assert_false(many[i].done);
    }
    /* an idle engine does not keep the loop */
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(left, 0);
    struct cacheman_server *servers;
    size_t count;
    assert_int_equal(cacheman_servers(client, &servers, &count), CM_OK);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(servers[i].connections, 1);
    free(servers);
    close_all(client, async, &loop);
}

static void calls_without_requests_and_bad_keys_end_later(void **state) {
    (void)state;
    struct many many;
    cacheman_async *async;
    uv_loop_t loop;
    cacheman *client = open_all("", &loop, &async);
    unsigned left = 2;
    start_many(&many, async, 0, &left);
    many.has_set = true;
    const struct cacheman_async_call none = {
        .call = {many.requests, 0, many.results, 0}, .done = on_many, .context = &many};
    assert_int_equal(cacheman_async_run(async, &none), CM_OK);
    assert_int_equal(left, 2);
    many.expected = CM_BAD_KEY;
    for (size_t i = 0; i < BATCH; i++)
        many.keys[i][0] = ' ';
    run_many(&many);
    assert_int_equal(left, 2);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(left, 0);
    close_all(client, async, &loop);
}

/* A frozen server: the calls end by their deadline, and only those that wait for it. */
static void calls_end_by_their_deadline(void **state) {
    (void)state;
    static struct many many[CALLS];
    cacheman_async *async;
    uv_loop_t loop;
    cacheman *client = open_all("timeout=50ms&failures=1&retry=1h&retry_max=1h", &loop, &async);
    unsigned left = 1;
    for (size_t i = 0; i < SERVERS; i++)
        cluster_signal(&cluster, i, SIGSTOP);
    start_many(&many[0], async, 0, &left);
    many[0].expected = CM_TIMEOUT;
    run_many(&many[0]);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(left, 0);
    assert_int_equal(cluster_health_count(client, CACHEMAN_DOWN), SERVERS);
    left = 1;
    start_many(&many[0], async, 0, &left);
    many[0].expected = CM_UNREACHABLE;
    run_many(&many[0]);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(left, 0);
    for (size_t i = 0; i < SERVERS; i++)
        cluster_signal(&cluster, i, SIGCONT);
    close_all(client, async, &loop);
}

static unsigned count_items(cacheman *client, const struct many *many) {
    unsigned items = 0;
    for (size_t i = 0; i < BATCH; i++) {
        struct cacheman_result result;
        assert_int_equal(cacheman_get(client, cacheman_text(many->keys[i]), &result), CM_OK);
        items += result.outcome == CACHEMAN_HIT;
        cacheman_release(&result, 1);
    }
    return items;
}

static void on_set(void *context, const struct cacheman_call *call) {
    struct many *many = context;
    many->done = true;
    for (size_t i = 0; i < call->count; i++)
        many->done = many->done && call->results[i].outcome == CACHEMAN_STORED;
    cacheman_release(many->results, call->count);
}

static void set_many(struct many *many) {
    for (size_t i = 0; i < BATCH; i++)
        many->requests[i] =
            (struct cacheman_request){.verb = CACHEMAN_SET, .key = cacheman_text(many->keys[i])};
    const struct cacheman_async_call call = {
        .call = {many->requests, BATCH, many->results, 0}, .done = on_set, .context = many};
    assert_int_equal(cacheman_async_run(many->async, &call), CM_OK);
}

static bool has_set_many(struct many *many, uv_loop_t *loop) {
    set_many(many);
    assert_int_equal(uv_run(loop, UV_RUN_DEFAULT), 0);
    return many->done;
}

/* Whoever does something else for a while, or is kept from the processor, has not lost what came
 * meanwhile. */
static void a_loop_that_comes_late_finds_the_answers(void **state) {
    (void)state;
    static struct many many;
    cacheman_async *async;
    uv_loop_t loop;
    cacheman *client = open_all("timeout=100ms&failures=1000", &loop, &async);
    cacheman *other = cluster_open(&cluster, "");
    unsigned left = 1;
    start_many(&many, async, 0, &left);
    CLUSTER_WAIT(has_set_many(&many, &loop)); /* now there are connections */
    assert_int_equal(cacheman_flush(other, 0, NULL), CM_OK);
    many.done = false;
    set_many(&many);
    const uint64_t late_ns = cm_os_monotonic_ns() + 110000000;
    CLUSTER_WAIT(count_items(other, &many) == BATCH && cm_os_monotonic_ns() > late_ns);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_true(many.done);
    cacheman_close(other);
    close_all(client, async, &loop);
}

static void a_restarted_server_is_connected_to_again(void **state) {
    (void)state;
    struct many many;
    cacheman_async *async;
    uv_loop_t loop;
    cacheman *client = open_all("", &loop, &async);
    for (unsigned round = 0; round < 3; round++) {
        unsigned left = 1;
        start_many(&many, async, round, &left);
        run_many(&many);
        assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
        assert_int_equal(left, 0);
        cluster_kill(&cluster, round);
        cluster_start(&cluster, round);
    }
    close_all(client, async, &loop);
}

static void closing_cancels(void **state) {
    (void)state;
    static struct many many[CALLS];
    cacheman_async *async;
    uv_loop_t loop;
    cacheman *client = open_all("", &loop, &async);
    unsigned left = CALLS;
    for (unsigned i = 0; i < CALLS; i++) {
        start_many(&many[i], async, i, &left);
        many[i].expected = CM_CANCELLED;
        run_many(&many[i]);
    }
    close_all(client, async, &loop);
    assert_int_equal(left, 0);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        CASE(calls_are_pipelined),
        CASE(calls_without_requests_and_bad_keys_end_later),
        CASE(calls_end_by_their_deadline),
        CASE(a_loop_that_comes_late_finds_the_answers),
        CASE(a_restarted_server_is_connected_to_again),
        CASE(closing_cancels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
