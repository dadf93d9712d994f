/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/base64.h"
#include "base/num.h"
#include "client/wire.h"

/* Requests as the meta protocol and the classic one write them. Room for everything but key and
 * value is reserved at once. */

#define REST_BYTES     160 /* words, numbers and flags of the longest request */
#define RELATIVE_MAX_S (30 * 24 * 3600)

static void put(struct cm_buf *to, const char *text) {
    cm_buf_put(to, cm_slice(text, strlen(text)));
}

static void put_number(struct cm_buf *to, uint64_t number) {
    cm_buf_wrote(to, cm_num_format_u64(cm_buf_tail(to), number));
}

static void put_flag(struct cm_buf *to, const char *flag, uint64_t number) {
    put(to, flag);
    put_number(to, number);
}

/* What the protocol calls exptime. A time of day that servers cannot read, for which they have 31
 * bits, is forever. */
static int64_t exptime_of(int64_t ttl_s, int64_t now_s) {
    if (ttl_s < 0)
        return -1;
    if (ttl_s <= RELATIVE_MAX_S)
        return ttl_s;
    return ttl_s > INT32_MAX - now_s ? 0 : now_s + ttl_s;
}

static void put_exptime(struct cm_buf *to, int64_t ttl_s, int64_t now_s) {
    cm_buf_wrote(to, cm_num_format_i64(cm_buf_tail(to), exptime_of(ttl_s, now_s)));
}

static void put_key(struct cm_buf *to, const struct cm_wire_key *key) {
    if (key->encoded) {
        cm_buf_wrote(to, cm_base64_encode(key->key, cm_buf_tail(to)));
        return;
    }
    cm_buf_put(to, key->prefix);
    cm_buf_put(to, key->key);
}

static enum cm_status reserve(struct cm_buf *to, const struct cm_ask *ask,
                              const struct cm_wire_key *key) {
    return cm_buf_reserve(to, REST_BYTES + key->prefix.len + CM_BASE64_CHARS(key->key.len) +
                                  ask->request.value.bytes);
}

static bool stores(enum cacheman_verb verb) {
    return verb >= CACHEMAN_SET && verb <= CACHEMAN_CAS;
}

bool cm_wire_is_silent(const struct cm_ask *ask, const struct cm_wire_key *key) {
    const struct cacheman_request *request = &ask->request;
    return request->no_reply && !key->encoded && !request->want_cas && !request->create &&
           !ask->invalidate && request->verb != CACHEMAN_GET &&
           request->verb != CACHEMAN_GET_AND_TOUCH &&
           !(request->verb == CACHEMAN_DELETE && request->cas != 0);
}

/* ---- meta ---- */

static void put_meta_get(struct cm_buf *to, const struct cm_ask *ask, int64_t now_s) {
    const struct cacheman_request *request = &ask->request;
    if (request->verb != CACHEMAN_TOUCH && !request->no_value)
        put(to, " v f");
    if (request->verb != CACHEMAN_GET) {
        put(to, " T");
        put_exptime(to, request->ttl_s, now_s);
    }
    if (request->want_ttl)
        put(to, " t");
    if (ask->lease) {
        put(to, " N");
        put_exptime(to, ask->lease_s, now_s);
    }
    if (ask->refresh_s > 0) {
        put(to, " R");
        put_exptime(to, ask->refresh_s, now_s);
    }
}

static const char *mode_of(enum cacheman_verb verb) {
    static const char *const modes[] = {
        [CACHEMAN_ADD] = " ME",
        [CACHEMAN_REPLACE] = " MR",
        [CACHEMAN_APPEND] = " MA",
        [CACHEMAN_PREPEND] = " MP",
    };
    return verb >= CACHEMAN_ADD && verb <= CACHEMAN_PREPEND ? modes[verb] : "";
}

static void put_meta_set(struct cm_buf *to, const struct cacheman_request *request, int64_t now_s) {
    put_flag(to, " ", request->value.bytes);
    put(to, mode_of(request->verb));
    if (request->verb == CACHEMAN_APPEND || request->verb == CACHEMAN_PREPEND)
        return; /* flags and time to live stay the item's */
    if (request->ttl_s != 0) {
        put(to, " T");
        put_exptime(to, request->ttl_s, now_s);
    }
    if (request->flags != 0)
        put_flag(to, " F", request->flags);
    if (request->verb == CACHEMAN_CAS)
        put_flag(to, " C", request->cas);
}

static void put_meta_delete(struct cm_buf *to, const struct cm_ask *ask, int64_t now_s) {
    if (ask->request.cas != 0)
        put_flag(to, " C", ask->request.cas);
    if (ask->invalidate)
        put(to, " I");
    if (ask->invalidate && ask->grace_s > 0) {
        put(to, " T");
        put_exptime(to, ask->grace_s, now_s);
    }
}

