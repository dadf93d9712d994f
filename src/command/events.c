/* SPDX-License-Identifier: BSD-3-Clause */
#include "command/events.h"
#include "base/num.h"
#include "base/uri.h"
#include "command/internal.h"

/* A line being spelled: pieces " name=value". */
struct text {
    size_t used;
    char chars[CM_WATCH_TEXT_MAX];
};

_Static_assert(CM_URI_CHARS(CMSTORE_KEY_BYTES_MAX) + 256 <= CM_WATCH_TEXT_MAX,
               "the longest key and what is around it");

static void put(struct text *text, struct cm_slice piece) {
    CM_CHECK(piece.len <= sizeof text->chars - text->used);
    memcpy(text->chars + text->used, piece.data, piece.len);
    text->used += piece.len;
}

static void put_text(struct text *text, const char *piece) {
    put(text, cm_slice(piece, strlen(piece)));
}

static void put_number(struct text *text, struct cm_slice name, int64_t number) {
    char digits[CM_NUM_I64_CHARS];
    put(text, name);
    put(text, cm_slice(digits, cm_num_format_i64(digits, number)));
}

static void put_key(struct text *text, struct cm_slice key) {
    char encoded[CM_URI_CHARS(CMSTORE_KEY_BYTES_MAX)];
    CM_CHECK(key.len <= CMSTORE_KEY_BYTES_MAX);
    put(text, CM_SLICE(" key="));
    put(text, cm_slice(encoded, cm_uri_encode(key, encoded)));
}

static void tell(struct cm_watch *watch, enum cm_watch_stream stream, const struct text *text) {
    cm_watch_tell(watch, stream, cm_slice(text->chars, text->used));
}

static uint32_t class_of(size_t item_bytes) {
    return item_bytes == 0 ? 0 : cm_size_class(item_bytes);
}

/* ---- fetchers ---- */

static struct cm_slice got_status(const struct cmstore_item *item) {
    if (item->outcome == CMSTORE_HIT || item->outcome == CMSTORE_EXISTS) {
        return CM_SLICE(" status=found");
    }
    if (item->flushed) {
        return CM_SLICE(" status=flushed");
    }
    return item->expired ? CM_SLICE(" status=expired") : CM_SLICE(" status=not_found");
}

void cm_events_got(const struct cm_command *command, const struct cm_op *op,
                   const struct cmstore_item *item) {
    struct text text = {.used = 0};
    const bool found = item->outcome == CMSTORE_HIT;
    put(&text, CM_SLICE("type=item_get"));
    put_key(&text, op->key);
    put(&text, got_status(item));
    put_number(&text, CM_SLICE(" clsid="), class_of(found ? item->item_bytes : 0));
    put_number(&text, CM_SLICE(" cfd="), command->descriptor);
    put_number(&text, CM_SLICE(" size="), found ? (int64_t)item->value.bytes : 0);
    tell(command->watch, CM_WATCH_FETCHERS, &text);
}

/* False: no memory. */
static bool look(const struct cm_command *command, const struct cm_op *op,
                 struct cmstore_item *item) {
    struct cmstore_pin pin;
    const struct cmstore_key key = cm_command_key(op);
    const struct cmstore_get_options options = {.look = true};
    if (cmstore_pin(command->thread, &key, &options, &pin) != CM_OK) {
        return false;
    }
    *item = pin.item;
    cmstore_unpin(&pin);
    return true;
}

void cm_events_look(const struct cm_command *command, const struct cm_op *op) {
    struct cmstore_item item;
    if (look(command, op, &item)) {
        cm_events_got(command, op, &item);
    }
}

/* ---- mutations ---- */

static struct cm_slice stored_status(enum cm_outcome outcome) {
    switch (outcome) {
    case CM_OUTCOME_STORED:
        return CM_SLICE(" status=stored");
    case CM_OUTCOME_EXISTS:
        return CM_SLICE(" status=exists");
    case CM_OUTCOME_MISS:
        return CM_SLICE(" status=not_found");
    case CM_OUTCOME_TOO_LARGE:
        return CM_SLICE(" status=too_large");
    case CM_OUTCOME_NO_MEMORY:
        return CM_SLICE(" status=no_memory");
    default:
        return CM_SLICE(" status=not_stored");
    }
}

static struct cm_slice store_command(const struct cm_op *op) {
    switch (op->mode) {
    case CM_MODE_ADD:
        return CM_SLICE(" cmd=add");
    case CM_MODE_REPLACE:
        return CM_SLICE(" cmd=replace");
    case CM_MODE_APPEND:
        return CM_SLICE(" cmd=append");
    case CM_MODE_PREPEND:
        return CM_SLICE(" cmd=prepend");
    default:
        return (op->options & CM_OP_CAS) != 0 ? CM_SLICE(" cmd=cas") : CM_SLICE(" cmd=set");
    }
}

struct stored {
    struct cm_slice status, command;
    uint32_t expires;
    size_t item_bytes, value_bytes;
};

static void tell_stored(const struct cm_command *command, const struct cm_op *op,
                        const struct stored *stored) {
    struct text text = {.used = 0};
    const int64_t ttl_s = cm_command_ttl(command, stored->expires);
    put(&text, CM_SLICE("type=item_store"));
    put_key(&text, op->key);
    put(&text, stored->status);
    put(&text, stored->command);
    put_number(&text, CM_SLICE(" ttl="), ttl_s > 0 ? ttl_s : 0);
    put_number(&text, CM_SLICE(" clsid="), class_of(stored->item_bytes));
    put_number(&text, CM_SLICE(" cfd="), command->descriptor);
    put_number(&text, CM_SLICE(" size="), (int64_t)stored->value_bytes);
    tell(command->watch, CM_WATCH_MUTATIONS, &text);
}

