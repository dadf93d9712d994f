/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_BASE_ENDIAN_H
#define CM_BASE_ENDIAN_H

#include <stdint.h>
#include <string.h>

/* Numbers of the network's byte order, most significant byte first, at any address. */

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define CM_BIG_ENDIAN(bits, number) __builtin_bswap##bits(number)
#else
#define CM_BIG_ENDIAN(bits, number) (number)
#endif

static inline uint16_t cm_load_be16(const char *from) {
    uint16_t number;
    memcpy(&number, from, sizeof number);
    return CM_BIG_ENDIAN(16, number);
}

static inline uint32_t cm_load_be32(const char *from) {
    uint32_t number;
    memcpy(&number, from, sizeof number);
    return CM_BIG_ENDIAN(32, number);
}

static inline uint64_t cm_load_be64(const char *from) {
    uint64_t number;
    memcpy(&number, from, sizeof number);
    return CM_BIG_ENDIAN(64, number);
}

static inline void cm_store_be16(char *to, uint16_t number) {
    number = CM_BIG_ENDIAN(16, number);
    memcpy(to, &number, sizeof number);
}

static inline void cm_store_be32(char *to, uint32_t number) {
    number = CM_BIG_ENDIAN(32, number);
    memcpy(to, &number, sizeof number);
}

static inline void cm_store_be64(char *to, uint64_t number) {
    number = CM_BIG_ENDIAN(64, number);
    memcpy(to, &number, sizeof number);
}

#endif
