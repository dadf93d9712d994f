/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/internal.h"
#include "tls/tls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The certificates of --admin-tls. OpenSSL says what is wrong with the files, as for the cache's own
 * port; libmicrohttpd takes them as texts. */

enum { PEM_BYTES_MAX = 1 << 20 };

static const char as_they_were[] = "; the certificates of --admin stay as they were";

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

/* The whole file and a zero. False: *why. */
static bool read_pem(const char *path, struct cm_server_pem *pem, const char **why) {
    FILE *file = path != NULL ? cm_os_open_regular(path, why) : NULL;
    if (file == NULL)
        return path == NULL;
    *why = "out of memory";
    pem->text = calloc(1, PEM_BYTES_MAX + 1);
    if (pem->text != NULL)
        pem->bytes = fread(pem->text, 1, PEM_BYTES_MAX, file);
    bool is_read = pem->text != NULL && ferror(file) == 0;
    if (pem->text != NULL)
        *why = strerror(errno);
    (void)fclose(file);
    return is_read;
}

/* False, after a message whose end is `then`. */
static bool read_all(const struct cm_config *config, struct cm_server_admin_tls *tls,
                     const char *then) {
    static const enum cm_config_index indexes[] = {
        CM_OPTION_INDEX_tls_cert, CM_OPTION_INDEX_tls_key, CM_OPTION_INDEX_admin_client_ca};
    const char *paths[] = {config->tls_cert, config->tls_key, config->admin_client_ca};
    struct cm_server_pem *pems[] = {&tls->cert, &tls->key, &tls->ca};
    char title[CM_CONFIG_TITLE_BYTES];
    const char *why = NULL;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        if (read_pem(paths[i], pems[i], &why))
            continue;
        cm_server_complain("%s: cannot read %s: %s%s", cm_config_title(config, indexes[i], title),
                           paths[i], why, then);
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
        return cm_server_refuse_tls(config, CM_OPTION_INDEX_admin_client_ca, &report, then);
    }
    tls->only_1_3 = config->tls_min_version != 0;
    if (read_all(config, tls, then))
        return CM_EXIT_OK;
    cm_server_drop_admin_tls(tls);
    return CM_EXIT_CONFIG;
}

enum cm_exit cm_server_load_admin_tls(struct cm_server *server) {
    const struct cm_config *config = server->config;
    return cm_server_has_admin_tls(server) ? load(config, &server->pages.tls, "") : CM_EXIT_OK;
}

struct cm_admin_tls cm_server_admin_tls_of(const struct cm_server *server) {
    const struct cm_server_admin_tls *tls = &server->pages.tls;
    return (struct cm_admin_tls){.cert = tls->cert.text,
                                 .key = tls->key.text,
                                 .ca = tls->ca.text,
                                 .only_1_3 = tls->only_1_3};
}

bool cm_server_has_admin_tls(const struct cm_server *server) {
    return server->config->admin != NULL && server->config->admin_tls; /* for life */
}

static bool are_same_files(const struct cm_server_pem *a, const struct cm_server_pem *b) {
    return a->bytes == b->bytes && (a->bytes == 0 || memcmp(a->text, b->text, a->bytes) == 0);
}

static bool are_same(const struct cm_server_admin_tls *a, const struct cm_server_admin_tls *b) {
    return are_same_files(&a->cert, &b->cert) && are_same_files(&a->key, &b->key) &&
           are_same_files(&a->ca, &b->ca) && a->only_1_3 == b->only_1_3;
}

/* Takes `fresh`, or leaves all as it was, under the lock of the pages. */
static bool renew(struct cm_server *server, struct cm_server_admin_tls *fresh) {
    struct cm_server_admin_tls *tls = &server->pages.tls, old = *tls;
    bool same = are_same(fresh, &old);
    *tls = *fresh;
    const struct cm_admin_tls given = cm_server_admin_tls_of(server);
    enum cm_status status = same ? CM_OK : cm_admin_port_renew(server->pages.port, &given);
    if (status != CM_OK) {
        cm_server_complain("%s%s", cm_status_text(status), as_they_were);
        *tls = old;
        old = *fresh;
    } else {
        cm_server_tell("certificates of --admin read again");
    }
    cm_server_drop_admin_tls(&old);
    return status == CM_OK;
}

bool cm_server_renew_admin_tls(struct cm_server *server) {
    struct cm_server_admin_tls fresh = {0};
    if (!cm_server_has_admin_tls(server))
        return true;
    uv_mutex_lock(&server->pages.lock); /* first, or the files of before could come last */
    const struct cm_config config = cm_server_config_now(server);
    bool good = server->pages.port == NULL ||
                (load(&config, &fresh, as_they_were) == CM_EXIT_OK && renew(server, &fresh));
    uv_mutex_unlock(&server->pages.lock);
    return good;
}
