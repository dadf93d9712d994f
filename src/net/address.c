/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/config.h"
#include "net/internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

size_t cm_address_bytes(const struct cm_address *address) {
    return address->socket.any.sa_family == AF_INET6 ? sizeof address->socket.v6
                                                     : sizeof address->socket.v4;
}

uint16_t cm_address_port(const struct cm_address *address) {
    return ntohs(address->socket.any.sa_family == AF_INET6 ? address->socket.v6.sin6_port
                                                           : address->socket.v4.sin_port);
}

bool cm_address_is_loopback(const struct cm_address *address) {
    if (address->socket.any.sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&address->socket.v6.sin6_addr);
    return ntohl(address->socket.v4.sin_addr.s_addr) >> 24 == 127;
}

bool cm_net_is_beyond_loopback(const char *host) {
    struct cm_address address = {0};
    if (strcmp(host, "*") == 0 || strcmp(host, "first") == 0)
        return true;
    bool is_number = uv_ip4_addr(host, 0, &address.socket.v4) == 0 ||
                     uv_ip6_addr(host, 0, &address.socket.v6) == 0;
    return is_number && !cm_address_is_loopback(&address);
}

void cm_address_text(const struct sockaddr *address, char *to, size_t to_bytes) {
    char host[64] = "?";
    const void *storage = address;
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = storage;
        uv_ip6_name(v6, host, sizeof host);
        snprintf(to, to_bytes, "tcp6:[%s]:%u", host, ntohs(v6->sin6_port));
    } else {
        const struct sockaddr_in *v4 = storage;
        uv_ip4_name(v4, host, sizeof host);
        snprintf(to, to_bytes, "tcp:%s:%u", host, ntohs(v4->sin_port));
    }
}

const char *cm_net_client_text(int64_t descriptor, char to[CM_NET_CLIENT_BYTES]) {
    struct sockaddr_storage storage;
    socklen_t bytes = sizeof storage;
    memset(&storage, 0, sizeof storage);
    snprintf(to, CM_NET_CLIENT_BYTES, descriptor == 0 ? "udp" : "?");
    if (descriptor == 0 || getpeername((int)descriptor, (struct sockaddr *)&storage, &bytes) != 0)
        return to;
    if (storage.ss_family == AF_UNIX)
        snprintf(to, CM_NET_CLIENT_BYTES, "unix");
    else
        cm_address_text((const struct sockaddr *)&storage, to, CM_NET_CLIENT_BYTES);
    return to;
}

/* INVALID: it is there already, and TLS is wanted for one of the two only. */
static enum cm_status append(struct cm_addresses *addresses, const struct sockaddr *address,
                             bool optional) {
    struct cm_address entry = {.optional = optional, .plain = addresses->plain};
    memcpy(&entry.socket, address,
           address->sa_family == AF_INET6 ? sizeof entry.socket.v6 : sizeof entry.socket.v4);
    for (size_t i = 0; i < addresses->count; i++) {
        if (memcmp(&addresses->entries[i].socket, &entry.socket, sizeof entry.socket) == 0)
            return addresses->entries[i].plain == entry.plain ? CM_OK : CM_INVALID;
    }
    void *grown = realloc(addresses->entries, (addresses->count + 1) * sizeof *addresses->entries);
    if (grown == NULL)
        return CM_NO_MEMORY;
    addresses->entries = grown;
    addresses->entries[addresses->count++] = entry;
    return CM_OK;
}

static enum cm_status append_text(struct cm_addresses *addresses, const char *host, int port,
                                  bool optional) {
    struct cm_address entry = {0};
    if (uv_ip4_addr(host, port, &entry.socket.v4) != 0) {
        int converted = uv_ip6_addr(host, port, &entry.socket.v6);
        CM_CHECK(converted == 0); /* our own literals */
    }
    return append(addresses, &entry.socket.any, optional);
}

static enum cm_status fail(struct cm_net_error *error, const char *host, const char *why) {
    snprintf(error->text, sizeof error->text, "cannot listen on %s: %s", host, why);
    return CM_SYSTEM;
}

