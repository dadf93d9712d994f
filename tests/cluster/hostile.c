/* SPDX-License-Identifier: BSD-3-Clause */
#include "support/cluster.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* A server made for the test, that does what servers should not: it answers "slow" only before the
 * answer to the next request of the same connection, never ends its statistics, and knows no
 * `mn`, if it is told so. */

struct hostile {
    pid_t process;
    bool is_classic;
    char where[128];
};

static bool say(int connection, const char *text) {
    const size_t bytes = strlen(text);
    return send(connection, text, bytes, MSG_NOSIGNAL) == (ssize_t)bytes;
}

static bool answer(int connection, const char *line, const struct hostile *hostile, bool *owes) {
    if (strncmp(line, "mn", 2) == 0)
        return say(connection, hostile->is_classic ? "ERROR\r\n" : "MN\r\n");
    if (strncmp(line, "mg slow", 7) == 0)
        return *owes = true;
    if (*owes && !say(connection, "VA 4 f0\r\nslow\r\n"))
        return false;
    *owes = false;
    if (strncmp(line, "mg", 2) == 0)
        return say(connection, "VA 4 f0\r\nfast\r\n");
    while (say(connection, "STAT a 1\r\nSTAT b 2\r\n"))
        ;
    return false;
}

static void serve(int connection, const struct hostile *hostile) {
    FILE *in = fdopen(connection, "r");
    char line[512];
    bool owes = false;
    while (in != NULL && fgets(line, sizeof line, in) != NULL &&
           answer(connection, line, hostile, &owes))
        ;
    _exit(0);
}

static void listen_on(int listener, const struct hostile *hostile) {
    signal(SIGCHLD, SIG_IGN);
    for (;;) {
        const int connection = accept(listener, NULL, NULL);
        if (connection < 0)
            _exit(1);
        if (fork() == 0)
            serve(connection, hostile);
        close(connection);
    }
}

static void hostile_start(struct hostile *hostile, const char *options) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof address;
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(listener >= 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 16), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &bytes), 0);
    snprintf(hostile->where, sizeof hostile->where, "127.0.0.1:%d?%s&failures=1000&%s",
             ntohs(address.sin_port), CLUSTER_PATIENCE, options);
    hostile->process = fork();
    assert_true(hostile->process >= 0);
    if (hostile->process == 0)
        listen_on(listener, hostile);
    close(listener);
}

static void hostile_stop(struct hostile *hostile) {
    kill(hostile->process, SIGKILL);
    waitpid(hostile->process, NULL, 0);
}

static cacheman *open_hostile(const struct hostile *hostile) {
    cacheman *client = NULL;
    assert_int_equal(cacheman_open(hostile->where, &client, NULL), CM_OK);
    return client;
}

static enum cm_status get(cacheman *client, const char *key, uint32_t timeout_ms,
                          struct cacheman_result *result) {
    const struct cacheman_request request = {.key = cacheman_text(key)};
    const struct cacheman_call call = {&request, 1, result, timeout_ms};
    return cacheman_run(client, &call);
}

static void a_late_answer_is_nobody_elses(void **state) {
    (void)state;
    struct hostile hostile = {0};
    struct cacheman_result result;
    hostile_start(&hostile, "");
    cacheman *client = open_hostile(&hostile);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(get(client, "fast", 0, &result), CM_OK);
        assert_true(text_is(result.value, "fast"));
        cacheman_release(&result, 1);
        assert_int_equal(get(client, "slow", 20, &result), CM_TIMEOUT);
        assert_int_equal(result.outcome, CACHEMAN_MISS);
        assert_null(result.value.data);
    }
    cacheman_close(client);
    hostile_stop(&hostile);
}

/* Ends at all: the test's time limit is the only one that can be relied upon. */
static void an_answer_without_an_end_ends(void **state) {
    (void)state;
    struct hostile hostile = {0};
    struct cacheman_result result;
    hostile_start(&hostile, "");
    cacheman *client = open_hostile(&hostile);
    const struct cacheman_ask ask = {.timeout_ms = 100};
    assert_int_equal(cacheman_stats(client, NULL, &ask), CM_TIMEOUT);
    assert_int_equal(get(client, "fast", 0, &result), CM_OK);
    assert_true(text_is(result.value, "fast"));
    cacheman_release(&result, 1);
    cacheman_close(client);
    hostile_stop(&hostile);
}

static void meta_is_not_given_up_where_it_is_demanded(void **state) {
    (void)state;
    struct hostile hostile = {.is_classic = true};
    struct cacheman_result result;
    struct cacheman_server *servers;
    size_t count;
    hostile_start(&hostile, "protocol=meta");
    cacheman *client = open_hostile(&hostile);
    assert_int_equal(get(client, "fast", 0, &result), CM_REFUSED);
    assert_int_equal(cacheman_servers(client, &servers, &count), CM_OK);
    assert_int_not_equal(servers[0].health, CACHEMAN_UP);
    free(servers);
    cacheman_close(client);
    hostile_stop(&hostile);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_late_answer_is_nobody_elses),
        cmocka_unit_test(an_answer_without_an_end_ends),
        cmocka_unit_test(meta_is_not_given_up_where_it_is_demanded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
