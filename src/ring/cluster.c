/* SPDX-License-Identifier: BSD-3-Clause */
#include "ring/cluster.h"

#include "base/num.h"
#include "ring/settings.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNIX_WORD   "unix:"
#define WEIGHT_WORD "weight="
#define SHOWN_BYTES 60

static int shown(struct cm_slice text) {
    return (int)(text.len < SHOWN_BYTES ? text.len : SHOWN_BYTES);
}

static bool begins(struct cm_slice text, const char *word) {
    const size_t length = strlen(word);
    return text.len >= length && memcmp(text.data, word, length) == 0;
}

static struct cm_slice from(struct cm_slice text, size_t at) {
    return cm_slice(text.data + at, text.len - at);
}

/* Where `byte` is in the text, its length if nowhere. */
static size_t find(struct cm_slice text, char byte) {
    const char *at = text.len == 0 ? NULL : memchr(text.data, byte, text.len);
    return at == NULL ? text.len : (size_t)(at - text.data);
}

void cm_cluster_init(struct cm_cluster *cluster) {
    *cluster = (struct cm_cluster){0};
    cm_settings_init(&cluster->settings);
}

void cm_cluster_deinit(struct cm_cluster *cluster) {
    for (size_t i = 0; i < cluster->count; i++)
        free(cluster->members[i].name);
    free(cluster->members);
    cluster->members = NULL;
    cluster->count = 0;
}

/* ---- one server ---- */

struct parsed {
    char host[CM_CLUSTER_HOST_BYTES];
    uint16_t port;
    uint32_t weight;
};

static enum cm_status parse_weight(struct cm_slice text, size_t column, uint32_t *weight,
                                   struct cm_cluster_error *error) {
    if (!begins(text, WEIGHT_WORD))
        return cm_cluster_fail(error, column, "\";%.*s\" is not ;weight=N", shown(text), text.data);
    const struct cm_slice number = from(text, strlen(WEIGHT_WORD));
    if (!cm_num_u32(number, weight) || *weight < 1 || *weight > CM_RING_WEIGHT_MAX)
        return cm_cluster_fail(error, column + strlen(WEIGHT_WORD),
                               "weight: \"%.*s\" is not a number from 1 to %d", shown(number),
                               number.data, CM_RING_WEIGHT_MAX);
    return CM_OK;
}

static enum cm_status parse_path(struct cm_slice path, size_t column, struct parsed *out,
                                 struct cm_cluster_error *error) {
    if (path.len == 0)
        return cm_cluster_fail(error, column, "unix: needs the path of a socket");
    if (!cm_cluster_decode(path, out->host, sizeof out->host) ||
        strlen(out->host) > CM_CLUSTER_PATH_BYTES_MAX)
        return cm_cluster_fail(error, column,
                               "the socket's path is longer than %d bytes or has a %% without two "
                               "digits; write %%25 for %%",
                               CM_CLUSTER_PATH_BYTES_MAX);
    out->port = 0;
    return CM_OK;
}

static bool is_host_byte(char byte) {
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z') || byte == '.' || byte == '-' || byte == '_' ||
           byte == ':' || byte == '%';
}

static enum cm_status take_host(struct cm_slice host, size_t column, struct parsed *out,
                                struct cm_cluster_error *error) {
    if (host.len == 0)
        return cm_cluster_fail(error, column,
                               "a server is missing; write HOST, HOST:PORT, [IPV6]:PORT or "
                               "unix:PATH");
    if (host.len >= sizeof out->host)
        return cm_cluster_fail(error, column, "the host is longer than %zu bytes",
                               sizeof out->host - 1);
    for (size_t i = 0; i < host.len; i++) {
        if (!is_host_byte(host.data[i]))
            return cm_cluster_fail(error, column + i, "\"%.*s\" is no host name and no address",
                                   shown(host), host.data);
    }
    memcpy(out->host, host.data, host.len);
    out->host[host.len] = '\0';
    return CM_OK;
}