/* The first address of an interface that is not loopback, IPv4 before IPv6. */
static enum cm_status append_first(struct cm_addresses *addresses, int port,
                                   struct cm_net_error *error) {
    uv_interface_address_t *interfaces;
    int count;
    if (uv_interface_addresses(&interfaces, &count) != 0)
        return fail(error, "first", "the system does not tell its addresses");
    const uv_interface_address_t *best = NULL;
    for (int i = 0; i < count; i++) {
        const uv_interface_address_t *at = &interfaces[i];
        bool better = best == NULL || (best->address.address4.sin_family == AF_INET6 &&
                                       at->address.address4.sin_family == AF_INET);
        if (!at->is_internal && better)
            best = at;
    }
    enum cm_status status;
    struct cm_address entry = {0};
    if (best == NULL) {
        status = fail(error, "first", "this machine has no address beyond loopback");
    } else if (best->address.address4.sin_family == AF_INET6) {
        entry.socket.v6 = best->address.address6;
        entry.socket.v6.sin6_port = htons((uint16_t)port);
        status = append(addresses, &entry.socket.any, false);
    } else {
        entry.socket.v4 = best->address.address4;
        entry.socket.v4.sin_port = htons((uint16_t)port);
        status = append(addresses, &entry.socket.any, false);
    }
    uv_free_interface_addresses(interfaces, count);
    return status;
}

/* A name or a number, by the system's resolver. */
static enum cm_status append_resolved(struct cm_addresses *addresses, const char *host, int port,
                                      struct cm_net_error *error) {
    char service[16];
    uv_loop_t loop;
    uv_getaddrinfo_t request;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    snprintf(service, sizeof service, "%d", port);
    int result = uv_loop_init(&loop);
    if (result == 0) {
        result = uv_getaddrinfo(&loop, &request, NULL, host, service, &hints); /* waits */
        (void)uv_loop_close(&loop);
    }
    if (result != 0)
        return fail(error, host, uv_strerror(result));
    enum cm_status status = CM_OK;
    for (const struct addrinfo *at = request.addrinfo; at != NULL && status == CM_OK;
         at = at->ai_next) {
        if (at->ai_family == AF_INET || at->ai_family == AF_INET6)
            status = append(addresses, at->ai_addr, false);
    }
    uv_freeaddrinfo(request.addrinfo);
    return status;
}

/* Both families of an address that the system may have in one only. */
static enum cm_status append_pair(struct cm_addresses *addresses, const char *v4, const char *v6,
                                  int port) {
    enum cm_status status = append_text(addresses, v4, port, false);
    return status == CM_OK ? append_text(addresses, v6, port, true) : status;
}

enum cm_status cm_addresses_resolve(struct cm_addresses *addresses,
                                    const struct cm_net_listen *options,
                                    struct cm_net_error *error) {
    const struct cm_config_list *list = options->addresses;
    int default_port = options->port < 0 ? 0 : options->port;
    enum cm_status status = CM_OK;
    *addresses = (struct cm_addresses){0};
    if (list->count == 0)
        status = append_pair(addresses, "127.0.0.1", "::1", default_port);
    for (size_t i = 0; i < list->count && status == CM_OK; i++) {
        const struct cm_config_address *wanted = &list->entries[i];
        int port = wanted->port > 0 ? wanted->port : default_port;
        addresses->plain = wanted->plain;
        if (strcmp(wanted->host, "*") == 0)
            status = append_pair(addresses, "0.0.0.0", "::", port);
        else if (strcmp(wanted->host, "first") == 0)
            status = append_first(addresses, port, error);
        else
            status = append_resolved(addresses, wanted->host, port, error);
        if (status == CM_INVALID)
            status = fail(error, wanted->host, "it is named with \"notls:\" and without");
    }
    if (status != CM_OK) {
        free(addresses->entries);
        *addresses = (struct cm_addresses){0};
    }
    return status;
}
