/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/change.h"
#include "config/internal.h"

#include <inttypes.h>
#include <string.h>

/* What follows from several options together. */

static int64_t clamp(int64_t value, int64_t min, int64_t max) {
    return value < min ? min : value > max ? max : value;
}

/* Files that are given are meant to be used: without -Z everything would go over the wire as it is. */
static enum cm_status settle_plain(struct cm_config_parse *parse) {
    const struct cm_config *config = parse->config;
    const char *const files[] = {config->tls_cert, config->tls_key, config->tls_ca};
    static const enum cm_config_index indexes[] = {CM_OPTION_INDEX_tls_cert,
                                                   CM_OPTION_INDEX_tls_key, CM_OPTION_INDEX_tls_ca};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        bool is_of_admin = config->admin_tls && files[i] != config->tls_ca;
        if (files[i] != NULL && !is_of_admin)
            return cm_config_refuse(parse, &cm_options[indexes[i]],
                                    ": there is no TLS without -Z (--tls)");
    }
    for (size_t i = 0; i < config->listen.count; i++) {
        if (config->listen.entries[i].plain)
            return cm_config_refuse(parse, &cm_options[CM_OPTION_INDEX_listen],
                                    ": \"notls:\" before an address "
                                    "is for servers with -Z (--tls)");
    }
    return CM_OK;
}

static enum cm_status settle_tls(struct cm_config_parse *parse) {
    struct cm_config *config = parse->config;
    if (!config->tls)
        return settle_plain(parse);
    if (config->tls_cert == NULL)
        return cm_config_refuse(parse, &cm_options[CM_OPTION_INDEX_tls],
                                ": TLS needs a certificate: give "
                                "--tls-cert FILE");
    if (config->tls_verify != 0 && config->tls_ca == NULL)
        return cm_config_refuse(parse, &cm_options[CM_OPTION_INDEX_tls_verify],
                                ": clients' certificates cannot be "
                                "checked without --tls-ca FILE");
    if (config->udp_port != 0)
        return cm_config_refuse(parse, &cm_options[CM_OPTION_INDEX_udp_port],
                                ": datagrams cannot be encrypted; "
                                "there is no UDP with -Z (--tls)");
    if (config->tls_key == NULL)
        config->tls_key = config->tls_cert;
    enum cm_status status = CM_OK;
    if (config->tls_ca != NULL && config->tls_verify == 0)
        status = cm_config_note_of(parse, CM_OPTION_INDEX_tls_ca,
                                   "without --tls-verify clients "
                                   "are not asked for certificates");
    if (status == CM_OK && config->unix_path != NULL)
        status = cm_config_note_of(parse, CM_OPTION_INDEX_tls,
                                   "TLS is never spoken on the "
                                   "Unix socket of -s");
    return status;
}

/* As in memcached SASL is for the binary protocol, and leaves no other. */
static enum cm_status settle_auth(struct cm_config_parse *parse) {
    struct cm_config *config = parse->config;
    if (!config->enable_sasl)
        return CM_OK;
    if (config->protocol == CM_CONFIG_PROTOCOL_ASCII)
        return cm_config_refuse(parse, &cm_options[CM_OPTION_INDEX_enable_sasl],
                                ": SASL is for the binary "
                                "protocol, and -B ascii (--protocol) excludes it");
    config->protocol = CM_CONFIG_PROTOCOL_BINARY;
    if (config->auth_file == NULL)
        return cm_config_refuse(parse, &cm_options[CM_OPTION_INDEX_enable_sasl],
                                ": nobody could log in: give "
                                "--auth-file FILE");
    return CM_OK;
}

/* Whether it makes no difference that it was given: --print-config writes all that there is. */
static bool is_default(const struct cm_config *config, enum cm_config_index index) {
    const struct cm_option *option = &cm_options[index];
    const char *none = option->kind == CM_OPTION_FLAG ? "no" : "";
    char value[256];
    cm_config_value(config, index, value, sizeof value);
    return strcmp(value, option->initial != NULL ? option->initial : none) == 0;
}

