/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_OP_OP_H
#define CM_OP_OP_H

#include "base/slice.h"
#include "op/selector.h"
#include <stddef.h>
#include <stdint.h>

/* What is asked of the cache: made by protocol/ from bytes, executed by command/. Every slice
 * points into the input or the batch's scratch memory and is good until the batch is done. */

enum cm_op_kind {
    CM_OP_REPLY,        /* nothing to do: the reply is `text`; `selector`: enum cm_reply_kind */
    CM_OP_GET,          /* read a key */
    CM_OP_STORE,        /* write a key; the value is there */
    CM_OP_STORE_LONG,   /* write a key; `value.len` bytes are yet to come, `value.data` is NULL */
    CM_OP_STORE_REFUSE, /* a write whose value is over the item limit and has been skipped */
    CM_OP_DELETE,
    CM_OP_ARITH,
    CM_OP_TOUCH,
    CM_OP_INSPECT, /* an item's metadata, without counting as an access */
    CM_OP_FLUSH,
    CM_OP_MEMORY_LIMIT, /* `number`: bytes */
    CM_OP_POLICY,       /* `key`: the name of an eviction policy */
    CM_OP_VERBOSITY,    /* `number`: level */
    CM_OP_CRAWLER,      /* `selector`: enum cm_crawler */
    CM_OP_REFRESH_CERTS,
    CM_OP_DETAIL,   /* per-prefix statistics; `number`: 1 on, 0 off */
    CM_OP_RESET,    /* counters start from zero */
    CM_OP_STATS,    /* `selector`: enum cm_stats_group; a long answer; WHY: of `key` */
    CM_OP_DUMP,     /* `selector`: enum cm_dump; a long answer */
    CM_OP_SHUTDOWN, /* `number`: 1 graceful */
    CM_OP_TIME,     /* `selector`: enum cm_time; moves the clock, for tests */
    CM_OP_QUIT,
    CM_OP_LOGIN, /* `key`: user, `value`: password */
    CM_OP_SASL,  /* `selector`: enum cm_sasl; `key`: mechanism, `value`: the client's message */
    CM_OP_WATCH, /* `number`: a set of enum cm_watch_stream; what follows is what happens */
    CM_OP_KINDS
};

enum cm_op_trait {
    CM_TRAIT_KEYED = 1,   /* has a key to hash and prefetch */
    CM_TRAIT_BARRIER = 2, /* what follows may only be parsed once it has been executed */
};

static inline unsigned cm_op_traits(enum cm_op_kind kind) {
    switch (kind) {
    case CM_OP_GET:
    case CM_OP_STORE:
    case CM_OP_STORE_REFUSE:
    case CM_OP_DELETE:
    case CM_OP_ARITH:
    case CM_OP_TOUCH:
    case CM_OP_INSPECT:
        return CM_TRAIT_KEYED;
    case CM_OP_STORE_LONG:
        return CM_TRAIT_KEYED | CM_TRAIT_BARRIER;
    case CM_OP_STATS:
    case CM_OP_DUMP:
    case CM_OP_SHUTDOWN:
    case CM_OP_TIME:
    case CM_OP_QUIT:
    case CM_OP_LOGIN:
    case CM_OP_SASL:
    case CM_OP_WATCH:
        return CM_TRAIT_BARRIER;
    default:
        return 0;
    }
}

enum cm_op_option {
    CM_OP_SET_EXPIRES = 1 << 0, /* touch: `expires` */
    CM_OP_VIVIFY = 1 << 1,      /* create a missing item, living until `vivify_expires` */
    CM_OP_RECACHE = 1 << 2,     /* get: win if less than `recache_s` is left */
    CM_OP_NO_BUMP = 1 << 3,     /* get: not an access for the eviction policy */
    CM_OP_NO_VALUE = 1 << 4,    /* get: the reply needs no value */
    CM_OP_CAS = 1 << 5,         /* only if the item's cas is `cas` */
    CM_OP_LOWER_CAS = 1 << 6,   /* store: take a lower one too, and mark the item stale */
    CM_OP_DECREMENT = 1 << 7,   /* arith */
    CM_OP_STALE = 1 << 8,       /* delete: keep the item, marked stale */
    CM_OP_CLEAR = 1 << 9,       /* delete: keep the item, empty its value */
    CM_OP_BAD_END = 1 << 10,    /* store: the value's end is not where it should be */
    CM_OP_DROP_OLD = 1 << 11,   /* store: if the value is too large, the old one goes too */
    CM_OP_META = 1 << 12,       /* counts as a meta request */
    CM_OP_WANT_SIZE = 1 << 13,  /* store: the reply needs the size of the whole value */
    CM_OP_WANT_OLD = 1 << 14,   /* store, delete: the reply's value is the one before */
    CM_OP_KEEP_TTL = 1 << 15,   /* store: the expiry of what is replaced stays */
};

struct cm_op {
    struct cm_slice key;
    uint64_t hash; /* of the key, set just before execution */
    union {
        struct cm_slice value; /* CM_OP_STORE*, LOGIN, SASL */
        struct cm_slice text;  /* CM_OP_REPLY; static, or as any slice of an op */
    };
    uint64_t cas;
    uint64_t cas_new; /* the item's next cas, 0: the store's next */
    union {
        uint64_t number;
        uint64_t delta; /* arith */
    };
    uint64_t initial;        /* arith with VIVIFY: the first value */
    uint32_t expires;        /* clock second, 0: never */
    uint32_t vivify_expires; /* clock second, 0: never */
    union {
        uint32_t client_flags; /* store */
        uint32_t recache_s;    /* get */
    };
    uint16_t options; /* enum cm_op_option */
    uint8_t kind;     /* enum cm_op_kind */
    uint8_t mode;     /* enum cm_store_mode */
    uint8_t selector; /* which of a kind's variants */
    uint8_t hint;     /* struct cmstore_key's */

    /* The protocol's own: how the reply is to be written, and where the request is. */
    uint8_t form;
    uint8_t marks;       /* more of that: what to leave out, what to add */
    uint8_t resume;      /* how parsing goes on if it has to start over at this op */
    uint32_t start;      /* offset of the request in the input */
    uint16_t echo_bytes; /* of the request's flags, to be answered in their order */
    union {
        const char *echo;
        uint32_t opaque; /* the request's own number, where it is answered as it came */
    };
};

_Static_assert(sizeof(struct cm_op) <= 128, "a batch of ops must stay in the first-level cache");

/* All zero, cleared in two steps: gcc clears this much at once with `rep stos`, which takes longer
 * than parsing a short request does. */
static inline void cm_op_clear(struct cm_op *op) {
    const size_t half = offsetof(struct cm_op, number);
    memset(op, 0, half);
    memset((char *)op + half, 0, sizeof *op - half);
}

#endif
