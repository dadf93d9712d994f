/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_SUPPORT_CLUSTER_H
#define TESTS_SUPPORT_CLUSTER_H

/* Real servers on loopback for the client's tests: started, killed, frozen and restarted. Every
 * wait is for a condition, with a deadline. */

#include "base/check.h"
#include "base/os/os.h"
#include <arpa/inet.h>
#include <cacheman/client.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define CLUSTER_MAX         8
#define CLUSTER_OPTIONS_MAX 12
#define CLUSTER_DEADLINE_NS 120000000000u

/* A port that is nobody else's, whether or not the one it is for listens on it: bound, so that the
 * system gives it to no other, but not listened on, so that connecting is refused until then. */
struct cluster_port {
    int number;     /* 0: none yet */
    int descriptor; /* what holds it */
};

struct cluster_server {
    pid_t process;
    struct cluster_port held;
    int port;
};

struct cluster {
    char folder[64];
    const char *options[CLUSTER_OPTIONS_MAX]; /* of every server */
    size_t count;
    struct cluster_server servers[CLUSTER_MAX];
};

#define CLUSTER_WAIT(condition)                                                                    \
    do {                                                                                           \
        const uint64_t cluster_end_ns = cm_os_monotonic_ns() + CLUSTER_DEADLINE_NS;                \
        while (!(condition)) {                                                                     \
            if (cm_os_monotonic_ns() > cluster_end_ns)                                             \
                fail_msg("waited in vain for %s", #condition);                                     \
            cm_os_sleep_ms(2);                                                                     \
        }                                                                                          \
    } while (0)

static inline void cluster_hold_port(struct cluster_port *port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof address;
    port->descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(setsockopt(port->descriptor, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)),
                     0);
    assert_int_equal(bind(port->descriptor, (struct sockaddr *)&address, bytes), 0);
    assert_int_equal(getsockname(port->descriptor, (struct sockaddr *)&address, &bytes), 0);
    port->number = ntohs(address.sin_port);
}

static inline const char *cluster_program(void) {
    const char *program = getenv("CACHEMAND");
    return program != NULL ? program : CACHEMAND_PROGRAM;
}

static inline int cluster_read_port(const char *path) {
    FILE *file = fopen(path, "r");
    char word[64];
    int port = 0;
    if (file == NULL)
        return 0;
    while (fscanf(file, "%63s", word) == 1)
        port = atoi(word);
    fclose(file);
    return port;
}

static inline void cluster_child(const struct cluster *cluster, const char *port,
                                 const char *port_file) {
    const char *arguments[CLUSTER_OPTIONS_MAX + 8] = {cluster_program(), "-p", port, "-t", "1"};
    size_t count = 5;
    for (size_t i = 0; i < CLUSTER_OPTIONS_MAX && cluster->options[i] != NULL; i++)
        arguments[count++] = cluster->options[i];
    setenv("MEMCACHED_PORT_FILENAME", port_file, 1);
    execv(arguments[0], (char *const *)(uintptr_t)arguments);
    _exit(127);
}

/* Starts server `number`; one that has run before gets the port it had. */
static inline void cluster_start(struct cluster *cluster, size_t number) {
    struct cluster_server *server = &cluster->servers[number];
    char port[16], port_file[128];
    if (server->held.number == 0)
        cluster_hold_port(&server->held);
    snprintf(port, sizeof port, "%d", server->held.number);
    snprintf(port_file, sizeof port_file, "%s/%zu", cluster->folder, number);
    unlink(port_file);
    server->process = fork();
    assert_true(server->process >= 0);
    if (server->process == 0)
        cluster_child(cluster, port, port_file);
    CLUSTER_WAIT((server->port = cluster_read_port(port_file)) > 0);
    if (number >= cluster->count)
        cluster->count = number + 1;
}

static inline void cluster_init(struct cluster *cluster, size_t count) {
    snprintf(cluster->folder, sizeof cluster->folder, "/tmp/cacheman-cluster-XXXXXX");
    assert_non_null(mkdtemp(cluster->folder));
    for (size_t i = 0; i < count; i++)
        cluster_start(cluster, i);
}

static inline void cluster_signal(struct cluster *cluster, size_t number, int signal) {
    assert_int_equal(kill(cluster->servers[number].process, signal), 0);
}

static inline void cluster_kill(struct cluster *cluster, size_t number) {
    struct cluster_server *server = &cluster->servers[number];
    if (server->process > 0) {
        kill(server->process, SIGKILL);
        waitpid(server->process, NULL, 0);
    }
    server->process = 0;
}

