/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_OP_REPLY_H
#define CM_OP_REPLY_H

#include "base/slice.h"
#include <stddef.h>
#include <stdint.h>

/* What came of an op: made by command/, turned into bytes by protocol/. */

enum cm_outcome {
    CM_OUTCOME_MISS,
    CM_OUTCOME_HIT,
    CM_OUTCOME_STORED,
    CM_OUTCOME_NOT_STORED,
    CM_OUTCOME_EXISTS,
    CM_OUTCOME_DONE, /* an administrative op */
    /* errors */
    CM_OUTCOME_TOO_LARGE,
    CM_OUTCOME_NO_MEMORY,
    CM_OUTCOME_NOT_NUMERIC,
    CM_OUTCOME_OVERFLOW,      /* a number too large to be counted to */
    CM_OUTCOME_BAD_END,       /* the value's end was not where it should be */
    CM_OUTCOME_BAD_LIMIT,     /* a memory limit that cannot be had */
    CM_OUTCOME_DISABLED,      /* switched off in this server */
    CM_OUTCOME_PIPELINED,     /* only where no answer is still to be sent */
    CM_OUTCOME_BUSY,          /* one of these is under way, and one at a time is enough */
    CM_OUTCOME_TOO_MANY,      /* no more of these */
    CM_OUTCOME_AUTH_CONTINUE, /* sasl: `value` is for the client, whose answer is awaited */
    CM_OUTCOME_AUTH_FAILED,
    CM_OUTCOME_UNAUTHENTICATED, /* not before a login */
    CM_OUTCOMES
};

/* A value to send. It may be changing while it is copied (cm_copy_shared()); the session asks
 * afterwards whether the copy is good. */
struct cm_reply_value {
    const char *data;
    size_t bytes;
    void *hold; /* not NULL: insert it into the output instead of copying; takes ownership */
};

struct cm_reply {
    uint8_t outcome; /* enum cm_outcome */
    bool fetched;    /* had been read before */
    bool stale;
    bool won;      /* this caller is to recompute the value */
    bool win_sent; /* another caller already is */
    bool known;    /* get: the caller has this value already, by its cas */
    bool replaced; /* with CM_OP_WANT_OLD: there was an item, `value` is its */
    uint32_t client_flags;
    uint64_t cas;
    struct cm_reply_value value;
    uint64_t number;     /* arith: the new value; signed: an int64_t */
    int64_t ttl_s;       /* left to live, -1: unlimited */
    int64_t ttl_old_s;   /* before the op changed it */
    uint32_t idle_s;     /* since the access before this one */
    uint32_t item_bytes; /* key, value and header */
    uint32_t size_class; /* the class memcached would keep an item of that size in */
};

/* As cm_op_clear(). */
static inline void cm_reply_clear(struct cm_reply *reply, enum cm_outcome outcome) {
    const size_t half = offsetof(struct cm_reply, number);
    memset(reply, 0, half);
    memset((char *)reply + half, 0, sizeof *reply - half);
    reply->outcome = (uint8_t)outcome;
}

/* One item of a dump. */
struct cm_dump_item {
    struct cm_slice key;
    int64_t expires_unix_s; /* -1: never */
    int64_t access_unix_s;
    uint64_t cas;
    size_t item_bytes;
    size_t value_bytes;
    uint32_t size_class;
    uint32_t client_flags;
    bool fetched;
};

#endif
