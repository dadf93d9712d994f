/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/os/os.h"
#include "server/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static enum cm_exit fail(const char *what, const char *path) {
    cm_server_complain("cannot write the %s \"%s\": %s", what, path, strerror(errno));
    return CM_EXIT_CANNOT_WRITE;
}

enum cm_exit cm_server_write_pid_file(struct cm_server *server) {
    static const char what[] = "pid file";
    const char *path = server->config->pid_file;
    if (path == NULL)
        return CM_EXIT_OK;
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return fail(what, path);
    bool written = fprintf(file, "%" PRId64 "\n", cm_os_process_id()) > 0;
    if (fclose(file) != 0 || !written)
        return fail(what, path);
    server->pid_file = strdup(path);
    return CM_EXIT_OK;
}

/* Another server may have been given the same file since. */
static bool is_ours(const char *path) {
    int64_t pid = 0;
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return false;
    bool read = fscanf(file, "%" SCNd64, &pid) == 1;
    (void)fclose(file);
    return read && pid == cm_os_process_id();
}

void cm_server_remove_pid_file(struct cm_server *server) {
    if (server->pid_file != NULL && is_ours(server->pid_file))
        (void)remove(server->pid_file);
    free(server->pid_file);
    server->pid_file = NULL;
}

static void write_listener(void *context, const struct cm_net_listening *listening) {
    fprintf(context, "%s %s: %u\n", listening->udp ? "UDP" : "TCP",
            listening->v6 ? "INET6" : "INET", listening->port);
}

/* Whole or not at all: who waits for the file must never read half of it. */
enum cm_exit cm_server_write_port_file(struct cm_server *server) {
    static const char what[] = "port file";
    const char *path = getenv("MEMCACHED_PORT_FILENAME");
    char part[4096];
    if (path == NULL || server->config->unix_path != NULL)
        return CM_EXIT_OK;
    int length = snprintf(part, sizeof part, "%s.lck", path);
    if (length < 0 || (size_t)length >= sizeof part) {
        errno = ENAMETOOLONG;
        return fail(what, path);
    }
    FILE *file = fopen(part, "w");
    if (file == NULL)
        return fail(what, part);
    cm_net_visit_listeners(server->net, write_listener, file);
    bool written = ferror(file) == 0;
    if (fclose(file) != 0 || !written || rename(part, path) != 0) {
        enum cm_exit result = fail(what, path);
        (void)remove(part);
        return result;
    }
    return CM_EXIT_OK;
}
