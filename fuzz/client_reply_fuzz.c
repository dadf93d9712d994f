/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/check.h"
#include "client/conn.h"
#include "client/server.h"
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* A hostile server: its bytes arrive at a real connection with requests of every kind under way.
 * Every attempt must end exactly once, and a hit must have its value. The first byte chooses the
 * dialect and into which pieces the bytes are cut. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ATTEMPTS 14

struct scene {
    struct cm_server *server;
    struct cm_conn *conn;
    struct cm_attempt attempts[ATTEMPTS];
    unsigned done[ATTEMPTS];
    int peer;
};

static void on_done(struct cm_attempt *attempt) {
    struct scene *scene = attempt->context;
    struct cacheman_result *result = &attempt->answer.result;
    const enum cacheman_verb verb = attempt->ask.request.verb;
    scene->done[attempt - scene->attempts]++;
    if (attempt->key != NULL && result->outcome == CACHEMAN_HIT && !attempt->ask.request.no_value &&
        (verb == CACHEMAN_GET || verb == CACHEMAN_GET_AND_TOUCH)) {
        CM_CHECK(result->value.data != NULL);
        CM_CHECK(((const char *)result->value.data)[result->value.bytes] == '\0');
    }
    free((void *)(uintptr_t)result->value.data);
    result->value.data = NULL;
}

static bool on_line(struct cm_attempt *attempt, struct cm_slice line) {
    (void)attempt;
    return cm_wire_is_end(line);
}

static void push_all(struct scene *scene, const struct cm_wire_key *key) {
    for (unsigned i = 0; i < ATTEMPTS; i++) {
        struct cm_attempt *attempt = &scene->attempts[i];
        *attempt = (struct cm_attempt){
            .server = scene->server, .key = key, .done = on_done, .context = scene};
        attempt->ask.request.verb = (enum cacheman_verb)(i % (CACHEMAN_DECREMENT + 1));
        attempt->ask.request.want_cas = i % 2 == 0;
        attempt->ask.request.no_value = i == ATTEMPTS - 2; /* a second GET */
        if (i == ATTEMPTS - 1) {
            attempt->key = NULL;
            attempt->line = CM_SLICE("stats\r\n");
            attempt->on_line = on_line;
        }
        cm_conn_push(scene->conn, attempt);
    }
}

static void open_scene(struct scene *scene, const struct cm_settings *settings) {
    struct cm_member member = {(char *)(uintptr_t) "unix:/nonexistent",
                               (char *)(uintptr_t) "/dev/null", 0, 1};
    int pair[2];
    *scene = (struct scene){0};
    CM_CHECK(cm_server_create(&member, NULL, &scene->server) == CM_OK);
    scene->conn = calloc(1, sizeof *scene->conn);
    CM_CHECK(scene->conn != NULL && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    scene->conn->server = scene->server;
    scene->conn->socket = pair[0];
    scene->conn->state = CM_CONN_GREETING;
    scene->peer = pair[1];
    CM_CHECK(cm_server_greeting(scene->server, settings, scene->conn) == CM_OK);
    cm_server_count_connection(scene->server, 1);
}

static void close_scene(struct scene *scene) {
    struct cm_attempt *attempt = cm_conn_take(scene->conn);
    while (attempt != NULL) {
        struct cm_attempt *next = attempt->next;
        attempt->answer = (struct cm_answer){0};
        attempt->answer.result.outcome = CACHEMAN_UNKNOWN;
        attempt->done(attempt);
        attempt = next;
    }
    for (unsigned i = 0; i < ATTEMPTS; i++)
        CM_CHECK(scene->done[i] == 1);
    cm_conn_close(scene->conn);
    close(scene->peer);
    cm_server_release(scene->server);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const size_t size_max = 60000; /* less than a socket holds */
    const struct cm_wire_key key = {CM_SLICE("p"), CM_SLICE("k"), false};
    struct cm_settings settings = {.protocol = CM_DIALECT_AUTO};
    struct scene scene;
    if (size == 0)
        return 0;
    size = size < size_max ? size : size_max;
    settings.protocol = data[0] % 2 == 0 ? CM_DIALECT_AUTO : CM_DIALECT_TEXT;
    open_scene(&scene, &settings);
    push_all(&scene, &key);
    const size_t piece = data[0] < 128 ? size : (size_t)data[0] % 16 + 1;
    for (size_t at = 1; at < size && scene.conn->state != CM_CONN_BROKEN; at += piece) {
        const size_t bytes = size - at < piece ? size - at : piece;
        CM_CHECK(write(scene.peer, data + at, bytes) == (ssize_t)bytes);
        cm_conn_flush(scene.conn);
        cm_conn_on_readable(scene.conn);
    }
    close_scene(&scene);
    return 0;
}