static inline void cluster_deinit(struct cluster *cluster) {
    char path[128];
    for (size_t i = 0; i < cluster->count; i++) {
        cluster_kill(cluster, i);
        close(cluster->servers[i].held.descriptor);
        snprintf(path, sizeof path, "%s/%zu", cluster->folder, i);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/cluster", cluster->folder);
    unlink(path);
    rmdir(cluster->folder);
}

/* The servers of a program of tests, and what starts and stops them around a test. */
#define CLUSTER_OF(servers)                                                                        \
    static struct cluster cluster;                                                                 \
    static int start(void **state) {                                                               \
        (void)state;                                                                               \
        cluster = (struct cluster){0};                                                             \
        cluster_init(&cluster, servers);                                                           \
        return 0;                                                                                  \
    }                                                                                              \
    static int stop(void **state) {                                                                \
        (void)state;                                                                               \
        cluster_deinit(&cluster);                                                                  \
        return 0;                                                                                  \
    }

/* Patience for a busy machine; options given say otherwise. */
#define CLUSTER_PATIENCE "timeout=60s&connect_timeout=60s"

/* The connection string of the first `count` servers and the options given. */
static inline const char *cluster_where(const struct cluster *cluster, size_t count,
                                        const char *options, char to[512]) {
    size_t length = 0;
    for (size_t i = 0; i < count; i++)
        length += (size_t)snprintf(to + length, 512 - length, "%s127.0.0.1:%d", i == 0 ? "" : ",",
                                   cluster->servers[i].port);
    snprintf(to + length, 512 - length, "?%s%s%s", CLUSTER_PATIENCE, options[0] == '\0' ? "" : "&",
             options);
    return to;
}

static inline cacheman *cluster_open(const struct cluster *cluster, const char *options) {
    char where[512];
    struct cacheman_error error;
    cacheman *client = NULL;
    if (cacheman_open(cluster_where(cluster, cluster->count, options, where), &client, &error) !=
        CM_OK)
        fail_msg("%s: %s", where, error.text);
    return client;
}

/* A cluster file of the servers whose bits are set; returns its connection string. */
static inline const char *cluster_write_file(const struct cluster *cluster, unsigned servers,
                                             const char *options, char to[512]) {
    char path[128], temporary[136];
    snprintf(path, sizeof path, "%s/cluster", cluster->folder);
    snprintf(temporary, sizeof temporary, "%s.new", path);
    FILE *file = fopen(temporary, "w");
    assert_non_null(file);
    for (size_t i = 0; i < cluster->count; i++) {
        if ((servers >> i & 1) != 0)
            fprintf(file, "127.0.0.1:%d\n", cluster->servers[i].port);
    }
    fclose(file);
    assert_int_equal(rename(temporary, path), 0);
    snprintf(to, 512, "file:%s?%s%s%s", path, CLUSTER_PATIENCE, options[0] == '\0' ? "" : "&",
             options);
    return to;
}

static inline size_t cluster_health_count(cacheman *client, enum cacheman_health health) {
    struct cacheman_server *servers;
    size_t count, found = 0;
    assert_int_equal(cacheman_servers(client, &servers, &count), CM_OK);
    for (size_t i = 0; i < count; i++)
        found += servers[i].health == health && !servers[i].leaving;
    free(servers);
    return found;
}

static inline size_t cluster_member_count(cacheman *client) {
    struct cacheman_server *servers;
    size_t count, members = 0;
    assert_int_equal(cacheman_servers(client, &servers, &count), CM_OK);
    for (size_t i = 0; i < count; i++)
        members += !servers[i].leaving;
    free(servers);
    return members;
}

static inline struct cacheman_bytes cluster_key(unsigned number, char to[16]) {
    return cacheman_bytes(to, (size_t)sprintf(to, "k%u", number));
}

/* Items whose values are their keys. */
static inline void cluster_fill(cacheman *client, unsigned count, const struct cacheman_how *how) {
    char name[16];
    for (unsigned i = 0; i < count; i++) {
        const struct cacheman_bytes key = cluster_key(i, name);
        assert_int_equal(cacheman_set(client, key, key, how, NULL), CM_OK);
    }
}

static inline bool text_is(struct cacheman_bytes value, const char *text) {
    return value.bytes == strlen(text) && memcmp(value.data, text, value.bytes) == 0;
}

#endif
