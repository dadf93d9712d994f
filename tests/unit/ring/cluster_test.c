/* SPDX-License-Identifier: BSD-3-Clause */
#include "ring/cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static enum cm_status parse(const char *text, struct cm_cluster *cluster,
                            struct cm_cluster_error *error) {
    struct cm_where where;
    cm_cluster_init(cluster);
    cm_where_split(text, &where);
    assert_int_equal(where.kind, CM_WHERE_SERVERS);
    enum cm_status status = cm_cluster_add_servers(cluster, &where, error);
    if (status == CM_OK)
        status = cm_cluster_add_options(cluster, &where, error);
    return status == CM_OK ? cm_cluster_settle(cluster, error) : status;
}

static enum cm_status parse_file(const char *text, struct cm_cluster *cluster,
                                 struct cm_cluster_error *error) {
    cm_cluster_init(cluster);
    enum cm_status status = cm_cluster_add_file(cluster, cm_slice(text, strlen(text)), error);
    return status == CM_OK ? cm_cluster_settle(cluster, error) : status;
}

static void expect_member(const struct cm_cluster *cluster, size_t number, const char *name,
                          const char *host) {
    assert_true(number < cluster->count);
    assert_string_equal(cluster->members[number].name, name);
    assert_string_equal(cluster->members[number].host, host);
}

static void the_example_of_the_documents(void **state) {
    (void)state;
    struct cm_cluster cluster;
    struct cm_cluster_error error;
    assert_int_equal(parse("10.0.0.1,10.0.0.2:11211;weight=2,unix:/run/cacheman.sock"
                           "?distribution=ketama&timeout=200ms",
                           &cluster, &error),
                     CM_OK);
    assert_int_equal(cluster.count, 3);
    expect_member(&cluster, 0, "10.0.0.1:16180", "10.0.0.1");
    expect_member(&cluster, 1, "10.0.0.2:11211", "10.0.0.2");
    expect_member(&cluster, 2, "unix:/run/cacheman.sock", "/run/cacheman.sock");
    assert_int_equal(cluster.members[0].weight, 1);
    assert_int_equal(cluster.members[1].weight, 2);
    assert_int_equal(cluster.members[1].port, 11211);
    assert_int_equal(cluster.members[2].port, 0);
    assert_int_equal(cluster.settings.distribution, CM_KETAMA);
    assert_int_equal(cluster.settings.timeout, 200);
    assert_int_equal(cluster.settings.replicas, 1);
    cm_cluster_deinit(&cluster);
}

