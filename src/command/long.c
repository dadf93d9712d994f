/* SPDX-License-Identifier: BSD-3-Clause */
#include "command/long.h"
#include "command/histogram.h"
#include "command/internal.h"
#include "command/latency.h"
#include "command/stats.h"
#include "command/why.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* A piece ends when it has seen this many items or made this much text. */
#define PIECE_ITEMS 4096
#define PIECE_BYTES ((size_t)64 << 10)

struct cm_long {
    struct cm_op op;
    struct cm_long_format format;
    struct cm_buf text;
    uint64_t cursor; /* of the scan */
    bool started;
    bool done;
    struct cm_admin *admin;          /* borrowed */
    uint32_t dump;                   /* the number of a dump of all items, 0: none */
    struct cm_histogram *histogram;  /* of the groups that count items by size */
    char key[CMSTORE_KEY_BYTES_MAX]; /* the op's, if it has one */

    /* of the piece being made */
    const struct cm_command *command;
    unsigned seen;
    enum cm_status status;
    uint64_t dumped; /* items dumped so far, in all pieces */
};

static bool is_histogram(const struct cm_op *op) {
    return op->kind == CM_OP_STATS &&
           (op->selector == CM_STATS_ITEMS || op->selector == CM_STATS_SLABS ||
            op->selector == CM_STATS_SIZES);
}

static bool is_crawl(const struct cm_op *op) {
    return op->kind == CM_OP_DUMP && op->selector != CM_DUMP_CACHE;
}

static bool is_about_key(const struct cm_op *op) {
    return op->kind == CM_OP_STATS && op->selector == CM_STATS_WHY;
}

/* The op's own lies in the input. */
static void keep_key(struct cm_long *answer, struct cm_slice key) {
    CM_CHECK(key.len <= sizeof answer->key);
    memcpy(answer->key, key.data, key.len);
    answer->op.key = cm_slice(answer->key, key.len);
}

static enum cm_outcome check_allowed(const struct cm_command *command, const struct cm_op *op) {
    const bool is_dump = op->kind == CM_OP_DUMP;
    if (is_crawl(op) && !cm_admin_crawler_is_on(command->admin)) {
        return CM_OUTCOME_NOT_STORED;
    }
    const bool is_hot_keys = !is_dump && op->selector == CM_STATS_HOT_KEYS;
    const bool shows_keys = is_dump || is_hot_keys || op->selector == CM_STATS_DETAIL;
    if ((command->dump_disabled && shows_keys) ||
        (is_hot_keys && !cm_hot_is_on(cm_admin_hot_keys(command->admin)))) {
        return CM_OUTCOME_DISABLED;
    }
    return (op->options & CM_OP_BAD_END) != 0 ? CM_OUTCOME_BAD_END : CM_OUTCOME_DONE;
}

struct cm_long *cm_long_create(const struct cm_command *command, const struct cm_op *op,
                               const struct cm_long_format *format, enum cm_outcome *outcome) {
    *outcome = check_allowed(command, op);
    if (*outcome != CM_OUTCOME_DONE) {
        return NULL;
    }
    struct cm_long *answer = calloc(1, sizeof *answer);
    struct cm_histogram *histogram = is_histogram(op) ? cm_histogram_create() : NULL;
    if (answer == NULL || (is_histogram(op) && histogram == NULL)) {
        free(answer);
        cm_histogram_destroy(histogram);
        *outcome = CM_OUTCOME_NO_MEMORY;
        return NULL;
    }
    answer->op = *op;
    answer->format = *format;
    answer->histogram = histogram;
    answer->admin = command->admin;
    if (is_about_key(op)) {
        keep_key(answer, op->key);
    }
    if (is_crawl(op)) {
        answer->dump = cm_admin_begin_dump(command->admin, command->now_s);
        if (answer->dump == 0) {
            cm_long_destroy(answer);
            *outcome = CM_OUTCOME_BUSY;
            return NULL;
        }
    }
    return answer;
}

void cm_long_destroy(struct cm_long *answer) {
    if (answer != NULL) {
        cm_admin_end_dump(answer->admin, answer->dump);
        cm_histogram_destroy(answer->histogram);
        cm_buf_deinit(&answer->text);
        free(answer);
    }
}

