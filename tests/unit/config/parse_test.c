/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/os/socket.h"
#include "config/change.h"
#include "config/config.h"
#include "config/extended.h"
#include "config/option.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { ARGUMENTS_MAX = 12, CORES = 3 };

/* A command line, parsed: the words of `line` are separated by spaces. */
struct parsed {
    char line[256];
    char *argv[ARGUMENTS_MAX];
    struct cm_config config;
    struct cm_config_error error;
    enum cm_status status;
};

static void parse(struct parsed *parsed, const char *line) {
    int argc = 0;
    snprintf(parsed->line, sizeof parsed->line, "cachemand %s", line);
    for (char *word = strtok(parsed->line, " "); word != NULL; word = strtok(NULL, " "))
        parsed->argv[argc++] = word;
    const struct cm_command_line command_line = {
        .argc = argc, .argv = parsed->argv, .core_count = CORES};
    parsed->status = cm_config_parse(&parsed->config, &command_line, &parsed->error);
}

static void assert_refused(const char *line, const char *message) {
    struct parsed parsed;
    parse(&parsed, line);
    assert_int_equal(parsed.status, CM_INVALID);
    assert_string_equal(parsed.error.text, message);
    cm_config_deinit(&parsed.config);
}

static void test_defaults(void **state) {
    (void)state;
    struct parsed parsed;
    parse(&parsed, "");
    assert_int_equal(parsed.status, CM_OK);
    assert_int_equal(parsed.config.port, 16180);
    assert_int_equal(parsed.config.memory_mb, 100);
    assert_int_equal(parsed.config.threads, CORES);
    assert_int_equal(parsed.config.connections_max, 1024);
    assert_int_equal(parsed.config.item_bytes_max, 1 << 20);
    assert_int_equal(parsed.config.backlog, 1024);
    assert_int_equal(parsed.config.listen.count, 0);
    assert_int_equal(parsed.config.idle_timeout_s, 0);
    assert_false(parsed.config.no_evict);
    assert_int_equal(parsed.config.protocol, CM_CONFIG_PROTOCOL_AUTO);
    assert_string_equal(parsed.config.policy, "duel");
    cm_config_deinit(&parsed.config);
}

static void test_authentication(void **state) {
    (void)state;
    static const char *const forms[] = {"-Y users", "--auth-file users", "--auth-file=users"};
    struct parsed parsed;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        parse(&parsed, forms[i]);
        assert_int_equal(parsed.status, CM_OK);
        assert_string_equal(parsed.config.auth_file, "users");
        assert_int_equal(parsed.config.protocol, CM_CONFIG_PROTOCOL_AUTO);
        cm_config_deinit(&parsed.config);
    }
    parse(&parsed, "-S -Y users");
    assert_int_equal(parsed.status, CM_OK);
    assert_int_equal(parsed.config.protocol, CM_CONFIG_PROTOCOL_BINARY);
    cm_config_deinit(&parsed.config);
}

/* An action that may have an object stops the parsing; nothing may follow. */
static void test_hash_password(void **state) {
    (void)state;
    static const char *const forms[][2] = {{"--hash-password", ""},
                                           {"-v --hash-password alice", "alice"},
                                           {"--hash-password=alice", "alice"},
                                           {"--hash-password -v", "-v"}};
    struct parsed parsed;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        parse(&parsed, forms[i][0]);
        assert_int_equal(parsed.status, CM_OK);
        assert_string_equal(parsed.config.hash_password, forms[i][1]);
        cm_config_deinit(&parsed.config);
    }
    assert_refused("--hash-password alice bob",
                   "option --hash-password: \"bob\" is one argument too many");
    assert_refused("--hash-password=alice bob",
                   "option --hash-password: \"bob\" is one argument too many");
}

static void test_every_form_of_a_value(void **state) {
    (void)state;
    const char *lines[] = {"-t 4", "-t4", "--threads 4", "--threads=4", "-vMt4", "-t 2 -t 4"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct parsed parsed;
        parse(&parsed, lines[i]);
        assert_int_equal(parsed.status, CM_OK);
        assert_int_equal(parsed.config.threads, 4);
        cm_config_deinit(&parsed.config);
    }
}

