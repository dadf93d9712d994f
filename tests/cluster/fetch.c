/* SPDX-License-Identifier: BSD-3-Clause */
#include "support/cluster.h"
#include <stdatomic.h>

#define THREADS 4

CLUSTER_OF(2)

struct origin {
    atomic_int calls;
    atomic_bool holds; /* computing lasts as long as this */
    enum cm_status status;
    int64_t ttl_s;
    const char *text;
    bool do_not_store;
};

static enum cm_status load(void *context, struct cacheman_bytes key,
                           struct cacheman_loaded *loaded) {
    struct origin *origin = context;
    assert_true(key.bytes > 0);
    atomic_fetch_add(&origin->calls, 1);
    CLUSTER_WAIT(!atomic_load(&origin->holds));
    if (origin->status != CM_OK)
        return origin->status;
    loaded->bytes = strlen(origin->text);
    loaded->value = malloc(loaded->bytes + 1);
    assert_non_null(loaded->value);
    memcpy(loaded->value, origin->text, loaded->bytes);
    loaded->flags = 5;
    loaded->ttl_s = origin->ttl_s;
    loaded->do_not_store = origin->do_not_store;
    return CM_OK;
}

static void expect_fetch(cacheman *client, const struct cacheman_fetch *fetch,
                         enum cacheman_outcome outcome, const char *text) {
    struct cacheman_result result;
    assert_int_equal(cacheman_fetch(client, cacheman_text("f"), fetch, &result), CM_OK);
    assert_int_equal(result.outcome, outcome);
    assert_true(text_is(result.value, text));
    assert_int_equal(result.flags, 5);
    assert_int_equal(((const char *)result.value.data)[result.value.bytes], 0);
    cacheman_release(&result, 1);
}

static void first_computes_and_later_ones_hit(void **state) {
    (void)state;
    static const char *const options[] = {"", "protocol=text", "replicas=2", "keys=base64"};
    for (size_t i = 0; i < 4; i++) {
        cacheman *client = cluster_open(&cluster, options[i]);
        struct origin origin = {.text = "one"};
        const struct cacheman_fetch fetch = {.load = load, .context = &origin};
        assert_int_equal(cacheman_flush(client, 0, NULL), CM_OK);
        expect_fetch(client, &fetch, CACHEMAN_STORED, "one");
        expect_fetch(client, &fetch, CACHEMAN_HIT, "one");
        expect_fetch(client, &fetch, CACHEMAN_HIT, "one");
        assert_int_equal(atomic_load(&origin.calls), 1);
        cacheman_close(client);
    }
}

static void what_is_not_to_be_stored_is_not(void **state) {
    (void)state;
    cacheman *client = cluster_open(&cluster, "");
    struct origin origin = {.text = "once", .do_not_store = true};
    const struct cacheman_fetch fetch = {.load = load, .context = &origin};
    struct cacheman_result result;
    expect_fetch(client, &fetch, CACHEMAN_STORED, "once");
    assert_int_equal(cacheman_get(client, cacheman_text("f"), &result), CM_OK);
    assert_int_equal(result.outcome, CACHEMAN_MISS);
    expect_fetch(client, &fetch, CACHEMAN_STORED, "once");
    assert_int_equal(atomic_load(&origin.calls), 2);
    cacheman_close(client);
}

/* The one that failed leaves nothing behind: the next wins without waiting for the lease. */
static void a_failure_is_handed_on_and_leaves_nothing(void **state) {
    (void)state;
    cacheman *client = cluster_open(&cluster, "");
    struct origin origin = {.status = CM_SYSTEM};
    const struct cacheman_fetch fetch = {.load = load, .context = &origin, .lease_s = 3600};
    struct cacheman_result result;
    assert_int_equal(cacheman_fetch(client, cacheman_text("f"), &fetch, &result), CM_SYSTEM);
    assert_int_equal(result.status, CM_SYSTEM);
    assert_null(result.value.data);
    origin.status = CM_OK;
    origin.text = "two";
    expect_fetch(client, &fetch, CACHEMAN_STORED, "two");
    assert_int_equal(atomic_load(&origin.calls), 2);
    assert_int_equal(cacheman_fetch(client, cacheman_text("a b"), &fetch, &result), CM_BAD_KEY);
    cacheman_close(client);
}

struct crowd {
    cacheman *client;
    struct cacheman_fetch fetch;
    atomic_int done, computed;
    const char *text;
};

static void crowd_main(void *context) {
    struct crowd *crowd = context;
    struct cacheman_result result;
    CM_CHECK(cacheman_fetch(crowd->client, cacheman_text("f"), &crowd->fetch, &result) == CM_OK);
    CM_CHECK(text_is(result.value, crowd->text));
    atomic_fetch_add(&crowd->computed, result.outcome == CACHEMAN_STORED);
    atomic_fetch_add(&crowd->done, 1);
    cacheman_release(&result, 1);
}

