/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_BASE_NUM_H
#define CM_BASE_NUM_H

#include "base/slice.h"
#include <stdint.h>

/* Decimal numbers as the protocols and the command line write them. But for the last of them, parsing
 * is strict: the whole slice must be digits (i64: after an optional '-'), at least one, leading zeros
 * allowed, and the number must fit. On false `*out` is unchanged. */
bool cm_num_u32(struct cm_slice text, uint32_t *out);
bool cm_num_u64(struct cm_slice text, uint64_t *out);
bool cm_num_i64(struct cm_slice text, int64_t *out);

/* A number with a fraction as servers tell it in `stats`, up to where it ends as one. 0 for what no
 * server means to say: no number, one below 0 or above 10^18. */
double cm_num_told(struct cm_slice text);

/* The longest results of the formatters below; no terminating zero is written. */
#define CM_NUM_U64_CHARS 20
#define CM_NUM_I64_CHARS 20

/* Writes the number to `to`, which has room for CM_NUM_*_CHARS; returns the characters written. */
size_t cm_num_format_u64(char *to, uint64_t number);
size_t cm_num_format_i64(char *to, int64_t number);

#endif