static void test_protocols(void **state) {
    (void)state;
    const char *lines[] = {"-B auto", "-B ascii", "--protocol=binary"};
    const enum cm_config_protocol protocols[] = {CM_CONFIG_PROTOCOL_AUTO, CM_CONFIG_PROTOCOL_ASCII,
                                                 CM_CONFIG_PROTOCOL_BINARY};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct parsed parsed;
        parse(&parsed, lines[i]);
        assert_int_equal(parsed.status, CM_OK);
        assert_int_equal(parsed.config.protocol, protocols[i]);
        cm_config_deinit(&parsed.config);
    }
}

static void test_flags_and_counts(void **state) {
    (void)state;
    struct parsed parsed;
    parse(&parsed, "-vv -v -v -MA --disable-flush-all --disable-evictions -XW -d");
    assert_int_equal(parsed.status, CM_OK);
    assert_int_equal(parsed.config.verbosity, 3);
    assert_true(parsed.config.no_evict);
    assert_true(parsed.config.enable_shutdown);
    assert_true(parsed.config.disable_flush);
    assert_true(parsed.config.disable_dump);
    assert_true(parsed.config.disable_watch);
    assert_true(parsed.config.daemonize);
    cm_config_deinit(&parsed.config);
}

static void test_item_size(void **state) {
    (void)state;
    const struct {
        const char *line;
        int64_t bytes;
    } cases[] = {
        {"-I 1k", 1024},   {"-I 1024", 1024}, {"-I 2M", 2 << 20}, {"-I 1g -m 2048", 1 << 30},
        {"-m 1", 1 << 19}, {"-m 2", 1 << 20}, {"-m 3", 1 << 20},  {"-I 50m -m 100", 50 << 20},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct parsed parsed;
        parse(&parsed, cases[i].line);
        assert_int_equal(parsed.status, CM_OK);
        assert_int_equal(parsed.config.item_bytes_max, cases[i].bytes);
        cm_config_deinit(&parsed.config);
    }
}

static void test_addresses(void **state) {
    (void)state;
    struct parsed parsed;
    parse(&parsed, "-Z --tls-cert c "
                   "-l 127.0.0.1,[::1]:1234,::1 -l localhost:99,first,notls:[fe80::1]:7,notls:h");
    assert_int_equal(parsed.status, CM_OK);
    const struct cm_config_address wanted[] = {
        {.host = "127.0.0.1"},
        {.host = "::1", .port = 1234},
        {.host = "::1"},
        {.host = "localhost", .port = 99},
        {.host = "first"},
        {.host = "fe80::1", .port = 7, .plain = true},
        {.host = "h", .plain = true},
    };
    assert_int_equal(parsed.config.listen.count, 7);
    for (size_t i = 0; i < 7; i++) {
        assert_string_equal(parsed.config.listen.entries[i].host, wanted[i].host);
        assert_int_equal(parsed.config.listen.entries[i].port, wanted[i].port);
        assert_int_equal(parsed.config.listen.entries[i].plain, wanted[i].plain);
    }
    cm_config_deinit(&parsed.config);
}

static void test_extended(void **state) {
    (void)state;
    struct parsed parsed;
    parse(&parsed, "-o hashpower=20,idle_timeout=7 -o hashpower=12");
    assert_int_equal(parsed.status, CM_OK);
    assert_int_equal(parsed.config.idle_timeout_s, 7);
    assert_int_equal(parsed.config.notes.count, 1);
    assert_string_equal(
        parsed.config.notes.entries[0],
        "option -o (--extended): hashpower has no effect: the index grows by itself");
    cm_config_deinit(&parsed.config);
}

static void test_tls(void **state) {
    (void)state;
    struct parsed parsed;
    parse(&parsed, "-Z --tls-cert=c --tls-verify REQUIRE --tls-ca a --tls-min-version 1.3");
    assert_int_equal(parsed.status, CM_OK);
    assert_true(parsed.config.tls);
    assert_string_equal(parsed.config.tls_cert, "c");
    assert_string_equal(parsed.config.tls_key, "c");
    assert_string_equal(parsed.config.tls_ca, "a");
    assert_int_equal(parsed.config.tls_verify, 2);
    assert_int_equal(parsed.config.tls_min_version, 1);
    cm_config_deinit(&parsed.config);
}

