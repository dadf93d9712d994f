/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_COMMAND_INTERNAL_H
#define CM_COMMAND_INTERNAL_H

/* What the files of command/ share. */

#include "base/check.h"
#include "command/admin.h"
#include "command/command.h"
#include "command/events.h"

static inline struct cmstore_key cm_command_key(const struct cm_op *op) {
    return (struct cmstore_key){op->key.data, op->key.len, op->hash, op->hint};
}

static inline void cm_command_count(const struct cm_command *command, enum cm_metric metric) {
    cm_metrics_count(command->metrics, metric);
}

static inline bool cm_command_is_watched(const struct cm_command *command, unsigned streams) {
    return CM_UNLIKELY(cm_watch_wants(command->watch, streams));
}

/* An op that does not describe what it finds is about to look for its item. */
static inline void cm_command_tell_fetch(const struct cm_command *command, const struct cm_op *op) {
    if (cm_command_is_watched(command, CM_WATCH_FETCHERS)) {
        cm_events_look(command, op);
    }
}

/* How long ago a key has gone of which it is known when. */
static inline uint32_t cm_command_gone_s(const struct cm_command *command,
                                         const struct cmstore_gone *gone) {
    return command->now_s > gone->when_s ? command->now_s - gone->when_s : 0;
}

/* -1: unlimited. */
static inline int64_t cm_command_ttl(const struct cm_command *command, uint32_t expires) {
    if (expires == 0) {
        return -1;
    }
    return expires > command->now_s ? (int64_t)expires - command->now_s : 0;
}

/* All that a reply tells of an item. */
void cm_command_describe(const struct cm_command *command, const struct cmstore_item *item,
                         struct cm_reply *reply);

/* exec->pin holds, or does not, what an op with CM_OP_WANT_OLD found: it becomes the reply's value. */
void cm_command_take_old(struct cm_exec *exec);

void cm_command_get(struct cm_command *command, const struct cm_op *op, struct cm_exec *exec);
bool cm_command_finish_get(struct cm_command *command, const struct cm_op *op,
                           struct cm_exec *exec);
void cm_command_inspect(struct cm_command *command, const struct cm_op *op, struct cm_exec *exec);
void cm_command_store(struct cm_command *command, const struct cm_op *op, struct cm_exec *exec);
void cm_command_delete(struct cm_command *command, const struct cm_op *op, struct cm_exec *exec);
void cm_command_arith(struct cm_command *command, const struct cm_op *op, struct cm_exec *exec);
void cm_command_touch(struct cm_command *command, const struct cm_op *op, struct cm_exec *exec);
void cm_command_serve(struct cm_command *command, const struct cm_op *op, struct cm_exec *exec);

/* ---- admin.c ---- */

struct cm_metrics_group *cm_admin_metrics(struct cm_admin *admin);
bool cm_admin_crawler_is_on(const struct cm_admin *admin);
void cm_admin_set_crawler(struct cm_admin *admin, bool on);
bool cm_admin_sizes_are_on(const struct cm_admin *admin);
void cm_admin_set_sizes(struct cm_admin *admin, bool on);

/* What the server has counted so far does not count any more; cm_admin_subtract() takes it off. */
void cm_admin_reset_server(struct cm_admin *admin, const struct cm_server_stats *stats);
void cm_admin_subtract(struct cm_admin *admin, struct cm_server_stats *stats);

/* One dump of all items at a time: a number to go on with, 0 if another is under way. One that has not
 * got on for CM_DUMP_STALL_S, because nobody reads it, no longer counts. */
#define CM_DUMP_STALL_S 10
uint32_t cm_admin_begin_dump(struct cm_admin *admin, uint32_t now_s);
void cm_admin_go_on_dump(struct cm_admin *admin, uint32_t number, uint32_t now_s);
void cm_admin_end_dump(struct cm_admin *admin, uint32_t number);

enum cm_detail { CM_DETAIL_GET, CM_DETAIL_HIT, CM_DETAIL_SET, CM_DETAIL_DELETE, CM_DETAIL_COUNT };

/* What has been counted for the keys of one prefix. */
struct cm_prefix {
    char name[256];
    size_t name_bytes;
    uint64_t counts[CM_DETAIL_COUNT];
};

typedef void cm_prefix_visitor(void *context, const struct cm_prefix *prefix);

/* Counts for the key's prefix, the part before its first ':', if `stats detail` is on. */
void cm_admin_count_detail(struct cm_admin *admin, struct cm_slice key, enum cm_detail what);
void cm_admin_visit_details(struct cm_admin *admin, cm_prefix_visitor *visitor, void *context);

#endif
