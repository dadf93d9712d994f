/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/internal.h"

#include <stdlib.h>

/* A socket that somebody else listens on. */

static void describe(struct cm_address address, struct cm_net_opened *out) {
    char text[CM_NET_ADDRESS_BYTES];
    uint16_t port = htons(cm_os_socket_port(out->socket));
    if (address.socket.any.sa_family == AF_INET6)
        address.socket.v6.sin6_port = port;
    else
        address.socket.v4.sin_port = port;
    cm_address_text(&address.socket.any, text, sizeof text);
    snprintf(out->text, sizeof out->text, "%s", strchr(text, ':') + 1);
    out->loopback = cm_address_is_loopback(&address);
}

enum cm_status cm_net_open(const struct cm_net_listen *options, struct cm_net_opened *out,
                           struct cm_net_error *error) {
    struct cm_addresses addresses;
    char text[CM_NET_ADDRESS_BYTES] = ":no address";
    int code = 0;
    enum cm_status status = cm_addresses_resolve(&addresses, options, error);
    if (status != CM_OK)
        return status;
    out->socket = CM_OS_SOCKET_NONE;
    for (size_t i = 0; i < addresses.count && out->socket == CM_OS_SOCKET_NONE; i++) {
        const struct cm_address *address = &addresses.entries[i];
        out->socket = cm_os_socket_listen(&address->socket.any, cm_address_bytes(address),
                                          options->backlog, &code);
        if (out->socket != CM_OS_SOCKET_NONE)
            describe(*address, out);
        else
            cm_address_text(&address->socket.any, text, sizeof text);
    }
    free(addresses.entries);
    if (out->socket != CM_OS_SOCKET_NONE)
        return CM_OK;
    snprintf(error->text, sizeof error->text, "cannot listen on %s: %s", strchr(text, ':') + 1,
             cm_os_socket_error_text(code));
    return CM_SYSTEM;
}
