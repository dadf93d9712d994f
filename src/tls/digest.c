/* SPDX-License-Identifier: BSD-3-Clause */
#include "tls/digest.h"

#include <openssl/evp.h>

enum cm_status cm_sha256(struct cm_slice message, uint8_t digest[CM_SHA256_BYTES]) {
    const int done = EVP_Digest(message.data, message.len, digest, NULL, EVP_sha256(), NULL);
    return done == 1 ? CM_OK : CM_NO_MEMORY;
}
