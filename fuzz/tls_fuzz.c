/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "../tests/support/tls_peer.h"
#include "tls/tls.h"

#include <stdint.h>

/* A server's side of TLS and a client on OpenSSL itself, whose bytes are changed on their way. The
 * first byte chooses the version, the others are steps, each with an argument. Whatever is done to
 * the bytes, the server may read nothing but a beginning of what the client wrote, and all of it
 * while nothing was changed; and so the other way round. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum step {
    STEP_DELIVER, /* what the client has said, in pieces of the argument's bytes; 0: whole */
    STEP_ANSWER,  /* what the server has said */
    STEP_WRITE,   /* the client writes, eight times the argument's bytes */
    STEP_SEND,    /* the server does */
    STEP_FLIP,    /* changes a byte that is to be delivered */
    STEP_CUT,     /* drops some at the end */
    STEP_INSERT,  /* puts the bytes that follow in front */
    STEP_DOUBLE,  /* delivers all twice */
    STEP_RENEW,   /* new keys, or, in TLS 1.2, another handshake */
    STEP_GOODBYE, /* the client says that nothing more comes */
    STEP_END,     /* the server does */
    STEPS
};

enum { INPUT_MAX = 256, TEXT_BYTES = 1 << 20, DOUBLED_MAX = 64 << 10 };

struct talk {
    struct cm_tls *tls;
    struct peer peer;
    struct cm_buf wire, cipher;    /* under way to the server, to the client */
    struct cm_buf plain, answered; /* received */
    size_t written, sent;          /* bytes of `text` */
    bool honest;                   /* nothing was changed so far */
    bool well;                     /* the client has not failed */
    bool silent;                   /* the client has said goodbye */
};

static char text[TEXT_BYTES];

static struct cm_tls_context *make_context(void) {
    struct peer_files files;
    struct cm_tls_context *context;
    struct cm_tls_report report;
    peer_make_files(&files);
    const struct cm_tls_options options = {.cert_file = files.cert, .key_file = files.key};
    CM_CHECK(cm_tls_context_create(&options, &context, &report) == CM_OK);
    peer_remove_files(&files);
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i * 131 >> 4);
    return context;
}

static void check_prefix(const struct cm_buf *got, size_t written) {
    CM_CHECK(cm_buf_len(got) <= written);
    CM_CHECK(memcmp(cm_buf_slice(got).data == NULL ? text : cm_buf_slice(got).data, text,
                    cm_buf_len(got)) == 0);
}

static void poll_peer(struct talk *talk) {
    talk->well = talk->well && peer_read(&talk->peer, &talk->answered);
    peer_take(&talk->peer, &talk->wire);
}

static bool may_receive(const struct talk *talk) {
    return cm_tls_state(talk->tls) == CM_TLS_SHAKING || cm_tls_state(talk->tls) == CM_TLS_OPEN;
}

static bool may_send(const struct talk *talk) {
    return cm_tls_state(talk->tls) == CM_TLS_OPEN || cm_tls_state(talk->tls) == CM_TLS_ENDED;
}

static void deliver(struct talk *talk, size_t step) {
    poll_peer(talk);
    while (cm_buf_len(&talk->wire) > 0 && may_receive(talk)) {
        size_t all = cm_buf_len(&talk->wire);
        size_t bytes = step == 0 || step > all ? all : step;
        char *copy = malloc(bytes);
        CM_CHECK(copy != NULL);
        memcpy(copy, cm_buf_slice(&talk->wire).data, bytes);
        cm_buf_consume(&talk->wire, bytes);
        (void)cm_tls_receive(talk->tls, cm_slice(copy, bytes), &talk->plain, &talk->cipher);
        free(copy);
    }
    cm_buf_clear(&talk->wire);
    (void)cm_tls_is_busy(talk->tls);
    if (talk->honest && talk->well) {
        CM_CHECK(cm_tls_state(talk->tls) != CM_TLS_FAILED);
        CM_CHECK(cm_buf_len(&talk->plain) == talk->written);
    }
}

static void answer(struct talk *talk) {
    peer_give(&talk->peer, cm_buf_slice(&talk->cipher));
    cm_buf_clear(&talk->cipher);
    poll_peer(talk);
    if (talk->honest && talk->well)
        CM_CHECK(cm_buf_len(&talk->answered) == talk->sent);
}

static void write_text(struct talk *talk, size_t bytes) {
    if (!talk->well || talk->silent || !SSL_is_init_finished(talk->peer.ssl) ||
        talk->written + bytes > sizeof text)
        return;
    size_t written = 0;
    if (bytes == 0)
        return;
    if (SSL_write_ex(talk->peer.ssl, text + talk->written, bytes, &written) == 1)
        talk->written += written;
    else
        talk->well = false; /* in the middle of a handshake that it began anew */
}

