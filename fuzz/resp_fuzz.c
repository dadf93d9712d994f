/* SPDX-License-Identifier: BSD-3-Clause */
#include "parse.h"

/* The Redis protocol's parser and encoder: the first byte says how the rest is cut. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const size_t size_max = 1200; /* short inputs, many of them */
    if (size > 0) {
        size = size < size_max ? size : size_max;
        const struct cm_slice input = cm_slice(data + 1, size - 1);
        fuzz_parse_all(&cm_protocol_resp, input, 0);
        fuzz_parse_all(&cm_protocol_resp, input, data[0] % 64 + 1);
    }
    return 0;
}
