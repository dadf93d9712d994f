/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_TLS_TLS_H
#define CM_TLS_TLS_H

/* TLS without sockets: ciphertext in, plaintext out, and back. OpenSSL stays behind this header.
 *
 *   cm_tls_context   certificates and settings, which connections share; any thread
 *   cm_tls           one connection; one thread at a time
 *
 *     ciphertext --> cm_tls_receive() --> plaintext
 *                         | handshake, alerts
 *                         v
 *     ciphertext <--   `cipher`    <-- cm_tls_send() <-- plaintext
 *
 * T1. A call takes all of its input: half a record is kept inside, so the caller's buffer is free
 *     afterwards. Between whole records a connection owns no buffers.
 * T2. What the calls append to `cipher` goes to the peer in this order and whole.
 * T3. A connection keeps the certificates that it began with, whatever is loaded meanwhile.
 * T4. The kernel may take over what is sent, for good, once a socket is offered and `kernel` set:
 *     then plaintext is written to the socket, and what TLS itself has to say goes there, too,
 *     instead of into `cipher`. What is received stays the matter of cm_tls_receive(). */

#include "base/buf.h"
#include "base/os/socket.h"
#include <stdbool.h>
#include <stdint.h>

enum cm_tls_verify {
    CM_TLS_VERIFY_NONE,
    CM_TLS_VERIFY_REQUEST, /* a certificate is checked if the client has one */
    CM_TLS_VERIFY_REQUIRE,
};

enum cm_tls_version { CM_TLS_1_2, CM_TLS_1_3 };

/* Of a server. Texts are borrowed as long as the context lives. */
struct cm_tls_options {
    const char *cert_file; /* PEM, those of the authorities in between behind it */
    const char *key_file;
    const char *ca_file; /* who may sign clients' certificates; NULL unless they are checked */
    const char *ciphers; /* OpenSSL's notation, names of 1.2 and of 1.3; NULL: its default */
    bool key_is_der;
    enum cm_tls_verify verify;
    enum cm_tls_version min_version;
    bool session_cache; /* remember sessions also without tickets */
    bool kernel;        /* T4 */
};

enum cm_tls_part { CM_TLS_OF_NONE, CM_TLS_OF_CERT, CM_TLS_OF_KEY, CM_TLS_OF_CA, CM_TLS_OF_CIPHERS };

/* One sentence each, for people; empty: nothing to say. */
struct cm_tls_report {
    char error[512];
    char warning[512];
    enum cm_tls_part part; /* of the options, which the error is about */
};

struct cm_tls_context;

/* INVALID: a file or a setting is no good. SYSTEM: a file cannot be read. NO_MEMORY. `report` tells
 * which file and why, and may hold a warning with OK too. */
CM_MUST_CHECK enum cm_status cm_tls_context_create(const struct cm_tls_options *options,
                                                   struct cm_tls_context **out,
                                                   struct cm_tls_report *report);
/* Reads the files again, for connections made from now on; if anything is wrong, all stays as it
 * is. Takes a millisecond or so. Tickets given out before stay good, unless `ca_file` changed. */
CM_MUST_CHECK enum cm_status cm_tls_context_reload(struct cm_tls_context *context,
                                                   struct cm_tls_report *report);
/* The same, with other options from now on; if anything is wrong, the old ones stay. */
CM_MUST_CHECK enum cm_status cm_tls_context_change(struct cm_tls_context *context,
                                                   const struct cm_tls_options *options,
                                                   struct cm_tls_report *report);
/* Whether OpenSSL can give keys to the kernel at all. */
bool cm_tls_knows_kernel(void);
/* Its connections are gone. NULL is allowed. */
void cm_tls_context_destroy(struct cm_tls_context *context);

struct cm_tls;

enum cm_tls_state {
    CM_TLS_SHAKING, /* the handshake goes on */
    CM_TLS_OPEN,
    CM_TLS_ENDED,  /* the peer has said that nothing more comes, or cm_tls_reason() tells why */
    CM_TLS_FAILED, /* cm_tls_reason() tells why; only to be destroyed, once `cipher` is sent */
};

/* The server's side of a new connection. NO_MEMORY. */
CM_MUST_CHECK enum cm_status cm_tls_create(struct cm_tls_context *context, struct cm_tls **out);
/* Before anything is received: `socket`, non-blocking, is where `cipher` goes, and where the kernel
 * may encrypt (T4). To it a handshake's messages are written by the calls themselves, as long as it
 * takes them. It is borrowed as long as the connection lives. */
void cm_tls_offer_socket(struct cm_tls *tls, cm_os_socket socket);
/* NULL is allowed. */
void cm_tls_destroy(struct cm_tls *tls);

/* Appends to `plain` what `input` means, and to `cipher` what is to be answered by TLS itself. Not
 * after ENDED or FAILED. A handshake's step, which may take a millisecond, is made in here: one a
 * call, since the peer must read before it can send what the next one needs. */
enum cm_tls_state cm_tls_receive(struct cm_tls *tls, struct cm_slice input, struct cm_buf *plain,
                                 struct cm_buf *cipher);
/* Encrypts all of `plain`; once OPEN, and not in the kernel's stead. NO_MEMORY, INVALID: the
 * connection is beyond use. */
CM_MUST_CHECK enum cm_status cm_tls_send(struct cm_tls *tls, struct cm_slice plain,
                                         struct cm_buf *cipher);
/* Appends the notice that nothing more will be sent, where the state allows it. */
void cm_tls_end(struct cm_tls *tls, struct cm_buf *cipher);

enum cm_tls_state cm_tls_state(const struct cm_tls *tls);
/* Once OPEN: whether the kernel encrypts what is sent (T4). */
bool cm_tls_is_in_kernel(const struct cm_tls *tls);
/* Whether TLS itself answered anything in the last cm_tls_receive(). */
bool cm_tls_has_spoken(const struct cm_tls *tls);
/* Whether half a record has been received. */
bool cm_tls_is_busy(const struct cm_tls *tls);
/* Once OPEN: whether the session is an earlier one, resumed. */
bool cm_tls_is_resumed(const struct cm_tls *tls);
/* Why it FAILED, or had to be ENDED. Static. */
const char *cm_tls_reason(const struct cm_tls *tls);

#endif
