/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_ADMIN_CLIENT_CERT_H
#define CM_ADMIN_CLIENT_CERT_H

#include <gnutls/gnutls.h>
#include <stdbool.h>

/* Certificates of clients, as libmicrohttpd's TLS has them: GnuTLS, which it has loaded. */

struct cm_admin_gnutls {
    __typeof__(gnutls_certificate_verify_peers) *verify;
};

/* False: there is no GnuTLS, and so no TLS here. */
bool cm_admin_gnutls_load(struct cm_admin_gnutls *gnutls);
/* Whether the client has shown a certificate that is good now, for clients, and signed by one of the
 * authorities that the session knows. */
bool cm_admin_gnutls_admits(const struct cm_admin_gnutls *gnutls, gnutls_session_t session);

#endif