/* memcached's way to say it. */
static void test_tls_extended(void **state) {
    (void)state;
    struct parsed parsed;
    parse(&parsed, "--enable-ssl -o ssl_chain_cert=/c.pem,ssl_key=/k=,ssl_keyformat=2 "
                   "-o ssl_ca_cert=/a,ssl_verify_mode=3,ssl_min_version=3,ssl_ciphers=A:B "
                   "-o ssl_session_cache,ssl_kernel_tls,ssl_wbuf_size=64");
    assert_int_equal(parsed.status, CM_OK);
    assert_true(parsed.config.tls);
    assert_string_equal(parsed.config.tls_cert, "/c.pem");
    assert_string_equal(parsed.config.tls_key, "/k=");
    assert_int_equal(parsed.config.tls_key_format, 1);
    assert_string_equal(parsed.config.tls_ca, "/a");
    assert_int_equal(parsed.config.tls_verify, 2);
    assert_int_equal(parsed.config.tls_min_version, 1);
    assert_string_equal(parsed.config.tls_ciphers, "A:B");
    assert_true(parsed.config.tls_session_cache);
    assert_true(parsed.config.tls_kernel);
    assert_int_equal(parsed.config.notes.count, 1);
    cm_config_deinit(&parsed.config);
    parse(&parsed, "-Z -o ssl_chain_cert=c,ssl_min_version=1,ssl_keyformat=PEM,ssl_verify_mode=0");
    assert_int_equal(parsed.status, CM_OK);
    assert_int_equal(parsed.config.tls_min_version, 0);
    assert_int_equal(parsed.config.tls_key_format, 0);
    assert_int_equal(parsed.config.notes.count, 1);
    assert_string_equal(parsed.config.notes.entries[0],
                        "option -o (--extended): ssl_min_version: versions before TLS 1.2 are not "
                        "spoken");
    cm_config_deinit(&parsed.config);
}

static void test_tls_refusals(void **state) {
    (void)state;
    assert_refused("-Z", "option -Z (--tls): TLS needs a certificate: give --tls-cert FILE");
    assert_refused("-Z --tls-cert c --tls-verify request",
                   "option --tls-verify: clients' certificates cannot be checked without --tls-ca "
                   "FILE");
    assert_refused("-Z --tls-cert c -U 11211",
                   "option -U (--udp-port): datagrams cannot be encrypted; there is no UDP with -Z "
                   "(--tls)");
    assert_refused("--tls-key k", "option --tls-key: there is no TLS without -Z (--tls)");
    assert_refused("-o ssl_chain_cert=c", "option --tls-cert: there is no TLS without -Z (--tls)");
    assert_refused("-l ::1,notls:h", "option -l (--listen): \"notls:\" before an address is for "
                                     "servers with -Z (--tls)");
    assert_refused("--tls-verify maybe",
                   "option --tls-verify: \"maybe\" is not one of none, request, require");
    assert_refused("--tls-verify requested",
                   "option --tls-verify: \"requested\" is not one of none, request, require");
    assert_refused("--tls-min-version=1.1",
                   "option --tls-min-version: \"1.1\" is not one of 1.2, 1.3");
    assert_refused("--tls-min-version", "option --tls-min-version needs a value: one of 1.2, 1.3");
    assert_refused("-o ssl_verify_mode=4",
                   "option -o (--extended): ssl_verify_mode: \"4\" is not a number from 0 to 3");
    assert_refused("-o ssl_min_version=9",
                   "option -o (--extended): ssl_min_version: \"9\" is not a number from 0 to 3");
    assert_refused("-o ssl_min_version=tlsv1.2",
                   "option --tls-min-version: \"tlsv1.2\" is not one of 1.2, 1.3");
    assert_refused("-o ssl_keyformat=ENGINE",
                   "option --tls-key-format: \"ENGINE\" is not one of pem, der");
    assert_refused("-o ssl_chain_cert", "option --tls-cert: the value is empty, a FILE is needed");
    assert_refused("-o ssl_session_cache=1",
                   "option --tls-session-cache takes no value, but was given \"1\"");
}

