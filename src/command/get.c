/* SPDX-License-Identifier: BSD-3-Clause */
#include "command/hold.h"
#include "command/internal.h"
#include "op/out.h"

/* Reading. The usual way is optimistic: the reply points into the arena, the protocol copies from
 * there, and cm_command_finish_get() asks the store whether the copy is good. What is large,
 * chained or not just read is pinned instead. */

/* A reader this unlucky is reading what others keep writing: it takes the lock. */
#define TRIES_MAX 3

void cm_command_describe(const struct cm_command *command, const struct cmstore_item *item,
                         struct cm_reply *reply) {
    reply->fetched = item->fetched;
    reply->stale = item->stale;
    reply->won = item->won;
    reply->win_sent = item->win_sent;
    reply->client_flags = item->client_flags;
    reply->cas = item->cas;
    reply->value = (struct cm_reply_value){item->value.data, item->value.bytes, NULL};
    reply->ttl_s = cm_command_ttl(command, item->expires);
    reply->ttl_old_s = cm_command_ttl(command, item->expires_old);
    reply->idle_s = command->now_s > item->last_access_s ? command->now_s - item->last_access_s : 0;
    reply->item_bytes = item->item_bytes;
}

/* All that a classic get tells. */
static void describe_classic(const struct cmstore_item *item, struct cm_reply *reply) {
    reply->client_flags = item->client_flags;
    reply->cas = item->cas;
    reply->value = (struct cm_reply_value){item->value.data, item->value.bytes, NULL};
}

static void count_hit(const struct cm_command *command, const struct cm_op *op,
                      const struct cmstore_item *item) {
    if ((op->options & CM_OP_SET_EXPIRES) != 0) {
        cm_command_count(command, CM_METRIC_cmd_touch);
        cm_command_count(command, CM_METRIC_touch_hits);
    } else {
        cm_command_count(command, CM_METRIC_cmd_get);
        cm_command_count(command, CM_METRIC_get_hits);
    }
    if (CM_UNLIKELY(cm_admin_detail_is_on(command->admin))) {
        cm_admin_count_detail(command->admin, op->key, CM_DETAIL_GET);
        cm_admin_count_detail(command->admin, op->key, CM_DETAIL_HIT);
    }
    if (cm_command_is_watched(command, CM_WATCH_FETCHERS)) {
        cm_events_got(command, op, item);
    }
}

/* By what became of the key; what the store remembers may be a little behind what it found. */
static void count_reason(const struct cm_command *command, const struct cm_op *op) {
    static const enum cm_metric metrics[] = {
        [CMSTORE_UNKNOWN] = CM_METRIC_miss_never_seen, [CMSTORE_EVICTED] = CM_METRIC_miss_evicted,
        [CMSTORE_EXPIRED] = CM_METRIC_miss_expired,    [CMSTORE_DELETED] = CM_METRIC_miss_deleted,
        [CMSTORE_FLUSHED] = CM_METRIC_miss_flushed,
    };
    const struct cmstore_key key = cm_command_key(op);
    const struct cmstore_gone gone = cmstore_why(command->thread, &key);
    cm_command_count(command, metrics[gone.reason]);
    if (gone.reason == CMSTORE_EVICTED && gone.when_s != 0) {
        cm_command_count(command, CM_METRIC_miss_evicted_dated);
        cm_metrics_add(command->metrics, CM_METRIC_miss_evicted_gone_s,
                       cm_command_gone_s(command, &gone));
    }
}

static void count_miss(const struct cm_command *command, const struct cm_op *op,
                       const struct cmstore_item *item) {
    /* memcached counts a mg that sets a TTL as a touch only if it finds something. */
    if ((op->options & (CM_OP_SET_EXPIRES | CM_OP_META)) == CM_OP_SET_EXPIRES) {
        cm_command_count(command, CM_METRIC_cmd_touch);
        cm_command_count(command, CM_METRIC_touch_misses);
    } else {
        cm_command_count(command, CM_METRIC_cmd_get);
        cm_command_count(command, CM_METRIC_get_misses);
    }
    count_reason(command, op);
    if (item->expired) {
        cm_command_count(command, CM_METRIC_get_expired);
    } else if (item->flushed) {
        cm_command_count(command, CM_METRIC_get_flushed);
    }
    cm_admin_count_detail(command->admin, op->key, CM_DETAIL_GET);
    if (cm_command_is_watched(command, CM_WATCH_FETCHERS)) {
        cm_events_got(command, op, item);
    }
}

/* A get with a cas wants the value only if that has changed. */
static bool is_known(const struct cm_op *op, const struct cmstore_item *item) {
    return (op->options & CM_OP_CAS) != 0 && item->cas == op->cas;
}

static bool is_value_wanted(const struct cm_op *op, const struct cmstore_item *item) {
    return (op->options & CM_OP_NO_VALUE) == 0 && !is_known(op, item);
}

/* Moves the pin to where the output can keep it, if the value is not to be copied. */
static void hold_value(struct cm_exec *exec) {
    struct cm_reply_value *value = &exec->reply.value;
    if (value->data != NULL && value->bytes <= CM_OUT_COPY_MAX) {
        return;
    }
    value->hold = cm_hold_create(&exec->pin);
    if (value->hold == NULL) {
        exec->reply.outcome = CM_OUTCOME_NO_MEMORY;
    } else {
        exec->pinned = false;
    }
}

