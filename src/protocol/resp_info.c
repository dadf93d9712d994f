/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/num.h"
#include "protocol/resp.h"
#include <cacheman/version.h>
#include <inttypes.h>
#include <stdio.h>

/* INFO: the lines of `stats` are collected as they come, "name value\n", and at the end, when all
 * are there, turned into Redis' lines in Redis' order. DBSIZE is one of them. */

enum section {
    SERVER = 1 << 0,
    CLIENTS = 1 << 1,
    MEMORY = 1 << 2,
    STATS = 1 << 3,
    REPLICATION = 1 << 4,
    CPU = 1 << 5,
    KEYSPACE = 1 << 6,
    ALL = (1 << 7) - 1,
};

static const struct {
    struct cm_slice name;
    unsigned sections;
} names[] = {
    {{"default", 7}, ALL},     {{"all", 3}, ALL},
    {{"everything", 10}, ALL}, {{"server", 6}, SERVER},
    {{"clients", 7}, CLIENTS}, {{"memory", 6}, MEMORY},
    {{"stats", 5}, STATS},     {{"replication", 11}, REPLICATION},
    {{"cpu", 3}, CPU},         {{"keyspace", 8}, KEYSPACE},
};

uint64_t cm_resp_sections(struct cm_slice name) {
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (cm_resp_is(name, names[i].name)) {
            return names[i].sections;
        }
    }
    return 0;
}

enum line_kind {
    LINE_TITLE,
    LINE_TEXT,  /* `source` itself */
    LINE_COPY,  /* of the statistics' line `source` */
    LINE_DAYS,  /* same, of seconds */
    LINE_HUMAN, /* same, of bytes */
    LINE_SUM,   /* of all requests that are counted */
    LINE_KEYS,  /* how many */
};

static const struct line {
    unsigned section;
    enum line_kind kind;
    const char *name;
    const char *source;
} lines[] = {
    {SERVER, LINE_TITLE, "Server", NULL},
    {SERVER, LINE_TEXT, "redis_version", CM_RESP_VERSION},
    {SERVER, LINE_TEXT, "redis_mode", "standalone"},
    {SERVER, LINE_TEXT, "cacheman_version", CACHEMAN_VERSION},
    {SERVER, LINE_COPY, "arch_bits", "pointer_size"},
    {SERVER, LINE_COPY, "process_id", "pid"},
    {SERVER, LINE_COPY, "uptime_in_seconds", "uptime"},
    {SERVER, LINE_DAYS, "uptime_in_days", "uptime"},
    {SERVER, LINE_COPY, "io_threads_active", "threads"},
    {CLIENTS, LINE_TITLE, "Clients", NULL},
    {CLIENTS, LINE_COPY, "connected_clients", "curr_connections"},
    {CLIENTS, LINE_COPY, "maxclients", "max_connections"},
    {MEMORY, LINE_TITLE, "Memory", NULL},
    {MEMORY, LINE_COPY, "used_memory", "bytes"},
    {MEMORY, LINE_HUMAN, "used_memory_human", "bytes"},
    {MEMORY, LINE_COPY, "maxmemory", "limit_maxbytes"},
    {MEMORY, LINE_HUMAN, "maxmemory_human", "limit_maxbytes"},
    {STATS, LINE_TITLE, "Stats", NULL},
    {STATS, LINE_COPY, "total_connections_received", "total_connections"},
    {STATS, LINE_SUM, "total_commands_processed", NULL},
    {STATS, LINE_COPY, "total_net_input_bytes", "bytes_read"},
    {STATS, LINE_COPY, "total_net_output_bytes", "bytes_written"},
    {STATS, LINE_COPY, "rejected_connections", "rejected_connections"},
    {STATS, LINE_COPY, "expired_keys", "reclaimed"},
    {STATS, LINE_COPY, "evicted_keys", "evictions"},
    {STATS, LINE_COPY, "keyspace_hits", "get_hits"},
    {STATS, LINE_COPY, "keyspace_misses", "get_misses"},
    {REPLICATION, LINE_TITLE, "Replication", NULL},
    {REPLICATION, LINE_TEXT, "role", "master"},
    {REPLICATION, LINE_TEXT, "connected_slaves", "0"},
    {CPU, LINE_TITLE, "CPU", NULL},
    {CPU, LINE_COPY, "used_cpu_sys", "rusage_system"},
    {CPU, LINE_COPY, "used_cpu_user", "rusage_user"},
    {KEYSPACE, LINE_TITLE, "Keyspace", NULL},
    {KEYSPACE, LINE_KEYS, "db0", "curr_items"},
};

static const char *const counted[] = {"cmd_get",     "cmd_set",       "cmd_touch", "cmd_flush",
                                      "delete_hits", "delete_misses", "incr_hits", "incr_misses",
                                      "decr_hits",   "decr_misses"};

/* ---- what has been collected ---- */

