/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_AUTH_INTERNAL_H
#define CM_AUTH_INTERNAL_H

/* What the files of auth/ share. */

#include "auth/auth.h"
#include <stdint.h>

#define CM_DIGEST_BYTES   32 /* of SHA-256 */
#define CM_SALT_BYTES     16 /* of our own salts */
#define CM_SALT_BYTES_MAX 64

/* ---- verifier.c ---- */

/* What a server keeps of a password (RFC 5802, section 3):
 *
 *   SaltedPassword = PBKDF2(password, salt, iterations)
 *   StoredKey      = SHA-256(HMAC(SaltedPassword, "Client Key"))
 *   ServerKey      = HMAC(SaltedPassword, "Server Key") */
struct cm_verifier {
    uint32_t iterations;
    uint8_t salt_bytes;
    unsigned char salt[CM_SALT_BYTES_MAX];
    unsigned char stored_key[CM_DIGEST_BYTES];
    unsigned char server_key[CM_DIGEST_BYTES];
};

/* Computes the keys for the salt and iterations that are set. False: the library failed. */
bool cm_verifier_derive(struct cm_verifier *verifier, struct cm_slice password);
/* Whether both hold the same keys, in constant time. */
bool cm_verifier_equal(const struct cm_verifier *a, const struct cm_verifier *b);
/* SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey; false: it is not that. */
bool cm_verifier_parse(struct cm_slice text, struct cm_verifier *out);
/* Writes the same, terminated by zero; `to` has room for CM_AUTH_HASH_CHARS and the salt has
 * CM_SALT_BYTES. */
void cm_verifier_format(const struct cm_verifier *verifier, char *to);

bool cm_auth_hmac(const unsigned char key[CM_DIGEST_BYTES], struct cm_slice text,
                  unsigned char out[CM_DIGEST_BYTES]);

/* ---- users.c ---- */

struct cm_user {
    struct cm_slice name;
    struct cm_verifier verifier;
    unsigned line;
};

/* The users of one file; not changed once read. */
struct cm_users {
    unsigned references; /* under the lock of cm_auth */
    size_t count;
    struct cm_user *entries; /* by name */
    char *names;             /* what the entries' names point into */
};

struct cm_users_source {
    const char *path;
    const unsigned char *secret; /* CM_DIGEST_BYTES; salts the passwords in the clear */
    struct cm_auth_error *error; /* why it was refused */
};

/* Reads the file. As cm_auth_load(). */
CM_MUST_CHECK enum cm_status cm_users_read(const struct cm_users_source *source,
                                           struct cm_users **out);
/* The same from what was in it. */
CM_MUST_CHECK enum cm_status cm_users_parse(const struct cm_users_source *source,
                                            struct cm_slice text, struct cm_users **out);
/* NULL is allowed. */
void cm_users_destroy(struct cm_users *users);
/* NULL: there is no such user. */
const struct cm_user *cm_users_find(const struct cm_users *users, struct cm_slice name);
/* The salt of a name under a secret: the same whenever it is asked for. What follows it, up to
 * CM_SALT_BYTES_MAX, is as good. */
bool cm_users_salt(const unsigned char *secret, struct cm_slice name, struct cm_verifier *out);

/* ---- auth.c ---- */

/* The verifier of a user, or, for one who does not exist, another that nobody can tell from it and
 * nothing matches; false then. */
bool cm_auth_find(struct cm_auth *auth, struct cm_slice user, struct cm_verifier *out);

/* ---- scram.c ---- */

#define CM_SCRAM_NONCE_CHARS 32 /* of the server's part, at most */

enum cm_scram_expects { CM_SCRAM_FIRST, CM_SCRAM_FINAL, CM_SCRAM_NOTHING, CM_SCRAM_OVER };

/* The server's side of RFC 5802, without channel binding: bytes in, bytes out. */
struct cm_scram {
    enum cm_scram_expects expects;
    bool known;         /* there is such a user */
    uint16_t gs2_bytes; /* of the header that the client's first message begins with */
    uint16_t nonce_bytes;
    uint16_t reply_bytes;
    uint16_t transcript_bytes;
    struct cm_verifier verifier;
    char gs2[CM_EXCHANGE_BYTES_MAX];
    char nonce[CM_EXCHANGE_BYTES_MAX + CM_SCRAM_NONCE_CHARS]; /* the client's part, then ours */
    char reply[CM_EXCHANGE_BYTES_MAX + 256];                  /* our last message */
    char transcript[3 * CM_EXCHANGE_BYTES_MAX + 256]; /* what both sides prove to have seen */
};

/* `nonce` is printable text without commas, copied; never used twice. */
void cm_scram_init(struct cm_scram *scram, struct cm_slice nonce);
/* Takes the next message of the client. The last one is empty: it says that the client has
 * checked the server's proof. */
enum cm_exchange_state cm_scram_step(struct cm_scram *scram, struct cm_auth *auth,
                                     struct cm_slice message);

#endif
