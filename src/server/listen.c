/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/os/os.h"
#include "server/internal.h"

#include <string.h>

enum { ADDRESS_BYTES = 128, STACK_BYTES = 8 << 20 };

/* ---- who can reach it ---- */

struct opening {
    bool only_plain; /* TLS keeps the others */
    char address[ADDRESS_BYTES];
};

/* The first listener that other machines may reach. */
static void find_open(void *context, const struct cm_net_listening *listening) {
    struct opening *found = context;
    if (found->address[0] == '\0' && !listening->loopback &&
        (listening->plain || !found->only_plain))
        snprintf(found->address, sizeof found->address, "%s", listening->address);
}

static void warn_if_open(struct cm_server *server) {
    struct opening found = {.only_plain = server->tls != NULL};
    cm_net_visit_listeners(server->net, find_open, &found);
    if (found.address[0] == '\0')
        return;
    if (server->auth != NULL)
        cm_server_warn("passwords sent to %s can be read on the way: %s", found.address,
                       found.only_plain ? "notls: leaves out TLS" : "there is no TLS (-Z)");
    else
        cm_server_warn("whoever reaches %s can read and change everything: there are %s",
                       found.address,
                       found.only_plain ? "no users (--auth-file), and notls: leaves out TLS"
                                        : "neither users (--auth-file) nor TLS (-Z)");
}

/* ---- listening ---- */

static void on_listener(void *context, const struct cm_net_listening *listening) {
    struct cm_server *server = context;
    uint16_t *port = listening->udp ? &server->udp_port : &server->port;
    if (*port == 0)
        *port = listening->port;
    if (listening->udp && !listening->loopback)
        cm_server_warn("%s is not loopback: whoever reaches it can have answers sent to others, "
                       "many times the size of a request",
                       listening->address);
}

enum cm_exit cm_server_listen(struct cm_server *server) {
    const struct cm_config *config = server->config;
    const struct cm_net_listen options = {
        .addresses = &config->listen,
        .port = (int)config->port,
        .udp_port = (int)config->udp_port,
        .backlog = (int)config->backlog,
        .unix_path = config->unix_path,
        .unix_mask = (unsigned)config->unix_mask,
    };
    struct cm_net_error error;
    if (cm_net_listen(server->net, &options, &error) != CM_OK) {
        cm_server_complain("%s", error.text);
        return CM_EXIT_SYSTEM;
    }
    cm_net_visit_listeners(server->net, on_listener, server);
    warn_if_open(server);
    return CM_EXIT_OK;
}

bool cm_server_listen_anew(struct cm_server *server, const struct cm_config *fresh) {
    const struct cm_config *config = server->config;
    const struct cm_net_listen options = {
        .addresses = &fresh->listen,
        .port = (int)config->port,
        .backlog = (int)config->backlog,
    };
    struct cm_net_error error;
    if (config->unix_path != NULL)
        return true; /* which takes the network's place */
    if (config->join != NULL && config->advertise == NULL) {
        cm_server_warn("listen: changes with a restart only: the cluster knows this server by it; "
                       "--advertise gives a name that stays");
        return false;
    }
    if (config->udp_port != 0)
        cm_server_warn("listen: UDP follows with a restart only");
    if (config->port == 0)
        return false;
    if (cm_net_listen_anew(server->net, &options, &error) != CM_OK) {
        cm_server_complain("listen: %s; it stays as it was", error.text);
        return false;
    }
    cm_server_find_place_anew(server);
    warn_if_open(server);
    return true;
}

/* ---- giving up root ---- */

static enum cm_exit become(const struct cm_config *config) {
    const char *name = config->user;
    char title[CM_CONFIG_TITLE_BYTES];
    cm_config_title(config, CM_OPTION_INDEX_user, title);
    switch (cm_os_become_user(name)) {
    case CM_OS_USER_UNKNOWN:
        cm_server_complain("%s: there is no user \"%s\"", title, name);
        return CM_EXIT_NO_USER;
    case CM_OS_USER_NOT_PERMITTED:
        cm_server_complain("%s: not permitted to become \"%s\"; only root is", title, name);
        return CM_EXIT_NO_PERMISSION;
    case CM_OS_USER_OK:
        break;
    }
    return CM_EXIT_OK;
}

/* Whoever is not root any more has its own limit, and all that is locked already counts: without
 * this the workers' stacks would be the first to be refused. */
static enum cm_exit check_lockable(const struct cm_config *config) {
    size_t bytes = ((size_t)config->threads + 1) * STACK_BYTES;
    char title[CM_CONFIG_TITLE_BYTES];
    void *room = cm_os_mem_reserve(bytes);
    if (room == NULL) {
        cm_server_complain("%s: the user \"%s\" may not lock as much memory; raise the limit "
                           "(ulimit -l)",
                           cm_config_title(config, CM_OPTION_INDEX_lock_memory, title),
                           config->user);
        return CM_EXIT_SYSTEM;
    }
    cm_os_mem_release(room, bytes);
    return CM_EXIT_OK;
}

enum cm_exit cm_server_become_user(struct cm_server *server) {
    const struct cm_config *config = server->config;
    enum cm_exit result = CM_EXIT_OK;
    if (config->user == NULL) {
        if (cm_os_is_root())
            cm_server_warn("runs as root; -u NAME gives that up");
        return CM_EXIT_OK;
    }
    /* The permissions of -a are meant for that user. Whoever is not root is that user already. */
    if (config->unix_path != NULL && cm_os_is_root())
        (void)!cm_os_give_file(config->unix_path, config->user);
    result = become(config);
    if (result == CM_EXIT_OK && config->core_dumps)
        cm_os_keep_core_files();
    if (result == CM_EXIT_OK)
        cm_server_check_files(config);
    if (result == CM_EXIT_OK && config->lock_memory)
        result = check_lockable(config);
    return result;
}

/* ---- telling ---- */

struct announcement {
    bool with_tls;
    char text[512];
    size_t used;
};

static void add_listener(void *context, const struct cm_net_listening *listening) {
    struct announcement *line = context;
    bool secret = line->with_tls && !listening->plain; /* "tls:" and "tls6:" for "tcp" */
    int added = snprintf(line->text + line->used, sizeof line->text - line->used, "%s%s%s",
                         line->used > 0 ? ", " : "", secret ? "tls" : "",
                         listening->address + (secret ? strlen("tcp") : 0));
    if (added > 0 && (size_t)added < sizeof line->text - line->used)
        line->used += (size_t)added;
    else
        line->text[line->used] = '\0'; /* what there is no room for is left out, whole */
}

/* Where it listens comes last: whoever reads that line has read the whole start. */
void cm_server_announce(struct cm_server *server) {
    struct announcement line = {.with_tls = server->tls != NULL};
    cm_net_visit_listeners(server->net, add_listener, &line);
    if (server->pages.port != NULL)
        cm_server_tell("statistics on http%s://%s/metrics", server->config->admin_tls ? "s" : "",
                       server->pages.opened.text);
    cm_server_tell("listening on %s", line.text);
}
