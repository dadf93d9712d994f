/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/num.h"
#include "protocol/memcache.h"

/* The classic commands that change items. A line whose value's length cannot be told is answered
 * and nothing more is dropped: what follows is parsed as the next command. Once the length is
 * known, any other error drops the value too. */

static bool ends_well(const char *end) {
    return end[0] == '\r' && end[1] == '\n';
}

enum cm_request_end cm_memcache_value(struct cm_request *request, struct cm_op *op,
                                      uint64_t bytes) {
    const size_t left = request->input.len - request->next;
    op->value = cm_slice(NULL, (size_t)bytes);
    if (op->key.len + bytes > request->batch->limits.item_bytes_max) {
        op->kind = CM_OP_STORE_REFUSE;
        request->parser->swallow = bytes + 2;
        return CM_REQUEST_DONE;
    }
    if (left >= bytes + 2) {
        op->value.data = request->input.data + request->next;
        request->next += (size_t)bytes + 2;
        if (!ends_well(op->value.data + bytes)) {
            op->options |= CM_OP_BAD_END;
        }
        return CM_REQUEST_DONE;
    }
    if (bytes > CM_STREAM_ABOVE) {
        op->kind = CM_OP_STORE_LONG;
        return CM_REQUEST_DONE;
    }
    request->parser->need_bytes = request->next - request->start + (size_t)bytes + 2;
    request->batch->count--;
    return CM_REQUEST_MORE;
}

/* KEY FLAGS EXPTIME BYTES [CAS] [noreply] */
static enum cm_request_end parse_storage(struct cm_request *request, unsigned mode, bool with_cas) {
    const struct cm_tokens *tokens = &request->tokens;
    uint32_t flags;
    uint64_t bytes;
    uint64_t cas = 0;
    int64_t exptime;
    if (tokens->count < 5 || !cm_num_u64(tokens->at[4], &bytes) || bytes > CM_VALUE_BYTES_LIMIT) {
        return cm_memcache_answer(request, CM_BAD_FORMAT);
    }
    request->noreply = cm_slice_equal(tokens->last, CM_SLICE("noreply"));
    if (tokens->at[1].len > CM_KEY_BYTES_MAX || !cm_num_u32(tokens->at[2], &flags) ||
        !cm_num_i64(tokens->at[3], &exptime) ||
        (with_cas && (tokens->count < 6 || !cm_num_u64(tokens->at[5], &cas)))) {
        return cm_memcache_refuse(request, CM_BAD_FORMAT, bytes);
    }
    struct cm_op *op = cm_memcache_op(request, CM_OP_STORE);
    op->key = tokens->at[1];
    op->mode = (uint8_t)mode;
    op->client_flags = flags;
    op->expires = cm_memcache_expiry(&request->batch->limits, exptime);
    op->cas = cas;
    op->options = with_cas ? CM_OP_CAS : mode == CM_MODE_SET ? CM_OP_DROP_OLD : 0;
    op->marks = request->noreply ? CM_MARK_NOREPLY : 0;
    return cm_memcache_value(request, op, bytes);
}

enum cm_request_end cm_memcache_parse_storage(struct cm_request *request) {
    return parse_storage(request, request->argument, false);
}

enum cm_request_end cm_memcache_parse_cas(struct cm_request *request) {
    return parse_storage(request, CM_MODE_SET, true);
}

/* What the commands below share: enough tokens, noreply, a key. NULL: *end is the answer. */
static struct cm_op *keyed_op(struct cm_request *request, enum cm_op_kind kind, unsigned tokens_min,
                              enum cm_request_end *end) {
    const struct cm_tokens *tokens = &request->tokens;
    if (tokens->count >= tokens_min) {
        request->noreply = cm_slice_equal(tokens->last, CM_SLICE("noreply"));
    }
    if (tokens->count < tokens_min || tokens->at[1].len > CM_KEY_BYTES_MAX) {
        *end = cm_memcache_answer(request, CM_BAD_FORMAT);
        return NULL;
    }
    struct cm_op *op = cm_memcache_op(request, kind);
    op->key = tokens->at[1];
    op->marks = request->noreply ? CM_MARK_NOREPLY : 0;
    *end = CM_REQUEST_DONE;
    return op;
}

/* Takes the op back and answers instead. */
static enum cm_request_end answer_instead(struct cm_request *request, struct cm_slice text) {
    request->batch->count--;
    return cm_memcache_answer(request, text);
}

/* Behind the key nothing, or the 0 that old clients send as a delay, or noreply, or both. */
static bool delete_is_valid(const struct cm_request *request) {
    const struct cm_tokens *tokens = &request->tokens;
    if (tokens->count == 2) {
        return true;
    }
    const bool zero = cm_slice_equal(tokens->at[2], CM_SLICE("0"));
    return tokens->count == 3 ? zero || request->noreply
                              : tokens->count == 4 && zero && request->noreply;
}

enum cm_request_end cm_memcache_parse_delete(struct cm_request *request) {
    enum cm_request_end end;
    const struct cm_op *op = keyed_op(request, CM_OP_DELETE, 2, &end);
    if (op != NULL && !delete_is_valid(request)) {
        return answer_instead(request, CM_SLICE("CLIENT_ERROR bad command line format.  "
                                                "Usage: delete <key> [noreply]\r\n"));
    }
    return end;
}

enum cm_request_end cm_memcache_parse_arith(struct cm_request *request) {
    enum cm_request_end end;
    struct cm_op *op = keyed_op(request, CM_OP_ARITH, 3, &end);
    if (op == NULL) {
        return end;
    }
    op->form = CM_FORM_NUMBER;
    op->options = (uint16_t)request->argument;
    if (!cm_num_u64(request->tokens.at[2], &op->delta)) {
        return answer_instead(request, CM_SLICE("CLIENT_ERROR invalid numeric delta argument\r\n"));
    }
    return end;
}

enum cm_request_end cm_memcache_parse_touch(struct cm_request *request) {
    enum cm_request_end end;
    int64_t exptime;
    struct cm_op *op = keyed_op(request, CM_OP_TOUCH, 3, &end);
    if (op == NULL) {
        return end;
    }
    if (!cm_num_i64(request->tokens.at[2], &exptime)) {
        return answer_instead(request, CM_SLICE("CLIENT_ERROR invalid exptime argument\r\n"));
    }
    op->expires = cm_memcache_expiry(&request->batch->limits, exptime);
    return end;
}
