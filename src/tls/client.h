/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_TLS_CLIENT_H
#define CM_TLS_CLIENT_H

/* The client's end of what tls.h does: contexts and connections are used as there, except that a
 * client's context has nothing to reload. */

#include "tls/tls.h"

/* Texts are borrowed for the call. */
struct cm_tls_client_options {
    const char *ca_file; /* who may sign the servers' certificates; NULL: whom the system trusts */
    const char *cert_file; /* the client's own, NULL: none */
    const char *key_file;  /* NULL: it is in `cert_file` too */
    bool any_server;       /* believe every certificate */
};

/* INVALID: a file is no good, SYSTEM: it cannot be read; `report` tells which and why. NO_MEMORY. Ends with
 * cm_tls_context_destroy(). */
CM_MUST_CHECK enum cm_status
cm_tls_client_context_create(const struct cm_tls_client_options *options,
                             struct cm_tls_context **out, struct cm_tls_report *report);

/* Begins a connection: `cipher` gets the first message. The certificate must be `host`'s, a name or
 * an address; NULL: any that is signed as it should be. NO_MEMORY. */
CM_MUST_CHECK enum cm_status cm_tls_connect(struct cm_tls_context *context, const char *host,
                                            struct cm_tls **out, struct cm_buf *cipher);

#endif