/* Who does not join has nobody to tell. */
static enum cm_status settle_join(struct cm_config_parse *parse) {
    const struct cm_config *config = parse->config;
    if (config->join != NULL && config->cluster != NULL)
        return cm_config_refuse(parse, &cm_options[CM_OPTION_INDEX_cluster],
                                ": with --join the servers are those in etcd; give one of the two");
    if (config->join != NULL || is_default(config, CM_OPTION_INDEX_weight))
        return CM_OK;
    return cm_config_note_of(parse, CM_OPTION_INDEX_weight, "there is no --join");
}

/* The certificate is that of --tls-cert, whether there is TLS elsewhere or not. */
static enum cm_status settle_admin_tls(struct cm_config_parse *parse) {
    struct cm_config *config = parse->config;
    if (!config->admin_tls)
        return config->admin_client_ca == NULL
                   ? CM_OK
                   : cm_config_refuse(parse, &cm_options[CM_OPTION_INDEX_admin_client_ca],
                                      ": clients show certificates by TLS alone: give --admin-tls");
    if (config->tls_cert == NULL)
        return cm_config_refuse(parse, &cm_options[CM_OPTION_INDEX_admin_tls],
                                ": TLS needs a certificate: give --tls-cert FILE");
    if (config->tls_key_format != 0)
        return cm_config_refuse(parse, &cm_options[CM_OPTION_INDEX_admin_tls],
                                ": the key must be PEM, --tls-key-format says it is not");
    if (config->tls_key == NULL)
        config->tls_key = config->tls_cert;
    return CM_OK;
}

static enum cm_status settle_admin(struct cm_config_parse *parse) {
    static const enum cm_config_index indexes[] = {CM_OPTION_INDEX_admin_token_file,
                                                   CM_OPTION_INDEX_admin_tls,
                                                   CM_OPTION_INDEX_admin_client_ca};
    const struct cm_config *config = parse->config;
    struct cm_config_address address;
    struct cm_config_error error;
    enum cm_status status = settle_admin_tls(parse);
    for (size_t i = 0; i < sizeof indexes / sizeof indexes[0] && status == CM_OK; i++) {
        if (config->admin == NULL && !is_default(config, indexes[i]))
            status = cm_config_note_of(parse, indexes[i], "there is no --admin");
    }
    if (status == CM_OK && config->admin != NULL &&
        cm_config_parse_admin(config->admin, &address, &error) != CM_OK)
        status = cm_config_refuse(parse, &cm_options[CM_OPTION_INDEX_admin], ": %s", error.text);
    return status;
}

/* What follows from several options together. */
enum cm_status cm_config_settle(struct cm_config_parse *parse) {
    struct cm_config *config = parse->config;
    int64_t half = config->memory_mb * ((int64_t)1 << 19);
    if (config->item_bytes_max > half) {
        char size[24], limit[24];
        return cm_config_refuse(parse, &cm_options[CM_OPTION_INDEX_item_bytes_max],
                                ": %s is more than half of the memory limit; with "
                                "-m %" PRId64 " it may be at most %s",
                                cm_option_size_text(config->item_bytes_max, size, sizeof size),
                                config->memory_mb, cm_option_size_text(half, limit, sizeof limit));
    }
    if (config->item_bytes_max == 0)
        config->item_bytes_max = half < (1 << 20) ? half : 1 << 20;
    if (config->threads == 0) {
        const struct cm_option *threads = cm_option_by_letter('t');
        config->threads = clamp(parse->line->core_count, threads->min, threads->max);
    }
    enum cm_status status = settle_tls(parse);
    if (status == CM_OK)
        status = settle_auth(parse);
    if (status == CM_OK)
        status = settle_join(parse);
    if (status == CM_OK)
        status = settle_admin(parse);
    if (status != CM_OK)
        return status;
    if (config->memory_file != NULL)
        return cm_config_refuse(parse, &cm_options[CM_OPTION_INDEX_memory_file],
                                ": warm restart is not available yet");
    return cm_config_settle_listeners(parse);
}
