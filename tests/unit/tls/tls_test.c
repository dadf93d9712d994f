/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "tls/tls.h"

#include "support/tls_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>

#include <cmocka.h>

/* A server's side and a client, in one memory. */
struct rig {
    struct peer_files files;
    struct cm_tls_context *context;
    struct cm_tls *tls;
    struct peer peer;
    struct cm_buf plain, cipher; /* of the server */
    struct cm_buf wire;          /* from the client */
    struct cm_buf answered;      /* read by the client */
    size_t step;                 /* how many bytes the server is given at once; 0: all */
    int socket;                  /* the other end of the one that was offered; 0: none was */
    size_t from_socket;          /* bytes that came out of it */
};

static struct cm_tls_options options_of(const struct rig *rig) {
    return (struct cm_tls_options){.cert_file = rig->files.cert, .key_file = rig->files.key};
}

static void open_with(struct rig *rig, int version, const struct cm_tls_options *options) {
    struct cm_tls_report report;
    assert_int_equal(cm_tls_context_create(options, &rig->context, &report), CM_OK);
    assert_string_equal(report.warning, "");
    assert_int_equal(cm_tls_create(rig->context, &rig->tls), CM_OK);
    peer_open(&rig->peer, version);
}

static void open_rig(struct rig *rig, int version) {
    *rig = (struct rig){0};
    peer_make_files(&rig->files);
    const struct cm_tls_options options = options_of(rig);
    open_with(rig, version, &options);
}

static void close_rig(struct rig *rig) {
    cm_tls_destroy(rig->tls);
    cm_tls_context_destroy(rig->context);
    peer_close(&rig->peer);
    peer_remove_files(&rig->files);
    cm_buf_deinit(&rig->plain);
    cm_buf_deinit(&rig->cipher);
    cm_buf_deinit(&rig->wire);
    cm_buf_deinit(&rig->answered);
}

static void connect_again(struct rig *rig, SSL_SESSION *session) {
    cm_tls_destroy(rig->tls);
    assert_int_equal(cm_tls_create(rig->context, &rig->tls), CM_OK);
    peer_connect(&rig->peer, session);
    cm_buf_clear(&rig->plain);
}

static bool may_receive(const struct rig *rig) {
    enum cm_tls_state state = cm_tls_state(rig->tls);
    return state == CM_TLS_SHAKING || state == CM_TLS_OPEN;
}

/* Hands the server what the client has sent, from memory that ends where the bytes do. */
static void receive(struct rig *rig) {
    while (cm_buf_len(&rig->wire) > 0 && may_receive(rig)) {
        size_t all = cm_buf_len(&rig->wire);
        size_t bytes = rig->step == 0 || rig->step > all ? all : rig->step;
        char *copy = malloc(bytes);
        assert_non_null(copy);
        memcpy(copy, cm_buf_slice(&rig->wire).data, bytes);
        cm_buf_consume(&rig->wire, bytes);
        (void)cm_tls_receive(rig->tls, cm_slice(copy, bytes), &rig->plain, &rig->cipher);
        free(copy);
    }
    cm_buf_clear(&rig->wire);
}

/* What the server wrote to a socket that was offered, which comes before `cipher`. */
static void give_from_socket(struct rig *rig) {
    char piece[4096];
    for (ssize_t got; rig->socket > 0 && (got = read(rig->socket, piece, sizeof piece)) > 0;) {
        peer_give(&rig->peer, cm_slice(piece, (size_t)got));
        rig->from_socket += (size_t)got;
    }
}

/* To and fro until nobody says anything. Whether both sides are well. */
static bool talk(struct rig *rig) {
    for (;;) {
        bool well = peer_read(&rig->peer, &rig->answered);
        peer_take(&rig->peer, &rig->wire);
        bool silent = cm_buf_len(&rig->wire) == 0 && cm_buf_len(&rig->cipher) == 0;
        receive(rig);
        give_from_socket(rig);
        peer_give(&rig->peer, cm_buf_slice(&rig->cipher));
        cm_buf_clear(&rig->cipher);
        if (!well)
            return false;
        if (silent)
            return cm_tls_state(rig->tls) != CM_TLS_FAILED;
    }
}

static void assert_bytes(const struct cm_buf *buf, const char *wanted, size_t bytes) {
    assert_int_equal(cm_buf_len(buf), bytes);
    assert_memory_equal(cm_buf_slice(buf).data, wanted, bytes);
}

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

