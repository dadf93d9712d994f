/* SPDX-License-Identifier: BSD-3-Clause */
#include "command/hold.h"
#include <stdlib.h>

void *cm_hold_create(const struct cmstore_pin *pin) {
    struct cmstore_pin *hold = malloc(sizeof *hold);
    if (hold != NULL) {
        *hold = *pin;
    }
    return hold;
}

struct cm_slice cm_hold_part(const void *hold, size_t offset) {
    const struct cmstore_value part = cmstore_pin_part(hold, offset);
    return cm_slice(part.data, part.bytes);
}

void cm_hold_release(void *hold) {
    if (hold != NULL) {
        cmstore_unpin(hold);
        free(hold);
    }
}
