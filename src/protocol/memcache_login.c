/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/num.h"
#include "protocol/memcache.h"

/* Logging in over the text protocols, as memcached has it: a `set` of any key whose value is the
 * user, a space and the password. Flags and exptime are not looked at, and noreply means nothing.
 * Before that the only other request is `version`. */

/* The longest value taken: room for a user and a password of the longest, and some spaces. */
#define TOKEN_BYTES_MAX 2048u

static enum cm_request_end parse_token(struct cm_request *request, struct cm_slice token) {
    cm_memcache_tokenize(&request->tokens, token);
    if (request->tokens.count < 2) {
        return cm_memcache_answer(request,
                                  CM_SLICE("CLIENT_ERROR bad authentication token format\r\n"));
    }
    struct cm_op *op = cm_memcache_op(request, CM_OP_LOGIN);
    op->form = CM_FORM_LINE;
    op->key = request->tokens.at[0];
    op->value = request->tokens.at[1];
    return CM_REQUEST_DONE;
}

static enum cm_request_end take_token(struct cm_request *request, uint32_t bytes) {
    const char *data = request->input.data + request->next;
    if (bytes > TOKEN_BYTES_MAX) {
        return cm_memcache_refuse(request, CM_SLICE("CLIENT_ERROR auth token too long\r\n"), bytes);
    }
    if (request->input.len - request->next < bytes + 2) {
        request->parser->need_bytes = request->next - request->start + bytes + 2;
        return CM_REQUEST_MORE;
    }
    request->next += bytes + 2;
    if (data[bytes] != '\r' || data[bytes + 1] != '\n') {
        return cm_memcache_answer(request,
                                  CM_SLICE("CLIENT_ERROR bad command line termination\r\n"));
    }
    return parse_token(request, cm_slice(data, bytes));
}

enum cm_request_end cm_memcache_parse_login(struct cm_request *request) {
    const struct cm_tokens *tokens = &request->tokens;
    struct cm_slice line;
    uint32_t bytes;
    const enum cm_request_end end = cm_memcache_take_line(request, &line);
    if (end != CM_REQUEST_DONE) {
        return end;
    }
    if (cm_slice_equal(line, CM_SLICE("version"))) {
        return cm_memcache_parse_version(request);
    }
    if (tokens->count < 5 || !cm_slice_equal(tokens->at[0], CM_SLICE("set")) ||
        !cm_num_u32(tokens->at[4], &bytes)) {
        return cm_memcache_answer(request, CM_SLICE("CLIENT_ERROR unauthenticated\r\n"));
    }
    return take_token(request, bytes);
}