void cm_command_take_old(struct cm_exec *exec) {
    const struct cmstore_item *item = &exec->pin.item;
    exec->pinned = item->outcome == CMSTORE_HIT;
    if (exec->pinned) {
        exec->reply.replaced = true;
        exec->reply.value = (struct cm_reply_value){item->value.data, item->value.bytes, NULL};
        if (item->value.bytes > 0) {
            hold_value(exec);
        }
    }
}

static void get_pinned(struct cm_command *command, const struct cm_op *op, struct cm_exec *exec) {
    const struct cmstore_key key = cm_command_key(op);
    const struct cmstore_get_options options = {
        .set_expires = (op->options & CM_OP_SET_EXPIRES) != 0,
        .expires = op->expires,
        .vivify = (op->options & CM_OP_VIVIFY) != 0,
        .vivify_expires = op->vivify_expires,
        .vivify_cas = op->cas_new,
        .recache = (op->options & CM_OP_RECACHE) != 0,
        .recache_s = op->recache_s,
        .quiet = (op->options & CM_OP_NO_BUMP) != 0,
    };
    if (cmstore_pin(command->thread, &key, &options, &exec->pin) != CM_OK) {
        exec->reply.outcome = CM_OUTCOME_NO_MEMORY;
        return;
    }
    if (exec->pin.item.outcome == CMSTORE_MISS) {
        count_miss(command, op, &exec->pin.item);
        return;
    }
    exec->pinned = true;
    exec->reply.outcome = CM_OUTCOME_HIT;
    cm_command_describe(command, &exec->pin.item, &exec->reply);
    exec->reply.known = is_known(op, &exec->pin.item);
    if (is_value_wanted(op, &exec->pin.item) && exec->reply.value.bytes > 0) {
        hold_value(exec);
    }
    count_hit(command, op, &exec->pin.item);
}

void cm_command_get(struct cm_command *command, const struct cm_op *op, struct cm_exec *exec) {
    const unsigned changes = CM_OP_SET_EXPIRES | CM_OP_VIVIFY | CM_OP_RECACHE;
    if ((op->options & changes) != 0 || exec->tries >= TRIES_MAX) {
        get_pinned(command, op, exec);
        return;
    }
    const struct cmstore_key key = cm_command_key(op);
    const struct cmstore_item *item = &exec->peek.item;
    switch (cmstore_peek(command->thread, &key, &exec->peek)) {
    case CMSTORE_PEEK_MISS:
        count_miss(command, op, item);
        break;
    case CMSTORE_PEEK_HIT:
        if (item->value.bytes > CM_OUT_COPY_MAX && is_value_wanted(op, item)) {
            get_pinned(command, op, exec);
            break;
        }
        exec->reply.outcome = CM_OUTCOME_HIT;
        if ((op->options & CM_OP_META) != 0) {
            cm_command_describe(command, item, &exec->reply);
            exec->reply.known = is_known(op, item);
        } else {
            describe_classic(item, &exec->reply);
        }
        exec->unconfirmed = true;
        break;
    case CMSTORE_PEEK_LOCKED:
        get_pinned(command, op, exec);
        break;
    }
}

static bool confirm(struct cm_command *command, const struct cm_op *op, struct cm_exec *exec) {
    const bool quiet = op->kind == CM_OP_INSPECT || (op->options & CM_OP_NO_BUMP) != 0;
    return quiet ? cmstore_confirm_quietly(command->thread, &exec->peek)
                 : cmstore_confirm(command->thread, &exec->peek);
}

bool cm_command_finish_get(struct cm_command *command, const struct cm_op *op,
                           struct cm_exec *exec) {
    if (CM_LIKELY(exec->unconfirmed)) {
        if (CM_UNLIKELY(!confirm(command, op, exec))) {
            exec->tries++;
            return false;
        }
        if (op->kind == CM_OP_GET) {
            count_hit(command, op, &exec->peek.item);
        }
    } else if (exec->pinned) {
        cmstore_unpin(&exec->pin);
    }
    return true;
}

/* Looks only: an item that a reading would mark is described just as well. */
void cm_command_inspect(struct cm_command *command, const struct cm_op *op, struct cm_exec *exec) {
    const struct cmstore_key key = cm_command_key(op);
    enum cmstore_peeked peeked = CMSTORE_PEEK_LOCKED;
    if (exec->tries == 0) {
        cm_command_tell_fetch(command, op);
    }
    if (exec->tries < TRIES_MAX) {
        peeked = cmstore_peek(command->thread, &key, &exec->peek);
    }
    const struct cmstore_item *item = &exec->peek.item;
    if (peeked == CMSTORE_PEEK_LOCKED) {
        const struct cmstore_get_options options = {.look = true};
        if (cmstore_pin(command->thread, &key, &options, &exec->pin) != CM_OK) {
            exec->reply.outcome = CM_OUTCOME_NO_MEMORY;
            return;
        }
        item = &exec->pin.item;
        exec->pinned = item->outcome == CMSTORE_HIT;
    }
    exec->unconfirmed = peeked == CMSTORE_PEEK_HIT;
    if (exec->unconfirmed || exec->pinned) {
        exec->reply.outcome = CM_OUTCOME_HIT;
        cm_command_describe(command, item, &exec->reply);
        exec->reply.size_class = cm_size_class(item->item_bytes);
    }
}
