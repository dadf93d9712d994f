/* SPDX-License-Identifier: BSD-3-Clause */
#include "ring/cluster.h"
#include "ring/settings.h"
#include <string.h>

/* The outermost form of connection strings. */

#define FILE_WORD  "file:"
#define ETCD_WORD  "etcd://"
#define ETCDS_WORD "etcds://"

static struct cm_slice from(struct cm_slice text, size_t at) {
    return cm_slice(text.data + at, text.len - at);
}

static size_t find(struct cm_slice text, char byte) {
    const char *at = text.len == 0 ? NULL : memchr(text.data, byte, text.len);
    return at == NULL ? text.len : (size_t)(at - text.data);
}

/* Takes the word off the servers' beginning. */
static bool take_word(struct cm_where *where, const char *word) {
    const size_t length = strlen(word);
    if (where->servers.len < length || memcmp(where->servers.data, word, length) != 0)
        return false;
    where->servers = from(where->servers, length);
    where->servers_column += length;
    return true;
}

void cm_where_split(const char *where, struct cm_where *out) {
    const struct cm_slice all = cm_slice(where, strlen(where));
    const size_t question = find(all, '?');
    *out = (struct cm_where){.servers = cm_slice(where, question), .servers_column = 1};
    out->options = question < all.len ? from(all, question + 1) : cm_slice(where + all.len, 0);
    out->options_column = question + 2;
    out->name = out->options;
    if (take_word(out, FILE_WORD)) {
        out->kind = CM_WHERE_FILE;
        return;
    }
    out->is_secure = take_word(out, ETCDS_WORD);
    if (!out->is_secure && !take_word(out, ETCD_WORD))
        return;
    const size_t slash = find(out->servers, '/');
    out->kind = CM_WHERE_ETCD;
    out->name = from(out->servers, slash < out->servers.len ? slash + 1 : slash);
    out->servers = cm_slice(out->servers.data, slash);
}

enum cm_status cm_where_path(const struct cm_where *where, char *to, size_t room,
                             struct cm_cluster_error *error) {
    const size_t column = where->servers_column;
    if (where->servers.len == 0)
        return cm_cluster_fail(error, column, "file: needs the path of a cluster file");
    if (!cm_cluster_decode(where->servers, to, room))
        return cm_cluster_fail(error, column,
                               "the path of the cluster file is too long or has a "
                               "%% without two digits; write %%25 for %%");
    return CM_OK;
}

static bool is_name_byte(char byte) {
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z') || byte == '.' || byte == '-' || byte == '_';
}

enum cm_status cm_where_name(const struct cm_where *where, char to[CM_CLUSTER_NAME_BYTES],
                             struct cm_cluster_error *error) {
    const struct cm_slice name = where->name;
    const size_t column = where->servers_column + (size_t)(name.data - where->servers.data);
    if (name.len == 0)
        return cm_cluster_fail(error, column,
                               "the name of a cluster is missing: write etcd://HOST:PORT/CLUSTER");
    if (name.len >= CM_CLUSTER_NAME_BYTES)
        return cm_cluster_fail(error, column, "the name of the cluster is longer than %d bytes",
                               CM_CLUSTER_NAME_BYTES - 1);
    for (size_t i = 0; i < name.len; i++) {
        if (!is_name_byte(name.data[i]))
            return cm_cluster_fail(error, column + i,
                                   "a cluster's name has letters, digits, '.', '-' and '_'");
    }
    memcpy(to, name.data, name.len);
    to[name.len] = '\0';
    return CM_OK;
}
