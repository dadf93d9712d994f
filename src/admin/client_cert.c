/* SPDX-License-Identifier: BSD-3-Clause */
#include "admin/client_cert.h"

#include "base/os/library.h"
#include <gnutls/x509.h>
#include <stdint.h>

bool cm_admin_gnutls_load(struct cm_admin_gnutls *gnutls) {
    void *library = cm_os_library_load("libgnutls.so.30");
    if (library == NULL)
        return false;
    gnutls->verify = (__typeof__(gnutls_certificate_verify_peers) *)cm_os_library_function(
        library, "gnutls_certificate_verify_peers");
    return gnutls->verify != NULL;
}

bool cm_admin_gnutls_admits(const struct cm_admin_gnutls *gnutls, gnutls_session_t session) {
    gnutls_typed_vdata_st purpose = {
        .type = GNUTLS_DT_KEY_PURPOSE_OID,
        .data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT,
    };
    unsigned status = 0;
    return gnutls->verify(session, &purpose, 1, &status) == GNUTLS_E_SUCCESS && status == 0;
}
