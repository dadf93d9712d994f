/* SPDX-License-Identifier: BSD-3-Clause */
#include "support/cluster.h"
#include <stdatomic.h>

/* Every operation, against a real server, in the meta protocol and in the classic one. */

CLUSTER_OF(3)

static struct cacheman_bytes T(const char *text) {
    return cacheman_text(text);
}

static void
flush_all(cacheman *client) {
    assert_int_equal(cacheman_flush(client, 0, NULL), CM_OK);
}

static void expect_item(cacheman *client, const char *key, const char *value) {
    struct cacheman_result result;
    assert_int_equal(cacheman_get(client, T(key), &result), CM_OK);
    if (value == NULL) {
        assert_int_equal(result.outcome, CACHEMAN_MISS);
        assert_null(result.value.data);
    } else {
        assert_int_equal(result.outcome, CACHEMAN_HIT);
        assert_true(text_is(result.value, value));
        assert_int_equal(((const char *)result.value.data)[result.value.bytes], 0);
    }
    cacheman_release(&result, 1);
}

#define EXPECT(call, expected)                                                                     \
    do {                                                                                           \
        struct cacheman_result *const r = &result;                                                 \
        (void)r;                                                                                   \
        assert_int_equal(call, CM_OK);                                                             \
        assert_int_equal(result.outcome, expected);                                                \
    } while (0)

static void stores(cacheman *client) {
    struct cacheman_result result;
    const struct cacheman_how how = {.flags = 4000000000u, .ttl_s = 100};
    EXPECT(cacheman_replace(client, T("k"), T("1"), NULL, r), CACHEMAN_NOT_STORED);
    EXPECT(cacheman_append(client, T("k"), T("1"), NULL, r), CACHEMAN_NOT_STORED);
    EXPECT(cacheman_add(client, T("k"), T("1"), NULL, r), CACHEMAN_STORED);
    EXPECT(cacheman_add(client, T("k"), T("2"), NULL, r), CACHEMAN_NOT_STORED);
    EXPECT(cacheman_replace(client, T("k"), T("3"), NULL, r), CACHEMAN_STORED);
    EXPECT(cacheman_append(client, T("k"), T("4"), NULL, r), CACHEMAN_STORED);
    EXPECT(cacheman_prepend(client, T("k"), T("2"), NULL, r), CACHEMAN_STORED);
    expect_item(client, "k", "234");
    EXPECT(cacheman_set(client, T("k"), T(""), &how, r), CACHEMAN_STORED);
    expect_item(client, "k", "");
    EXPECT(cacheman_get(client, T("k"), r), CACHEMAN_HIT);
    assert_int_equal(result.flags, 4000000000u);
    cacheman_release(&result, 1);
    EXPECT(cacheman_append(client, T("k"), T("x"), NULL, r), CACHEMAN_STORED);
    EXPECT(cacheman_get(client, T("k"), r), CACHEMAN_HIT);
    assert_int_equal(result.flags, 4000000000u);
    cacheman_release(&result, 1);
    EXPECT(cacheman_delete(client, T("k"), r), CACHEMAN_HIT);
    EXPECT(cacheman_delete(client, T("k"), r), CACHEMAN_MISS);
    expect_item(client, "k", NULL);
}

static void compares(cacheman *client) {
    struct cacheman_result result;
    struct cacheman_how how = {.cas = 1};
    EXPECT(cacheman_cas(client, T("c"), T("1"), &how, r), CACHEMAN_MISS);
    EXPECT(cacheman_set(client, T("c"), T("1"), NULL, r), CACHEMAN_STORED);
    EXPECT(cacheman_gets(client, T("c"), r), CACHEMAN_HIT);
    assert_true(result.cas != 0);
    how.cas = result.cas;
    cacheman_release(&result, 1);
    EXPECT(cacheman_cas(client, T("c"), T("2"), &how, r), CACHEMAN_STORED);
    EXPECT(cacheman_cas(client, T("c"), T("3"), &how, r), CACHEMAN_EXISTS);
    expect_item(client, "c", "2");
}