static void every_form_of_address(void **state) {
    (void)state;
    static const char *const rows[][3] = {
        {"a", "a:16180", "a"},
        {"cache-1.example.org:1", "cache-1.example.org:1", "cache-1.example.org"},
        {"[::1]", "[::1]:16180", "::1"},
        {"[fe80::1%eth0]:65535", "[fe80::1%eth0]:65535", "fe80::1%eth0"},
        {"2001:db8::7", "[2001:db8::7]:16180", "2001:db8::7"},
        {"unix:/a%2Cb%3fc", "unix:/a,b?c", "/a,b?c"},
        {"unix:relative;weight=1000", "unix:relative", "relative"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cm_cluster cluster;
        struct cm_cluster_error error;
        assert_int_equal(parse(rows[i][0], &cluster, &error), CM_OK);
        expect_member(&cluster, 0, rows[i][1], rows[i][2]);
        cm_cluster_deinit(&cluster);
    }
}

static void every_kind_of_option(void **state) {
    (void)state;
    struct cm_cluster cluster;
    struct cm_cluster_error error;
    assert_int_equal(parse("a,b?dead=failover&replicas=2&warmup=1h&prefix=a%3Ab&keys=base64&"
                           "protocol=text&user=u&password=%26%25&reload=10ms&retry=2s&retry_max=1m",
                           &cluster, &error),
                     CM_OK);
    assert_int_equal(cluster.settings.dead, CM_DEAD_FAILOVER);
    assert_int_equal(cluster.settings.replicas, 2);
    assert_int_equal(cluster.settings.warmup, 3600000);
    assert_string_equal(cluster.settings.prefix, "a:b");
    assert_int_equal(cluster.settings.keys, CM_KEYS_BASE64);
    assert_int_equal(cluster.settings.protocol, CM_DIALECT_TEXT);
    assert_string_equal(cluster.settings.password, "&%");
    assert_int_equal(cluster.settings.reload, 10);
    assert_int_equal(cluster.settings.retry_max, 60000);
    cm_cluster_deinit(&cluster);
}

#define FORMS "write HOST, HOST:PORT, [IPV6]:PORT or unix:PATH"

static const struct {
    const char *text, *message;
    size_t column;
} refusals[] = {
    {"", "a server is missing; " FORMS, 1},
    {"a,,b", "a server is missing; " FORMS, 3},
    {"a,", "a server is missing; " FORMS, 3},
    {":1", "a server is missing; " FORMS, 1},
    {"a:0", "\"0\" is not a port from 1 to 65535", 3},
    {"a:65536", "\"65536\" is not a port from 1 to 65535", 3},
    {"ab,c:x", "\"x\" is not a port from 1 to 65535", 6},
    {"a:", "\"\" is not a port from 1 to 65535", 3},
    {"[::1", "\"[::1\" is not of the form [IPV6]:PORT", 1},
    {"[::1]x", "\"[::1]x\" is not of the form [IPV6]:PORT", 1},
    {"[]:1", "a server is missing; " FORMS, 2},
    {"[::1]:", "\"\" is not a port from 1 to 65535", 7},
    {"a b", "\"a b\" is no host name and no address", 2},
    {"a;weight=0", "weight: \"0\" is not a number from 1 to 1000", 10},
    {"a;weight=1001", "weight: \"1001\" is not a number from 1 to 1000", 10},
    {"a;weight=", "weight: \"\" is not a number from 1 to 1000", 10},
    {"a;heavy", "\";heavy\" is not ;weight=N", 3},
    {"unix:", "unix: needs the path of a socket", 6},
    {"unix:/%zz",
     "the socket's path is longer than 103 bytes or has a % without two digits; write %25 for %",
     6},
    {"a,b,a:16180", "a:16180 is listed twice", 5},
    {"a?x=1", "there is no option \"x\"", 3},
    {"a?timeout", "\"timeout\" is not of the form OPTION=VALUE", 3},
    {"a?timeout=1s&&", "\"\" is not of the form OPTION=VALUE", 14},
    {"a?timeout=5", "timeout: \"5\" is not a time from 1ms to 1h, such as 200ms", 11},
    {"a?timeout=0s", "timeout: \"0s\" is not a time from 1ms to 1h, such as 200ms", 11},
    {"a?timeout=61m", "timeout: \"61m\" is not a time from 1ms to 1h, such as 200ms", 11},
    {"a?replicas=5", "replicas: \"5\" is not a number from 1 to 4", 12},
    {"a?distribution=best",
     "distribution: \"best\" is not rendezvous, ketama, ketama-jenkins or modulo-fnv1a", 16},
    {"a?dead=", "dead: \"\" is not miss or failover", 8},
    {"a?password=%0",
     "password: what is given is not a text of at most 250 bytes, %XX for odd ones", 12},
    {"a?user=%00", "user: \"%00\" is not a text of at most 250 bytes, %XX for odd ones", 8},
    {"a?replicas=2", "replicas: 2 need as many servers, and there are 1", 0},
    {"a?retry_max=10ms", "retry_max is less than retry", 0},
    {"a?password=x", "password is given without user", 0},
    {"a?tls_ca=x", "tls_ca and tls_cert are given without tls=on", 0},
    {"a?tls_cert=x", "tls_ca and tls_cert are given without tls=on", 0},
    {"a?tls=on&tls_key=x", "tls_key is given without tls_cert", 0},
};

static void refusals_say_what_and_where(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct cm_cluster cluster;
        struct cm_cluster_error error;
        assert_int_equal(parse(refusals[i].text, &cluster, &error), CM_INVALID);
        assert_string_equal(error.text, refusals[i].message);
        assert_int_equal(error.column, refusals[i].column);
        assert_int_equal(error.line, 0);
        cm_cluster_deinit(&cluster);
    }
}

static void lengths_are_bounded(void **state) {
    (void)state;
    struct cm_cluster cluster;
    struct cm_cluster_error error;
    char *text = malloc(10000);
    assert_non_null(text);
    memset(text, 'a', 9999);
    text[9999] = '\0';
    assert_int_equal(parse(text, &cluster, &error), CM_INVALID);
    assert_string_equal(error.text, "the host is longer than 1024 bytes");
    cm_cluster_deinit(&cluster);
    memcpy(text, "unix:", 5);
    assert_int_equal(parse(text, &cluster, &error), CM_INVALID);
    cm_cluster_deinit(&cluster);
    memcpy(text, "a?prefix=", 9);
    assert_int_equal(parse(text, &cluster, &error), CM_INVALID);
    text[9 + 200] = '\0';
    cm_cluster_deinit(&cluster);
    assert_int_equal(parse(text, &cluster, &error), CM_OK);
    cm_cluster_deinit(&cluster);
    free(text);
}

