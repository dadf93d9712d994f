/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/os/os.h"
#include "server/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char pid_file[] = "pid file";

static enum cm_exit fail(const char *what, const char *path) {
    cm_server_complain("cannot write the %s \"%s\": %s", what, path, strerror(errno));
    return CM_EXIT_CANNOT_WRITE;
}

/* Its folder, or what is in its place. Whether there is a right to write shows at the start: it may be
 * another user's. */
enum cm_exit cm_server_check_pid_file(const struct cm_config *config) {
    const char *path = config->pid_file, *slash = path != NULL ? strrchr(path, '/') : NULL;
    char folder[4096];
    struct stat found;
    if (path == NULL)
        return CM_EXIT_OK;
    if (stat(path, &found) == 0 && S_ISDIR(found.st_mode)) {
        errno = EISDIR;
        return fail(pid_file, path);
    }
    snprintf(folder, sizeof folder, "%.*s", slash != NULL ? (int)(slash - path + 1) : 1,
             slash != NULL ? path : ".");
    return stat(folder, &found) == 0 ? CM_EXIT_OK : fail(pid_file, path);
}

enum cm_exit cm_server_write_pid_file(struct cm_server *server) {
    const char *path = server->config->pid_file;
    if (path == NULL)
        return CM_EXIT_OK;
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return fail(pid_file, path);
    bool written = fprintf(file, "%" PRId64 "\n", cm_os_process_id()) > 0;
    if (fclose(file) != 0 || !written)
        return fail(pid_file, path);
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

/* ---- after root is given up ---- */

static void check_readable(const struct cm_config *config, const char *path) {
    const char *why;
    FILE *file = path != NULL ? cm_os_open_regular(path, &why) : NULL;
    if (path != NULL && file == NULL)
        cm_server_warn("%s cannot be read again by the user \"%s\": %s", path, config->user, why);
    if (file != NULL)
        (void)fclose(file);
}

static void check_removable(const struct cm_config *config, const char *path) {
    if (path != NULL && !cm_os_may_remove_file(path))
        cm_server_warn("%s will stay at the end: the user \"%s\" may not remove it from its "
                       "folder",
                       path, config->user);
}

void cm_server_check_files(const struct cm_config *config) {
    check_readable(config, config->auth_file);
    check_readable(config, config->cluster);
    if (config->admin != NULL) {
        check_readable(config, config->admin_token_file);
        check_readable(config, config->admin_client_ca);
    }
    check_readable(config, config->tls_cert);
    if (config->tls_key != config->tls_cert)
        check_readable(config, config->tls_key);
    if (config->tls_verify != 0)
        check_readable(config, config->tls_ca);
    check_removable(config, config->pid_file);
    check_removable(config, config->unix_path);
}

/* ---- the port file ---- */

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