static void test_actions_end_the_parsing(void **state) {
    (void)state;
    const char *lines[] = {"-h --nonsense", "/? -t 0", "--help=", "-t 2 -hq", "-V -t 0"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct parsed parsed;
        parse(&parsed, lines[i]);
        if (i == 2) {
            assert_int_equal(parsed.status, CM_INVALID);
        } else {
            assert_int_equal(parsed.status, CM_OK);
            assert_true(parsed.config.help || parsed.config.version);
        }
        cm_config_deinit(&parsed.config);
    }
}

static void test_refusals(void **state) {
    (void)state;
    assert_refused("-t 0", "option -t (--threads): \"0\" is not a number from 1 to 64");
    assert_refused("-t 65", "option -t (--threads): \"65\" is not a number from 1 to 64");
    assert_refused("--threads=x", "option -t (--threads): \"x\" is not a number from 1 to 64");
    assert_refused("-t 4x", "option -t (--threads): \"4x\" is not a number from 1 to 64");
    assert_refused("-t +4", "option -t (--threads): \"+4\" is not a number from 1 to 64");
    assert_refused("-p 99999999999999999999",
                   "option -p (--port): \"99999999999999999999\" is not a number from -1 to 65535");
    assert_refused("-p -2", "option -p (--port): \"-2\" is not a number from -1 to 65535");
    assert_refused("-p 0", "option -p (--port): 0 turns TCP off, and there is nothing else to "
                           "listen on; -1 takes a free port");
    assert_refused("-t", "option -t (--threads) needs a value: a number from 1 to 64");
    assert_refused("--policy", "option --policy needs a value: NAME");
    assert_refused("--policy=", "option --policy: the value is empty, a NAME is needed");
    assert_refused("-M --daemon=maybe", "option -d (--daemon): \"maybe\" is not yes or no");
    assert_refused("--daemon=", "option -d (--daemon): \"\" is not yes or no");
    assert_refused("--verbose=4", "option -v (--verbose): \"4\" is not a number from 0 to 3");
    assert_refused("--help=1", "option -h (--help) takes no value, but was given \"1\"");
    assert_refused("-q", "unknown option \"-q\"; --help lists those allowed");
    assert_refused("--thread=3", "unknown option \"--thread\"; \"--threads\" is one");
    assert_refused("--memroy-limit 9", "unknown option \"--memroy-limit\"; \"--memory-limit\" is "
                                       "one");
    assert_refused("--=3", "unknown option \"--\"; --help lists those allowed");
    assert_refused("--nothing=3", "unknown option \"--nothing\"; --help lists those allowed");
    assert_refused("start", "\"start\" is not an option; --help lists those allowed");
    assert_refused("-", "\"-\" is not an option; --help lists those allowed");
}

static void test_size_refusals(void **state) {
    (void)state;
    assert_refused("-I 1023", "option -I (--max-item-size): \"1023\" is not a size from 1k to 1g, "
                              "in bytes or with k, m or g");
    assert_refused("-I 2g", "option -I (--max-item-size): \"2g\" is not a size from 1k to 1g, in "
                            "bytes or with k, m or g");
    assert_refused("-I 9223372036854775807k",
                   "option -I (--max-item-size): \"9223372036854775807k\" is not a size from 1k to "
                   "1g, in bytes or with k, m or g");
    assert_refused("-I 1mb", "option -I (--max-item-size): \"1mb\" is not a size from 1k to 1g, in "
                             "bytes or with k, m or g");
    assert_refused("-I 51m", "option -I (--max-item-size): 51m is more than half of the memory "
                             "limit; with -m 100 it may be at most 50m");
}

