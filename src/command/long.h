/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_COMMAND_LONG_H
#define CM_COMMAND_LONG_H

#include "base/buf.h"
#include "command/command.h"

/* An answer made piece by piece, because it may be as long as the cache is large, or because it
 * takes a look at every item. A piece takes a bounded time and a bounded memory. */
struct cm_long;

/* How the protocol spells the pieces; see struct cm_protocol. */
struct cm_long_format {
    enum cm_status (*stat_line)(struct cm_buf *text, const struct cm_op *op, struct cm_slice name,
                                struct cm_slice value);
    enum cm_status (*dump_item)(struct cm_buf *text, const struct cm_op *op,
                                const struct cm_dump_item *item);
    enum cm_status (*long_end)(struct cm_buf *text, const struct cm_op *op);
};

/* `op` is CM_OP_STATS or CM_OP_DUMP. NULL: refused, and *outcome says why. */
struct cm_long *cm_long_create(const struct cm_command *command, const struct cm_op *op,
                               const struct cm_long_format *format, enum cm_outcome *outcome);
/* NULL is allowed. */
void cm_long_destroy(struct cm_long *answer);

enum cm_long_state {
    CM_LONG_GOES_ON,
    CM_LONG_DONE,
    CM_LONG_FAILED, /* no memory: what has been said cannot be completed */
};

/* Adds the next piece to the text; not once it is done. */
enum cm_long_state cm_long_go_on(const struct cm_command *command, struct cm_long *answer);
/* The last piece has been made. */
bool cm_long_is_done(const struct cm_long *answer);
/* What was asked for; its slices are not good any more. */
const struct cm_op *cm_long_op(const struct cm_long *answer);
/* What has been made and not yet consumed. */
struct cm_buf *cm_long_text(struct cm_long *answer);

#endif
