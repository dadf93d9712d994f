/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_UNIT_TOP_RIG_H
#define TESTS_UNIT_TOP_RIG_H

/* Samples as servers would have answered them, told in lines of `stats`. */

#include "top/view.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define RIG_SERVERS 40

struct rig {
    struct cm_top_reading readings[RIG_SERVERS];
    struct cm_top_sample sample;
    struct cm_top_model model;
};

/* The next sample, `seconds` after the last, of servers that have not answered yet. */
void rig_next(struct rig *rig, double seconds);
/* A server of the sample that is up: lines of "NAME VALUE", ended by newlines. */
struct cm_top_reading *rig_up(struct rig *rig, const char *name, const char *lines);
void rig_down(struct rig *rig, const char *name, const char *reason);
void rig_take(struct rig *rig);

/* A row of the grid as text, without spaces at its end, in a buffer of the rig's. */
const char *rig_row(const struct cm_grid *grid, unsigned row);
/* The first row that holds this; fails if there is none. */
unsigned rig_find(const struct cm_grid *grid, const char *text);

#endif