static void test_address_refusals(void **state) {
    (void)state;
    assert_refused("--admin 127.0.0.1:x", "option --admin: \"127.0.0.1:x\" has no port from 1 to "
                                          "65535 after its colon");
    assert_refused("--admin notls:[::1]:0", "option --admin: \"notls:[::1]:0\" needs no "
                                            "\"notls:\": there is TLS with --admin-tls alone");
    assert_refused("-l 127.0.0.1:0", "option -l (--listen): \"127.0.0.1:0\" has no port from 1 to "
                                     "65535 after its colon");
    assert_refused("-l a,b:65536", "option -l (--listen): \"b:65536\" has no port from 1 to 65535 "
                                   "after its colon");
    assert_refused("-l a:", "option -l (--listen): \"a:\" has no port from 1 to 65535 after its "
                            "colon");
    assert_refused("-l a,", "option -l (--listen): \"\" has no address; write HOST, HOST:PORT or "
                            "[IPV6]:PORT");
    assert_refused("-l [::1", "option -l (--listen): \"[::1\" is not of the form [IPV6]:PORT");
    assert_refused("-l notls:", "option -l (--listen): \"notls:\" has no address; write HOST, "
                                "HOST:PORT or [IPV6]:PORT");
    assert_refused("-l notls:h:0", "option -l (--listen): \"notls:h:0\" has no port from 1 to "
                                   "65535 after its colon");
    assert_refused("-l [::1]9", "option -l (--listen): \"[::1]9\" is not of the form [IPV6]:PORT");
}

static void test_extended_refusals(void **state) {
    (void)state;
    assert_refused("-o proxy_config=x", "option -o (--extended): unknown key \"proxy_config\"; the "
                                        "man page lists those allowed");
    assert_refused("-o modern,,", "option -o (--extended): unknown key \"\"; the man page lists "
                                  "those allowed");
    assert_refused("-o hashpower=99",
                   "option -o (--extended): hashpower: \"99\" is not a number from 12 to 32");
    assert_refused("-o tail_repair_time=9",
                   "option -o (--extended): tail_repair_time: \"9\" is not "
                   "a number from 10 to 2147483647");
    assert_refused("-o slab_automove_ratio=x",
                   "option -o (--extended): slab_automove_ratio: \"x\" is not a number");
    assert_refused("-o ext_path", "option -o (--extended): ext_path needs a value");
    assert_refused("-o no_maxconns_fast=1",
                   "option --connections-wait takes no value, but was given \"1\"");
    assert_refused("-o drop_privileges=no",
                   "option -o (--extended): drop_privileges takes no value, "
                   "but was given \"no\"");
    assert_refused("-o idle_timeout",
                   "option --idle-timeout: \"\" is not a number from 0 to 1000000000");
}

static void test_listener_refusals(void **state) {
    (void)state;
    char line[256] = "-s /";
    memset(line + 4, 'x', CM_OS_SOCKET_PATH_MAX);
    assert_refused(line, "option -s (--unix-socket): the path is 108 bytes long, the system allows "
                         "107");
    assert_refused("-s", "option -s (--unix-socket) needs a value: PATH");
    assert_refused("-s x -a 8", "option -a (--unix-mask): \"8\" is not an octal number from 0 to "
                                "777");
    assert_refused("-s x -a 1000",
                   "option -a (--unix-mask): \"1000\" is not an octal number from 0 "
                   "to 777");
    assert_refused("-s x -a rwx", "option -a (--unix-mask): \"rwx\" is not an octal number from 0 "
                                  "to 777");
}

static void test_more_refusals(void **state) {
    (void)state;
    assert_refused("-e /dev/shm/x", "option -e (--memory-file): warm restart is not available yet");
    assert_refused("-D ab", "option -D (--prefix-delimiter): \"ab\" is not one character");
    assert_refused("-f 1", "option -f (--slab-growth-factor): \"1\" is not a number above 1");
    assert_refused("-f 1.2.3", "option -f (--slab-growth-factor): \"1.2.3\" is not a number above "
                               "1");
    assert_refused("-f -2", "option -f (--slab-growth-factor): \"-2\" is not a number above 1");
    assert_refused("-n 0", "option -n (--slab-min-size): \"0\" is not a number from 1 to 1048576");
    assert_refused("-N x", "option -N (--napi-ids): \"x\" is not a number from 0 to 1048576");
}