bool cm_long_is_done(const struct cm_long *answer) {
    return answer->done;
}

const struct cm_op *cm_long_op(const struct cm_long *answer) {
    return &answer->op;
}

struct cm_buf *cm_long_text(struct cm_long *answer) {
    return &answer->text;
}

/* ---- lines ---- */

struct details {
    struct cm_buf lines;
    enum cm_status status;
};

struct sink {
    struct cm_stat_sink base;
    struct cm_long *answer;
};

static void on_line(struct cm_stat_sink *base, struct cm_slice name, struct cm_slice value) {
    struct cm_long *answer = ((struct sink *)base)->answer;
    if (answer->status == CM_OK) {
        answer->status = answer->format.stat_line(&answer->text, &answer->op, name, value);
    }
}

/* PREFIX p get n hit n set n del n: the one group whose lines are not names and values. */
static void on_prefix(void *context, const struct cm_prefix *prefix) {
    struct details *details = context;
    const uint64_t *counts = prefix->counts;
    char numbers[128];
    const int bytes =
        snprintf(numbers, sizeof numbers,
                 " get %" PRIu64 " hit %" PRIu64 " set %" PRIu64 " del %" PRIu64 "\r\n",
                 counts[CM_DETAIL_GET], counts[CM_DETAIL_HIT], counts[CM_DETAIL_SET],
                 counts[CM_DETAIL_DELETE]);
    const struct cm_slice pieces[] = {CM_SLICE("PREFIX "),
                                      cm_slice(prefix->name, prefix->name_bytes),
                                      cm_slice(numbers, (size_t)bytes)};
    for (unsigned i = 0; i < 3 && details->status == CM_OK; i++) {
        details->status = cm_buf_append(&details->lines, pieces[i]);
    }
}

/* All prefixes are one value. */
static void make_details(const struct cm_command *command, struct cm_long *answer) {
    struct details details = {.status = CM_OK};
    cm_admin_visit_details(command->admin, on_prefix, &details);
    if (details.status == CM_OK) {
        details.status = answer->format.stat_line(&answer->text, &answer->op, CM_SLICE("detailed"),
                                                  cm_buf_slice(&details.lines));
    }
    answer->status = details.status;
    cm_buf_deinit(&details.lines);
}

static void put_sizes_status(const struct cm_admin *admin, struct cm_stat_sink *sink) {
    sink->line(sink, CM_SLICE("sizes_status"),
               cm_admin_sizes_are_on(admin) ? CM_SLICE("enabled") : CM_SLICE("disabled"));
}

static void make_sizes(const struct cm_long *answer, struct cm_stat_sink *sink) {
    if (cm_admin_sizes_are_on(answer->admin)) {
        cm_histogram_sizes(answer->histogram, sink);
    } else {
        put_sizes_status(answer->admin, sink);
    }
}

static void make_hot_keys(const struct cm_command *command, struct cm_long *answer,
                          struct cm_stat_sink *sink) {
    struct cm_hot_list *list;
    answer->status = cm_hot_read(cm_admin_hot_keys(command->admin), command->now_s,
                                 (unsigned)answer->op.number, &list);
    if (answer->status == CM_OK) {
        cm_stats_hot_keys(list, sink);
        cm_hot_list_destroy(list);
    }
}

static void make_lines(const struct cm_command *command, struct cm_long *answer) {
    struct sink sink = {.base.line = on_line, .answer = answer};
    const struct cm_control *control = command->control;
    switch (answer->op.selector) {
    case CM_STATS_GENERAL:
        cm_stats_general(command, &sink.base);
        break;
    case CM_STATS_SETTINGS:
        control->settings(control->context, &sink.base);
        break;
    case CM_STATS_CONNS:
        control->conns(control->context, &sink.base);
        break;
    case CM_STATS_CLUSTER:
        control->cluster(control->context, &sink.base);
        break;
    case CM_STATS_WHY:
        cm_why_put(command, answer->op.key, &sink.base);
        break;
    case CM_STATS_LATENCY:
        answer->status = cm_latency_put(command, &sink.base);
        break;
    case CM_STATS_HOT_KEYS:
        make_hot_keys(command, answer, &sink.base);
        break;
    case CM_STATS_DETAIL:
        make_details(command, answer);
        break;
    case CM_STATS_ITEMS:
        cm_histogram_items(answer->histogram, command->now_s, &sink.base);
        break;
    case CM_STATS_SLABS:
        cm_histogram_slabs(answer->histogram, &sink.base);
        break;
    case CM_STATS_SIZES:
        make_sizes(answer, &sink.base);
        break;
    case CM_STATS_SIZES_ON:
    case CM_STATS_SIZES_OFF:
        cm_admin_set_sizes(command->admin, answer->op.selector == CM_STATS_SIZES_ON);
        put_sizes_status(command->admin, &sink.base);
        break;
    default:
        break;
    }
}