static void counts(cacheman *client) {
    struct cacheman_result result;
    EXPECT(cacheman_increment(client, T("n"), 1, r), CACHEMAN_MISS);
    struct cacheman_request request = {.verb = CACHEMAN_INCREMENT,
                                       .key = T("n"),
                                       .delta = 5,
                                       .create = true,
                                       .initial = 40,
                                       .ttl_s = 50};
    const struct cacheman_call call = {&request, 1, &result, 0};
    EXPECT(cacheman_run(client, &call), CACHEMAN_HIT);
    assert_int_equal(result.number, 40);
    EXPECT(cacheman_run(client, &call), CACHEMAN_HIT);
    assert_int_equal(result.number, 45);
    EXPECT(cacheman_decrement(client, T("n"), 40, r), CACHEMAN_HIT);
    assert_int_equal(result.number, 5);
    EXPECT(cacheman_decrement(client, T("n"), 40, r), CACHEMAN_HIT);
    assert_int_equal(result.number, 0);
    EXPECT(cacheman_increment(client, T("n"), UINT64_MAX, r), CACHEMAN_HIT);
    assert_true(result.number == UINT64_MAX);
    EXPECT(cacheman_set(client, T("n"), T("x"), NULL, r), CACHEMAN_STORED);
    assert_int_equal(cacheman_increment(client, T("n"), 1, &result), CM_NOT_NUMERIC);
    assert_int_equal(result.outcome, CACHEMAN_UNKNOWN);
    expect_item(client, "n", "x");
}

static void reads_without_value(cacheman *client) {
    struct cacheman_result result;
    const struct cacheman_how how = {.flags = 7};
    struct cacheman_request request = {.verb = CACHEMAN_GET, .key = T("v"), .no_value = true};
    const struct cacheman_call call = {&request, 1, &result, 0};
    EXPECT(cacheman_run(client, &call), CACHEMAN_MISS);
    EXPECT(cacheman_set(client, T("v"), T("value"), &how, r), CACHEMAN_STORED);
    for (int i = 0; i < 2; i++) {
        EXPECT(cacheman_run(client, &call), CACHEMAN_HIT);
        assert_null(result.value.data);
        assert_int_equal(result.value.bytes, 0);
        assert_int_equal(result.flags, 0);
        request.verb = CACHEMAN_GET_AND_TOUCH;
    }
    expect_item(client, "v", "value");
}

static void expires(cacheman *client) {
    struct cacheman_result result;
    const struct cacheman_how over = {.ttl_s = -1}, year = {.ttl_s = 365 * 24 * 3600};
    const struct cacheman_how ages = {.ttl_s = INT64_MAX};
    EXPECT(cacheman_touch(client, T("t"), 10, r), CACHEMAN_MISS);
    EXPECT(cacheman_set(client, T("t"), T("1"), &over, r), CACHEMAN_STORED);
    expect_item(client, "t", NULL);
    EXPECT(cacheman_set(client, T("t"), T("1"), &year, r), CACHEMAN_STORED);
    expect_item(client, "t", "1");
    EXPECT(cacheman_set(client, T("t"), T("1"), &ages, r), CACHEMAN_STORED);
    expect_item(client, "t", "1");
    EXPECT(cacheman_get_and_touch(client, T("t"), 1000, r), CACHEMAN_HIT);
    assert_true(text_is(result.value, "1"));
    cacheman_release(&result, 1);
    EXPECT(cacheman_touch(client, T("t"), -1, r), CACHEMAN_HIT);
    expect_item(client, "t", NULL);
    EXPECT(cacheman_get_and_touch(client, T("t"), 1000, r), CACHEMAN_MISS);
}

static void is_silent(cacheman *client) {
    struct cacheman_result result;
    const struct cacheman_how silent = {.no_reply = true};
    EXPECT(cacheman_set(client, T("s"), T("1"), &silent, r), CACHEMAN_UNKNOWN);
    expect_item(client, "s", "1");
    EXPECT(cacheman_add(client, T("s"), T("2"), &silent, r), CACHEMAN_UNKNOWN);
    struct cacheman_request request = {.verb = CACHEMAN_DELETE, .key = T("s"), .no_reply = true};
    const struct cacheman_call call = {&request, 1, &result, 0};
    expect_item(client, "s", "1");
    EXPECT(cacheman_run(client, &call), CACHEMAN_UNKNOWN);
    expect_item(client, "s", NULL);
}