static void put_meta_arith(struct cm_buf *to, const struct cacheman_request *request,
                           int64_t now_s) {
    put(to, " v");
    if (request->verb == CACHEMAN_DECREMENT)
        put(to, " MD");
    if (request->delta != 1)
        put_flag(to, " D", request->delta);
    if (request->create) {
        put(to, " N");
        put_exptime(to, request->ttl_s, now_s);
        put_flag(to, " J", request->initial);
    }
}

static const char *meta_command(enum cacheman_verb verb) {
    if (stores(verb))
        return "ms ";
    if (verb == CACHEMAN_DELETE)
        return "md ";
    return verb >= CACHEMAN_INCREMENT ? "ma " : "mg ";
}

enum cm_status cm_wire_encode_meta(struct cm_buf *to, const struct cm_ask *ask,
                                   const struct cm_wire_key *key, int64_t now_s) {
    const struct cacheman_request *request = &ask->request;
    if (cm_wire_is_silent(ask, key)) /* q would still send failures, noreply sends nothing */
        return cm_wire_encode_text(to, ask, key, now_s);
    enum cm_status status = reserve(to, ask, key);
    if (status != CM_OK)
        return status;
    put(to, meta_command(request->verb));
    put_key(to, key);
    if (stores(request->verb))
        put_meta_set(to, request, now_s);
    else if (request->verb == CACHEMAN_DELETE)
        put_meta_delete(to, ask, now_s);
    else if (request->verb >= CACHEMAN_INCREMENT)
        put_meta_arith(to, request, now_s);
    else
        put_meta_get(to, ask, now_s);
    if (key->encoded)
        put(to, " b");
    if (request->want_cas)
        put(to, " c");
    put(to, "\r\n");
    if (stores(request->verb)) {
        cm_buf_put(to, cm_slice(request->value.data, request->value.bytes));
        put(to, "\r\n");
    }
    return CM_OK;
}

/* ---- classic ---- */

static const char *text_command(const struct cacheman_request *request) {
    static const char *const commands[] = {
        [CACHEMAN_GET] = "get ",           [CACHEMAN_TOUCH] = "touch ",
        [CACHEMAN_GET_AND_TOUCH] = "gat ", [CACHEMAN_SET] = "set ",
        [CACHEMAN_ADD] = "add ",           [CACHEMAN_REPLACE] = "replace ",
        [CACHEMAN_APPEND] = "append ",     [CACHEMAN_PREPEND] = "prepend ",
        [CACHEMAN_CAS] = "cas ",           [CACHEMAN_DELETE] = "delete ",
        [CACHEMAN_INCREMENT] = "incr ",    [CACHEMAN_DECREMENT] = "decr ",
    };
    if (request->want_cas && request->verb == CACHEMAN_GET)
        return "gets ";
    if (request->want_cas && request->verb == CACHEMAN_GET_AND_TOUCH)
        return "gats ";
    return commands[request->verb];
}

static void put_text_store(struct cm_buf *to, const struct cacheman_request *request,
                           int64_t now_s) {
    put_flag(to, " ", request->flags);
    put(to, " ");
    put_exptime(to, request->ttl_s, now_s);
    put_flag(to, " ", request->value.bytes);
    if (request->verb == CACHEMAN_CAS)
        put_flag(to, " ", request->cas);
}

static void put_text_rest(struct cm_buf *to, const struct cacheman_request *request,
                          int64_t now_s) {
    if (stores(request->verb))
        put_text_store(to, request, now_s);
    if (request->verb >= CACHEMAN_INCREMENT)
        put_flag(to, " ", request->delta);
    if (request->verb == CACHEMAN_TOUCH) {
        put(to, " ");
        put_exptime(to, request->ttl_s, now_s);
    }
}

enum cm_status cm_wire_encode_text(struct cm_buf *to, const struct cm_ask *ask,
                                   const struct cm_wire_key *key, int64_t now_s) {
    const struct cacheman_request *request = &ask->request;
    if (request->verb == CACHEMAN_DELETE && request->cas != 0)
        return CM_INVALID;
    enum cm_status status = reserve(to, ask, key);
    if (status != CM_OK)
        return status;
    put(to, text_command(request));
    if (request->verb == CACHEMAN_GET_AND_TOUCH) {
        put_exptime(to, request->ttl_s, now_s);
        put(to, " ");
    }
    put_key(to, key);
    put_text_rest(to, request, now_s);
    put(to, cm_wire_is_silent(ask, key) ? " noreply\r\n" : "\r\n");
    if (stores(request->verb)) {
        cm_buf_put(to, cm_slice(request->value.data, request->value.bytes));
        put(to, "\r\n");
    }
    return CM_OK;
}
