/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_STRESS_DIALECT_H
#define CM_STRESS_DIALECT_H

#include "base/num.h"
#include "base/slice.h"
#include "stress/options.h"

/* What requests look like on the wire, and how their answers are told apart; one a protocol. Servers
 * may mean ill: whatever they send, nothing but a piece or its refusal comes of it. */

/* A request is at most so much longer than its keys and its value; so much again for every key
 * beyond the first. */
#define CM_STRESS_REQUEST_BYTES 128
/* The longest line of an answer, and the longest text of an error. */
#define CM_STRESS_LINE_MAX ((size_t)2048)

struct cm_stress_ask {
    enum cm_stress_kind kind;
    struct cm_slice key;
    uint32_t value_bytes; /* of what stores */
    uint32_t ttl_s;       /* 0: for ever */
};

struct cm_stress_login {
    const char *user, *password;
};

/* A request that has been sent. */
struct cm_stress_request {
    uint64_t due_ns;       /* from when its latency counts */
    uint32_t first, count; /* its keys */
    uint32_t seen;         /* pieces of its answer */
    uint8_t kind;
};

enum cm_stress_found {
    CM_STRESS_PART,  /* not whole yet: more is needed */
    CM_STRESS_VALUE, /* of the next key, or of the one that is named */
    CM_STRESS_MISS,  /* the next key has none */
    CM_STRESS_DONE,  /* as asked; of a get: there are no more values */
    CM_STRESS_NO,    /* not stored, not found */
    CM_STRESS_ERROR, /* the server says so */
    CM_STRESS_NEXT,  /* nothing by itself */
    CM_STRESS_BAD,   /* no answer to this request */
};

struct cm_stress_piece {
    enum cm_stress_found found;
    bool last;            /* of this request's answer */
    struct cm_slice key;  /* a VALUE's, where answers name it */
    struct cm_slice text; /* of a VALUE, or of an ERROR */
    size_t used;          /* bytes; not of PART and BAD */
};

struct cm_stress_dialect {
    const char *name;
    /* Each writes at `at`, which has room, and returns the end. What stores is written up to its
     * value by put(), and from there by put_end(). */
    char *(*put)(char *at, const struct cm_stress_ask *ask);
    char *(*put_end)(char *at, const struct cm_stress_ask *ask);
    char *(*put_many)(char *at, const struct cm_slice *keys, size_t count); /* two or more */
    char *(*put_login)(char *at, const struct cm_stress_login *login);
    /* What `in`, not empty, begins with. */
    void (*scan)(struct cm_slice in, const struct cm_stress_request *request,
                 struct cm_stress_piece *piece);
};

extern const struct cm_stress_dialect cm_stress_text, cm_stress_meta, cm_stress_binary,
    cm_stress_resp;
const struct cm_stress_dialect *cm_stress_dialect(enum cm_stress_protocol protocol);

/* ---- for dialects ---- */

static inline char *cm_stress_put(char *at, struct cm_slice bytes) {
    memcpy(at, bytes.data, bytes.len);
    return at + bytes.len;
}

static inline char *cm_stress_put_number(char *at, uint64_t number) {
    return at + cm_num_format_u64(at, number);
}

/* The first line without its end. False: there is none yet, or never will be, as *piece says; else
 * its bytes are what is used. */
bool cm_stress_line(struct cm_slice in, struct cm_slice *line, struct cm_stress_piece *piece);
/* A value of `bytes` bytes at `at`, and a line end. */
void cm_stress_take_value(struct cm_slice in, size_t at, size_t bytes,
                          struct cm_stress_piece *piece);
/* That, and nothing more comes. */
void cm_stress_end(struct cm_stress_piece *piece, enum cm_stress_found found);

#endif