static void is_large(cacheman *client) {
    struct cacheman_result result;
    const size_t bytes = 1000000;
    char *value = malloc(2 * bytes);
    assert_non_null(value);
    for (size_t i = 0; i < 2 * bytes; i++)
        value[i] = (char)(i * 7 + i / 1000);
    EXPECT(cacheman_set(client, T("l"), cacheman_bytes(value, bytes), NULL, r), CACHEMAN_STORED);
    EXPECT(cacheman_get(client, T("l"), r), CACHEMAN_HIT);
    assert_int_equal(result.value.bytes, bytes);
    assert_memory_equal(result.value.data, value, bytes);
    cacheman_release(&result, 1);
    assert_int_equal(cacheman_set(client, T("l"), cacheman_bytes(value, 2 * bytes), NULL, &result),
                     CM_TOO_LARGE);
    expect_item(client, "l", NULL);
    free(value);
}

#define MANY 500

/* Sets and gets of many keys in one call each; every third is missing. */
static void are_many(cacheman *client) {
    static struct cacheman_request requests[MANY];
    static struct cacheman_result results[MANY];
    static char keys[MANY][16], values[MANY][16];
    struct cacheman_call call = {requests, MANY, results, 0};
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(keys[i], sizeof keys[i], "many:%u", i);
        snprintf(values[i], sizeof values[i], "value %u", i * i);
        requests[i] = (struct cacheman_request){.verb = i % 3 ? CACHEMAN_SET : CACHEMAN_DELETE,
                                                .key = T(keys[i]),
                                                .value = T(values[i]),
                                                .flags = i};
    }
    assert_int_equal(cacheman_run(client, &call), CM_OK);
    for (unsigned i = 0; i < MANY; i++)
        requests[i] = (struct cacheman_request){.key = T(keys[i])};
    assert_int_equal(cacheman_run(client, &call), CM_OK);
    for (unsigned i = 0; i < MANY; i++) {
        assert_int_equal(results[i].outcome, i % 3 ? CACHEMAN_HIT : CACHEMAN_MISS);
        assert_true(i % 3 == 0 || text_is(results[i].value, values[i]));
        assert_true(i % 3 == 0 || results[i].flags == i);
    }
    cacheman_release(results, MANY);
}

static void do_all(const char *options) {
    cacheman *client = cluster_open(&cluster, options);
    flush_all(client);
    stores(client);
    compares(client);
    counts(client);
    reads_without_value(client);
    expires(client);
    is_silent(client);
    is_large(client);
    are_many(client);
    assert_int_equal(cluster_health_count(client, CACHEMAN_UP), 3);
    cacheman_close(client);
}

static void all_in_meta(void **state) {
    (void)state;
    do_all("prefix=m:");
}

static void all_in_classic_text(void **state) {
    (void)state;
    do_all("protocol=text&distribution=ketama");
}

static void all_on_two_replicas(void **state) {
    (void)state;
    do_all("replicas=2");
}

/* Every byte encrypted, and longer than a record. */
static void all_over_tls(void **state) {
    (void)state;
    static char path[96], command[1024];
    struct cluster plain = cluster;
    cluster = (struct cluster){.options = {"-Z", "--tls-cert", path}};
    snprintf(path, sizeof path, "%s/cert.pem", plain.folder);
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
             "-subj /CN=test -keyout %s.key -out %s 2>/dev/null && cat %s.key >>%s && rm %s.key",
             path, path, path, path, path);
    assert_int_equal(system(command), 0);
    cluster_init(&cluster, 3);
    do_all("tls=any");
    do_all("tls=any&protocol=text&replicas=2");
    cluster_deinit(&cluster);
    unlink(path);
    cluster = plain;
}