/* Of what an item takes, about: for the class of one that the store did not describe. */
#define ITEM_HEADER_BYTES 12

void cm_events_stored(const struct cm_command *command, const struct cm_op *op,
                      enum cm_outcome outcome, const struct cmstore_stored *stored) {
    struct cmstore_item item;
    struct stored told = {
        .status = stored_status(outcome),
        .command = store_command(op),
        .expires = op->expires,
    };
    const bool joined = op->mode == CM_MODE_APPEND || op->mode == CM_MODE_PREPEND;
    if (outcome == CM_OUTCOME_STORED) {
        told.item_bytes = stored->item_bytes;
        told.value_bytes = joined ? (size_t)stored->value_bytes : op->value.len;
        if ((joined || (op->options & CM_OP_LOWER_CAS) != 0) && look(command, op, &item)) {
            told.expires = item.outcome == CMSTORE_HIT ? item.expires : 0;
        }
    } else if (outcome != CM_OUTCOME_TOO_LARGE && outcome != CM_OUTCOME_NO_MEMORY) {
        told.item_bytes = ITEM_HEADER_BYTES + op->key.len + op->value.len;
        told.value_bytes = op->value.len;
    }
    tell_stored(command, op, &told);
}

void cm_events_created(const struct cm_command *command, const struct cm_op *op,
                       const struct cmstore_number *number) {
    char digits[CM_NUM_I64_CHARS];
    const size_t value_bytes = op->selector == CM_ARITH_SIGNED
                                   ? cm_num_format_i64(digits, (int64_t)number->value)
                                   : cm_num_format_u64(digits, number->value);
    const struct stored told = {
        .status = CM_SLICE(" status=stored"),
        .command = CM_SLICE(" cmd=add"),
        .expires = number->item.expires,
        .item_bytes = ITEM_HEADER_BYTES + op->key.len + value_bytes,
        .value_bytes = value_bytes,
    };
    tell_stored(command, op, &told);
}

/* ---- deletions, evictions ---- */

void cm_events_deleted(const struct cm_command *command, const struct cm_op *op,
                       const struct cmstore_item *item) {
    struct text text = {.used = 0};
    put(&text, CM_SLICE("type=deleted"));
    put_key(&text, op->key);
    put(&text, (op->options & CM_OP_META) != 0 ? CM_SLICE(" cmd=md") : CM_SLICE(" cmd=delete"));
    put_number(&text, CM_SLICE(" clsid="), class_of(item->item_bytes));
    put_number(&text, CM_SLICE(" size="), (int64_t)item->value.bytes);
    tell(command->watch, CM_WATCH_DELETIONS, &text);
}

void cm_events_on_evict(void *context, const struct cmstore_evicted *evicted) {
    struct cm_watch *watch = context;
    if (CM_LIKELY(!cm_watch_wants(watch, CM_WATCH_EVICTIONS))) {
        return;
    }
    struct cmstore_visit visit;
    struct text text = {.used = 0};
    const uint32_t now_s = cmstore_describe_evicted(evicted, &visit);
    const struct cmstore_item *item = &visit.item;
    const int64_t ttl_s = item->expires == 0 ? -1 : (int64_t)item->expires - now_s;
    put(&text, CM_SLICE("type=eviction"));
    put_key(&text, cm_slice(visit.key, visit.key_bytes));
    put(&text, item->fetched ? CM_SLICE(" fetch=yes") : CM_SLICE(" fetch=no"));
    put_number(&text, CM_SLICE(" ttl="), ttl_s);
    put_number(&text, CM_SLICE(" la="), (int64_t)now_s - item->last_access_s);
    put_number(&text, CM_SLICE(" clsid="), class_of(item->item_bytes));
    put_number(&text, CM_SLICE(" size="), (int64_t)item->value.bytes);
    tell(watch, CM_WATCH_EVICTIONS, &text);
}

/* ---- connevents ---- */

static void put_peer(struct text *text, const struct cm_events_peer *peer) {
    put(text, CM_SLICE(" rip="));
    put_text(text, peer->host);
    put_number(text, CM_SLICE(" rport="), peer->port);
    put(text, CM_SLICE(" transport="));
    put_text(text, peer->transport);
}

void cm_events_opened(struct cm_watch *watch, const struct cm_events_peer *peer) {
    struct text text = {.used = 0};
    put(&text, CM_SLICE("type=conn_new"));
    put_peer(&text, peer);
    put_number(&text, CM_SLICE(" cfd="), peer->descriptor);
    tell(watch, CM_WATCH_CONNEVENTS, &text);
}

void cm_events_closed(struct cm_watch *watch, const struct cm_events_peer *peer,
                      const char *reason) {
    struct text text = {.used = 0};
    put(&text, CM_SLICE("type=conn_close"));
    put_peer(&text, peer);
    put(&text, CM_SLICE(" reason="));
    put_text(&text, reason);
    put_number(&text, CM_SLICE(" cfd="), peer->descriptor);
    tell(watch, CM_WATCH_CONNEVENTS, &text);
}