/* What memcached has a use for and we have not is accepted, and told of once. */
static void test_without_effect(void **state) {
    (void)state;
    struct parsed parsed;
    parse(&parsed, "-f 1.25 -n 48 -LC -N 2 -f 1.1 -o slab_reassign,slab_automove=2,modern");
    assert_int_equal(parsed.status, CM_OK);
    const char *notes[] = {
        "option -f (--slab-growth-factor) has no effect: there are no slab classes",
        "option -n (--slab-min-size) has no effect: there are no slab classes",
        "option -L (--enable-largepages) has no effect: large pages are always asked for",
        "option -C (--disable-cas) has no effect: every item has a CAS",
        "option -N (--napi-ids) has no effect: connections go to the least busy thread",
        "option -o (--extended): slab_reassign has no effect: there are no slab classes",
        "option -o (--extended): slab_automove has no effect: there are no slab classes",
        "option -o (--extended): modern has no effect: it always is",
    };
    assert_int_equal(parsed.config.notes.count, sizeof notes / sizeof notes[0]);
    for (size_t i = 0; i < parsed.config.notes.count; i++)
        assert_string_equal(parsed.config.notes.entries[i], notes[i]);
    cm_config_deinit(&parsed.config);
}

static void test_joining(void **state) {
    (void)state;
    struct parsed parsed;
    parse(&parsed, "--join etcd://a/b --weight 1000 --advertise c");
    assert_int_equal(parsed.status, CM_OK);
    assert_string_equal(parsed.config.join, "etcd://a/b");
    assert_string_equal(parsed.config.advertise, "c");
    assert_int_equal(parsed.config.weight, 1000);
    assert_int_equal(parsed.config.notes.count, 0);
    cm_config_deinit(&parsed.config);
    parse(&parsed, "--weight 2");
    assert_int_equal(parsed.status, CM_OK);
    assert_int_equal(parsed.config.notes.count, 1);
    assert_string_equal(parsed.config.notes.entries[0],
                        "option --weight has no effect: there is no --join");
    cm_config_deinit(&parsed.config);
    assert_refused("--join etcd://a/b --cluster f",
                   "option --cluster: with --join the servers are those in etcd; give one of the "
                   "two");
    assert_refused("--weight 0", "option --weight: \"0\" is not a number from 1 to 1000");
}

static void test_unix_takes_the_networks_place(void **state) {
    (void)state;
    struct parsed parsed;
    parse(&parsed, "-s /run/x -a 777 -p 11211 -l 127.0.0.1");
    assert_int_equal(parsed.status, CM_OK);
    assert_string_equal(parsed.config.unix_path, "/run/x");
    assert_int_equal(parsed.config.unix_mask, 0777);
    assert_int_equal(parsed.config.port, 0);
    assert_int_equal(parsed.config.notes.count, 2);
    assert_string_equal(parsed.config.notes.entries[0],
                        "option -p (--port) has no effect: -s turns the network off");
    assert_string_equal(parsed.config.notes.entries[1],
                        "option -l (--listen) has no effect: -s turns the network off");
    cm_config_deinit(&parsed.config);
    parse(&parsed, "-s /run/x");
    assert_int_equal(parsed.status, CM_OK);
    assert_int_equal(parsed.config.unix_mask, 0700);
    assert_int_equal(parsed.config.notes.count, 0);
    cm_config_deinit(&parsed.config);
}

static void test_extended_effects(void **state) {
    (void)state;
    struct parsed parsed;
    parse(&parsed, "-o no_maxconns_fast,watcher_logbuf_size=512 -D ;");
    assert_int_equal(parsed.status, CM_OK);
    assert_true(parsed.config.connections_wait);
    assert_int_equal(parsed.config.watcher_buffer_kb, 512);
    assert_int_equal(parsed.config.prefix_delimiter, ';');
    assert_int_equal(parsed.config.notes.count, 0);
    cm_config_deinit(&parsed.config);
    parse(&parsed, "--connections-wait -o maxconns_fast");
    assert_int_equal(parsed.status, CM_OK);
    assert_false(parsed.config.connections_wait);
    cm_config_deinit(&parsed.config);
}

/* Every key with a value that suits it, and every option that a key names. */
static void test_every_extended_key(void **state) {
    (void)state;
    for (size_t i = 0; i < cm_extended_keys_count; i++) {
        const struct cm_extended_key *key = &cm_extended_keys[i];
        char line[96];
        struct parsed parsed;
        if (key->option != NULL) {
            assert_non_null(cm_option_by_name(key->option, strlen(key->option)));
            continue;
        }
        bool bare = key->kind == CM_EXTENDED_NOTHING;
        snprintf(line, sizeof line, bare ? "-o %s" : "-o %s=%lld", key->key,
                 (long long)(key->min > 0 ? key->min : 1));
        parse(&parsed, line);
        assert_int_equal(parsed.status, CM_OK);
        assert_int_equal(parsed.config.notes.count, 1);
        assert_non_null(strstr(parsed.config.notes.entries[0], key->note));
        cm_config_deinit(&parsed.config);
    }
}