static void at_most_so_many_servers(void **state) {
    (void)state;
    struct cm_cluster cluster;
    struct cm_cluster_error error;
    char *text = malloc(CM_RING_MEMBERS_MAX * 8 + 16);
    assert_non_null(text);
    size_t length = 0;
    for (unsigned i = 0; i < CM_RING_MEMBERS_MAX; i++)
        length += (size_t)sprintf(text + length, "%sh%u", i == 0 ? "" : ",", i);
    assert_int_equal(parse(text, &cluster, &error), CM_OK);
    assert_int_equal(cluster.count, CM_RING_MEMBERS_MAX);
    cm_cluster_deinit(&cluster);
    memcpy(text + length, ",x", 3);
    assert_int_equal(parse(text, &cluster, &error), CM_INVALID);
    assert_string_equal(error.text, "there are more than 1024 servers");
    cm_cluster_deinit(&cluster);
    free(text);
}

static void a_file_has_servers_and_options(void **state) {
    (void)state;
    struct cm_cluster cluster;
    struct cm_cluster_error error;
    assert_int_equal(parse_file("# production\r\n"
                                "distribution = ketama   # as the others\n"
                                "\n"
                                "  10.0.0.1:11211;weight=2\t# rack 1\n"
                                "unix:/run/a=b\n"
                                "timeout=50ms",
                                &cluster, &error),
                     CM_OK);
    assert_int_equal(cluster.count, 2);
    expect_member(&cluster, 0, "10.0.0.1:11211", "10.0.0.1");
    expect_member(&cluster, 1, "unix:/run/a=b", "/run/a=b");
    assert_int_equal(cluster.members[0].weight, 2);
    assert_int_equal(cluster.settings.distribution, CM_KETAMA);
    assert_int_equal(cluster.settings.timeout, 50);
    cm_cluster_deinit(&cluster);
}

static void a_file_is_refused_by_line_and_column(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
        size_t line, column;
    } rows[] = {
        {"", "there is no server in it", 0, 0},
        {"# nothing\n\n", "there is no server in it", 0, 0},
        {"a\nb:99999\n", "\"99999\" is not a port from 1 to 65535", 2, 3},
        {"a\n\n  timeout =  9\n", "timeout: \"9\" is not a time from 1ms to 1h, such as 200ms", 3,
         14},
        {"a\ncolour = red\n", "there is no option \"colour\"", 2, 1},
        {"a\na\n", "a:16180 is listed twice", 2, 1},
        {"a b\n", "\"a b\" is no host name and no address", 1, 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cm_cluster cluster;
        struct cm_cluster_error error;
        assert_int_equal(parse_file(rows[i].text, &cluster, &error), CM_INVALID);
        assert_string_equal(error.text, rows[i].message);
        assert_int_equal(error.line, rows[i].line);
        assert_int_equal(error.column, rows[i].column);
        cm_cluster_deinit(&cluster);
    }
}

static void the_file_form(void **state) {
    (void)state;
    struct cm_where where;
    struct cm_cluster_error error;
    char path[16];
    cm_where_split("file:/etc/a%20b?timeout=1s", &where);
    assert_int_equal(where.kind, CM_WHERE_FILE);
    assert_int_equal(where.options_column, 17);
    assert_true(cm_slice_equal(where.options, CM_SLICE("timeout=1s")));
    assert_int_equal(cm_where_path(&where, path, sizeof path, &error), CM_OK);
    assert_string_equal(path, "/etc/a b");
    cm_where_split("file:", &where);
    assert_int_equal(cm_where_path(&where, path, sizeof path, &error), CM_INVALID);
    assert_string_equal(error.text, "file: needs the path of a cluster file");
    assert_int_equal(error.column, 6);
    cm_where_split("file:/a/path/that/is/long", &where);
    assert_int_equal(cm_where_path(&where, path, sizeof path, &error), CM_INVALID);
}

static enum cm_status parse_etcd(const char *text, struct cm_cluster *endpoints,
                                 struct cm_cluster_error *error) {
    struct cm_where where;
    char name[CM_CLUSTER_NAME_BYTES];
    cm_cluster_init(endpoints);
    cm_where_split(text, &where);
    assert_int_equal(where.kind, CM_WHERE_ETCD);
    enum cm_status status = cm_cluster_add_endpoints(endpoints, &where, error);
    if (status == CM_OK)
        status = cm_where_name(&where, name, error);
    return status == CM_OK ? cm_cluster_add_options(endpoints, &where, error) : status;
}

