/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/timing.h"

#include "base/uri.h"
#include "net/conn.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- slow requests ---- */

enum { NUMBER_CHARS = 32 };

/* "12.345": milliseconds. Returns `to`. */
static const char *milliseconds(uint64_t ns, char to[NUMBER_CHARS]) {
    uint64_t us = (ns + 500) / 1000;
    snprintf(to, NUMBER_CHARS, "%" PRIu64 ".%03" PRIu64, us / 1000, us % 1000);
    return to;
}

static const char *whole(uint64_t number, char to[NUMBER_CHARS]) {
    snprintf(to, NUMBER_CHARS, "%" PRIu64, number);
    return to;
}

/* "tcp:127.0.0.1:40312", "udp:...", "unix", or "?" once it has gone. */
static void name_client(const struct cm_timing_client *client, char to[CM_NET_ADDRESS_BYTES]) {
    struct sockaddr_storage storage;
    int bytes = sizeof storage;
    snprintf(to, CM_NET_ADDRESS_BYTES, "?");
    if (client->conn == NULL) {
        cm_address_text(client->from, to, CM_NET_ADDRESS_BYTES);
        memcpy(to, "udp", 3);
    } else if (client->conn->handle.type == UV_NAMED_PIPE) {
        snprintf(to, CM_NET_ADDRESS_BYTES, "unix");
    } else if (uv_tcp_getpeername(&client->conn->tcp, (struct sockaddr *)&storage, &bytes) == 0) {
        cm_address_text((struct sockaddr *)&storage, to, CM_NET_ADDRESS_BYTES);
    }
}

/* Between these two times. */
struct span {
    uint64_t since_ns, until_ns;
};

static void tell_slow(struct cm_worker *worker, const struct cm_timing_client *client,
                      const struct span *span) {
    const struct cm_session_slowest *slowest = cm_session_slowest(worker->sessions);
    char key[CM_URI_CHARS(CMSTORE_KEY_BYTES_MAX) + 1], address[CM_NET_ADDRESS_BYTES];
    char numbers[6][NUMBER_CHARS];
    key[cm_uri_encode(cm_slice(slowest->key, slowest->key_bytes), key)] = '\0';
    name_client(client, address);
    const struct cm_log_field fields[] = {
        {"command", slowest->command, false},
        {"key", key, false},
        {"value_bytes", whole(slowest->value_bytes, numbers[0]), true},
        {"client", address, false},
        {"took_ms", milliseconds(span->until_ns - span->since_ns, numbers[1]), true},
        {"waiting_ms", milliseconds(slowest->started_ns - span->since_ns, numbers[2]), true},
        {"executing_ms", milliseconds(slowest->ended_ns - slowest->started_ns, numbers[3]), true},
        {"sending_ms", milliseconds(span->until_ns - slowest->ended_ns, numbers[4]), true},
        {"requests", whole(slowest->requests, numbers[5]), true},
    };
    const struct cm_log_event event = {"slow request", fields, sizeof fields / sizeof fields[0]};
    cm_log_event(worker->net->options.log, CM_LOG_WARNING, &event);
}

void cm_timing_answered(struct cm_worker *worker, uint64_t since_ns,
                        const struct cm_timing_client *client) {
    if (!cm_session_has_answered(worker->sessions))
        return;
    uint64_t now_ns = cm_os_monotonic_ns();
    if (CM_UNLIKELY(worker->slow_ns > 0 && now_ns - since_ns >= worker->slow_ns))
        tell_slow(worker, client, &(struct span){since_ns, now_ns});
    cm_session_took(worker->sessions, now_ns - since_ns);
}
