/* SPDX-License-Identifier: BSD-3-Clause */
#include "command/why.h"
#include "base/num.h"
#include "command/internal.h"
#include "command/stats.h"

static void put_ttl(struct cm_stat_sink *sink, int64_t ttl_s) {
    char digits[CM_NUM_U64_CHARS];
    sink->line(sink, CM_SLICE("ttl"), cm_slice(digits, cm_num_format_i64(digits, ttl_s)));
}

static void put_fetched(struct cm_stat_sink *sink, bool fetched) {
    sink->line(sink, CM_SLICE("fetched"), fetched ? CM_SLICE("yes") : CM_SLICE("no"));
}

static void put_here(const struct cm_command *command, const struct cmstore_item *item,
                     struct cm_stat_sink *sink) {
    struct cm_reply reply;
    cm_command_describe(command, item, &reply);
    sink->line(sink, CM_SLICE("state"), CM_SLICE("here"));
    cm_stats_number(sink, CM_SLICE("size"), reply.item_bytes);
    put_ttl(sink, reply.ttl_s);
    cm_stats_number(sink, CM_SLICE("unused_seconds"), reply.idle_s);
    put_fetched(sink, reply.fetched);
    cm_stats_number(sink, CM_SLICE("flags"), reply.client_flags);
    cm_stats_number(sink, CM_SLICE("cas"), reply.cas);
}

static struct cm_slice name_of(enum cmstore_reason reason) {
    switch (reason) {
    case CMSTORE_EVICTED:
        return CM_SLICE("evicted");
    case CMSTORE_EXPIRED:
        return CM_SLICE("expired");
    case CMSTORE_DELETED:
        return CM_SLICE("deleted");
    case CMSTORE_FLUSHED:
        return CM_SLICE("flushed");
    case CMSTORE_UNKNOWN:
        break;
    }
    return CM_SLICE("");
}

static void put_gone(const struct cm_command *command, const struct cmstore_gone *gone,
                     struct cm_stat_sink *sink) {
    if (gone->reason == CMSTORE_UNKNOWN) {
        sink->line(sink, CM_SLICE("state"), CM_SLICE("unknown"));
        return;
    }
    sink->line(sink, CM_SLICE("state"), CM_SLICE("gone"));
    sink->line(sink, CM_SLICE("reason"), name_of(gone->reason));
    if (gone->when_s == 0) {
        return;
    }
    cm_stats_number(sink, CM_SLICE("gone_seconds_ago"), cm_command_gone_s(command, gone));
    cm_stats_number(sink, CM_SLICE("unused_seconds"), gone->unused_s);
    put_fetched(sink, gone->fetched);
}

void cm_why_put(const struct cm_command *command, struct cm_slice key, struct cm_stat_sink *sink) {
    static const struct cmstore_get_options options = {.look = true};
    const struct cmstore_key sought = cmstore_key(command->store, key.data, key.len);
    struct cmstore_pin pin;
    /* Only what changes something can be refused. */
    CM_CHECK(cmstore_pin(command->thread, &sought, &options, &pin) == CM_OK);
    if (pin.item.outcome == CMSTORE_HIT) {
        put_here(command, &pin.item, sink);
        cmstore_unpin(&pin);
    } else {
        const struct cmstore_gone gone = cmstore_why(command->thread, &sought);
        put_gone(command, &gone, sink);
    }
}
