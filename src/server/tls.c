/* SPDX-License-Identifier: BSD-3-Clause */
#include "tls/tls.h"
#include "server/internal.h"

/* The certificates of -Z. */

static void note_read(struct cm_server *server, const struct cm_tls_report *report) {
    if (report->warning[0] != '\0')
        cm_server_warn("%s", report->warning);
    if (server->store != NULL) /* --check-config has none */
        atomic_store(&server->certs_clock_s, cmstore_clock(server->store));
}

/* Whether the kernel shall encrypt, and may be able to. */
static bool has_kernel_tls(const struct cm_config *config) {
    const char *why = NULL;
    char title[CM_CONFIG_TITLE_BYTES];
    if (!config->tls_kernel)
        return false;
    if (!cm_tls_knows_kernel())
        why = "OpenSSL was built without it";
    else if (!cm_os_socket_has_tls())
        why = "the kernel has no module \"tls\", or has not loaded it";
    if (why != NULL)
        cm_server_warn("%s has no effect: %s",
                       cm_config_title(config, CM_OPTION_INDEX_tls_kernel, title), why);
    return why == NULL;
}

/* The options' words are in the order of tls/'s enumerations. */
static struct cm_tls_options options_of(const struct cm_server *server) {
    const struct cm_config *config = server->config;
    return (struct cm_tls_options){
        .cert_file = config->tls_cert,
        .key_file = config->tls_key,
        .ca_file = config->tls_ca,
        .ciphers = config->tls_ciphers,
        .key_is_der = config->tls_key_format == 1,
        .verify = (enum cm_tls_verify)config->tls_verify,
        .min_version = (enum cm_tls_version)config->tls_min_version,
        .session_cache = config->tls_session_cache,
        .kernel = server->kernel_tls,
    };
}

/* Which of the options it is about. */
static enum cm_config_index index_of(const struct cm_config *config, enum cm_tls_part part,
                                     enum cm_config_index ca) {
    const enum cm_config_index key = CM_OPTION_INDEX_tls_key, cert = CM_OPTION_INDEX_tls_cert;
    switch (part) {
    case CM_TLS_OF_KEY: /* which is looked for beside the certificate, unless it is named */
        return config->places[key].origin != CM_CONFIG_FROM_DEFAULT ? key : cert;
    case CM_TLS_OF_CA:
        return ca;
    case CM_TLS_OF_CIPHERS:
        return CM_OPTION_INDEX_tls_ciphers;
    default:
        return cert;
    }
}

enum cm_exit cm_server_refuse_tls(const struct cm_config *config, enum cm_config_index ca,
                                  const struct cm_tls_report *report, const char *then) {
    enum cm_config_index index = index_of(config, report->part, ca);
    char title[CM_CONFIG_TITLE_BYTES];
    if (report->error[0] == '\0') {
        cm_server_complain("out of memory for TLS%s", then);
        return CM_EXIT_SYSTEM;
    }
    cm_server_complain("%s: %s%s", cm_config_title(config, index, title), report->error, then);
    return report->part != CM_TLS_OF_CIPHERS || config->places[index].origin == CM_CONFIG_FROM_FILE
               ? CM_EXIT_CONFIG
               : CM_EXIT_USAGE;
}

enum cm_exit cm_server_load_certs(struct cm_server *server) {
    if (!server->config->tls)
        return CM_EXIT_OK;
    server->kernel_tls = has_kernel_tls(server->config);
    const struct cm_tls_options options = options_of(server);
    struct cm_tls_report report;
    enum cm_status status = cm_tls_context_create(&options, &server->tls, &report);
    if (status != CM_OK)
        return cm_server_refuse_tls(server->config, CM_OPTION_INDEX_tls_ca, &report, "");
    note_read(server, &report);
    return CM_EXIT_OK;
}

static void complain_of(struct cm_server *server, const struct cm_tls_report *report) {
    const struct cm_config config = cm_server_config_now(server);
    (void)cm_server_refuse_tls(&config, CM_OPTION_INDEX_tls_ca, report,
                               "; the certificates stay as they were");
}

/* What came of reading them again. */
static bool tell_reload(struct cm_server *server, enum cm_status status,
                        const struct cm_tls_report *report) {
    if (status != CM_OK) {
        complain_of(server, report);
        return false;
    }
    note_read(server, report);
    cm_server_tell("certificates read again");
    return true;
}

bool cm_server_check_certs(struct cm_server *server) {
    const struct cm_tls_options options = options_of(server);
    struct cm_tls_context *context = NULL;
    struct cm_tls_report report;
    enum cm_status status = cm_tls_context_create(&options, &context, &report);
    cm_tls_context_destroy(context);
    if (status != CM_OK)
        complain_of(server, &report);
    return status == CM_OK;
}

bool cm_server_change_certs(struct cm_server *server) {
    const struct cm_tls_options options = options_of(server);
    struct cm_tls_report report;
    enum cm_status status = cm_tls_context_change(server->tls, &options, &report);
    return tell_reload(server, status, &report);
}

bool cm_server_reload_certs(struct cm_server *server) {
    struct cm_tls_report report;
    if (server->tls == NULL)
        return true;
    enum cm_status status = cm_tls_context_reload(server->tls, &report);
    return tell_reload(server, status, &report);
}
