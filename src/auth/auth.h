/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_AUTH_AUTH_H
#define CM_AUTH_AUTH_H

/* Who may use the server: users from a file, and what it takes to prove to be one of them.
 *
 * A1. No password is kept: of each user there is a salted verifier in the form of RFC 5802 and
 *     RFC 7677, which serves a password sent in the clear and a SCRAM-SHA-256 exchange alike. A
 *     password in the file becomes one while the file is read.
 * A2. A user who does not exist takes as long, and is answered the same, as one who does.
 * A3. The users are replaced as a whole or not at all; a check that is under way goes on with
 *     those it began with.
 *
 * Any thread may call anything but create and destroy at any time. */

#include "base/slice.h"
#include <cacheman/status.h>
#include <stdbool.h>

#define CM_USER_BYTES_MAX     256
#define CM_PASSWORD_BYTES_MAX 256
#define CM_AUTH_FILE_MAX      ((size_t)1 << 20)

/* How often a password is hashed: as RFC 7677 wants at least. It is the price of every login by
 * password, paid by a worker whose other connections wait meanwhile: 1.4 ms here. Hashes made
 * elsewhere may ask for more, up to the bound. */
#define CM_AUTH_ITERATIONS     4096
#define CM_AUTH_ITERATIONS_MAX 32768

/* Each password of the file in the clear costs a whole hashing whenever it is read. */
#define CM_AUTH_CLEAR_MAX 256

struct cm_auth;

/* What is wrong with a file, one sentence for people. */
struct cm_auth_error {
    char text[512];
};

/* Nobody is a user yet. NO_MEMORY, SYSTEM (no source of randomness). */
CM_MUST_CHECK enum cm_status cm_auth_create(struct cm_auth **out);
/* NULL is allowed. */
void cm_auth_destroy(struct cm_auth *auth);

/* Replaces the users by those of the file. INVALID, SYSTEM (it cannot be read) and NO_MEMORY, each
 * explained in *error, leave everything as it is. */
CM_MUST_CHECK enum cm_status cm_auth_load(struct cm_auth *auth, const char *path,
                                          struct cm_auth_error *error);

size_t cm_auth_user_count(struct cm_auth *auth);

/* Whether there is such a user and that is the password. */
bool cm_auth_check(struct cm_auth *auth, struct cm_slice user, struct cm_slice password);

/* ---- hashes ---- */

#define CM_AUTH_HASH_CHARS 192

/* The hash of a password with a new salt, as it stands in a file, terminated by zero; `to` has
 * room for CM_AUTH_HASH_CHARS. SYSTEM. */
CM_MUST_CHECK enum cm_status cm_auth_hash(struct cm_slice password, char *to);

/* Why this cannot be a user's name or password, as the end of a sentence; NULL if it can. */
const char *cm_auth_user_fault(struct cm_slice user);
const char *cm_auth_password_fault(struct cm_slice password);

/* ---- SASL exchanges ---- */

/* For the client to choose from, separated by spaces. */
#define CM_EXCHANGE_MECHANISMS "SCRAM-SHA-256 PLAIN"

/* The longest message taken from a client. */
#define CM_EXCHANGE_BYTES_MAX 1024

enum cm_exchange_state {
    CM_EXCHANGE_GOES_ON, /* the challenge is for the client, whose answer is awaited */
    CM_EXCHANGE_DONE,    /* the client is who it says */
    CM_EXCHANGE_FAILED,  /* for whatever reason; only another start() leads on */
};

/* One client's exchange; not shared between threads. */
struct cm_exchange;

/* `auth` is borrowed. NO_MEMORY. */
CM_MUST_CHECK enum cm_status cm_exchange_create(struct cm_auth *auth, struct cm_exchange **out);
/* NULL is allowed. */
void cm_exchange_destroy(struct cm_exchange *exchange);
/* The memory that one takes. */
size_t cm_exchange_bytes(void);

/* Begins anew. An empty message is no message: the client is asked for its first one. */
enum cm_exchange_state cm_exchange_start(struct cm_exchange *exchange, struct cm_slice mechanism,
                                         struct cm_slice message);
enum cm_exchange_state cm_exchange_step(struct cm_exchange *exchange, struct cm_slice message);
/* Good until the next call. */
struct cm_slice cm_exchange_challenge(const struct cm_exchange *exchange);

#endif