static char *make_text(size_t bytes) {
    char *text = malloc(bytes);
    assert_non_null(text);
    for (size_t i = 0; i < bytes; i++)
        text[i] = (char)(i * 31 >> 3);
    return text;
}

static void test_bytes_pass_both_ways(void **state) {
    (void)state;
    const size_t steps[] = {0, 1, 7, 5000}, lengths[] = {1, 16384, 16385, 200000};
    for (size_t v = 0; v < 2; v++) {
        for (size_t s = 0; s < 4; s++) {
            struct rig rig;
            open_rig(&rig, versions[v]);
            rig.step = steps[s];
            assert_true(talk(&rig));
            assert_int_equal(cm_tls_state(rig.tls), CM_TLS_OPEN);
            for (size_t l = 0; l < 4; l++) {
                char *text = make_text(lengths[l]);
                cm_buf_clear(&rig.plain);
                cm_buf_clear(&rig.answered);
                peer_write(&rig.peer, cm_slice(text, lengths[l]));
                assert_true(talk(&rig));
                assert_bytes(&rig.plain, text, lengths[l]);
                assert_int_equal(cm_tls_send(rig.tls, cm_slice(text, lengths[l]), &rig.cipher),
                                 CM_OK);
                assert_true(talk(&rig));
                assert_bytes(&rig.answered, text, lengths[l]);
                free(text);
            }
            close_rig(&rig);
        }
    }
}

static void test_sending_nothing_sends_nothing(void **state) {
    (void)state;
    struct rig rig;
    open_rig(&rig, TLS1_3_VERSION);
    assert_true(talk(&rig));
    assert_int_equal(cm_tls_send(rig.tls, cm_slice(NULL, 0), &rig.cipher), CM_OK);
    assert_int_equal(cm_buf_len(&rig.cipher), 0);
    close_rig(&rig);
}

static void test_half_a_record_is_kept(void **state) {
    (void)state;
    for (size_t v = 0; v < 2; v++) {
        struct rig rig;
        open_rig(&rig, versions[v]);
        assert_false(cm_tls_is_busy(rig.tls));
        assert_true(talk(&rig));
        assert_false(cm_tls_is_busy(rig.tls));
        peer_write(&rig.peer, CM_SLICE("hello"));
        peer_take(&rig.peer, &rig.wire);
        struct cm_slice all = cm_buf_slice(&rig.wire);
        for (size_t i = 0; i < all.len; i++) {
            assert_int_equal(
                cm_tls_receive(rig.tls, cm_slice(all.data + i, 1), &rig.plain, &rig.cipher),
                CM_TLS_OPEN);
            assert_int_equal(cm_tls_is_busy(rig.tls), i + 1 < all.len);
        }
        assert_bytes(&rig.plain, "hello", 5);
        close_rig(&rig);
    }
}

static void test_ends(void **state) {
    (void)state;
    for (size_t v = 0; v < 2; v++) {
        struct rig rig;
        open_rig(&rig, versions[v]);
        cm_tls_end(rig.tls, &rig.cipher); /* nothing to end yet */
        assert_int_equal(cm_buf_len(&rig.cipher), 0);
        assert_true(talk(&rig));
        peer_write(&rig.peer, CM_SLICE("last"));
        (void)SSL_shutdown(rig.peer.ssl);
        assert_true(talk(&rig));
        assert_int_equal(cm_tls_state(rig.tls), CM_TLS_ENDED);
        assert_bytes(&rig.plain, "last", 4);
        assert_int_equal(cm_tls_send(rig.tls, CM_SLICE("answer"), &rig.cipher), CM_OK);
        cm_tls_end(rig.tls, &rig.cipher);
        peer_give(&rig.peer, cm_buf_slice(&rig.cipher));
        assert_true(peer_read(&rig.peer, &rig.answered));
        assert_bytes(&rig.answered, "answer", 6);
        assert_int_equal(SSL_get_shutdown(rig.peer.ssl) & SSL_RECEIVED_SHUTDOWN,
                         SSL_RECEIVED_SHUTDOWN);
        close_rig(&rig);
    }
}

