/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_CLIENT_WIRE_H
#define CM_CLIENT_WIRE_H

/* What is sent to one server about one key, and what comes back. No sockets: bytes alone. */

#include "base/buf.h"
#include <cacheman/client.h>

/* The key as the server gets it: `prefix` and `key`, which needs no encoding unless `encoded`. */
struct cm_wire_key {
    struct cm_slice prefix, key;
    bool encoded; /* odd bytes: base64 on the wire, and no prefix apart */
};

/* A request and what only this library asks for. */
struct cm_ask {
    struct cacheman_request request;
    bool lease;         /* GET: a missing item is created empty and won by one caller, */
    uint32_t lease_s;   /*   for so long */
    uint32_t refresh_s; /* GET: one caller wins if less than this is left */
    bool invalidate;    /* DELETE: mark it stale instead, */
    uint32_t grace_s;   /*   to live so long, 0: as long as it would have */
};

/* What one line said. */
struct cm_answer {
    struct cacheman_result result; /* without the value */
    size_t value_bytes;
    bool has_value; /* `value_bytes` and an end of line follow */
    bool won;       /* the caller is to compute the value */
    bool taken;     /* another caller is at it */
    bool lost;      /* whether the server took the rest of the request for commands is unknown:
                       the connection can no longer be used */
};

/* Appends the request; `now_s` is the time of day. NO_MEMORY, INVALID: classic servers cannot be
 * asked that. */
CM_MUST_CHECK enum cm_status cm_wire_encode_meta(struct cm_buf *to, const struct cm_ask *ask,
                                                 const struct cm_wire_key *key, int64_t now_s);
CM_MUST_CHECK enum cm_status cm_wire_encode_text(struct cm_buf *to, const struct cm_ask *ask,
                                                 const struct cm_wire_key *key, int64_t now_s);
/* Whether the request is sent in a form that has no answer. */
bool cm_wire_is_silent(const struct cm_ask *ask, const struct cm_wire_key *key);

/* The longest line that is no error of the server's. */
#define CM_WIRE_LINE_MAX 2048
/* A value longer than any server's. */
#define CM_WIRE_VALUE_MAX ((size_t)1 << 30)

/* Reads one line, its end left out. False: not an answer to this verb. */
bool cm_wire_read_meta(struct cm_slice line, enum cacheman_verb verb, struct cm_answer *answer);
/* In the classic protocol the key is named. After a value comes a line that cm_wire_is_end(). */
bool cm_wire_read_text(struct cm_slice line, const struct cm_ask *ask,
                       const struct cm_wire_key *key, struct cm_answer *answer);
bool cm_wire_is_end(struct cm_slice line);
/* The number in a counter's value, spaces behind it left out. */
bool cm_wire_number(struct cm_slice value, uint64_t *out);
/* ERROR, CLIENT_ERROR and SERVER_ERROR; false if the line is none. */
bool cm_wire_read_error(struct cm_slice line, struct cm_answer *answer);

#endif
