/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/uri.h"
#include "command/stats.h"
#include <math.h>
#include <stdio.h>

/* `stats hotkeys`: what is of all keys, then some lines a key, the hottest being 1. Keys are spelled
 * as `lru_crawler metadump` does. */

#define NAME_BYTES 48

enum cm_status cm_stats_read_hot_keys(const struct cm_stats_source *source, unsigned max,
                                      struct cm_hot_list **out) {
    struct cm_hot_group *group = cm_admin_hot_keys(source->admin);
    *out = NULL;
    if (source->keys_hidden || !cm_hot_is_on(group))
        return CM_OK;
    return cm_hot_read(group, cmstore_clock(source->store), max, out);
}

struct cm_hot_rates cm_stats_hot_rates(const struct cm_hot_list *list,
                                       const struct cm_hot_key *key) {
    return (struct cm_hot_rates){
        .share = key->requests / list->requests,
        .requests_per_s = key->requests / list->seconds,
        .value_bytes_per_s = key->value_bytes / list->seconds,
    };
}

static void put_count(struct cm_stat_sink *sink, const char *name, double count) {
    cm_stats_number(sink, cm_slice(name, strlen(name)), (uint64_t)llround(count));
}

static void put_decimals(struct cm_stat_sink *sink, const char *name, double number, int decimals) {
    char text[64];
    const int bytes = snprintf(text, sizeof text, "%.*f", decimals, number);
    sink->line(sink, cm_slice(name, strlen(name)), cm_slice(text, (size_t)bytes));
}

/* "<rank>:<name>" */
static const char *name_of(char *to, unsigned rank, const char *name) {
    snprintf(to, NAME_BYTES, "%u:%s", rank, name);
    return to;
}

static void put_key(struct cm_stat_sink *sink, unsigned rank, const struct cm_hot_list *list) {
    const struct cm_hot_key *key = &list->keys[rank - 1];
    const struct cm_hot_rates rates = cm_stats_hot_rates(list, key);
    char spelled[CM_URI_CHARS(CM_HOT_KEY_BYTES)];
    char name[NAME_BYTES];
    name_of(name, rank, "key");
    sink->line(sink, cm_slice(name, strlen(name)),
               cm_slice(spelled, cm_uri_encode(cm_slice(key->key, key->key_bytes), spelled)));
    put_count(sink, name_of(name, rank, "requests"), key->requests);
    put_count(sink, name_of(name, rank, "error"), ceil(key->error));
    put_decimals(sink, name_of(name, rank, "share"), rates.share, 6);
    put_decimals(sink, name_of(name, rank, "requests_per_second"), rates.requests_per_s, 2);
    put_count(sink, name_of(name, rank, "writes"), key->writes);
    put_count(sink, name_of(name, rank, "misses"), key->misses);
    put_count(sink, name_of(name, rank, "value_bytes_per_second"), rates.value_bytes_per_s);
}

void cm_stats_hot_keys(const struct cm_hot_list *list, struct cm_stat_sink *sink) {
    put_count(sink, "half_life", CM_HOT_HALF_LIFE_S);
    put_decimals(sink, "seconds", list->seconds, 2);
    put_count(sink, "requests", list->requests);
    put_count(sink, "keys", list->count);
    for (unsigned rank = 1; rank <= list->count; rank++)
        put_key(sink, rank, list);
}
