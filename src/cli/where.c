/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "cli/where.h"

#include "base/format.h"
#include "base/os/terminal.h"
#include "base/uri.h"
#include "cli/exit.h"
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define PASSWORD_BYTES 256 /* more than a connection string may say */

/* A connection string being put together. */
struct making {
    FILE *to;
    char separator; /* before the next option */
    char *why;      /* NULL: all is well */
    int status;
};

CM_PRINTF(3, 4)
static void fail(struct making *making, int status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&making->why, format, arguments) < 0)
        making->why = NULL;
    va_end(arguments);
    making->status = status;
}

static void add(struct making *making, const char *name, const char *value) {
    char encoded[4];
    fprintf(making->to, "%c%s=", making->separator, name);
    for (; *value != '\0'; value++)
        fwrite(encoded, 1, cm_uri_encode(cm_slice(value, 1), encoded), making->to);
    making->separator = '&';
}

static void add_file(struct making *making, const char *name, const char *path) {
    if (path != NULL)
        add(making, name, path);
}

const char *cm_cli_first_line(const char *path, char *to, int room) {
    FILE *file = fopen(path, "r");
    const char *why = NULL;
    if (file == NULL || fgets(to, room, file) == NULL)
        why = file == NULL || ferror(file) ? strerror(errno) : "it is empty";
    else
        to[strcspn(to, "\r\n")] = '\0';
    if (file != NULL)
        fclose(file);
    return why;
}

static bool read_password(struct making *making, const char *path, char *to) {
    const char *why = cm_cli_first_line(path, to, PASSWORD_BYTES);
    if (why != NULL)
        fail(making, CM_EXIT_INPUT, "cannot read the password file %s: %s", path, why);
    return why == NULL;
}

static bool ask_password(struct making *making, const char *user, char *to) {
    char prompt[300];
    size_t bytes = 0;
    snprintf(prompt, sizeof prompt, "Password of %.200s: ", user);
    if (!cm_os_terminal_is_input())
        fail(making, CM_EXIT_USAGE,
             "--user=%s needs a password: give --password-file, or run on a terminal", user);
    else if (cm_os_terminal_read_hidden(prompt, to, PASSWORD_BYTES - 1, &bytes) != CM_OK)
        fail(making, CM_EXIT_DENIED, "no password was given");
    else if (bytes >= PASSWORD_BYTES)
        fail(making, CM_EXIT_USAGE, "the password is longer than %d bytes", PASSWORD_BYTES - 1);
    else
        to[bytes] = '\0';
    return making->status == CM_EXIT_OK;
}

static void add_login(struct making *making, const struct cm_cli_where *where) {
    char password[PASSWORD_BYTES];
    if (where->user == NULL && where->password_file == NULL)
        return;
    if (where->user != NULL)
        add(making, "user", where->user);
    const bool given = where->password_file != NULL
                           ? read_password(making, where->password_file, password)
                           : ask_password(making, where->user, password);
    if (given)
        add(making, "password", password);
    memset(password, 0, sizeof password);
}

static void add_options(struct making *making, const struct cm_cli_where *where) {
    char time[32];
    add_login(making, where);
    if (where->tls || where->ca != NULL || where->cert != NULL)
        add(making, "tls", "on");
    add_file(making, "tls_ca", where->ca);
    add_file(making, "tls_cert", where->cert);
    add_file(making, "tls_key", where->key);
    if (where->timeout_us == 0)
        return;
    snprintf(time, sizeof time, "%" PRId64 "ms", where->timeout_us / 1000);
    add(making, "timeout", time);
}

static const char *servers_of(const struct cm_cli_where *where) {
    const char *servers = where->servers;
    if (servers == NULL)
        servers = getenv("CACHEMAN_SERVERS");
    return servers == NULL || *servers == '\0' ? CM_CLI_WHERE_SERVERS_DEFAULT : servers;
}

/* Of an option that comes twice the second counts, so defaults go first. */
static void add_servers(struct making *making, const char *servers, const char *defaults) {
    const size_t length = strcspn(servers, "?");
    const char *own = servers[length] == '?' ? servers + length + 1 : "";
    fwrite(servers, 1, length, making->to);
    if (defaults != NULL) {
        fprintf(making->to, "?%s", defaults);
        making->separator = '&';
    }
    if (*own != '\0') {
        fprintf(making->to, "%c%s", making->separator, own);
        making->separator = '&';
    }
}

int cm_cli_where_make(const struct cm_cli_where *where, char **out, char **why) {
    const char *servers = servers_of(where);
    struct making making = {.separator = '?'};
    char *text = NULL;
    size_t bytes = 0;
    making.to = open_memstream(&text, &bytes);
    if (making.to != NULL) {
        add_servers(&making, servers, where->defaults);
        add_options(&making, where);
    }
    if (making.to == NULL || fclose(making.to) != 0)
        fail(&making, CM_EXIT_UNAVAILABLE, "out of memory");
    *why = making.why;
    *out = making.status == CM_EXIT_OK ? text : NULL;
    if (*out == NULL)
        free(text);
    return making.status;
}

int cm_cli_where_exit(enum cm_status status) {
    if (status == CM_INVALID)
        return CM_EXIT_USAGE;
    return status == CM_SYSTEM ? CM_EXIT_INPUT : CM_EXIT_UNAVAILABLE;
}
