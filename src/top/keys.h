/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_TOP_KEYS_H
#define CM_TOP_KEYS_H

#include "top/view.h"

/* What keys do to the state. */

enum cm_key {
    CM_KEY_UP = 0x100,
    CM_KEY_DOWN,
    CM_KEY_LEFT,
    CM_KEY_RIGHT,
    CM_KEY_ENTER,
    CM_KEY_BACK,
    CM_KEY_NONE
};

#define CM_TOP_INTERVAL_MIN_US 100000
#define CM_TOP_INTERVAL_MAX_US 3600000000

/* `key` is a character or an enum cm_key; others do nothing. False: quit. */
bool cm_top_press(struct cm_top_state *state, const struct cm_top_model *model, int key);

#endif