static void test_thousandths(void **state) {
    (void)state;
    static const struct {
        const char *line;
        int64_t us;
        const char *written;
    } good[] = {
        {"--slow-ms 0", 0, "0"},           {"--slow-ms 0.001", 1, "0.001"},
        {"--slow-ms=0.5", 500, "0.5"},     {"--slow-ms 12.25", 12250, "12.25"},
        {"--slow-ms 10.000", 10000, "10"}, {"--slow-ms 3600000", 3600000000, "3600000"},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct parsed parsed;
        char text[32];
        parse(&parsed, good[i].line);
        assert_int_equal(parsed.status, CM_OK);
        assert_int_equal(parsed.config.slow_us, good[i].us);
        assert_string_equal(
            cm_config_value(&parsed.config, CM_OPTION_INDEX_slow_us, text, sizeof text),
            good[i].written);
        cm_config_deinit(&parsed.config);
    }
    static const char *const bad[] = {
        "-1", "x", "1.", ".5", "0.0005", "1.2.3", "1e3", "3600000.001", "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char line[64], message[160];
        snprintf(line, sizeof line, "--slow-ms=%s", bad[i]);
        snprintf(message, sizeof message,
                 "option --slow-ms: \"%s\" is not a number from 0 to 3600000, with up to three "
                 "decimals",
                 bad[i]);
        assert_refused(line, message);
    }
}

/* Numbered options refuse the value before their range and the one after it. */
static void test_ranges(void **state) {
    (void)state;
    for (size_t i = 0; i < CM_OPTIONS; i++) {
        const struct cm_option *option = &cm_options[i];
        if (option->kind != CM_OPTION_NUMBER && option->kind != CM_OPTION_SIZE)
            continue;
        const int64_t values[] = {option->min - 1, option->max + 1};
        for (size_t j = 0; j < 2; j++) {
            char line[96];
            struct parsed parsed;
            snprintf(line, sizeof line, "--%s=%lld", option->name, (long long)values[j]);
            parse(&parsed, line);
            assert_int_equal(parsed.status, CM_INVALID);
            assert_non_null(strstr(parsed.error.text, option->name));
            cm_config_deinit(&parsed.config);
        }
    }
}

static void test_names_are_unique(void **state) {
    (void)state;
    for (size_t i = 0; i < CM_OPTIONS; i++) {
        const struct cm_option *option = &cm_options[i];
        assert_ptr_equal(cm_option_by_name(option->name, strlen(option->name)), option);
        if (option->letter != 0)
            assert_ptr_equal(cm_option_by_letter(option->letter), option);
        if (option->alias != NULL)
            assert_ptr_equal(cm_option_by_name(option->alias, strlen(option->alias)), option);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_every_form_of_a_value),
        cmocka_unit_test(test_protocols),
        cmocka_unit_test(test_flags_and_counts),
        cmocka_unit_test(test_item_size),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_extended),
        cmocka_unit_test(test_tls),
        cmocka_unit_test(test_tls_extended),
        cmocka_unit_test(test_tls_refusals),
        cmocka_unit_test(test_joining),
        cmocka_unit_test(test_actions_end_the_parsing),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_size_refusals),
        cmocka_unit_test(test_address_refusals),
        cmocka_unit_test(test_extended_refusals),
        cmocka_unit_test(test_listener_refusals),
        cmocka_unit_test(test_more_refusals),
        cmocka_unit_test(test_without_effect),
        cmocka_unit_test(test_authentication),
        cmocka_unit_test(test_hash_password),
        cmocka_unit_test(test_unix_takes_the_networks_place),
        cmocka_unit_test(test_extended_effects),
        cmocka_unit_test(test_every_extended_key),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_thousandths),
        cmocka_unit_test(test_names_are_unique),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