static struct cm_slice find(struct cm_slice collected, const char *name) {
    const size_t bytes = strlen(name);
    const char *at = collected.data;
    const char *end = at + collected.len;
    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        const size_t line_bytes = (size_t)(line_end - at);
        if (line_bytes > bytes && memcmp(at, name, bytes) == 0 && at[bytes] == ' ') {
            return cm_slice(at + bytes + 1, line_bytes - bytes - 1);
        }
        at = line_end + 1;
    }
    return CM_SLICE("");
}

static uint64_t find_number(struct cm_slice collected, const char *name) {
    uint64_t number = 0;
    (void)cm_num_u64(find(collected, name), &number);
    return number;
}

/* ---- lines ---- */

static void print_human(char *to, size_t room, uint64_t bytes) {
    static const char units[] = "BKMGTP";
    double size = (double)bytes;
    unsigned unit = 0;
    while (size >= 1024 && unit < sizeof units - 2) {
        size /= 1024;
        unit++;
    }
    snprintf(to, room, unit == 0 ? "%.0f%c" : "%.2f%c", size, units[unit]);
}

static uint64_t sum_counted(struct cm_slice collected) {
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof counted / sizeof counted[0]; i++) {
        sum += find_number(collected, counted[i]);
    }
    return sum;
}

/* The text behind the colon, in `to` if it has to be made. */
static struct cm_slice value_of(const struct line *line, struct cm_slice collected, char *to,
                                size_t room) {
    const uint64_t day_s = 24 * 60 * 60;
    switch (line->kind) {
    case LINE_TEXT:
        return cm_slice(line->source, strlen(line->source));
    case LINE_COPY:
        return find(collected, line->source);
    case LINE_DAYS:
        snprintf(to, room, "%" PRIu64, find_number(collected, line->source) / day_s);
        break;
    case LINE_HUMAN:
        print_human(to, room, find_number(collected, line->source));
        break;
    case LINE_SUM:
        snprintf(to, room, "%" PRIu64, sum_counted(collected));
        break;
    default: /* which items expire is not counted */
        snprintf(to, room, "keys=%" PRIu64 ",expires=0,avg_ttl=0",
                 find_number(collected, line->source));
        break;
    }
    return cm_slice(to, strlen(to));
}

static enum cm_status append_all(struct cm_buf *text, const struct cm_slice *pieces, size_t count) {
    enum cm_status status = CM_OK;
    for (size_t i = 0; i < count && status == CM_OK; i++) {
        status = cm_buf_append(text, pieces[i]);
    }
    return status;
}

static enum cm_status append_line(struct cm_buf *info, const struct line *line,
                                  struct cm_slice collected) {
    char made[64];
    const struct cm_slice name = cm_slice(line->name, strlen(line->name));
    if (line->kind == LINE_TITLE) {
        const struct cm_slice pieces[] = {
            cm_buf_len(info) > 0 ? CM_SLICE("\r\n# ") : CM_SLICE("# "), name, CM_SLICE("\r\n")};
        return append_all(info, pieces, 3);
    }
    const struct cm_slice value = value_of(line, collected, made, sizeof made);
    if (line->kind == LINE_KEYS && find_number(collected, line->source) == 0) {
        return CM_OK; /* Redis does not list what is empty */
    }
    const struct cm_slice pieces[] = {name, CM_SLICE(":"), value, CM_SLICE("\r\n")};
    return append_all(info, pieces, 4);
}

static enum cm_status make_info(struct cm_buf *info, const struct cm_op *op,
                                struct cm_slice collected) {
    enum cm_status status = CM_OK;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0] && status == CM_OK; i++) {
        if ((op->number & lines[i].section) != 0) {
            status = append_line(info, &lines[i], collected);
        }
    }
    return status;
}

/* `collected` becomes the answer. */
static enum cm_status encode_info(struct cm_buf *text, const struct cm_op *op) {
    struct cm_buf info = {.data = NULL};
    char digits[CM_NUM_U64_CHARS];
    enum cm_status status = make_info(&info, op, cm_buf_slice(text));
    if (status == CM_OK) {
        const struct cm_slice pieces[] = {
            CM_SLICE("$"), cm_slice(digits, cm_num_format_u64(digits, cm_buf_len(&info))),
            CM_SLICE("\r\n"), cm_buf_slice(&info), CM_SLICE("\r\n")};
        cm_buf_clear(text);
        status = append_all(text, pieces, 5);
    }
    cm_buf_deinit(&info);
    return status;
}

/* ---- long answers ---- */

enum cm_status cm_resp_stat_line(struct cm_buf *text, const struct cm_op *op, struct cm_slice name,
                                 struct cm_slice value) {
    if (op->form == CM_RESP_INFO) {
        const struct cm_slice pieces[] = {name, CM_SLICE(" "), value, CM_SLICE("\n")};
        return append_all(text, pieces, 4);
    }
    if (cm_slice_equal(name, CM_SLICE("curr_items"))) {
        const struct cm_slice pieces[] = {CM_SLICE(":"), value, CM_SLICE("\r\n")};
        return append_all(text, pieces, 3);
    }
    return CM_OK;
}

enum cm_status cm_resp_long_end(struct cm_buf *text, const struct cm_op *op) {
    return op->form == CM_RESP_INFO ? encode_info(text, op) : CM_OK;
}