static void odd_keys(void **state) {
    (void)state;
    struct cacheman_result result;
    char longest[301];
    memset(longest, 'k', 300);
    longest[300] = '\0';
    cacheman *refuses = cluster_open(&cluster, "");
    assert_int_equal(cacheman_get(refuses, T(""), &result), CM_BAD_KEY);
    assert_int_equal(cacheman_get(refuses, T("a b"), &result), CM_BAD_KEY);
    assert_int_equal(cacheman_get(refuses, T("a\r\nflush_all"), &result), CM_BAD_KEY);
    assert_int_equal(cacheman_get(refuses, T(longest), &result), CM_BAD_KEY);
    assert_int_equal(cacheman_get(refuses, cacheman_bytes(longest, 251), &result), CM_BAD_KEY);
    assert_int_equal(cacheman_get(refuses, cacheman_bytes(longest, 250), &result), CM_OK);
    cacheman_close(refuses);
    static const char *const options[] = {"keys=hash", "keys=base64", "keys=base64&protocol=text",
                                          "keys=hash&prefix=p"};
    for (size_t i = 0; i < 4; i++) {
        cacheman *client = cluster_open(&cluster, options[i]);
        const struct cacheman_bytes odd = cacheman_bytes("a b\r\n\0c", 7);
        EXPECT(cacheman_set(client, odd, T(options[i]), NULL, r), CACHEMAN_STORED);
        EXPECT(cacheman_get(client, odd, r), CACHEMAN_HIT);
        assert_true(text_is(result.value, options[i]));
        cacheman_release(&result, 1);
        EXPECT(cacheman_get(client, T("a b"), r), CACHEMAN_MISS);
        const enum cm_status expected = strncmp(options[i], "keys=hash", 9) ? CM_BAD_KEY : CM_OK;
        assert_int_equal(cacheman_set(client, T(longest), T("v"), NULL, NULL), expected);
        longest[0] = ' '; /* as base64 one byte more than fits */
        assert_int_equal(cacheman_set(client, cacheman_bytes(longest, 187), T("v"), NULL, NULL),
                         expected);
        assert_int_equal(cacheman_set(client, cacheman_bytes(longest, 186), T("v"), NULL, NULL),
                         CM_OK);
        longest[0] = 'k';
        cacheman_close(client);
    }
}

struct lines {
    size_t count, servers;
    char last[256], first[256];
};

static bool take_line(void *context, const struct cacheman_line *line) {
    struct lines *lines = context;
    snprintf(lines->last, sizeof lines->last, "%.*s", (int)line->text.bytes,
             (const char *)line->text.data);
    if (lines->count++ == 0)
        memcpy(lines->first, lines->last, sizeof lines->first);
    assert_non_null(line->server);
    return true;
}

struct finish {
    size_t calls, failures;
    enum cm_status last;
};

static void take_finish(void *context, const char *server, enum cm_status status) {
    struct finish *finish = context;
    assert_non_null(server);
    finish->calls++;
    finish->failures += status != CM_OK;
    finish->last = status;
}

static bool take_connections(void *context, const struct cacheman_line *line) {
    static const char row[] = "STAT total_connections ";
    if (line->text.bytes > strlen(row) && memcmp(line->text.data, row, strlen(row)) == 0)
        *(long *)context = strtol((const char *)line->text.data + strlen(row), NULL, 10);
    return true;
}

/* Every server says what became of it, and one that has answered with END keeps its connection. */
static void servers_that_were_asked_finish(void **state) {
    (void)state;
    cacheman *client = cluster_open(&cluster, "");
    struct finish finish = {0};
    struct cacheman_ask ask = {.context = &finish, .finish = take_finish};
    assert_int_equal(cacheman_stats(client, NULL, &ask), CM_OK);
    assert_int_equal(finish.calls, 3);
    assert_int_equal(finish.failures, 0);
    assert_int_equal(cacheman_stats(client, "nonsense", &ask), CM_REFUSED);
    assert_int_equal(finish.calls, 6);
    assert_int_equal(finish.failures, 3);
    assert_int_equal(finish.last, CM_REFUSED);
    struct cacheman_server *servers;
    size_t count;
    assert_int_equal(cacheman_servers(client, &servers, &count), CM_OK);
    long first = 0, later = 0;
    ask = (struct cacheman_ask){
        .server = servers[0].name, .visit = take_connections, .context = &first};
    assert_int_equal(cacheman_stats(client, NULL, &ask), CM_OK);
    ask.context = &later;
    for (int i = 0; i < 3; i++)
        assert_int_equal(cacheman_stats(client, NULL, &ask), CM_OK);
    assert_true(first > 0);
    assert_int_equal(later, first);
    free(servers);
    cacheman_close(client);
}

/* Of the server that has the key, whatever the servers are given for it. */
static void servers_tell_why(void **state) {
    (void)state;
    static const char *const options[] = {"", "prefix=w:", "keys=base64", "keys=hash"};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        cacheman *client = cluster_open(&cluster, options[i]);
        const struct cacheman_bytes key = T(i < 2 ? "why" : "why so");
        struct cacheman_result result;
        struct lines lines = {0};
        struct cacheman_ask ask = {.visit = take_line, .context = &lines};
        flush_all(client);
        assert_int_equal(cacheman_set(client, key, T("v"), 0, &result), CM_OK);
        assert_int_equal(cacheman_why(client, key, &ask), CM_OK);
        assert_int_equal(strncmp(lines.last, "STAT cas ", 9), 0);
        assert_int_equal(lines.count, 7);
        assert_int_equal(cacheman_delete(client, key, &result), CM_OK);
        lines.count = 0;
        assert_int_equal(cacheman_why(client, key, &ask), CM_OK);
        assert_string_equal(lines.last, "STAT fetched no");
        assert_int_equal(lines.count, 5);
        assert_int_equal(cacheman_why(client, T(""), &ask), CM_BAD_KEY);
        assert_int_equal(cacheman_why(client, T("odd one"), &ask), i < 2 ? CM_BAD_KEY : CM_OK);
        ask.server = "nobody:1";
        assert_int_equal(cacheman_why(client, key, &ask), CM_INVALID);
        cacheman_close(client);
    }
}