static enum cm_status parse_port(struct cm_slice text, size_t column, uint16_t *port,
                                 struct cm_cluster_error *error) {
    uint32_t number;
    if (!cm_num_u32(text, &number) || number < 1 || number > UINT16_MAX)
        return cm_cluster_fail(error, column, "\"%.*s\" is not a port from 1 to 65535", shown(text),
                               text.data);
    *port = (uint16_t)number;
    return CM_OK;
}

/* "[IPV6]" or "[IPV6]:PORT". */
static enum cm_status parse_bracketed(struct cm_slice text, size_t column, struct parsed *out,
                                      struct cm_cluster_error *error) {
    const size_t close = find(text, ']');
    if (close == text.len || (close + 1 < text.len && text.data[close + 1] != ':'))
        return cm_cluster_fail(error, column, "\"%.*s\" is not of the form [IPV6]:PORT",
                               shown(text), text.data);
    enum cm_status status = take_host(cm_slice(text.data + 1, close - 1), column + 1, out, error);
    if (status == CM_OK && close + 1 < text.len)
        status = parse_port(from(text, close + 2), column + close + 2, &out->port, error);
    return status;
}

/* Unless the text has a port, it is what *out has. */
static enum cm_status parse_host(struct cm_slice text, size_t column, struct parsed *out,
                                 struct cm_cluster_error *error) {
    if (begins(text, "["))
        return parse_bracketed(text, column, out, error);
    const size_t colon = find(text, ':');
    /* more than one: an IPv6 address without brackets */
    if (colon == text.len || find(from(text, colon + 1), ':') < text.len - colon - 1)
        return take_host(text, column, out, error);
    enum cm_status status = take_host(cm_slice(text.data, colon), column, out, error);
    if (status == CM_OK)
        status = parse_port(from(text, colon + 1), column + colon + 1, &out->port, error);
    return status;
}

static enum cm_status parse_address(struct cm_slice text, size_t column, struct parsed *out,
                                    struct cm_cluster_error *error) {
    if (begins(text, UNIX_WORD))
        return parse_path(from(text, strlen(UNIX_WORD)), column + strlen(UNIX_WORD), out, error);
    return parse_host(text, column, out, error);
}

static enum cm_status out_of_memory(struct cm_cluster_error *error) {
    (void)cm_cluster_fail(error, 0, "out of memory");
    return CM_NO_MEMORY;
}

/* Name and host in one piece of memory. */
static bool build_member(const struct parsed *parsed, struct cm_member *member) {
    const size_t host_bytes = strlen(parsed->host) + 1;
    const size_t name_bytes = host_bytes + sizeof "unix:[]:65535";
    char *memory = malloc(name_bytes + host_bytes);
    if (memory == NULL)
        return false;
    if (parsed->port == 0)
        snprintf(memory, name_bytes, "unix:%s", parsed->host);
    else if (strchr(parsed->host, ':') != NULL)
        snprintf(memory, name_bytes, "[%s]:%u", parsed->host, (unsigned)parsed->port);
    else
        snprintf(memory, name_bytes, "%s:%u", parsed->host, (unsigned)parsed->port);
    memcpy(memory + name_bytes, parsed->host, host_bytes);
    *member = (struct cm_member){memory, memory + name_bytes, parsed->port, parsed->weight};
    return true;
}

static bool is_listed(const struct cm_cluster *cluster, const char *name) {
    for (size_t i = 0; i < cluster->count; i++) {
        if (strcmp(cluster->members[i].name, name) == 0)
            return true;
    }
    return false;
}

static enum cm_status add_member(struct cm_cluster *cluster, const struct parsed *parsed,
                                 size_t column, struct cm_cluster_error *error) {
    struct cm_member member;
    if (cluster->count == CM_RING_MEMBERS_MAX)
        return cm_cluster_fail(error, column, "there are more than %d servers",
                               CM_RING_MEMBERS_MAX);
    struct cm_member *grown =
        realloc(cluster->members, (cluster->count + 1) * sizeof *cluster->members);
    if (grown == NULL)
        return out_of_memory(error);
    cluster->members = grown;
    if (!build_member(parsed, &member))
        return out_of_memory(error);
    if (is_listed(cluster, member.name)) {
        (void)cm_cluster_fail(error, column, "%.100s is listed twice", member.name);
        free(member.name);
        return CM_INVALID;
    }
    cluster->members[cluster->count++] = member;
    return CM_OK;
}

