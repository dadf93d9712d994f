/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_NET_SENDING_H
#define CM_NET_SENDING_H

#include "op/out.h"
#include <stdbool.h>
#include <uv.h>

/* A position in a session's output: what of it has been sent.
 *
 *     data      |.....sent.....|      ^          ^     |
 *                              data_at  inserts[insert_at], of which part_at bytes are sent
 *
 * Inserts before insert_at have been released, those from it on are held. */
struct cm_sending {
    const char *data;
    size_t data_bytes;
    struct cm_out_insert *inserts;
    unsigned insert_count;
    unsigned insert_at;
    size_t data_at;
    size_t part_at;
};

struct cm_sending cm_sending_of(struct cm_out *out);

/* Whether all has been sent. */
bool cm_sending_is_done(const struct cm_sending *sending);

/* Points `buffers` at what comes next, at most `count` pieces and, but for the last, `bytes_max`
 * bytes; returns how many pieces. 0 when done. */
unsigned cm_sending_gather(const struct cm_sending *sending, uv_buf_t *buffers, unsigned count,
                           size_t bytes_max);

/* `bytes` more have been sent; releases the inserts that are done with. */
void cm_sending_advance(struct cm_sending *sending, size_t bytes);

/* Releases every insert still held. */
void cm_sending_abandon(struct cm_sending *sending);

/* Bytes yet to be sent: of plain data, and of inserts. */
size_t cm_sending_data_left(const struct cm_sending *sending);
size_t cm_sending_held_left(const struct cm_sending *sending);

#endif