static void the_etcd_form(void **state) {
    (void)state;
    struct cm_where where;
    struct cm_cluster endpoints;
    struct cm_cluster_error error;
    char name[CM_CLUSTER_NAME_BYTES];
    static const char text[] = "etcds://a:1,b,[::1]/my-cluster_1.x?etcd_user=me&timeout=3s";
    assert_int_equal(parse_etcd(text, &endpoints, &error), CM_OK);
    assert_int_equal(endpoints.count, 3);
    expect_member(&endpoints, 0, "a:1", "a");
    expect_member(&endpoints, 1, "b:2379", "b");
    expect_member(&endpoints, 2, "[::1]:2379", "::1");
    assert_string_equal(endpoints.settings.etcd_user, "me");
    assert_int_equal(endpoints.settings.timeout, 3000);
    cm_cluster_deinit(&endpoints);
    cm_where_split(text, &where);
    assert_true(where.is_secure);
    assert_int_equal(cm_where_name(&where, name, &error), CM_OK);
    assert_string_equal(name, "my-cluster_1.x");
    cm_where_split("etcd:2379,etcds:1", &where); /* hosts of these names */
    assert_int_equal(where.kind, CM_WHERE_SERVERS);
}

#define LONG_NAME "0123456789012345678901234567890123456789012345678901234567890123"

static void wrong_etcd_forms_are_explained(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
        size_t column;
    } rows[] = {
        {"etcd://a", "the name of a cluster is missing: write etcd://HOST:PORT/CLUSTER", 9},
        {"etcd://a/", "the name of a cluster is missing: write etcd://HOST:PORT/CLUSTER", 10},
        {"etcd:///c", "a server is missing; write HOST, HOST:PORT, [IPV6]:PORT or unix:PATH", 8},
        {"etcd://a/b/c", "a cluster's name has letters, digits, '.', '-' and '_'", 11},
        {"etcd://a/" LONG_NAME "x", "the name of the cluster is longer than 64 bytes", 10},
        {"etcd://a,a:2379/c", "a:2379 is listed twice", 10},
        {"etcd://a;weight=2/c", "\"a;weight=2\" is no host name and no address", 9},
        {"etcd://unix:b/c", "\"b\" is not a port from 1 to 65535", 13},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cm_cluster endpoints;
        struct cm_cluster_error error;
        assert_int_equal(parse_etcd(rows[i].text, &endpoints, &error), CM_INVALID);
        assert_string_equal(error.text, rows[i].message);
        assert_int_equal(error.column, rows[i].column);
        cm_cluster_deinit(&endpoints);
    }
}

static void options_of_etcd_are_for_etcd(void **state) {
    (void)state;
    struct cm_cluster cluster;
    struct cm_cluster_error error;
    assert_int_equal(parse("a?etcd_password=b", &cluster, &error), CM_INVALID);
    assert_string_equal(error.text, "an option of etcd is given, and the servers are not in etcd: "
                                    "write etcd://HOST:PORT/CLUSTER");
    cm_cluster_deinit(&cluster);
}

static void passwords_are_not_printed(void **state) {
    (void)state;
    struct cm_where where;
    struct cm_cluster cluster;
    struct cm_cluster_error error;
    struct cm_setting_text text;
    char value[64];
    size_t hidden = 0;
    cm_cluster_init(&cluster);
    cm_where_split("etcd://a/c?user=u&password=p&etcd_user=u&etcd_password=p", &where);
    assert_int_equal(cm_cluster_add_options(&cluster, &where, &error), CM_OK);
    for (size_t i = 0; cm_setting_describe(i, &text); i++) {
        assert_true(cm_setting_print(&cluster.settings, i, value, sizeof value));
        assert_string_not_equal(value, "p");
        hidden += strcmp(value, "***") == 0;
    }
    assert_int_equal(hidden, 2);
    cm_cluster_deinit(&cluster);
}

static void options_describe_themselves(void **state) {
    (void)state;
    struct cm_setting_text text;
    size_t count = 0;
    while (cm_setting_describe(count, &text)) {
        assert_true(strlen(text.name) > 1 && strlen(text.text) > 5 && strlen(text.allowed) > 5);
        count++;
    }
    assert_true(count >= 16);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_documents),
        cmocka_unit_test(every_form_of_address),
        cmocka_unit_test(every_kind_of_option),
        cmocka_unit_test(refusals_say_what_and_where),
        cmocka_unit_test(lengths_are_bounded),
        cmocka_unit_test(at_most_so_many_servers),
        cmocka_unit_test(a_file_has_servers_and_options),
        cmocka_unit_test(a_file_is_refused_by_line_and_column),
        cmocka_unit_test(the_file_form),
        cmocka_unit_test(the_etcd_form),
        cmocka_unit_test(wrong_etcd_forms_are_explained),
        cmocka_unit_test(options_of_etcd_are_for_etcd),
        cmocka_unit_test(passwords_are_not_printed),
        cmocka_unit_test(options_describe_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