static void servers_are_asked(void **state) {
    (void)state;
    cacheman *client = cluster_open(&cluster, "");
    struct lines lines = {0};
    struct cacheman_ask ask = {.visit = take_line, .context = &lines};
    assert_int_equal(cacheman_version(client, &ask), CM_OK);
    assert_int_equal(lines.count, 3);
    assert_int_equal(strncmp(lines.last, "VERSION ", 8), 0);
    lines.count = 0;
    assert_int_equal(cacheman_stats(client, NULL, &ask), CM_OK);
    assert_true(lines.count > 100);
    assert_int_equal(strncmp(lines.last, "STAT ", 5), 0);
    struct cacheman_server *servers;
    size_t count;
    assert_int_equal(cacheman_servers(client, &servers, &count), CM_OK);
    assert_int_equal(count, 3);
    ask.server = servers[1].name;
    lines.count = 0;
    assert_int_equal(cacheman_stats(client, "settings", &ask), CM_OK);
    assert_true(lines.count > 10);
    assert_int_equal(cacheman_stats(client, "nonsense", &ask), CM_REFUSED);
    assert_int_equal(cacheman_stats(client, "a\r\nflush_all", &ask), CM_INVALID);
    assert_int_equal(cacheman_command(client, "verbosity 1", &ask), CM_OK);
    assert_string_equal(lines.last, "OK");
    assert_int_equal(cacheman_command(client, "mn", &ask), CM_OK);
    assert_string_equal(lines.last, "MN");
    assert_int_equal(cacheman_command(client, "nonsense", &ask), CM_REFUSED);
    assert_string_equal(lines.last, "ERROR");
    ask.server = "nobody:1";
    assert_int_equal(cacheman_version(client, &ask), CM_INVALID);
    free(servers);
    cacheman_close(client);
}

/* The rest of an answer whose end is not known is nobody else's. */
static void answers_of_commands_are_not_mixed_up(void **state) {
    (void)state;
    cacheman *client = cluster_open(&cluster, "");
    struct lines lines = {0};
    const struct cacheman_ask ask = {.visit = take_line, .context = &lines};
    flush_all(client);
    assert_int_equal(cacheman_set(client, T("k"), T("VALUE other 0 1"), NULL, NULL), CM_OK);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(cacheman_command(client, "get k k k", &ask), CM_OK);
        expect_item(client, "k", "VALUE other 0 1");
        expect_item(client, "other", NULL);
    }
    assert_int_equal(cluster_health_count(client, CACHEMAN_UP), 3);
    cacheman_close(client);
}

/* What is changed without waiting changes at every replica. */
static void silent_changes_reach_replicas(void **state) {
    (void)state;
    cacheman *client = cluster_open(&cluster, "replicas=2");
    struct lines lines = {0};
    struct cacheman_ask ask = {.visit = take_line, .context = &lines};
    struct cacheman_result result;
    struct cacheman_request request = {
        .verb = CACHEMAN_INCREMENT, .key = T("r"), .delta = 1, .no_reply = true};
    const struct cacheman_call call = {&request, 1, &result, 0};
    struct cacheman_server *servers;
    size_t count;
    uint32_t places[2];
    assert_int_equal(cacheman_set(client, T("r"), T("1"), NULL, NULL), CM_OK);
    EXPECT(cacheman_run(client, &call), CACHEMAN_UNKNOWN);
    expect_item(client, "r", "2");
    assert_int_equal(cacheman_where(client, T("r"), NULL, places, 2), 2);
    assert_int_equal(cacheman_servers(client, &servers, &count), CM_OK);
    ask.server = servers[places[1]].name;
    assert_int_equal(cacheman_command(client, "get r", &ask), CM_OK);
    assert_string_equal(lines.last, "END");
    request.verb = (enum cacheman_verb)(CACHEMAN_DECREMENT + 1);
    assert_int_equal(cacheman_run(client, &call), CM_INVALID);
    assert_int_equal(result.outcome, CACHEMAN_UNKNOWN);
    free(servers);
    cacheman_close(client);
}

