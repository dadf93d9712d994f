/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_REFERENCE_GENERATE_H
#define CM_REFERENCE_GENERATE_H

#include <stddef.h>
#include <stdint.h>

enum cm_trace_kind {
    CM_TRACE_ZIPF,  /* independent requests, Zipf with exponent 0.9 */
    CM_TRACE_SCAN,  /* the same, and every now and then a run over keys never seen again */
    CM_TRACE_LOOP,  /* round and round over all keys */
    CM_TRACE_SHIFT, /* a hot tenth gets nine requests of ten, and moves on now and then */
    CM_TRACE_KINDS
};

const char *cm_trace_kind_name(enum cm_trace_kind kind);

/* `count` key numbers below `keys` (at least 100), the same for the same arguments. The caller
 * frees them; NULL: out of memory. */
uint32_t *cm_trace_generate(enum cm_trace_kind kind, size_t count, uint32_t keys, uint64_t seed);

#endif