static void send_text(struct talk *talk, size_t bytes) {
    if (!may_send(talk) || talk->sent + bytes > sizeof text)
        return;
    struct cm_slice piece = cm_slice(text + talk->sent, bytes);
    if (cm_tls_send(talk->tls, piece, &talk->cipher) == CM_OK)
        talk->sent += bytes;
    else
        CM_CHECK(!talk->honest || cm_tls_state(talk->tls) == CM_TLS_FAILED);
}

static void insert(struct talk *talk, struct cm_slice bytes) {
    struct cm_buf both = {0};
    poll_peer(talk);
    CM_CHECK(cm_buf_append(&both, bytes) == CM_OK);
    CM_CHECK(cm_buf_append(&both, cm_buf_slice(&talk->wire)) == CM_OK);
    cm_buf_deinit(&talk->wire);
    talk->wire = both;
    talk->honest = talk->honest && bytes.len == 0;
}

static void change(struct talk *talk, enum step step, size_t argument) {
    poll_peer(talk);
    size_t len = cm_buf_len(&talk->wire);
    if (len == 0)
        return;
    talk->honest = false;
    char *bytes = talk->wire.data + talk->wire.head;
    if (step == STEP_FLIP) {
        bytes[argument * 7 % len] ^= (char)(1 << argument % 8);
    } else if (step == STEP_CUT) {
        talk->wire.tail -= argument % len + 1;
    } else if (len < DOUBLED_MAX) {
        char *copy = malloc(len);
        CM_CHECK(copy != NULL);
        memcpy(copy, bytes, len);
        CM_CHECK(cm_buf_append(&talk->wire, cm_slice(copy, len)) == CM_OK);
        free(copy);
    }
}

static void renew(struct talk *talk, bool again) {
    if (!talk->well || talk->silent || !SSL_is_init_finished(talk->peer.ssl))
        return;
    if (SSL_version(talk->peer.ssl) == TLS1_3_VERSION) {
        (void)SSL_key_update(talk->peer.ssl,
                             again ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED);
        (void)SSL_do_handshake(talk->peer.ssl);
    } else {
        (void)SSL_renegotiate(talk->peer.ssl);
        talk->honest = false; /* the client does not take no for an answer */
    }
}

/* Returns how many bytes after the argument it has used. */
static size_t make_step(struct talk *talk, enum step step, const uint8_t *at, size_t left) {
    size_t argument = at[0];
    switch (step) {
    case STEP_DELIVER:
        deliver(talk, argument);
        break;
    case STEP_ANSWER:
        answer(talk);
        break;
    case STEP_WRITE:
        write_text(talk, argument * 8);
        break;
    case STEP_SEND:
        send_text(talk, argument * 200);
        break;
    case STEP_INSERT:
        argument = argument > left - 1 ? left - 1 : argument;
        insert(talk, cm_slice((const char *)at + 1, argument));
        return argument;
    case STEP_RENEW:
        renew(talk, argument % 2 == 1);
        break;
    case STEP_GOODBYE:
        if (SSL_is_init_finished(talk->peer.ssl))
            (void)SSL_shutdown(talk->peer.ssl);
        talk->silent = SSL_is_init_finished(talk->peer.ssl);
        break;
    case STEP_END:
        cm_tls_end(talk->tls, &talk->cipher);
        talk->honest = false; /* nothing is said afterwards, but the client does not know */
        break;
    default:
        change(talk, step, argument);
    }
    return 0;
}

static void play(struct talk *talk, const uint8_t *data, size_t size) {
    for (size_t i = 1; i + 1 < size; i += 2)
        i += make_step(talk, data[i] % STEPS, data + i + 1, size - i - 1);
    check_prefix(&talk->plain, talk->written);
    check_prefix(&talk->answered, talk->sent);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct cm_tls_context *context;
    struct talk talk = {.honest = true, .well = true};
    if (size < 3 || size > INPUT_MAX)
        return 0;
    if (context == NULL)
        context = make_context();
    CM_CHECK(cm_tls_create(context, &talk.tls) == CM_OK);
    peer_open(&talk.peer, data[0] % 2 == 0 ? TLS1_3_VERSION : TLS1_2_VERSION);
    play(&talk, data, size);
    cm_tls_destroy(talk.tls);
    peer_close(&talk.peer);
    cm_buf_deinit(&talk.wire);
    cm_buf_deinit(&talk.cipher);
    cm_buf_deinit(&talk.plain);
    cm_buf_deinit(&talk.answered);
    return 0;
}