static void dumps_list_every_item(void **state) {
    (void)state;
    cacheman *client = cluster_open(&cluster, "");
    struct lines lines = {0};
    const struct cacheman_ask ask = {.visit = take_line, .context = &lines};
    flush_all(client);
    for (int i = 0; i < 100; i++) {
        char key[16];
        snprintf(key, sizeof key, "d%d", i);
        assert_int_equal(cacheman_set(client, T(key), T("v"), NULL, NULL), CM_OK);
    }
    assert_int_equal(cacheman_dump(client, &ask), CM_OK);
    assert_int_equal(lines.count, 100);
    assert_int_equal(strncmp(lines.last, "key=d", 5), 0);
    cacheman_close(client);
}

struct watching {
    cacheman *client;
    atomic_bool seen;
};

static bool on_event(void *context, const struct cacheman_line *line) {
    struct watching *watching = context;
    assert_true(line->text.bytes > 3);
    assert_memory_equal(line->text.data, "ts=", 3);
    atomic_store(&watching->seen, true);
    return false;
}

static void watch_main(void *context) {
    struct watching *watching = context;
    const struct cacheman_ask ask = {.visit = on_event, .context = watching, .timeout_ms = 120000};
    assert_int_equal(cacheman_watch(watching->client, "mutations", &ask), CM_OK);
}

static bool count_down(void *context) {
    int *left = context;
    return --*left > 0;
}

static void events_are_watched(void **state) {
    (void)state;
    struct watching watching = {.client = cluster_open(&cluster, "")};
    struct cm_os_thread thread;
    flush_all(watching.client); /* all are up: an event may end the watch before they are */
    assert_int_equal(cm_os_thread_start(&thread, watch_main, &watching, "watch"), CM_OK);
    CLUSTER_WAIT(cacheman_set(watching.client, T("w"), T("1"), NULL, NULL) == CM_OK &&
                 atomic_load(&watching.seen));
    cm_os_thread_join(&thread);
    assert_int_equal(cluster_health_count(watching.client, CACHEMAN_UP), 3);
    const struct cacheman_ask brief = {.visit = NULL, .timeout_ms = 10};
    assert_int_equal(cacheman_watch(watching.client, "evictions", &brief), CM_OK);
    struct cacheman_error error;
    const struct cacheman_ask wrong = {.error = &error};
    assert_int_equal(cacheman_watch(watching.client, "nonsense", &wrong), CM_REFUSED);
    assert_string_equal(error.text, "ERROR");
    int left = 3;
    const struct cacheman_ask patient = {
        .may_wait = count_down, .context = &left, .timeout_ms = 60000};
    assert_int_equal(cacheman_watch(watching.client, "evictions", &patient), CM_OK);
    assert_int_equal(left, 0);
    assert_int_equal(cluster_health_count(watching.client, CACHEMAN_UP), 3);
    cacheman_close(watching.client);
}

/* Who takes his time over the first server's answer, while the others, which stood still, give theirs. */
struct late {
    cacheman *client, *other;
    uint64_t until_ns;
    size_t answers;
};

static void signal_others(int number) {
    for (size_t i = 1; i < cluster.count; i++) {
        cluster_signal(&cluster, i, number);
        if (number == SIGSTOP)
            assert_int_equal(waitpid(cluster.servers[i].process, NULL, WUNTRACED),
                             cluster.servers[i].process);
    }
}

static bool take_time(void *context, const struct cacheman_line *line) {
    struct late *late = context;
    const struct cacheman_ask all = {0};
    assert_memory_equal(line->text.data, "VERSION ", 8);
    if (late->answers++ > 0)
        return true;
    signal_others(SIGCONT);
    for (int i = 0; i < 3; i++) /* a server's one thread has come round to whoever asked before */
        assert_int_equal(cacheman_version(late->other, &all), CM_OK);
    CLUSTER_WAIT(cm_os_monotonic_ns() > late->until_ns);
    return true;
}

