/* SPDX-License-Identifier: BSD-3-Clause */
#include "session/peer.h"
#include "support/session_rig.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Two sessions of one server: one acts, the other watches. */
static struct rig rig;
static struct cm_session *actor, *watcher;

static void open_with(const struct rig_options *options) {
    rig_open(&rig, options);
    watcher = rig.session;
    cm_session_set_descriptor(watcher, 7);
    rig_new_session(&rig);
    actor = rig.session;
    cm_session_set_descriptor(actor, 8);
}

static int set_up(void **state) {
    (void)state;
    open_with(&(struct rig_options){0});
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    rig.session = watcher;
    rig_end_session(&rig);
    rig.session = actor;
    rig_close(&rig);
    return 0;
}

static const char *ask(struct cm_session *session, const char *text) {
    static char answer[1 << 20];
    rig.session = session;
    rig.closed = false;
    cm_buf_clear(&rig.received);
    rig_feed(&rig, cm_slice(text, strlen(text)));
    const struct cm_slice all = cm_buf_slice(&rig.received);
    assert_true(all.len < sizeof answer);
    memcpy(answer, all.data == NULL ? "" : all.data, all.len);
    answer[all.len] = '\0';
    return answer;
}

/* What the watcher is told, without time stamps and numbers. */
static const char *told(void) {
    static char bare[1 << 20];
    char *text = strdup(ask(watcher, "ignored\r\n"));
    size_t used = 0;
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        const char *from = strstr(line, "type=");
        assert_non_null(from);
        used += (size_t)snprintf(bare + used, sizeof bare - used, "%s\n", from);
    }
    bare[used] = '\0';
    free(text);
    return bare;
}

static void expect(const char *request, const char *lines) {
    (void)ask(actor, request);
    assert_string_equal(told(), lines);
}

static void watch(const char *request) {
    assert_string_equal(ask(watcher, request), "OK\r\n");
    assert_string_equal(cm_session_state_name(watcher), "conn_watch");
    assert_false(cm_session_is_busy(watcher));
}

static void test_fetchers(void **state) {
    (void)state;
    watch("watch\r\n");
    expect("get a\r\n", "type=item_get key=a status=not_found clsid=0 cfd=8 size=0\n");
    expect("set a 0 0 3\r\nabc\r\n", "type=item_get key=a status=not_found clsid=0 cfd=8 size=0\n");
    expect("get b a\r\n", "type=item_get key=b status=not_found clsid=0 cfd=8 size=0\n"
                          "type=item_get key=a status=found clsid=1 cfd=8 size=3\n");
    expect("mg a v\r\n", "type=item_get key=a status=found clsid=1 cfd=8 size=3\n");
    expect("me a\r\n", "type=item_get key=a status=found clsid=1 cfd=8 size=3\n");
    expect("gat 1 a\r\n", "type=item_get key=a status=found clsid=1 cfd=8 size=3\n");
    expect("incr a 1\r\n", "type=item_get key=a status=found clsid=1 cfd=8 size=3\n");
    expect("touch a 1\r\n", "type=item_get key=a status=found clsid=1 cfd=8 size=3\n");
    rig_advance(&rig, 2);
    expect("get a\r\n", "type=item_get key=a status=expired clsid=0 cfd=8 size=0\n");
    expect("mg v N9\r\n", "type=item_get key=v status=not_found clsid=0 cfd=8 size=0\n");
    expect("delete v\r\n", "type=item_get key=v status=found clsid=1 cfd=8 size=0\n");
    expect("ms YSXDvw== 1 b\r\nx\r\n",
           "type=item_get key=a%25%C3%BF status=not_found clsid=0 cfd=8 size=0\n");
    expect("set noreply 0 0 1 noreply\r\nx\r\n",
           "type=item_get key=noreply status=not_found clsid=0 cfd=8 size=0\n");
    expect("version\r\nmn\r\nstats reset\r\nget\r\n", "");
}

