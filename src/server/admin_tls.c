/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/internal.h"
#include "tls/tls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The certificates of --admin-tls. OpenSSL says what is wrong with the files, as for the cache's own
 * port; libmicrohttpd takes them as texts. */

enum { PEM_BYTES_MAX = 1 << 20 };

static void drop(struct cm_server_pem *pem) {
    if (pem->text != NULL)
        explicit_bzero(pem->text, pem->bytes);
    free(pem->text);
    *pem = (struct cm_server_pem){0};
}

void cm_server_drop_admin_tls(struct cm_server_admin_tls *tls) {
    drop(&tls->cert);
    drop(&tls->key);
    drop(&tls->ca);
}

/* The whole file and a zero. False: errno tells why. */
static bool read_pem(const char *path, struct cm_server_pem *pem) {
    FILE *file = path != NULL ? fopen(path, "rb") : NULL;
    if (file == NULL)
        return path == NULL;
    pem->text = calloc(1, PEM_BYTES_MAX + 1);
    if (pem->text != NULL)
        pem->bytes = fread(pem->text, 1, PEM_BYTES_MAX, file);
    bool is_read = pem->text != NULL && ferror(file) == 0;
    (void)fclose(file);
    return is_read;
}

/* False, after a message whose end is `then`. */
static bool read_all(const struct cm_config *config, struct cm_server_admin_tls *tls,
                     const char *then) {
    const char *paths[] = {config->tls_cert, config->tls_key, config->admin_client_ca};
    struct cm_server_pem *pems[] = {&tls->cert, &tls->key, &tls->ca};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        errno = 0;
        if (read_pem(paths[i], pems[i]))
            continue;
        cm_server_complain("cannot read %s: %s%s", paths[i],
                           errno != 0 ? strerror(errno) : "out of memory", then);
        return false;
    }
    return true;
}

static enum cm_exit load(const struct cm_config *config, struct cm_server_admin_tls *tls,
                         const char *then) {
    const struct cm_tls_options options = {
        .cert_file = config->tls_cert,
        .key_file = config->tls_key,
        .ca_file = config->admin_client_ca,
        .verify = config->admin_client_ca != NULL ? CM_TLS_VERIFY_REQUEST : CM_TLS_VERIFY_NONE,
    };
    struct cm_tls_context *context = NULL;
    struct cm_tls_report report;
    enum cm_status status = cm_tls_context_create(&options, &context, &report);
    cm_tls_context_destroy(context);
    if (status != CM_OK) {
        bool told = report.error[0] != '\0';
        cm_server_complain("%s%s", told ? report.error : "out of memory", then);
        return told ? CM_EXIT_CONFIG : CM_EXIT_SYSTEM;
    }
    if (read_all(config, tls, then))
        return CM_EXIT_OK;
    cm_server_drop_admin_tls(tls);
    return CM_EXIT_CONFIG;
}

enum cm_exit cm_server_load_admin_tls(struct cm_server *server) {
    const struct cm_config *config = server->config;
    if (config->admin == NULL || !config->admin_tls)
        return CM_EXIT_OK;
    return load(config, &server->pages.tls, "");
}

struct cm_admin_tls cm_server_admin_tls_of(const struct cm_server *server) {
    const struct cm_server_admin_tls *tls = &server->pages.tls;
    return (struct cm_admin_tls){.cert = tls->cert.text,
                                 .key = tls->key.text,
                                 .ca = tls->ca.text,
                                 .only_1_3 = server->config->tls_min_version != 0};
}

static bool are_same(const struct cm_server_pem *a, const struct cm_server_pem *b) {
    return a->bytes == b->bytes && (a->bytes == 0 || memcmp(a->text, b->text, a->bytes) == 0);
}

void cm_server_renew_admin_tls(struct cm_server *server) {
    static const char then[] = "; the certificates of --admin stay as they were";
    struct cm_server_admin_tls *tls = &server->pages.tls, fresh = {0}, old = *tls;
    if (server->pages.port == NULL || old.cert.text == NULL ||
        load(server->config, &fresh, then) != CM_EXIT_OK)
        return;
    bool same = are_same(&fresh.cert, &old.cert) && are_same(&fresh.key, &old.key) &&
                are_same(&fresh.ca, &old.ca);
    *tls = fresh;
    const struct cm_admin_tls given = cm_server_admin_tls_of(server);
    enum cm_status status = same ? CM_OK : cm_admin_port_renew(server->pages.port, &given);
    if (status != CM_OK) {
        cm_server_complain("%s%s", cm_status_text(status), then);
        *tls = old;
        old = fresh;
    } else {
        cm_server_tell("certificates of --admin read again");
    }
    cm_server_drop_admin_tls(&old);
}