static void test_versions(void **state) {
    (void)state;
    for (int only_1_3 = 0; only_1_3 < 2; only_1_3++) {
        for (int version = TLS1_1_VERSION; version <= TLS1_3_VERSION; version++) {
            struct rig rig = {0};
            peer_make_files(&rig.files);
            struct cm_tls_options options = options_of(&rig);
            options.min_version = only_1_3 ? CM_TLS_1_3 : CM_TLS_1_2;
            open_with(&rig, version, &options);
            bool wanted = version == TLS1_3_VERSION || (version == TLS1_2_VERSION && !only_1_3);
            assert_int_equal(talk(&rig), wanted);
            if (!wanted) {
                assert_int_equal(cm_tls_state(rig.tls), CM_TLS_FAILED);
                assert_string_equal(cm_tls_reason(rig.tls), "unsupported protocol");
            }
            close_rig(&rig);
        }
    }
}

static void test_garbage(void **state) {
    (void)state;
    static const struct {
        const char *bytes, *reason;
    } cases[] = {{"get a\r\n", "wrong version number"}, {"GET / HTTP/1.1\r\n\r\n", "http request"}};
    for (size_t i = 0; i < 2; i++) {
        struct rig rig;
        open_rig(&rig, TLS1_3_VERSION);
        struct cm_slice bytes = cm_slice(cases[i].bytes, strlen(cases[i].bytes));
        assert_int_equal(cm_tls_receive(rig.tls, bytes, &rig.plain, &rig.cipher), CM_TLS_FAILED);
        assert_string_equal(cm_tls_reason(rig.tls), cases[i].reason);
        assert_int_equal(cm_buf_len(&rig.plain), 0);
        close_rig(&rig);
    }
}

/* One byte of a record changed on its way. */
static void test_tampering(void **state) {
    (void)state;
    for (size_t v = 0; v < 2; v++) {
        struct rig rig;
        open_rig(&rig, versions[v]);
        assert_true(talk(&rig));
        peer_write(&rig.peer, CM_SLICE("hello"));
        peer_take(&rig.peer, &rig.wire);
        rig.wire.data[rig.wire.tail - 1] ^= 1;
        receive(&rig);
        assert_int_equal(cm_tls_state(rig.tls), CM_TLS_FAILED);
        assert_string_equal(cm_tls_reason(rig.tls), "decryption failed or bad record mac");
        assert_true(cm_buf_len(&rig.cipher) > 0); /* an alert */
        assert_int_equal(cm_buf_len(&rig.plain), 0);
        close_rig(&rig);
    }
}

/* A handshake that never comes to an end is not listened to for ever. */
static void test_endless_handshake(void **state) {
    (void)state;
    static char piece[4096];
    struct rig rig;
    open_rig(&rig, TLS1_3_VERSION);
    /* Records of 4 KiB each, of a ClientHello of 128 KiB. */
    const char first[] = {22, 3, 1, 16, 0, 1, 2, 0, 0}, next[] = {22, 3, 1, 16, 0};
    enum cm_tls_state now =
        cm_tls_receive(rig.tls, cm_slice(first, sizeof first), &rig.plain, &rig.cipher);
    size_t given = 0;
    for (size_t left = sizeof piece - 4; now == CM_TLS_SHAKING; left = sizeof piece) {
        now = cm_tls_receive(rig.tls, cm_slice(piece, left), &rig.plain, &rig.cipher);
        given += left;
        assert_true(given < (size_t)128 << 10);
        if (now == CM_TLS_SHAKING)
            now = cm_tls_receive(rig.tls, cm_slice(next, sizeof next), &rig.plain, &rig.cipher);
    }
    assert_int_equal(now, CM_TLS_FAILED);
    assert_string_equal(cm_tls_reason(rig.tls), "handshake too long");
    close_rig(&rig);
}

static void test_renegotiation_is_refused(void **state) {
    (void)state;
    struct rig rig;
    open_rig(&rig, TLS1_2_VERSION);
    assert_true(talk(&rig));
    assert_int_equal(SSL_renegotiate(rig.peer.ssl), 1);
    (void)peer_read(&rig.peer, &rig.answered);
    peer_take(&rig.peer, &rig.wire);
    receive(&rig);
    assert_int_equal(cm_tls_state(rig.tls), CM_TLS_OPEN);
    assert_true(cm_buf_len(&rig.cipher) > 0); /* a warning */
    assert_false(talk(&rig));                 /* upon which OpenSSL's client gives up */
    close_rig(&rig);
}