/* ---- items ---- */

static void on_counted(void *context, const struct cmstore_visit *visit) {
    struct cm_long *answer = context;
    answer->seen++;
    cm_histogram_add(answer->histogram, &visit->item);
}

static int64_t unix_s(const struct cm_command *command, uint32_t clock_s) {
    return command->wall_zero_s + clock_s;
}

/* Whether a dump of one class's items, limited in number, takes another. */
static bool is_wanted(const struct cm_long *answer, uint32_t size_class) {
    const struct cm_op *op = &answer->op;
    return op->selector != CM_DUMP_CACHE ||
           (size_class == op->number && (op->initial == 0 || answer->dumped < op->initial));
}

static void on_dumped(void *context, const struct cmstore_visit *visit) {
    struct cm_long *answer = context;
    const struct cm_command *command = answer->command;
    const struct cmstore_item *item = &visit->item;
    const struct cm_dump_item dumped = {
        .key = cm_slice(visit->key, visit->key_bytes),
        .expires_unix_s = item->expires == 0 ? -1 : unix_s(command, item->expires),
        .access_unix_s = unix_s(command, item->last_access_s),
        .cas = item->cas,
        .item_bytes = item->item_bytes,
        .value_bytes = item->value.bytes,
        .size_class = cm_size_class(item->item_bytes),
        .client_flags = item->client_flags,
        .fetched = item->fetched,
    };
    answer->seen++;
    if (answer->status == CM_OK && is_wanted(answer, dumped.size_class)) {
        answer->dumped++;
        answer->status = answer->format.dump_item(&answer->text, &answer->op, &dumped);
    }
}

/* True: the scan is at its end. */
static bool scan_piece(const struct cm_command *command, struct cm_long *answer,
                       cmstore_visitor *visitor) {
    answer->seen = 0;
    /* Empty parts of the table are steps too. */
    for (unsigned steps = 0; steps < PIECE_ITEMS; steps++) {
        if (answer->started && answer->cursor == 0) {
            return true;
        }
        if (answer->seen >= PIECE_ITEMS || cm_buf_len(&answer->text) >= PIECE_BYTES ||
            answer->status != CM_OK) {
            return false;
        }
        answer->started = true;
        answer->cursor = cmstore_scan(command->thread, answer->cursor, visitor, answer);
    }
    return answer->cursor == 0;
}

enum cm_long_state cm_long_go_on(const struct cm_command *command, struct cm_long *answer) {
    const struct cm_op *op = &answer->op;
    bool at_end = true;
    answer->command = command;
    answer->status = CM_OK;
    if (is_crawl(op)) {
        cm_admin_go_on_dump(answer->admin, answer->dump, command->now_s);
    }
    if (op->kind == CM_OP_DUMP) {
        at_end = scan_piece(command, answer, on_dumped);
    } else if (is_histogram(op)) {
        at_end = scan_piece(command, answer, on_counted);
    }
    if (at_end && op->kind == CM_OP_STATS) {
        make_lines(command, answer);
    }
    if (at_end && answer->status == CM_OK) {
        answer->status = answer->format.long_end(&answer->text, op);
    }
    if (answer->status != CM_OK) {
        return CM_LONG_FAILED;
    }
    answer->done = at_end;
    if (at_end) {
        cm_admin_end_dump(answer->admin, answer->dump);
    }
    return at_end ? CM_LONG_DONE : CM_LONG_GOES_ON;
}
