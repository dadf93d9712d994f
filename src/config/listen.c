/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/os/socket.h"
#include "config/internal.h"

#include <stdlib.h>
#include <string.h>

/* The forms of an address: HOST, HOST:PORT, [IPV6], [IPV6]:PORT, and IPV6 without brackets, which
 * more than one colon gives away; any of them after PLAIN_PREFIX. */

#define PLAIN_PREFIX "notls:"

static enum cm_status refuse(struct cm_config_error *error, const char *entry, size_t bytes,
                             const char *why) {
    snprintf(error->text, sizeof error->text, "\"%.*s\" %s", (int)bytes, entry, why);
    return CM_INVALID;
}

/* 1 to 65535, CM_CONFIG_PORT_FREE for a plain 0, 0 for anything else. */
static int parse_port(const char *text, size_t bytes) {
    int port = 0;
    for (size_t i = 0; i < bytes && port <= 65535; i++) {
        if (text[i] < '0' || text[i] > '9')
            return 0;
        port = port * 10 + (text[i] - '0');
    }
    if (port == 0 && bytes == 1)
        return CM_CONFIG_PORT_FREE;
    return port <= 65535 ? port : 0;
}

static enum cm_status refuse_port(struct cm_config_error *error, const char *entry, size_t bytes) {
    return refuse(error, entry, bytes, "has no port from 1 to 65535 after its colon");
}

/* Where the host ends in `entry`; *port_at is where the port begins, NULL if there is none. */
static const char *split(const char *entry, size_t bytes, const char **host, const char **port_at) {
    const char *end = entry + bytes;
    *host = entry;
    *port_at = NULL;
    if (bytes > 0 && *entry == '[') {
        const char *close = memchr(entry, ']', bytes);
        *host = entry + 1;
        if (close == NULL || (close + 1 < end && close[1] != ':'))
            return NULL;
        if (close + 1 < end)
            *port_at = close + 2;
        return close;
    }
    const char *colon = memchr(entry, ':', bytes);
    if (colon == NULL || memchr(colon + 1, ':', (size_t)(end - colon - 1)) != NULL)
        return end;
    *port_at = colon + 1;
    return colon;
}

static enum cm_status parse_entry(const char *entry, size_t bytes,
                                  struct cm_config_address *address,
                                  struct cm_config_error *error) {
    const char *host, *port_at, *end = entry + bytes;
    size_t prefix_bytes = sizeof PLAIN_PREFIX - 1;
    bool plain = bytes >= prefix_bytes && memcmp(entry, PLAIN_PREFIX, prefix_bytes) == 0;
    const char *at = plain ? entry + prefix_bytes : entry;
    const char *host_end = split(at, (size_t)(end - at), &host, &port_at);
    if (host_end == NULL)
        return refuse(error, entry, bytes, "is not of the form [IPV6]:PORT");
    size_t host_bytes = (size_t)(host_end - host);
    if (host_bytes == 0)
        return refuse(error, entry, bytes, "has no address; write HOST, HOST:PORT or [IPV6]:PORT");
    if (host_bytes >= sizeof address->host)
        return refuse(error, entry, bytes, "is too long");
    for (size_t i = 0; i < host_bytes; i++) {
        if (strchr(" \t;[]", host[i]) != NULL)
            return refuse(error, entry, bytes, "has a character in it that no address has");
    }
    *address = (struct cm_config_address){.plain = plain};
    memcpy(address->host, host, host_bytes);
    if (port_at == NULL)
        return CM_OK;
    address->port = parse_port(port_at, (size_t)(end - port_at));
    if (address->port == 0)
        return refuse_port(error, entry, bytes);
    return CM_OK;
}

static enum cm_status append(struct cm_config_list *list, const struct cm_config_address *address) {
    void *grown = realloc(list->entries, (list->count + 1) * sizeof *list->entries);
    if (grown == NULL)
        return CM_NO_MEMORY;
    list->entries = grown;
    list->entries[list->count++] = *address;
    return CM_OK;
}

enum cm_status cm_config_add_addresses(struct cm_config_list *list, const char *value,
                                       struct cm_config_error *error) {
    for (;;) {
        struct cm_config_address address;
        size_t bytes = strcspn(value, ",");
        size_t begin = strspn(value, " \t"), end = bytes;
        while (end > begin && strchr(" \t", value[end - 1]) != NULL)
            end--;
        enum cm_status status = begin < end
                                    ? parse_entry(value + begin, end - begin, &address, error)
                                    : parse_entry("", 0, &address, error);
        if (status == CM_OK && address.port == CM_CONFIG_PORT_FREE)
            status = refuse_port(error, value + begin, end - begin);
        if (status == CM_OK)
            status = append(list, &address);
        if (status != CM_OK || value[bytes] == '\0')
            return status;
        value += bytes + 1;
    }
}

enum cm_status cm_config_parse_admin(const char *value, struct cm_config_address *address,
                                     struct cm_config_error *error) {
    size_t bytes = strlen(value);
    enum cm_status status = parse_entry(value, bytes, address, error);
    if (status == CM_OK && address->plain)
        status =
            refuse(error, value, bytes, "needs no \"notls:\": there is TLS with --admin-tls alone");
    return status;
}

/* ---- all ways to listen together ---- */

/* A Unix socket takes the network's place. */
static enum cm_status settle_unix(struct cm_config_parse *parse) {
    static const enum cm_config_index network[] = {CM_OPTION_INDEX_port, CM_OPTION_INDEX_udp_port,
                                                   CM_OPTION_INDEX_listen};
    const char *path = parse->config->unix_path;
    if (strlen(path) > CM_OS_SOCKET_PATH_MAX)
        return cm_config_refuse(parse, &cm_options[CM_OPTION_INDEX_unix_path],
                                ": the path is %zu bytes long, the system "
                                "allows %d",
                                strlen(path), CM_OS_SOCKET_PATH_MAX);
    enum cm_status status = CM_OK;
    for (size_t i = 0; i < sizeof network / sizeof network[0] && status == CM_OK; i++) {
        if (parse->config->places[network[i]].origin != CM_CONFIG_FROM_DEFAULT)
            status = cm_config_note_of(parse, network[i], "-s turns the network off");
    }
    parse->config->port = parse->config->udp_port = 0;
    return status;
}

enum cm_status cm_config_settle_listeners(struct cm_config_parse *parse) {
    const struct cm_config *config = parse->config;
    if (config->unix_path != NULL)
        return settle_unix(parse);
    if (config->udp_port != 0 && config->auth_file != NULL)
        return cm_config_refuse(parse, &cm_options[CM_OPTION_INDEX_udp_port],
                                ": nobody can log in over UDP; "
                                "leave --auth-file or -U out");
    if (config->port == 0 && config->udp_port == 0)
        return cm_config_refuse(parse, &cm_options[CM_OPTION_INDEX_port],
                                ": 0 turns TCP off, and there is nothing else to listen on; -1 "
                                "takes a free port");
    return CM_OK;
}