static void test_mutations(void **state) {
    (void)state;
    watch("watch mutations\r\n");
    expect("get a\r\n", "");
    expect("set a 0 0 3\r\nabc\r\n",
           "type=item_store key=a status=stored cmd=set ttl=0 clsid=1 cfd=8 size=3\n");
    expect("add a 0 0 1\r\nx\r\n",
           "type=item_store key=a status=not_stored cmd=add ttl=0 clsid=1 cfd=8 size=1\n");
    expect("replace b 0 0 1\r\nx\r\n",
           "type=item_store key=b status=not_stored cmd=replace ttl=0 clsid=1 cfd=8 size=1\n");
    expect("cas a 0 0 1 99\r\nx\r\n",
           "type=item_store key=a status=exists cmd=cas ttl=0 clsid=1 cfd=8 size=1\n");
    expect("cas b 0 0 1 99\r\nx\r\n",
           "type=item_store key=b status=not_found cmd=cas ttl=0 clsid=1 cfd=8 size=1\n");
    expect("add c 0 100 1\r\nx\r\n",
           "type=item_store key=c status=stored cmd=add ttl=100 clsid=1 cfd=8 size=1\n");
    rig_advance(&rig, 30);
    expect("append c 0 0 2\r\nyz\r\n",
           "type=item_store key=c status=stored cmd=append ttl=70 clsid=1 cfd=8 size=3\n");
    expect("ms c 1 MP\r\n0\r\n",
           "type=item_store key=c status=stored cmd=prepend ttl=70 clsid=1 cfd=8 size=4\n");
    expect("ms n 1 MA N60\r\n0\r\n",
           "type=item_store key=n status=stored cmd=append ttl=60 clsid=1 cfd=8 size=1\n");
    expect("ma m N40 J1000\r\n",
           "type=item_store key=m status=stored cmd=add ttl=40 clsid=1 cfd=8 size=4\n");
    expect("ma m\r\n", "");
    expect("set d 0 -1 1\r\nx\r\n",
           "type=item_store key=d status=stored cmd=set ttl=0 clsid=1 cfd=8 size=1\n");
    expect("set a 0 0 2000000\r\n",
           "type=item_store key=a status=too_large cmd=set ttl=0 clsid=0 cfd=8 size=0\n");
}

static void test_deletions(void **state) {
    (void)state;
    watch("watch deletions\r\n");
    expect("set a 0 0 3\r\nabc\r\nset b 0 0 4\r\nabcd\r\n", "");
    expect("delete a\r\ndelete a\r\n", "type=deleted key=a cmd=delete clsid=1 size=3\n");
    expect("md b I\r\nmd b x\r\nmd b C999\r\n", "");
    expect("md b q\r\n", "type=deleted key=b cmd=md clsid=1 size=0\n");
}

static void test_evictions(void **state) {
    (void)state;
    char request[1200];
    unsigned long key;
    unsigned size;
    const char *lines = "";
    watch("watch evictions\r\n");
    for (unsigned i = 0; i < 100000 && *lines == '\0'; i++) {
        snprintf(request, sizeof request, "set %u 0 0 500 noreply\r\n%0500u\r\n", i, i);
        (void)ask(actor, request);
        lines = i % 100 == 99 ? told() : "";
    }
    assert_int_equal(
        sscanf(lines, "type=eviction key=%lu fetch=no ttl=-1 la=0 clsid=9 size=%u\n", &key, &size),
        2);
    assert_int_equal(size, 500);
}

