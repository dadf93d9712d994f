/* SPDX-License-Identifier: BSD-3-Clause */

/* Store operations, eight bytes each, on a store and on the oracle of the model test. The first
 * byte chooses policy and kind of store. */

#include "../tests/support/store_model.h"

#define OPS_MAX 2000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static struct model_config choose(uint8_t byte) {
    size_t policies = 0;
    while (cmstore_policy_name(policies, NULL))
        policies++;
    return (struct model_config){
        .policy = cmstore_policy_name(byte / MODEL_MODES % policies, NULL),
        .mode = (enum model_mode)(byte % MODEL_MODES),
    };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    struct model model;
    if (bytes == 0)
        return 0;
    struct model_config config = choose(data[0]);
    model_init(&model, &config);
    for (size_t i = 0; i < OPS_MAX && 1 + (i + 1) * sizeof(struct model_op) <= bytes; i++) {
        struct model_op op;
        memcpy(&op, data + 1 + i * sizeof op, sizeof op);
        model_step(&model, op);
    }
    model_deinit(&model);
    return 0;
}
