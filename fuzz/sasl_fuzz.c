/* SPDX-License-Identifier: BSD-3-Clause */
#include "auth/internal.h"
#include "base/base64.h"
#include "base/check.h"
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* SASL exchanges with a client that says anything: the input's lines are its messages, its first
 * byte chooses the mechanism. For SCRAM a byte of NONCES stands for both sides' nonces and one of
 * PROOF for the proof that belongs there, so that an exchange can come to its end. Nobody gets
 * through who does not know the password. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NONCES   '\x01'
#define PROOF    '\x02'
#define ROOM     (4 * CM_EXCHANGE_BYTES_MAX)
#define PASSWORD "pencil"
#define USER                                                                                       \
    "user:SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ=="                                             \
    "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="                                                \
    ":wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=\n"

struct client {
    struct cm_auth *auth;
    struct cm_exchange *exchange;
    unsigned char key[CM_DIGEST_BYTES]; /* ClientKey of the user's password */
    struct cm_scram scram;
    char message[ROOM];
    size_t bytes;
    bool proved;
};

static void open_client(struct client *client) {
    static const unsigned char salt[] = {0x5b, 0x6d, 0x99, 0x68, 0x9d, 0x12, 0x35, 0x8e,
                                         0xec, 0xa0, 0x4b, 0x14, 0x12, 0x36, 0xfa, 0x81};
    char path[] = "/tmp/cacheman-fuzz-XXXXXX";
    unsigned char salted[CM_DIGEST_BYTES];
    struct cm_auth_error error;
    const int file = mkstemp(path);
    CM_CHECK(file >= 0 && write(file, USER, sizeof USER - 1) == sizeof USER - 1);
    CM_CHECK(close(file) == 0);
    CM_CHECK(cm_auth_create(&client->auth) == CM_OK);
    CM_CHECK(cm_auth_load(client->auth, path, &error) == CM_OK);
    CM_CHECK(remove(path) == 0);
    CM_CHECK(cm_exchange_create(client->auth, &client->exchange) == CM_OK);
    CM_CHECK(PKCS5_PBKDF2_HMAC(PASSWORD, -1, salt, sizeof salt, 4096, EVP_sha256(), sizeof salted,
                               salted) == 1);
    CM_CHECK(cm_auth_hmac(salted, CM_SLICE("Client Key"), client->key));
}

static void put(struct client *client, struct cm_slice text) {
    const size_t room = ROOM - client->bytes;
    const size_t bytes = text.len < room ? text.len : room;
    memcpy(client->message + client->bytes, text.data, bytes);
    client->bytes += bytes;
}

/* Of what stands in the message so far, but for ",p=". */
static void put_proof(struct client *client) {
    static char said[sizeof client->scram.transcript + ROOM + 1];
    const struct cm_scram *scram = &client->scram;
    unsigned char signature[CM_DIGEST_BYTES];
    char text[CM_BASE64_CHARS(CM_DIGEST_BYTES)];
    const size_t bytes = client->bytes < 3 ? 0 : client->bytes - 3;
    memcpy(said, scram->transcript, scram->transcript_bytes);
    said[scram->transcript_bytes] = ',';
    memcpy(said + scram->transcript_bytes + 1, client->message, bytes);
    CM_CHECK(cm_auth_hmac(scram->verifier.stored_key,
                          cm_slice(said, scram->transcript_bytes + 1 + bytes), signature));
    for (size_t i = 0; i < CM_DIGEST_BYTES; i++) {
        signature[i] ^= client->key[i];
    }
    cm_base64_encode(cm_slice(signature, sizeof signature), text);
    put(client, cm_slice(text, sizeof text));
    client->proved = true;
}

/* A line becomes a message. */
static void expand(struct client *client, struct cm_slice line) {
    client->bytes = 0;
    for (size_t i = 0; i < line.len; i++) {
        if (line.data[i] == NONCES) {
            put(client, cm_slice(client->scram.nonce, client->scram.nonce_bytes));
        } else if (line.data[i] == PROOF) {
            put_proof(client);
        } else {
            put(client, cm_slice(line.data + i, 1));
        }
    }
}

/* In memory of exactly its size, for the sanitizer to see overruns. */
static enum cm_exchange_state send(struct client *client) {
    char *copy = malloc(client->bytes + 1);
    CM_CHECK(copy != NULL);
    memcpy(copy + 1, client->message, client->bytes);
    const enum cm_exchange_state state =
        cm_scram_step(&client->scram, client->auth, cm_slice(copy + 1, client->bytes));
    free(copy);
    CM_CHECK(state != CM_EXCHANGE_FAILED || client->scram.reply_bytes == 0);
    CM_CHECK(state != CM_EXCHANGE_DONE || client->proved);
    return state;
}

/* Cuts a line off the input. */
static struct cm_slice next_line(struct cm_slice *rest) {
    const char *end = memchr(rest->data, '\n', rest->len);
    const size_t bytes = end == NULL ? rest->len : (size_t)(end - rest->data);
    const struct cm_slice line = cm_slice(rest->data, bytes);
    const size_t used = end == NULL ? bytes : bytes + 1;
    *rest = cm_slice(rest->data + used, rest->len - used);
    return line;
}

static void play_scram(struct client *client, struct cm_slice input) {
    client->proved = false;
    cm_scram_init(&client->scram, CM_SLICE("0123456789abcdef"));
    enum cm_exchange_state state = CM_EXCHANGE_GOES_ON;
    while (input.len > 0 && state == CM_EXCHANGE_GOES_ON) {
        expand(client, next_line(&input));
        state = send(client);
    }
}

static void play_plain(struct client *client, struct cm_slice message) {
    static const struct cm_slice right[] = {
        {"\0user\0" PASSWORD, sizeof "\0user\0" PASSWORD - 1},
        {"user\0user\0" PASSWORD, sizeof "user\0user\0" PASSWORD - 1}};
    const enum cm_exchange_state state =
        cm_exchange_start(client->exchange, CM_SLICE("PLAIN"), message);
    const bool is_right = cm_slice_equal(message, right[0]) || cm_slice_equal(message, right[1]);
    CM_CHECK((state == CM_EXCHANGE_DONE) == is_right);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct client client;
    if (client.auth == NULL) {
        open_client(&client);
    }
    if (size < 2) {
        return 0;
    }
    const struct cm_slice rest = cm_slice(data + 1, size - 1);
    if (data[0] % 8 == 0) { /* seldom: it takes a millisecond */
        play_plain(&client, rest);
    } else {
        play_scram(&client, rest);
    }
    return 0;
}