static void test_key_update(void **state) {
    (void)state;
    struct rig rig;
    open_rig(&rig, TLS1_3_VERSION);
    assert_true(talk(&rig));
    for (int i = 0; i < 3; i++) {
        cm_buf_clear(&rig.plain);
        cm_buf_clear(&rig.answered);
        assert_int_equal(SSL_key_update(rig.peer.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        peer_write(&rig.peer, CM_SLICE("new keys"));
        assert_true(talk(&rig));
        assert_bytes(&rig.plain, "new keys", 8);
        assert_int_equal(cm_tls_send(rig.tls, CM_SLICE("mine too"), &rig.cipher), CM_OK);
        assert_true(talk(&rig));
        assert_bytes(&rig.answered, "mine too", 8);
    }
    close_rig(&rig);
}

/* The session of a connection that both sides ended well. */
static SSL_SESSION *finish(struct rig *rig) {
    assert_true(talk(rig));
    (void)SSL_shutdown(rig->peer.ssl);
    SSL_SESSION *session = SSL_get1_session(rig->peer.ssl);
    assert_non_null(session);
    return session;
}

static void test_resumption(void **state) {
    (void)state;
    for (size_t v = 0; v < 2; v++) {
        struct rig rig;
        struct cm_tls_report report;
        open_rig(&rig, versions[v]);
        SSL_SESSION *session = finish(&rig);
        assert_false(cm_tls_is_resumed(rig.tls));
        connect_again(&rig, session);
        assert_true(talk(&rig));
        assert_true(cm_tls_is_resumed(rig.tls));
        (void)SSL_shutdown(rig.peer.ssl);
        /* Also under a new certificate. */
        peer_make_cert(&rig.files, PEER_VALID);
        assert_int_equal(cm_tls_context_reload(rig.context, &report), CM_OK);
        connect_again(&rig, session);
        assert_true(talk(&rig));
        assert_true(cm_tls_is_resumed(rig.tls));
        SSL_SESSION_free(session);
        close_rig(&rig);
    }
}

static void test_session_cache(void **state) {
    (void)state;
    for (int cached = 0; cached < 2; cached++) {
        struct rig rig = {0};
        peer_make_files(&rig.files);
        struct cm_tls_options options = options_of(&rig);
        options.session_cache = cached;
        open_with(&rig, TLS1_2_VERSION, &options);
        SSL_CTX_set_options(rig.peer.context, SSL_OP_NO_TICKET);
        peer_connect(&rig.peer, NULL);
        SSL_SESSION *session = finish(&rig);
        connect_again(&rig, session);
        assert_true(talk(&rig));
        assert_int_equal(cm_tls_is_resumed(rig.tls), cached);
        SSL_SESSION_free(session);
        close_rig(&rig);
    }
}

/* A socket of which the kernel does not encrypt, with room for a handshake's messages or without. */
static void test_offered_socket(void **state) {
    (void)state;
    char filling[4096] = {0};
    for (int i = 0; i < 4; i++) {
        struct rig rig = {0};
        int ends[2];
        peer_make_files(&rig.files);
        struct cm_tls_options options = options_of(&rig);
        options.kernel = true;
        open_with(&rig, versions[i / 2], &options);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
        bool full = i % 2 == 1;
        while (full && write(ends[0], filling, sizeof filling) > 0) {}
        rig.socket = full ? 0 : ends[1];
        cm_tls_offer_socket(rig.tls, ends[0]);
        assert_true(talk(&rig));
        assert_int_equal(cm_tls_state(rig.tls), CM_TLS_OPEN);
        assert_false(cm_tls_is_in_kernel(rig.tls));
        assert_int_equal(rig.from_socket > 0, !full);
        assert_int_equal(cm_tls_send(rig.tls, cm_slice("hello", 5), &rig.cipher), CM_OK);
        assert_true(talk(&rig));
        assert_bytes(&rig.answered, "hello", 5);
        close_rig(&rig);
        close(ends[0]);
        close(ends[1]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_pass_both_ways),
        cmocka_unit_test(test_sending_nothing_sends_nothing),
        cmocka_unit_test(test_half_a_record_is_kept),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_tampering),
        cmocka_unit_test(test_endless_handshake),
        cmocka_unit_test(test_renegotiation_is_refused),
        cmocka_unit_test(test_key_update),
        cmocka_unit_test(test_resumption),
        cmocka_unit_test(test_session_cache),
        cmocka_unit_test(test_offered_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
