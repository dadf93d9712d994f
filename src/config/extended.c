/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* memcached's -o keys. A key sets an option, or has no effect, of which `note` tells. */
struct extended_key {
    const char *key;
    const char *option;       /* NULL: none */
    const char *const *words; /* what the numbers from min on are called there; NULL: as they are */
    int64_t min, max;         /* of a number; both 0: none is looked for */
    int64_t noted_max;        /* numbers up to here have no effect */
    const char *note;         /* static; NULL: everything has an effect */
};

static const char *const verify_words[] = {"none", "request", "require", "require"};
static const char *const version_words[] = {"1.2", "1.2", "1.2", "1.3"};
static const char *const format_words[] = {"pem", "der"};

static const struct extended_key extended_keys[] = {
    {.key = "idle_timeout", .option = "idle-timeout"},
    {.key = "hashpower",
     .min = 12,
     .max = 32,
     .noted_max = 32,
     .note = "hashpower has no effect: the index grows by itself"},
    {.key = "ssl_chain_cert", .option = "tls-cert"},
    {.key = "ssl_key", .option = "tls-key"},
    {.key = "ssl_keyformat", .option = "tls-key-format", .words = format_words, .min = 1, .max = 2},
    {.key = "ssl_ca_cert", .option = "tls-ca"},
    {.key = "ssl_verify_mode", .option = "tls-verify", .words = verify_words, .max = 3},
    {.key = "ssl_min_version",
     .option = "tls-min-version",
     .words = version_words,
     .max = 3,
     .noted_max = 1,
     .note = "ssl_min_version: versions before TLS 1.2 are not spoken"},
    {.key = "ssl_ciphers", .option = "tls-ciphers"},
    {.key = "ssl_session_cache", .option = "tls-session-cache"},
    {.key = "ssl_wbuf_size",
     .max = 1 << 20,
     .noted_max = 1 << 20,
     .note = "ssl_wbuf_size has no effect: answers are encrypted as they are sent"},
    {.key = "ssl_kernel_tls",
     .note = "ssl_kernel_tls has no effect: the server encrypts, not the kernel"},
};

enum { EXTENDED_KEYS = sizeof extended_keys / sizeof extended_keys[0] };
_Static_assert(EXTENDED_KEYS <= CM_CONFIG_NOTES_MAX, "a note a key");

static enum cm_status fail_unknown(struct cm_config_parse *parse, const char *key) {
    char allowed[sizeof parse->error->text - 128];
    size_t used = 0;
    for (size_t i = 0; i < EXTENDED_KEYS && used < sizeof allowed; i++)
        used += (size_t)snprintf(allowed + used, sizeof allowed - used, "%s%s", i > 0 ? ", " : "",
                                 extended_keys[i].key);
    return cm_config_fail(parse->error,
                          "option -o (--extended): unknown key \"%.64s\"; allowed are %s", key,
                          allowed);
}

static void note(struct cm_config_extended *extended, const char *text) {
    for (size_t i = 0; i < extended->note_count; i++) {
        if (extended->notes[i] == text)
            return;
    }
    extended->notes[extended->note_count++] = text;
}

static enum cm_status set_target(struct cm_config_parse *parse, const char *name,
                                 const char *value) {
    const struct cm_option *option = cm_option_by_name(name, strlen(name));
    if (!cm_option_takes_value(option) && *value != '\0')
        return cm_config_fail(parse->error, "option --%s takes no value, but was given \"%s\"",
                              name, value);
    return cm_config_set(parse, option, value);
}

static enum cm_status set_pair(struct cm_config_parse *parse, const struct extended_key *key,
                               const char *value) {
    int64_t number = 0;
    const char *end = "";
    bool wants_number = key->max > 0;
    bool is_number = wants_number && cm_config_parse_number(value, &number, &end) && *end == '\0';
    if (wants_number && (is_number ? number < key->min || number > key->max : key->words == NULL))
        return cm_config_fail(parse->error,
                              "option -o (--extended): %s: \"%s\" is not a number from %" PRId64
                              " to %" PRId64,
                              key->key, value, key->min, key->max);
    if (key->note != NULL && number <= key->noted_max && is_number == wants_number)
        note(&parse->config->extended, key->note);
    if (key->option == NULL)
        return CM_OK;
    return set_target(parse, key->option, is_number ? key->words[number - key->min] : value);
}

/* One "key=value" or "key", which is cut at its "=". */
static enum cm_status set_item(struct cm_config_parse *parse, char *item) {
    const char *value = "";
    char *equals = strchr(item, '=');
    if (equals != NULL) {
        *equals = '\0';
        value = equals + 1;
    }
    for (size_t i = 0; i < EXTENDED_KEYS; i++) {
        if (strcmp(extended_keys[i].key, item) == 0)
            return set_pair(parse, &extended_keys[i], value);
    }
    return fail_unknown(parse, item);
}

/* The config's own copy of `value`, NULL without memory. */
static char *keep_copy(struct cm_config_extended *extended, const char *value) {
    void *grown = realloc(extended->copies, (extended->copy_count + 1) * sizeof *extended->copies);
    if (grown == NULL)
        return NULL;
    extended->copies = grown;
    char *copy = strdup(value);
    if (copy != NULL)
        extended->copies[extended->copy_count++] = copy;
    return copy;
}

enum cm_status cm_config_set_extended(struct cm_config_parse *parse, const char *value) {
    char *item = keep_copy(&parse->config->extended, value);
    enum cm_status status = item == NULL ? CM_NO_MEMORY : CM_OK;
    while (item != NULL && status == CM_OK) {
        char *comma = strchr(item, ',');
        if (comma != NULL)
            *comma = '\0';
        status = set_item(parse, item);
        item = comma == NULL ? NULL : comma + 1;
    }
    return status;
}