/* False: the first server's answer itself came too late. */
static bool are_all_heard(struct late *late) {
    const struct cacheman_ask all = {0};
    const struct cacheman_ask ask = {.visit = take_time, .context = late, .timeout_ms = 500};
    assert_int_equal(cacheman_version(late->client, &all), CM_OK); /* now there are connections */
    signal_others(SIGSTOP);
    late->answers = 0;
    late->until_ns = cm_os_monotonic_ns() + UINT64_C(600000000);
    const enum cm_status status = cacheman_version(late->client, &ask);
    signal_others(SIGCONT);
    if (late->answers == 0)
        return false;
    assert_int_equal(status, CM_OK);
    assert_int_equal(late->answers, 3);
    return true;
}

static void answers_that_lie_there_are_in_time(void **state) {
    (void)state;
    struct late late = {cluster_open(&cluster, "failures=1000"), cluster_open(&cluster, ""), 0, 0};
    CLUSTER_WAIT(are_all_heard(&late));
    cacheman_close(late.other);
    cacheman_close(late.client);
}

static void places_are_told(void **state) {
    (void)state;
    cacheman *client = cluster_open(&cluster, "replicas=2");
    uint32_t mine[3], theirs[3];
    const char *name;
    assert_int_equal(cacheman_where(client, T("k"), NULL, mine, 3), 3);
    assert_int_equal(cacheman_where(client, T("k"), "rendezvous", theirs, 3), 3);
    assert_memory_equal(mine, theirs, sizeof mine);
    for (size_t i = 0; (name = cacheman_distribution(i, NULL)) != NULL; i++)
        assert_int_equal(cacheman_where(client, T("k"), name, theirs, 2), 2);
    assert_int_equal(cacheman_where(client, T("k"), "none", theirs, 2), 0);
    assert_string_equal(cacheman_distribution_used(client), "rendezvous");
    cacheman_close(client);
}

static void options_are_told(void **state) {
    (void)state;
    cacheman *client;
    char value[260];
    assert_int_equal(cacheman_open("127.0.0.1:1?timeout=90s&distribution=ketama&user=u&password=p",
                                   &client, NULL),
                     CM_OK);
    struct cacheman_option option;
    size_t number = 0;
    for (; cacheman_option(number, &option); number++) {
        assert_true(cacheman_option_used(client, number, value, sizeof value));
        if (strcmp(option.name, "timeout") == 0)
            assert_string_equal(value, "90s");
        else if (strcmp(option.name, "distribution") == 0)
            assert_string_equal(value, "ketama");
        else if (strcmp(option.name, "password") == 0)
            assert_string_equal(value, "***");
        else if (strcmp(option.name, "user") == 0)
            assert_string_equal(value, "u");
        else if (strcmp(option.name, "retry_max") == 0)
            assert_false(cacheman_option_used(client, number, value, 3));
        else
            assert_string_equal(value, option.initial);
    }
    assert_false(cacheman_option_used(client, number, value, sizeof value));
    cacheman_close(client);
}

static void bad_strings_are_explained(void **state) {
    (void)state;
    cacheman *client = NULL;
    struct cacheman_error error;
    assert_int_equal(cacheman_open("a:b", &client, &error), CM_INVALID);
    assert_string_equal(error.text, "\"b\" is not a port from 1 to 65535");
    assert_int_equal(error.column, 3);
    assert_int_equal(cacheman_open("file:/nonexistent/x", &client, &error), CM_SYSTEM);
    assert_string_equal(error.text,
                        "cannot read the cluster file /nonexistent/x: No such file or directory");
    assert_int_equal(cacheman_open("file:", &client, NULL), CM_INVALID);
    assert_null(client);
    cacheman_close(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_in_meta),
        cmocka_unit_test(all_in_classic_text),
        cmocka_unit_test(all_on_two_replicas),
        cmocka_unit_test(all_over_tls),
        cmocka_unit_test(odd_keys),
        cmocka_unit_test(servers_tell_why),
        cmocka_unit_test(servers_are_asked),
        cmocka_unit_test(servers_that_were_asked_finish),
        cmocka_unit_test(answers_of_commands_are_not_mixed_up),
        cmocka_unit_test(silent_changes_reach_replicas),
        cmocka_unit_test(dumps_list_every_item),
        cmocka_unit_test(events_are_watched),
        cmocka_unit_test(answers_that_lie_there_are_in_time),
        cmocka_unit_test(places_are_told),
        cmocka_unit_test(options_are_told),
        cmocka_unit_test(bad_strings_are_explained),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