static enum cm_status add_server(struct cm_cluster *cluster, struct cm_slice text, size_t column,
                                 struct cm_cluster_error *error) {
    struct parsed parsed = {.port = CM_CLUSTER_PORT_DEFAULT, .weight = 1};
    const size_t semicolon = find(text, ';');
    enum cm_status status = parse_address(cm_slice(text.data, semicolon), column, &parsed, error);
    if (status == CM_OK && semicolon < text.len)
        status =
            parse_weight(from(text, semicolon + 1), column + semicolon + 1, &parsed.weight, error);
    return status == CM_OK ? add_member(cluster, &parsed, column, error) : status;
}

static enum cm_status add_endpoint(struct cm_cluster *cluster, struct cm_slice text, size_t column,
                                   struct cm_cluster_error *error) {
    struct parsed parsed = {.port = CM_CLUSTER_ETCD_PORT_DEFAULT, .weight = 1};
    enum cm_status status = parse_host(text, column, &parsed, error);
    return status == CM_OK ? add_member(cluster, &parsed, column, error) : status;
}

enum cm_status cm_cluster_add_member(struct cm_cluster *cluster, struct cm_slice name,
                                     uint32_t weight, struct cm_cluster_error *error) {
    struct parsed parsed = {.port = CM_CLUSTER_PORT_DEFAULT, .weight = weight};
    *error = (struct cm_cluster_error){0};
    if (weight < 1 || weight > CM_RING_WEIGHT_MAX)
        return cm_cluster_fail(error, 0, "a weight is not a number from 1 to %d",
                               CM_RING_WEIGHT_MAX);
    enum cm_status status = parse_address(name, 0, &parsed, error);
    error->column = 0;
    return status == CM_OK ? add_member(cluster, &parsed, 0, error) : status;
}

/* ---- connection strings ---- */

typedef enum cm_status adder(struct cm_cluster *cluster, struct cm_slice text, size_t column,
                             struct cm_cluster_error *error);

/* What stands between commas. */
static enum cm_status add_all(struct cm_cluster *cluster, const struct cm_where *where, adder *add,
                              struct cm_cluster_error *error) {
    struct cm_slice rest = where->servers;
    size_t column = where->servers_column;
    *error = (struct cm_cluster_error){0};
    for (;;) {
        const size_t end = find(rest, ',');
        enum cm_status status = add(cluster, cm_slice(rest.data, end), column, error);
        if (status != CM_OK || end == rest.len)
            return status;
        rest = from(rest, end + 1);
        column += end + 1;
    }
}

enum cm_status cm_cluster_add_servers(struct cm_cluster *cluster, const struct cm_where *where,
                                      struct cm_cluster_error *error) {
    return add_all(cluster, where, add_server, error);
}

enum cm_status cm_cluster_add_endpoints(struct cm_cluster *cluster, const struct cm_where *where,
                                        struct cm_cluster_error *error) {
    return add_all(cluster, where, add_endpoint, error);
}

static enum cm_status add_option(struct cm_cluster *cluster, struct cm_slice text, size_t column,
                                 struct cm_cluster_error *error) {
    const size_t equals = find(text, '=');
    if (equals == text.len)
        return cm_cluster_fail(error, column, "\"%.*s\" is not of the form OPTION=VALUE",
                               shown(text), text.data);
    const struct cm_setting_value value = {cm_slice(text.data, equals), from(text, equals + 1),
                                           column, column + equals + 1};
    return cm_setting_set(&cluster->settings, &value, error);
}

