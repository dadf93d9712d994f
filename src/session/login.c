/* SPDX-License-Identifier: BSD-3-Clause */
#include "session/internal.h"
#include <stdlib.h>

/* Logging in. Who fails waits: the answer comes after a pause, twice as long each time, in which
 * nothing of the connection is read, and with the last failure allowed the connection ends. Other
 * connections notice nothing. */

#define FAILURES_MAX 3
/* Short enough for a client that waits a second to read why it was refused. */
#define PAUSE_FIRST_MS 500u

bool cm_login_permits(const struct cm_op *op) {
    return op->kind == CM_OP_REPLY || op->kind == CM_OP_QUIT || op->kind == CM_OP_LOGIN ||
           op->kind == CM_OP_SASL;
}

void cm_login_refuse(struct cm_session *session, const struct cm_op *op, struct cm_out *out) {
    if (op->kind == CM_OP_STORE_LONG) {
        session->parser.swallow = op->value.len + session->protocol->value_end.len;
    }
    cm_reply_clear(&session->worker->exec.reply, CM_OUTCOME_UNAUTHENTICATED);
    cm_session_reply(session, op, out);
    cm_request_count(session->worker->command.metrics, CM_COMMAND_other,
                     CM_OUTCOME_UNAUTHENTICATED);
}

/* NULL: no memory. */
static struct cm_login *get_login(struct cm_session *session) {
    if (session->login == NULL) {
        session->login = calloc(1, sizeof *session->login);
    }
    return session->login;
}

void cm_login_destroy(struct cm_login *login) {
    if (login != NULL) {
        cm_exchange_destroy(login->exchange);
        cm_buf_deinit(&login->late);
        free(login);
    }
}

size_t cm_login_bytes(const struct cm_login *login) {
    if (login == NULL) {
        return 0;
    }
    const size_t exchange = login->exchange == NULL ? 0 : cm_exchange_bytes();
    return sizeof *login + login->late.capacity + exchange;
}

/* ---- outcomes ---- */

static void count(const struct cm_session *session, bool failed) {
    struct cm_metrics *metrics = session->worker->command.metrics;
    cm_metrics_count(metrics, CM_METRIC_auth_cmds);
    if (failed) {
        cm_metrics_count(metrics, CM_METRIC_auth_errors);
    }
}

/* Failures are not forgotten: who has logged in once may not guess on. */
static void succeed(struct cm_session *session) {
    struct cm_login *login = session->login;
    count(session, false);
    session->authenticated = true;
    if (login != NULL) {
        cm_exchange_destroy(login->exchange);
        login->exchange = NULL;
        if (login->failures == 0) {
            cm_login_destroy(login);
            session->login = NULL;
        }
    }
}

/* Moves the answer out of the output until the pause is over. Without memory for that there is
 * none: the connection ends. */
static void fail(struct cm_session *session, const struct cm_op *op, struct cm_out *out) {
    struct cm_login *login = get_login(session);
    const size_t mark = cm_out_mark(out);
    count(session, true);
    cm_session_reply(session, op, out);
    const struct cm_slice answer = cm_slice(out->data + mark, out->len - mark);
    const bool kept = login != NULL && cm_buf_append(&login->late, answer) == CM_OK;
    cm_out_rewind(out, mark);
    if (!kept) {
        session->closing = true;
        return;
    }
    login->pause_ms = PAUSE_FIRST_MS << login->failures;
    login->failures++;
}

void cm_login_end_pause(struct cm_session *session, struct cm_out *out) {
    struct cm_login *login = session->login;
    login->pause_ms = 0;
    cm_out_put(out, cm_buf_slice(&login->late));
    cm_buf_deinit(&login->late);
    session->closing = session->closing || login->failures == FAILURES_MAX;
}

uint32_t cm_session_pause_ms(const struct cm_session *session) {
    return session->login == NULL ? 0 : session->login->pause_ms;
}

/* ---- the ops ---- */

static void answer(struct cm_session *session, const struct cm_op *op, enum cm_outcome outcome,
                   struct cm_out *out) {
    cm_reply_clear(&session->worker->exec.reply, outcome);
    if (outcome == CM_OUTCOME_AUTH_FAILED) {
        fail(session, op, out);
    } else {
        cm_session_reply(session, op, out);
    }
}

static enum cm_outcome log_in(struct cm_session *session, const struct cm_op *op) {
    if (!cm_auth_check(session->worker->auth, op->key, op->value)) {
        return CM_OUTCOME_AUTH_FAILED;
    }
    succeed(session);
    return CM_OUTCOME_DONE;
}

static enum cm_exchange_state exchange(struct cm_session *session, const struct cm_op *op) {
    struct cm_login *login = get_login(session);
    if (op->selector == CM_SASL_STEP) {
        return login == NULL || login->exchange == NULL
                   ? CM_EXCHANGE_FAILED
                   : cm_exchange_step(login->exchange, op->value);
    }
    if (login == NULL || (login->exchange == NULL &&
                          cm_exchange_create(session->worker->auth, &login->exchange) != CM_OK)) {
        return CM_EXCHANGE_FAILED;
    }
    return cm_exchange_start(login->exchange, op->key, op->value);
}

static void execute_sasl(struct cm_session *session, const struct cm_op *op, struct cm_out *out) {
    struct cm_reply *reply = &session->worker->exec.reply;
    if (op->selector == CM_SASL_LIST) {
        static const char mechanisms[] = CM_EXCHANGE_MECHANISMS;
        cm_reply_clear(reply, CM_OUTCOME_DONE);
        reply->value = (struct cm_reply_value){mechanisms, sizeof mechanisms - 1, NULL};
        cm_session_reply(session, op, out);
        return;
    }
    switch (exchange(session, op)) {
    case CM_EXCHANGE_GOES_ON: {
        const struct cm_slice challenge = cm_exchange_challenge(session->login->exchange);
        cm_reply_clear(reply, CM_OUTCOME_AUTH_CONTINUE);
        reply->value = (struct cm_reply_value){challenge.data, challenge.len, NULL};
        cm_session_reply(session, op, out);
        break;
    }
    case CM_EXCHANGE_DONE:
        succeed(session);
        answer(session, op, CM_OUTCOME_DONE, out);
        break;
    case CM_EXCHANGE_FAILED:
        answer(session, op, CM_OUTCOME_AUTH_FAILED, out);
        break;
    }
}

void cm_login_execute(struct cm_session *session, const struct cm_op *op, struct cm_out *out) {
    if (session->worker->auth == NULL) {
        answer(session, op, CM_OUTCOME_DISABLED, out);
    } else if (op->kind == CM_OP_LOGIN) {
        answer(session, op, log_in(session, op), out);
    } else {
        execute_sasl(session, op, out);
    }
}
