/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_CLIENT_CONN_H
#define CM_CLIENT_CONN_H

/* One connection to a server, never waiting by itself: whoever owns it waits for its socket, with
 * poll() or with an event loop, and tells it.
 *
 *     CONNECTING --writable--> SHAKING --> GREETING --answers--> READY --> BROKEN
 *          \__________________\___________\__________________________/
 *
 * Without TLS there is nothing to shake hands about.
 *
 * C1. Answers come in the order of the requests: `first` is the oldest attempt without its answer.
 * C2. Attempts pushed before READY are encoded when it is reached: only then the dialect is known.
 * C3. An attempt leaves the list before its done() is called, which may push again.
 * C4. BROKEN only marks the connection: its owner takes the attempts with cm_conn_take() and
 *     closes it, from where no caller stands inside of it. */

#include "base/os/dial.h"
#include "client/wire.h"

struct cm_server;
struct cm_tls;
struct cm_conn;
struct cm_settings;

/* One request to one server. */
struct cm_attempt {
    struct cm_attempt *next; /* in the connection's list */
    struct cm_server *server;
    struct cm_ask ask;
    const struct cm_wire_key *key; /* NULL: `ask` is not used, but */
    struct cm_slice line;          /*   this line is sent, and its answer read by on_line() */
    /* The answer, or a failure in answer.result.status with outcome UNKNOWN; a value belongs to the
     * attempt's owner from then on. */
    void (*done)(struct cm_attempt *attempt);
    bool (*on_line)(struct cm_attempt *attempt, struct cm_slice line); /* true: was the last */
    void *context;
    struct cm_answer answer;
    uint8_t role;    /* the owner's */
    bool reused;     /* was sent on a connection that had been used before */
    bool repeatable; /* may be sent again if that connection turns out to be dead */
};

enum cm_conn_state {
    CM_CONN_CONNECTING,
    CM_CONN_SHAKING,
    CM_CONN_GREETING,
    CM_CONN_READY,
    CM_CONN_BROKEN
};

/* What the answer being received is in the middle of. */
enum cm_conn_part { CM_CONN_LINE, CM_CONN_VALUE, CM_CONN_VALUE_END, CM_CONN_END_LINE };

struct cm_conn {
    struct cm_conn *next; /* in the server's list of idle ones */
    struct cm_server *server;
    cm_os_socket socket;
    enum cm_conn_state state;
    enum cm_conn_part part;
    bool meta;           /* READY: the dialect */
    bool used;           /* has answered a request */
    bool awaiting_login; /* GREETING: its answer comes first */
    bool only_meta;      /* GREETING: the classic dialect will not do */
    enum cm_status failure;
    uint64_t idle_since_ns;
    uint32_t patience_ms;
    struct cm_attempt *first, *last;
    struct cm_buf in, out;
    struct cm_tls *tls;   /* NULL: plain */
    struct cm_buf cipher; /* encrypted and not sent yet */
    char *value;          /* being received */
    size_t value_got;
};

/* Begins to connect; the caller owns *out. UNREACHABLE, NO_MEMORY. */
CM_MUST_CHECK enum cm_status cm_conn_open(struct cm_server *server,
                                          const struct cm_settings *settings, struct cm_conn **out);
/* No attempts may be left. NULL is allowed. */
void cm_conn_close(struct cm_conn *conn);

void cm_conn_push(struct cm_conn *conn, struct cm_attempt *attempt);
/* Takes the list of attempts without answers, oldest first. */
struct cm_attempt *cm_conn_take(struct cm_conn *conn);

bool cm_conn_wants_write(const struct cm_conn *conn);
/* Sends what there is, as far as it goes. */
void cm_conn_flush(struct cm_conn *conn);
/* The socket is ready: does what can be done. */
void cm_conn_on_writable(struct cm_conn *conn);
void cm_conn_on_readable(struct cm_conn *conn);
/* The same, waiting for the first bytes, at most `timeout_ms`. Once READY. */
void cm_conn_read_wait(struct cm_conn *conn, uint32_t timeout_ms);

/* Gives large buffers back. */
void cm_conn_trim(struct cm_conn *conn);
/* Nothing under way and nothing unexpected received: fit for another call. */
bool cm_conn_is_clean(const struct cm_conn *conn);
void cm_conn_break(struct cm_conn *conn, enum cm_status status);

#endif