static void one_computes_while_others_wait(void **state) {
    (void)state;
    struct origin origin = {.text = "shared", .holds = true};
    struct crowd crowd = {.client = cluster_open(&cluster, ""),
                          .fetch = {.load = load, .context = &origin, .wait_ms = 60000},
                          .text = "shared"};
    struct cm_os_thread threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(cm_os_thread_start(&threads[i], crowd_main, &crowd, "fetch"), CM_OK);
    CLUSTER_WAIT(atomic_load(&origin.calls) == 1);
    assert_int_equal(atomic_load(&crowd.done), 0);
    atomic_store(&origin.holds, false);
    for (size_t i = 0; i < THREADS; i++)
        cm_os_thread_join(&threads[i]);
    assert_int_equal(atomic_load(&origin.calls), 1);
    assert_int_equal(atomic_load(&crowd.computed), 1);
    cacheman_close(crowd.client);
}

/* Out of date: one computes, the others get the old value at once. */
static void others_get_the_old_value(void **state) {
    (void)state;
    cacheman *client = cluster_open(&cluster, "");
    struct origin origin = {.text = "old"};
    struct cacheman_fetch fetch = {.load = load, .context = &origin};
    struct cacheman_result result;
    expect_fetch(client, &fetch, CACHEMAN_STORED, "old");
    assert_int_equal(cacheman_invalidate(client, cacheman_text("f"), 100, &result), CM_OK);
    assert_int_equal(result.outcome, CACHEMAN_HIT);
    origin.text = "new";
    atomic_store(&origin.holds, true);
    struct crowd crowd = {.client = client, .fetch = fetch, .text = "new"};
    struct cm_os_thread winner;
    assert_int_equal(cm_os_thread_start(&winner, crowd_main, &crowd, "fetch"), CM_OK);
    CLUSTER_WAIT(atomic_load(&origin.calls) == 2);
    assert_int_equal(cacheman_fetch(client, cacheman_text("f"), &fetch, &result), CM_OK);
    assert_int_equal(result.outcome, CACHEMAN_HIT);
    assert_true(result.stale && text_is(result.value, "old"));
    cacheman_release(&result, 1);
    atomic_store(&origin.holds, false);
    cm_os_thread_join(&winner);
    expect_fetch(client, &fetch, CACHEMAN_HIT, "new");
    cacheman_close(client);
}

static void what_was_changed_meanwhile_stays(void **state) {
    (void)state;
    cacheman *client = cluster_open(&cluster, "");
    struct origin origin = {.text = "computed", .holds = true};
    struct crowd crowd = {
        .client = client, .fetch = {.load = load, .context = &origin}, .text = "computed"};
    struct cm_os_thread thread;
    struct cacheman_result result;
    assert_int_equal(cm_os_thread_start(&thread, crowd_main, &crowd, "fetch"), CM_OK);
    CLUSTER_WAIT(atomic_load(&origin.calls) == 1);
    assert_int_equal(cacheman_set(client, cacheman_text("f"), cacheman_text("newer"), NULL, NULL),
                     CM_OK);
    atomic_store(&origin.holds, false);
    cm_os_thread_join(&thread);
    assert_int_equal(cacheman_get(client, cacheman_text("f"), &result), CM_OK);
    assert_true(text_is(result.value, "newer"));
    cacheman_release(&result, 1);
    cacheman_close(client);
}

static void an_item_about_to_expire_is_computed_by_one(void **state) {
    (void)state;
    cacheman *client = cluster_open(&cluster, "");
    struct origin origin = {.text = "v", .ttl_s = 50};
    const struct cacheman_fetch fetch = {.load = load, .context = &origin, .refresh_s = 1000};
    expect_fetch(client, &fetch, CACHEMAN_STORED, "v");
    origin.ttl_s = 5000;
    expect_fetch(client, &fetch, CACHEMAN_STORED, "v");
    expect_fetch(client, &fetch, CACHEMAN_HIT, "v");
    assert_int_equal(atomic_load(&origin.calls), 2);
    cacheman_close(client);
}

static void without_servers_everybody_computes(void **state) {
    (void)state;
    cacheman *client = cluster_open(&cluster, "failures=1&retry=1h&retry_max=1h");
    struct origin origin = {.text = "v"};
    const struct cacheman_fetch fetch = {.load = load, .context = &origin};
    cluster_kill(&cluster, 0);
    cluster_kill(&cluster, 1);
    for (int i = 0; i < 10; i++)
        expect_fetch(client, &fetch, CACHEMAN_STORED, "v");
    assert_int_equal(atomic_load(&origin.calls), 10);
    cacheman_close(client);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        CASE(first_computes_and_later_ones_hit),
        CASE(what_is_not_to_be_stored_is_not),
        CASE(a_failure_is_handed_on_and_leaves_nothing),
        CASE(one_computes_while_others_wait),
        CASE(others_get_the_old_value),
        CASE(what_was_changed_meanwhile_stays),
        CASE(an_item_about_to_expire_is_computed_by_one),
        CASE(without_servers_everybody_computes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