enum cm_status cm_cluster_add_options(struct cm_cluster *cluster, const struct cm_where *where,
                                      struct cm_cluster_error *error) {
    struct cm_slice rest = where->options;
    size_t column = where->options_column;
    *error = (struct cm_cluster_error){0};
    while (rest.len > 0) {
        const size_t end = find(rest, '&');
        enum cm_status status = add_option(cluster, cm_slice(rest.data, end), column, error);
        if (status != CM_OK)
            return status;
        rest = from(rest, end < rest.len ? end + 1 : end);
        column += end + 1;
    }
    const struct cm_settings *settings = &cluster->settings;
    if (where->kind != CM_WHERE_ETCD &&
        (settings->etcd_user[0] != '\0' || settings->etcd_password[0] != '\0' ||
         settings->etcd_ca[0] != '\0' || settings->etcd_cert[0] != '\0' ||
         settings->etcd_key[0] != '\0'))
        return cm_cluster_fail(error, 0,
                               "an option of etcd is given, and the servers are not in "
                               "etcd: write etcd://HOST:PORT/CLUSTER");
    return CM_OK;
}

/* ---- cluster files ---- */

static bool is_blank(char byte) {
    return byte == ' ' || byte == '\t' || byte == '\r';
}

/* Without comment and blanks around; *column is where the rest begins. */
static struct cm_slice trim(struct cm_slice line, size_t *column) {
    size_t begin = 0, end = find(line, '#');
    while (begin < end && is_blank(line.data[begin]))
        begin++;
    while (end > begin && is_blank(line.data[end - 1]))
        end--;
    *column += begin;
    return cm_slice(line.data + begin, end - begin);
}

/* "NAME = VALUE" is an option if NAME is a word: no server has one before a '='. */
static bool is_option(struct cm_slice line, size_t *name_bytes, size_t *equals) {
    size_t at = 0;
    while (at < line.len &&
           ((line.data[at] >= 'a' && line.data[at] <= 'z') || line.data[at] == '_'))
        at++;
    *name_bytes = at;
    while (at < line.len && is_blank(line.data[at]))
        at++;
    *equals = at;
    return *name_bytes > 0 && at < line.len && line.data[at] == '=';
}

static enum cm_status add_line(struct cm_cluster *cluster, struct cm_slice raw,
                               struct cm_cluster_error *error) {
    size_t column = 1, name_bytes, equals;
    const struct cm_slice line = trim(raw, &column);
    if (line.len == 0)
        return CM_OK;
    if (!is_option(line, &name_bytes, &equals))
        return add_server(cluster, line, column, error);
    size_t value_column = column + equals + 1;
    const struct cm_slice text = trim(from(line, equals + 1), &value_column);
    const struct cm_setting_value value = {cm_slice(line.data, name_bytes), text, column,
                                           value_column};
    return cm_setting_set(&cluster->settings, &value, error);
}

enum cm_status cm_cluster_add_file(struct cm_cluster *cluster, struct cm_slice text,
                                   struct cm_cluster_error *error) {
    *error = (struct cm_cluster_error){0};
    for (size_t number = 1; text.len > 0; number++) {
        const size_t end = find(text, '\n');
        enum cm_status status = add_line(cluster, cm_slice(text.data, end), error);
        if (status != CM_OK) {
            error->line = number;
            return status;
        }
        text = from(text, end < text.len ? end + 1 : end);
    }
    return CM_OK;
}

enum cm_status cm_cluster_settle(const struct cm_cluster *cluster, struct cm_cluster_error *error) {
    const struct cm_settings *settings = &cluster->settings;
    *error = (struct cm_cluster_error){0};
    if (cluster->count == 0)
        return cm_cluster_fail(error, 0, "there is no server in it");
    if ((size_t)settings->replicas > cluster->count)
        return cm_cluster_fail(error, 0, "replicas: %d need as many servers, and there are %zu",
                               (int)settings->replicas, cluster->count);
    if (settings->retry_max < settings->retry)
        return cm_cluster_fail(error, 0, "retry_max is less than retry");
    if (settings->password[0] != '\0' && settings->user[0] == '\0')
        return cm_cluster_fail(error, 0, "password is given without user");
    if (settings->tls == CM_TLS_OFF &&
        (settings->tls_ca[0] != '\0' || settings->tls_cert[0] != '\0'))
        return cm_cluster_fail(error, 0, "tls_ca and tls_cert are given without tls=on");
    if (settings->tls_key[0] != '\0' && settings->tls_cert[0] == '\0')
        return cm_cluster_fail(error, 0, "tls_key is given without tls_cert");
    return CM_OK;
}
