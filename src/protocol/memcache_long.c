/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/base64.h"
#include "base/num.h"
#include "base/uri.h"
#include "protocol/memcache.h"

/* Answers of many lines: statistics and dumps. */

static enum cm_status put_all(struct cm_buf *text, const struct cm_slice *pieces, size_t count) {
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        bytes += pieces[i].len;
    }
    const enum cm_status status = cm_buf_reserve(text, bytes);
    for (size_t i = 0; i < count && status == CM_OK; i++) {
        cm_buf_put(text, pieces[i]);
    }
    return status;
}

/* An item that is none: CONFIG cluster 0 10, or as those read it who ask for its old key. */
static enum cm_status put_cluster(struct cm_buf *text, const struct cm_op *op, struct cm_slice name,
                                  struct cm_slice value) {
    char digits[CM_NUM_U64_CHARS];
    const bool as_item = op->form == CM_FORM_VALUE;
    const struct cm_slice pieces[] = {
        as_item ? CM_SLICE("VALUE ") : CM_SLICE("CONFIG "),
        as_item ? CM_CLUSTER_KEY : name,
        CM_SLICE(" 0 "),
        cm_slice(digits, cm_num_format_u64(digits, value.len)),
        CM_SLICE("\r\n"),
        value,
        CM_SLICE("\r\n"),
    };
    return put_all(text, pieces, sizeof pieces / sizeof pieces[0]);
}

enum cm_status cm_memcache_stat_line(struct cm_buf *text, const struct cm_op *op,
                                     struct cm_slice name, struct cm_slice value) {
    if (op->selector == CM_STATS_DETAIL) {
        return cm_buf_append(text, value); /* lines already */
    }
    if (op->selector == CM_STATS_CLUSTER) {
        return put_cluster(text, op, name, value);
    }
    const struct cm_slice pieces[] = {CM_SLICE("STAT "), name, CM_SLICE(" "), value,
                                      CM_SLICE("\r\n")};
    return put_all(text, pieces, 5);
}

static struct cm_slice number_text(char *digits, int64_t number) {
    return cm_slice(digits, cm_num_format_i64(digits, number));
}

/* key=a exp=-1 la=1795221738 cas=6 fetch=yes cls=1 size=61 flags=0 */
static enum cm_status dump_metadata(struct cm_buf *text, const struct cm_dump_item *item) {
    char key[CM_URI_CHARS(CM_KEY_BYTES_MAX)];
    char digits[6][CM_NUM_U64_CHARS];
    const struct cm_slice pieces[] = {
        CM_SLICE("key="),
        cm_slice(key, cm_uri_encode(item->key, key)),
        CM_SLICE(" exp="),
        number_text(digits[0], item->expires_unix_s),
        CM_SLICE(" la="),
        number_text(digits[1], item->access_unix_s),
        CM_SLICE(" cas="),
        cm_slice(digits[2], cm_num_format_u64(digits[2], item->cas)),
        item->fetched ? CM_SLICE(" fetch=yes cls=") : CM_SLICE(" fetch=no cls="),
        number_text(digits[3], item->size_class),
        CM_SLICE(" size="),
        number_text(digits[4], (int64_t)item->item_bytes),
        CM_SLICE(" flags="),
        number_text(digits[5], item->client_flags),
        CM_SLICE("\n"),
    };
    return put_all(text, pieces, sizeof pieces / sizeof pieces[0]);
}

/* ITEM key [bytes b; expiry s]; no expiry is 0. */
static enum cm_status dump_cached(struct cm_buf *text, const struct cm_dump_item *item) {
    char digits[2][CM_NUM_U64_CHARS];
    const int64_t expires = item->expires_unix_s < 0 ? 0 : item->expires_unix_s;
    const struct cm_slice pieces[] = {
        CM_SLICE("ITEM "),   item->key,
        CM_SLICE(" ["),      number_text(digits[0], (int64_t)item->value_bytes),
        CM_SLICE(" b; "),    number_text(digits[1], expires),
        CM_SLICE(" s]\r\n"),
    };
    return put_all(text, pieces, sizeof pieces / sizeof pieces[0]);
}

static bool has_blank(struct cm_slice key) {
    for (size_t i = 0; i < key.len; i++) {
        if ((unsigned char)key.data[i] <= ' ') {
            return true;
        }
    }
    return false;
}

/* mg KEY, a request that would read the item. Keys that do not fit into a line are encoded. */
static enum cm_status dump_request(struct cm_buf *text, const struct cm_dump_item *item) {
    char encoded[CM_BASE64_CHARS(CM_KEY_BYTES_MAX)];
    const bool encode = has_blank(item->key);
    const struct cm_slice pieces[] = {
        CM_SLICE("mg "),
        encode ? cm_slice(encoded, cm_base64_encode(item->key, encoded)) : item->key,
        encode ? CM_SLICE(" b\r\n") : CM_SLICE("\r\n"),
    };
    return put_all(text, pieces, 3);
}

enum cm_status cm_memcache_dump_item(struct cm_buf *text, const struct cm_op *op,
                                     const struct cm_dump_item *item) {
    switch (op->selector) {
    case CM_DUMP_META:
        return dump_metadata(text, item);
    case CM_DUMP_KEYS:
        return dump_request(text, item);
    default:
        return dump_cached(text, item);
    }
}

enum cm_status cm_memcache_long_end(struct cm_buf *text, const struct cm_op *op) {
    const bool keys = op->kind == CM_OP_DUMP && op->selector == CM_DUMP_KEYS;
    return cm_buf_append(text, keys ? CM_SLICE("EN\r\n") : CM_SLICE("END\r\n"));
}
