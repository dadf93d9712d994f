/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_PROTOCOL_RESP_H
#define CM_PROTOCOL_RESP_H

/* What the files of the Redis protocol share. Private to protocol/resp*.c. */

#include "protocol/protocol.h"

#define CM_RESP_KEY_BYTES_MAX 250
#define CM_RESP_COUNT_MAX     ((int64_t)1 << 20)   /* arguments of a request */
#define CM_RESP_BULK_MAX      ((int64_t)512 << 20) /* bytes of an argument, as in Redis */
#define CM_RESP_ARGS_MAX      16                   /* that are looked at */
#define CM_RESP_WORD_MAX      512 /* longer arguments, values aside, are not waited for */
#define CM_RESP_QUOTED_MAX    128 /* bytes of the client's that an error repeats, at a time */
#define CM_RESP_SCRATCH       512 /* that a request may take of the batch's */

#define CM_RESP_VERSION "7.0.0" /* of Redis, whose commands these are */

/* op->form: how the answer is written. */
enum cm_resp_form {
    CM_RESP_TEXT,    /* op->text, or a line by the outcome */
    CM_RESP_BULK,    /* op->text as a bulk string */
    CM_RESP_NIL,     /* nothing there */
    CM_RESP_EMPTY,   /* a map of nothing */
    CM_RESP_NILS,    /* an array of `number` times nothing there */
    CM_RESP_SETTING, /* a map of one thing, op->text */
    CM_RESP_VALUE,   /* the value, or nil */
    CM_RESP_OLD,     /* the value before, or nil */
    CM_RESP_BOOL,    /* 1 if it was done */
    CM_RESP_PERSIST, /* 1 if there was an expiry */
    CM_RESP_NUMBER,  /* arith's */
    CM_RESP_LENGTH,  /* of the value */
    CM_RESP_TTL,     /* seconds */
    CM_RESP_PTTL,    /* milliseconds */
    CM_RESP_TYPE,    /* string or none */
    CM_RESP_HELLO,   /* who the server is; `number`: the version asked for */
    CM_RESP_INFO,    /* a long answer; `number`: which sections */
    CM_RESP_DBSIZE,  /* a long answer, of one line of the statistics */
    /* Of the ops of one request, all of one answer: */
    CM_RESP_ELEMENT, /* MGET */
    CM_RESP_COUNT,   /* DEL, EXISTS, TOUCH: how many */
    CM_RESP_ALL,     /* MSET: OK, or the first that failed */
};

/* Which of the commands whose keys are ops. */
enum cm_resp_many { CM_RESP_MGET, CM_RESP_DELETE, CM_RESP_EXISTS, CM_RESP_TOUCH, CM_RESP_MSET };

/* op->marks; the rest of it is enum cm_resp_many. */
enum cm_resp_mark { CM_RESP_FIRST = 1, CM_RESP_LAST = 2 };
#define CM_RESP_MANY_SHIFT 4

/* parser->state and op->resume */
enum cm_resp_state {
    CM_RESP_REQUEST, /* at the start of a request */
    CM_RESP_KEYS,    /* among the keys of one, `multi_left` arguments left */
    CM_RESP_REST,    /* behind a streamed value, `multi_left` arguments left */
    CM_RESP_SKIP,    /* dropping the `multi_left` arguments left */
};

/* How an expiry is written. */
enum cm_resp_unit { CM_RESP_SECONDS = 0, CM_RESP_MILLISECONDS = 1, CM_RESP_ABSOLUTE = 2 };

#define CM_RESP_EACH 255

struct cm_resp_command;

/* One request while it is parsed. */
struct cm_resp_request {
    struct cm_parser *parser;
    struct cm_batch *batch;
    struct cm_slice input;
    size_t start; /* offset of what is being parsed */
    size_t next;  /* offset of what follows */
    const struct cm_resp_command *command;
    uint32_t count; /* of arguments, the name included */
    unsigned known; /* of these, in `at` */
    bool cut;       /* the last of them is too long to be waited for: its bytes begin at `next`, of
                       which CM_RESP_QUOTED_MAX are there */
    bool streams;   /* it is a value that goes to the store as it comes */
    struct cm_slice at[CM_RESP_ARGS_MAX];
};

enum cm_resp_end {
    CM_RESP_DONE,
    CM_RESP_MORE,  /* incomplete: nothing was added */
    CM_RESP_CLOSE, /* answer what has been added, and hang up */
};

struct cm_resp_command {
    struct cm_slice name;
    enum cm_resp_end (*parse)(struct cm_resp_request *request);
    unsigned argument;
    int arity;
    unsigned value_at;
};

/* How many commands there are. */
unsigned cm_resp_command_count(void);

/* A new op at the end of the batch, zero but for its kind, form and place. */
struct cm_op *cm_resp_op(const struct cm_resp_request *request, enum cm_op_kind kind,
                         enum cm_resp_form form);
/* Answers with a line, its \r\n included. */
enum cm_resp_end cm_resp_answer(const struct cm_resp_request *request, struct cm_slice line);
/* Same, and nothing after it makes sense. */
enum cm_resp_end cm_resp_fail(const struct cm_resp_request *request, struct cm_slice line);
/* -ERR and the pieces, each but a bit of if it is long, in one line. */
enum cm_resp_end cm_resp_complain(const struct cm_resp_request *request,
                                  const struct cm_slice *pieces, unsigned count);
/* Gives `op`, a store, the argument as its value, and settles its kind. */
void cm_resp_set_value(struct cm_resp_request *request, struct cm_op *op, unsigned argument);
/* The options of SET behind `first`, known arguments. Empty, or the line that refuses them. */
struct cm_slice cm_resp_set_options(const struct cm_resp_request *request, unsigned first,
                                    struct cm_op *op);

static inline bool cm_resp_is_key(uint64_t bytes) {
    return bytes >= 1 && bytes <= CM_RESP_KEY_BYTES_MAX;
}

/* A whole number exactly as Redis writes it. */
bool cm_resp_integer(struct cm_slice text, int64_t *number);
/* The word, whatever its case; `word` is in lower case. */
bool cm_resp_is(struct cm_slice text, struct cm_slice word);

#define CM_RESP_COMMAND(name, parser, argument, arity, value_at, usage)                            \
    enum cm_resp_end cm_resp_parse_##parser(struct cm_resp_request *request);
#include "tables/resp_commands.def"

void cm_resp_encode(struct cm_encoder *encoder, const struct cm_op *op, struct cm_reply *reply,
                    struct cm_out *out);
enum cm_status cm_resp_stat_line(struct cm_buf *text, const struct cm_op *op, struct cm_slice name,
                                 struct cm_slice value);
enum cm_status cm_resp_long_end(struct cm_buf *text, const struct cm_op *op);
/* The sections of INFO of that name, a set; 0: unknown. */
uint64_t cm_resp_sections(struct cm_slice name);

#define CM_RESP_OK          CM_SLICE("+OK\r\n")
#define CM_RESP_SYNTAX      CM_SLICE("-ERR syntax error\r\n")
#define CM_RESP_NOT_INTEGER CM_SLICE("-ERR value is not an integer or out of range\r\n")
#define CM_RESP_NOAUTH      CM_SLICE("-NOAUTH Authentication required.\r\n")
#define CM_RESP_WRONGPASS                                                                          \
    CM_SLICE("-WRONGPASS invalid username-password pair or user is disabled.\r\n")
#define CM_RESP_TOO_LARGE CM_SLICE("-ERR the value is larger than an item may be\r\n")
#define CM_RESP_BAD_KEY   CM_SLICE("-ERR keys have 1 to 250 bytes\r\n")

#endif
