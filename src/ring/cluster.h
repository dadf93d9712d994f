/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_RING_CLUSTER_H
#define CM_RING_CLUSTER_H

/* What a cluster consists of, as people write it down:
 *
 *   connection string    SERVER,SERVER,...?OPTION=VALUE&OPTION=VALUE...
 *                        file:PATH?OPTION=VALUE...      the servers are in a file
 *                        etcd://ENDPOINT,.../CLUSTER?OPTION=VALUE...   in etcd; etcds://: by TLS
 *   cluster file         a SERVER or an "OPTION = VALUE" a line; '#' begins a comment
 *   SERVER               HOST  HOST:PORT  [IPV6]:PORT  unix:PATH, then maybe ;weight=N
 *   ENDPOINT             HOST  HOST:PORT  [IPV6]:PORT
 *
 * In the values of options and in paths, %XX stands for a byte. */

#include "ring/ring.h"
#include <stdbool.h>

#define CM_CLUSTER_PORT_DEFAULT      16180
#define CM_CLUSTER_ETCD_PORT_DEFAULT 2379
#define CM_CLUSTER_PATH_BYTES_MAX    103  /* what a Unix socket's address holds on every system */
#define CM_CLUSTER_HOST_BYTES        1025 /* its zero included */
#define CM_CLUSTER_TEXT_BYTES        251  /* of an option's value, its zero included */
#define CM_CLUSTER_NAME_BYTES        65   /* of a cluster in etcd, its zero included */

enum cm_dead { CM_DEAD_MISS, CM_DEAD_FAILOVER };
enum cm_keys { CM_KEYS_REFUSE, CM_KEYS_HASH, CM_KEYS_BASE64 };
enum cm_encryption { CM_TLS_OFF, CM_TLS_ON, CM_TLS_ANY };
enum cm_dialect { CM_DIALECT_AUTO, CM_DIALECT_META, CM_DIALECT_TEXT };

/* A field an option, named alike; durations in milliseconds, choices as their numbers. */
struct cm_settings {
#define CM_SETTING_CHOICE(name)                int64_t name;
#define CM_SETTING_DURATION(name)              int64_t name;
#define CM_SETTING_NUMBER(name)                int64_t name;
#define CM_SETTING_TEXT(name)                  char name[CM_CLUSTER_TEXT_BYTES];
#define X(name, kind, initial, min, max, text) CM_SETTING_##kind(name)
#include "ring/settings.def"
#undef X
};

struct cm_member {
    char *name;    /* HOST:PORT or unix:PATH; one piece of memory with */
    char *host;    /*   the host, or the path */
    uint16_t port; /* 0: a path */
    uint32_t weight;
};

/* All zero is an empty cluster without settings; begin with cm_cluster_init(). */
struct cm_cluster {
    struct cm_member *members;
    size_t count;
    struct cm_settings settings;
};

struct cm_cluster_error {
    char text[256];
    size_t line, column; /* from 1; 0: not about a place */
};

enum cm_where_kind { CM_WHERE_SERVERS, CM_WHERE_FILE, CM_WHERE_ETCD };

/* The parts of a connection string, which is borrowed. */
struct cm_where {
    enum cm_where_kind kind;
    bool is_secure;          /* etcds: */
    struct cm_slice servers; /* or the path, or the endpoints */
    struct cm_slice name;    /* of the cluster in etcd */
    struct cm_slice options; /* after the '?' */
    size_t servers_column, options_column;
};

void cm_where_split(const char *where, struct cm_where *out);
/* The path of a file form, decoded; INVALID if it is empty or does not fit. */
CM_MUST_CHECK enum cm_status cm_where_path(const struct cm_where *where, char *to, size_t room,
                                           struct cm_cluster_error *error);
/* The name of a cluster in etcd: 1 to 64 of letters, digits, '.', '-' and '_'. INVALID. */
CM_MUST_CHECK enum cm_status cm_where_name(const struct cm_where *where,
                                           char to[CM_CLUSTER_NAME_BYTES],
                                           struct cm_cluster_error *error);

void cm_cluster_init(struct cm_cluster *cluster); /* with the options' defaults */
void cm_cluster_deinit(struct cm_cluster *cluster);

/* Each adds to `cluster`; INVALID with a reason, NO_MEMORY with the text saying so. */
CM_MUST_CHECK enum cm_status cm_cluster_add_servers(struct cm_cluster *cluster,
                                                    const struct cm_where *where,
                                                    struct cm_cluster_error *error);
/* Those of etcd, as members of weight 1. */
CM_MUST_CHECK enum cm_status cm_cluster_add_endpoints(struct cm_cluster *cluster,
                                                      const struct cm_where *where,
                                                      struct cm_cluster_error *error);
/* A server by its name alone, HOST:PORT or the like. */
CM_MUST_CHECK enum cm_status cm_cluster_add_member(struct cm_cluster *cluster, struct cm_slice name,
                                                   uint32_t weight, struct cm_cluster_error *error);
CM_MUST_CHECK enum cm_status cm_cluster_add_options(struct cm_cluster *cluster,
                                                    const struct cm_where *where,
                                                    struct cm_cluster_error *error);
CM_MUST_CHECK enum cm_status cm_cluster_add_file(struct cm_cluster *cluster, struct cm_slice text,
                                                 struct cm_cluster_error *error);
/* The same of a file. SYSTEM: it cannot be read. */
CM_MUST_CHECK enum cm_status cm_cluster_read_file(struct cm_cluster *cluster, const char *path,
                                                  struct cm_cluster_error *error);
/* What follows from all of it together; after the last of the above. */
CM_MUST_CHECK enum cm_status cm_cluster_settle(const struct cm_cluster *cluster,
                                               struct cm_cluster_error *error);

/* The options by number from 0; false past the last. For help and documents. */
struct cm_setting_text {
    const char *name, *initial, *text;
    char allowed[128];
};
bool cm_setting_describe(size_t number, struct cm_setting_text *out);
/* An option's value as it is written down, but for %XX; "***" for a password. False past the last,
 * or if there is not room for it. */
bool cm_setting_print(const struct cm_settings *settings, size_t number, char *to, size_t room);

#endif
