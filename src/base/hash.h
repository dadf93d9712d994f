/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_BASE_HASH_H
#define CM_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* XXH3, 64 bits, with a seed (xxHash by Yann Collet). A secret random seed makes it impossible to
 * prepare colliding keys from outside. */
uint64_t cm_hash(const void *data, size_t bytes, uint64_t seed);

#endif
