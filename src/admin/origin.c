/* SPDX-License-Identifier: BSD-3-Clause */
#include "admin/origin.h"
#include "base/format.h"
#include "base/num.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { LIST_BYTES_MAX = 2048 };

/* "host:port" in two. */
struct authority {
    struct cm_slice host; /* with the brackets of an IPv6 address */
    struct cm_slice port; /* empty: none was given */
};

static bool consists_of(struct cm_slice text, const char *characters) {
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\0' || strchr(characters, text.data[i]) == NULL)
            return false;
    }
    return text.len > 0;
}

/* False: it is not of that form. */
static bool split(struct cm_slice text, struct authority *parts) {
    uint32_t port;
    bool is_bracketed = text.len > 0 && text.data[0] == '[';
    const char *end = text.len > 0 ? memchr(text.data, is_bracketed ? ']' : ':', text.len) : NULL;
    if (is_bracketed && end == NULL)
        return false;
    size_t host_bytes = end == NULL ? text.len : (size_t)(end - text.data) + is_bracketed;
    parts->host = cm_slice(text.data, host_bytes);
    parts->port = cm_slice(text.data + host_bytes, text.len - host_bytes);
    if (parts->port.len == 0)
        return host_bytes > 0;
    if (parts->port.data[0] != ':')
        return false;
    parts->port = cm_slice(parts->port.data + 1, parts->port.len - 1);
    return host_bytes > 0 && cm_num_u32(parts->port, &port) && port > 0 && port <= UINT16_MAX;
}

static bool is_bracketed_address(struct cm_slice host) {
    return host.len > 2 && host.data[0] == '[' && memchr(host.data, ':', host.len) != NULL &&
           consists_of(cm_slice(host.data + 1, host.len - 2), "0123456789abcdefABCDEF:.");
}

/* No name that can be looked up consists of digits alone. */
static bool is_address(struct cm_slice host) {
    return consists_of(host, "0123456789.") || is_bracketed_address(host);
}

static bool is_same(struct cm_slice host, const char *name) {
    return host.len == strlen(name) && strncasecmp(host.data, name, host.len) == 0;
}

bool cm_admin_is_local_origin(const char *origin) {
    struct authority parts;
    const char *text = strncmp(origin, "http://", 7) == 0    ? origin + 7
                       : strncmp(origin, "https://", 8) == 0 ? origin + 8
                                                             : NULL;
    return text != NULL && split(cm_slice(text, strlen(text)), &parts) &&
           (is_same(parts.host, "localhost") || is_same(parts.host, "127.0.0.1") ||
            is_same(parts.host, "[::1]"));
}

bool cm_admin_is_known_host(const char *host, const char *own) {
    struct authority parts;
    return split(cm_slice(host, strlen(host)), &parts) &&
           (is_address(parts.host) || is_same(parts.host, "localhost") || is_same(parts.host, own));
}

/* ---- the servers of a page ---- */

/* Undoes what browsers and people escape of such a list: %3A, %2C, %5B, %5D, and blanks, which are a
 * plus, too. Everything else of that kind stays, and is no host then. Returns the bytes left. */
static size_t unescape(struct cm_slice from, char *to) {
    static const char *const escaped[] = {"%3A:", "%2C,", "%5B[", "%5D]", "%20 "};
    const size_t count = sizeof escaped / sizeof escaped[0];
    size_t used = 0;
    for (size_t i = 0; i < from.len; i++) {
        to[used] = from.data[i] == '+' ? ' ' : from.data[i];
        for (size_t k = 0; k < count && from.len - i >= 3; k++) {
            if (strncasecmp(from.data + i, escaped[k], 3) == 0) {
                to[used] = escaped[k][3];
                i += 2;
                break;
            }
        }
        used++;
    }
    return used;
}

/* A policy cannot name an IPv6 address; what it can do is to name no host. */
static enum cm_status put_server(struct cm_slice entry, struct cm_buf *to) {
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    char source[CM_ADMIN_SERVER_BYTES + 8];
    struct authority parts;
    if (entry.len > CM_ADMIN_SERVER_BYTES || !split(entry, &parts))
        return CM_INVALID;
    if (is_bracketed_address(parts.host))
        return cm_buf_append(to, CM_SLICE(" http: https:"));
    if (!consists_of(parts.host, letters))
        return CM_INVALID;
    int bytes = parts.port.len > 0
                    ? snprintf(source, sizeof source, " %.*s", (int)entry.len, entry.data)
                    : snprintf(source, sizeof source, " %.*s:%d", (int)entry.len, entry.data,
                               CM_ADMIN_PORT);
    return cm_buf_append(to, cm_slice(source, (size_t)bytes));
}

/* Up to the next comma, without the blanks around it; `list` goes on behind that. */
static struct cm_slice take_entry(struct cm_slice *list) {
    const char *comma = memchr(list->data, ',', list->len);
    size_t bytes = comma != NULL ? (size_t)(comma - list->data) : list->len;
    struct cm_slice entry = cm_slice(list->data, bytes);
    size_t taken = bytes + (comma != NULL);
    *list = cm_slice(list->data + taken, list->len - taken);
    for (; entry.len > 0 && entry.data[0] == ' '; entry.data++)
        entry.len--;
    while (entry.len > 0 && entry.data[entry.len - 1] == ' ')
        entry.len--;
    return entry;
}

CM_PRINTF(2, 3)
static enum cm_status refuse(struct cm_admin_servers_error *error, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    for (char *c = error->text; *c != '\0'; c++) {
        if (*c < ' ' || *c > '~')
            *c = '?';
    }
    return CM_INVALID;
}

static enum cm_status put_list(struct cm_slice list, struct cm_buf *to,
                               struct cm_admin_servers_error *error) {
    enum cm_status status = CM_OK;
    size_t count = 0;
    while (status == CM_OK && list.len > 0) {
        struct cm_slice entry = take_entry(&list);
        if (entry.len == 0)
            continue;
        if (++count > CM_ADMIN_SERVERS_MAX)
            return refuse(error, "servers: more than %d", CM_ADMIN_SERVERS_MAX);
        status = put_server(entry, to);
        if (status == CM_INVALID && entry.len > CM_ADMIN_SERVER_BYTES)
            return refuse(error, "servers: \"%.60s...\" is longer than %d bytes", entry.data,
                          CM_ADMIN_SERVER_BYTES);
        if (status == CM_INVALID)
            return refuse(error, "servers: \"%.*s\" is not HOST or HOST:PORT", (int)entry.len,
                          entry.data);
    }
    return status;
}

enum cm_status cm_admin_put_servers(const char *servers, struct cm_buf *to,
                                    struct cm_admin_servers_error *error) {
    char list[LIST_BYTES_MAX] = "";
    size_t bytes = strlen(servers);
    if (bytes > sizeof list)
        return refuse(error, "servers: longer than %d bytes", LIST_BYTES_MAX);
    bytes = unescape(cm_slice(servers, bytes), list);
    return put_list(cm_slice(list, bytes), to, error);
}