static void test_connections(void **state) {
    (void)state;
    const struct cm_session_peer peer = {"192.0.2.1", 1234, "tcp"};
    assert_false(cm_session_is_announced(actor));
    watch("watch connevents\r\n");
    assert_true(cm_session_is_announced(actor));
    cm_session_tell_opened(actor, &peer);
    cm_session_tell_closed(actor, &peer, CM_SESSION_END_NORMAL);
    cm_session_tell_closed(actor, &peer, CM_SESSION_END_IDLE);
    cm_session_tell_closed(actor, &peer, CM_SESSION_END_SHUTDOWN);
    cm_session_tell_closed(actor, &peer, CM_SESSION_END_ERROR);
    (void)ask(actor, "quit\r\n");
    cm_session_tell_closed(actor, &peer, CM_SESSION_END_ERROR);
    assert_string_equal(
        told(), "type=conn_new rip=192.0.2.1 rport=1234 transport=tcp cfd=8\n"
                "type=conn_close rip=192.0.2.1 rport=1234 transport=tcp reason=normal cfd=8\n"
                "type=conn_close rip=192.0.2.1 rport=1234 transport=tcp reason=idle_timeout cfd=8\n"
                "type=conn_close rip=192.0.2.1 rport=1234 transport=tcp reason=shutdown cfd=8\n"
                "type=conn_close rip=192.0.2.1 rport=1234 transport=tcp reason=error cfd=8\n"
                "type=conn_close rip=192.0.2.1 rport=1234 transport=tcp reason=normal cfd=8\n");
}

/* Behind answers that are still to be sent. */
static void test_pipelined(void **state) {
    (void)state;
    assert_string_equal(ask(watcher, "mn\r\nwatch\r\nmn\r\n"),
                        "MN\r\nERROR cannot pipeline other commands before watch\r\nMN\r\n");
    assert_string_equal(ask(actor, "mn\r\nlru_crawler metadump all\r\n"),
                        "MN\r\nERROR cannot pipeline other commands before metadump\r\n");
    assert_string_equal(ask(actor, "mn\r\nlru_crawler mgdump all\r\n"),
                        "MN\r\nERROR cannot pipeline other commands before mgdump\r\n");
    assert_string_equal(ask(actor, "set a 0 0 1 noreply\r\nx\r\nlru_crawler mgdump all\r\n"),
                        "mg a\r\nEN\r\n");
    watch("watch\r\n");
}

/* A dump that is stuck keeps others from dumping for a while, not for ever. */
static void test_busy(void **state) {
    (void)state;
    static const char busy[] = "BUSY currently processing crawler request\r\n";
    static const char request[] = "lru_crawler metadump all\r\n";
    char set[64];
    for (unsigned i = 0; i < 10000; i++) {
        snprintf(set, sizeof set, "set key%u 0 0 1 noreply\r\nx\r\n", i);
        (void)ask(actor, set);
    }
    cmstore_begin(rig.thread);
    const enum cm_session_state dumping =
        cm_session_feed(actor, cm_slice(request, sizeof request - 1), &rig.out);
    cm_session_out_clear(&rig.out);
    cmstore_end(rig.thread);
    assert_int_equal(dumping, CM_SESSION_AGAIN);
    assert_string_equal(ask(watcher, request), busy);
    assert_string_equal(ask(watcher, "lru_crawler mgdump hash\r\n"), busy);
    assert_null(strstr(ask(watcher, "stats cachedump 1 1\r\n"), "BUSY"));
    rig_advance(&rig, 9);
    assert_string_equal(ask(watcher, request), busy);
    rig_advance(&rig, 1);
    rig.session = watcher;
    cm_buf_clear(&rig.received);
    rig_feed(&rig, cm_slice(request, sizeof request - 1));
    assert_true(cm_buf_len(&rig.received) > 500000);
    /* Who had been stuck may end his, and with it nobody else's. */
    rig.session = actor;
    rig_end_session(&rig);
    rig_new_session(&rig);
    actor = rig.session;
    (void)ask(watcher, "delete key0\r\n");
}

static void test_too_many(void **state) {
    (void)state;
    struct cm_session *others[20];
    for (unsigned i = 0; i < 20; i++) {
        rig_new_session(&rig);
        others[i] = rig.session;
        assert_string_equal(ask(others[i], "watch\r\n"), "OK\r\n");
    }
    assert_string_equal(ask(watcher, "watch\r\n"),
                        "WATCHER_TOO_MANY log watcher limit reached\r\n");
    for (unsigned i = 0; i < 20; i++) {
        rig.session = others[i];
        rig_end_session(&rig);
    }
    watch("watch\r\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_fetchers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mutations, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_deletions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_evictions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_connections, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pipelined, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_busy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_too_many, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
