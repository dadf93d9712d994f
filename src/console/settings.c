/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/where.h"
#include "console/glob.h"
#include "console/internal.h"
#include "console/servers.h"
#include "console/table.h"
#include "web/ask.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* 'config get', 'set' and 'reset': a server's own settings, by its --admin. */

#define ADMIN_PORT ":16181"
enum { URL_BYTES = 512, FILE_BYTES = 1024, TIMEOUT_MS = 10000, MANY_BYTES = 4096 };

struct asked {
    char address[URL_BYTES]; /* HOST:PORT, for messages */
    char url[URL_BYTES];
    char token[CM_WEB_TOKEN_BYTES]; /* empty: none */
    bool is_guessed;                /* the address, from the server's, */
    bool is_secure;                 /*   and whether by TLS, from the client's options */
    const char *ca, *cert, *key;    /* NULL: the system's; none; that of `cert` */
    char files[3][FILE_BYTES];      /* for these */
    struct cm_web_answer answer;
    json_t *said; /* NULL: no JSON */
};

static bool is_word(const struct cm_args *args, const char *word) {
    return args->count > 0 && cm_slice_equal(args->operands[0], cm_slice(word, strlen(word)));
}

bool cm_settings_are_meant(const struct cm_args *args) {
    return is_word(args, "get") || is_word(args, "set") || is_word(args, "reset");
}

/* ---- where ---- */

static bool is_address(const char *text) {
    return *text != '\0' && strspn(text, "0123456789abcdefghijklmnopqrstuvwxyz"
                                         "ABCDEFGHIJKLMNOPQRSTUVWXYZ.-_:[]%") == strlen(text);
}

/* A port follows the host, whose own colons are in brackets. */
static bool has_port(const char *address) {
    const char *bracket = strchr(address, ']');
    return strchr(bracket != NULL ? bracket : address, ':') != NULL;
}

/* HOST of "HOST:PORT" or "[IPV6]:PORT". */
static bool take_host(const char *server, char *host) {
    const char *colon = strrchr(server, ':');
    const size_t bytes = colon != NULL ? (size_t)(colon - server) : 0;
    if (bytes == 0 || bytes > URL_BYTES / 2 || strncmp(server, "unix:", 5) == 0)
        return false;
    snprintf(host, URL_BYTES, "%.*s", (int)bytes, server);
    return true;
}

/* The host of the one server that is meant, where --admin's usual port is. */
static int guess_host(struct cm_console *console, const struct cm_args *args, char *host) {
    const char *word = args->operands[0].data;
    struct cm_targets targets;
    struct cm_shown shown;
    int status = cm_targets_init(console, args->given.server, &targets);
    if (status != CM_EXIT_OK)
        return status;
    if (targets.count > 1)
        status = cm_error(console, CM_EXIT_USAGE,
                          "config %s: which of the %zu servers? --server NAME or --admin ADDRESS "
                          "says it",
                          word, targets.count);
    else if (!take_host(targets.names[0], host))
        status = cm_error(console, CM_EXIT_USAGE,
                          "config %s: %s does not tell where the server's --admin is; --admin "
                          "ADDRESS does",
                          word, cm_show_text(&shown, targets.names[0]));
    cm_targets_deinit(&targets);
    return status;
}

/* How the servers themselves are asked: the token is not to go in the clear where keys do not. */
static int guess_tls(struct cm_console *console, struct asked *asked) {
    static const char *const names[] = {"tls_ca", "tls_cert", "tls_key"};
    const char **const files[] = {&asked->ca, &asked->cert, &asked->key};
    char how[16] = "on";
    (void)cm_option_used(console, "tls", how, sizeof how);
    asked->is_secure = strcmp(how, "off") != 0;
    for (size_t i = 0; i < 3; i++) {
        if (!cm_option_used(console, names[i], asked->files[i], FILE_BYTES))
            return cm_error(console, CM_EXIT_USAGE, "config: %s is longer than %d bytes", names[i],
                            FILE_BYTES - 1);
        *files[i] = asked->files[i][0] != '\0' ? asked->files[i] : NULL;
    }
    return CM_EXIT_OK;
}

static int read_address(struct cm_console *console, const char *given, struct asked *asked) {
    static const char secure[] = "https://", plain[] = "http://";
    bool is_secure = asked->is_secure;
    struct cm_shown shown;
    const char *address = given;
    if (strncmp(given, secure, sizeof secure - 1) == 0) {
        address += sizeof secure - 1;
        is_secure = true;
    } else if (strncmp(given, plain, sizeof plain - 1) == 0) {
        address += sizeof plain - 1;
        is_secure = false;
    }
    if (!is_address(address) || strlen(address) > URL_BYTES / 2)
        return cm_error(
            console, CM_EXIT_USAGE,
            "config: --admin=%s: must be HOST, HOST:PORT or [IPV6]:PORT, behind https:// "
            "if it is by TLS",
            cm_show_text(&shown, given));
    snprintf(asked->address, sizeof asked->address, "%s%s", address,
             has_port(address) ? "" : ADMIN_PORT);
    snprintf(asked->url, sizeof asked->url, "%s%.300s", is_secure ? secure : plain, asked->address);
    return CM_EXIT_OK;
}

static int find_address(struct cm_console *console, const struct cm_args *args,
                        struct asked *asked) {
    const struct cm_cli_where *where = &console->where;
    char host[URL_BYTES] = "";
    if (args->given.admin != NULL && args->given.server != NULL)
        return cm_error(console, CM_EXIT_USAGE,
                        "config %s: --admin and --server both say which server",
                        args->operands[0].data);
    if (args->given.admin == NULL) {
        asked->is_guessed = true;
        int status = guess_host(console, args, host);
        if (status == CM_EXIT_OK)
            status = guess_tls(console, asked);
        return status == CM_EXIT_OK ? read_address(console, host, asked) : status;
    }
    asked->is_secure = where->tls || where->ca != NULL || where->cert != NULL;
    asked->ca = where->ca;
    asked->cert = where->cert;
    asked->key = where->key;
    return read_address(console, args->given.admin, asked);
}

/* "read TOKEN", in a file that is the server's, too. How long it is then. */
static size_t drop_mark(char *token) {
    static const char mark[] = "read";
    const size_t bytes = strlen(token), begin = sizeof mark - 1;
    const size_t blanks = bytes > begin ? strspn(token + begin, " \t") : 0;
    if (blanks == 0 || strncmp(token, mark, begin) != 0)
        return bytes;
    memmove(token, token + begin + blanks, bytes - begin - blanks + 1);
    return bytes - begin - blanks;
}

static int find_token(struct cm_console *console, const struct cm_args *args, struct asked *asked) {
    const char *path = args->given.token_file;
    struct cm_shown shown;
    if (path == NULL)
        return CM_EXIT_OK;
    const char *why = cm_cli_first_line(path, asked->token, sizeof asked->token);
    if (why != NULL)
        return cm_error(console, CM_EXIT_INPUT, "cannot read the token file %s: %s",
                        cm_show_text(&shown, path), why);
    size_t bytes = drop_mark(asked->token);
    while (bytes > 0 && strchr(" \t", asked->token[bytes - 1]) != NULL) /* as the server does */
        asked->token[--bytes] = '\0';
    return bytes > 0 ? CM_EXIT_OK
                     : cm_error(console, CM_EXIT_INPUT,
                                "cannot read the token file %s: its first line is empty",
                                cm_show_text(&shown, path));
}

/* libcurl's words do not say why not. */
static int check_file(struct cm_console *console, const char *path) {
    struct cm_shown shown;
    FILE *file = path != NULL ? fopen(path, "r") : NULL;
    if (path != NULL && file == NULL)
        return cm_error(console, CM_EXIT_INPUT, "cannot read %s: %s", cm_show_text(&shown, path),
                        strerror(errno));
    if (file != NULL)
        (void)fclose(file);
    return CM_EXIT_OK;
}

static int check_files(struct cm_console *console, const struct asked *asked) {
    int status = check_file(console, asked->ca);
    if (status == CM_EXIT_OK)
        status = check_file(console, asked->cert);
    return status == CM_EXIT_OK ? check_file(console, asked->key) : status;
}

/* ---- asking ---- */

static int unreachable(struct cm_console *console, const struct asked *asked, const char *reason) {
    const bool is_secure = strncmp(asked->url, "https:", 6) == 0;
    const char *lacks = asked->answer.lacks;
    if (lacks != NULL && is_secure && strcmp(lacks, "HTTP") == 0)
        return cm_error(console, CM_EXIT_UNAVAILABLE,
                        "%s speaks no HTTP; is this the port of the server's --admin?",
                        asked->address);
    if (lacks != NULL)
        return cm_error(console, CM_EXIT_UNAVAILABLE,
                        "%s speaks no %s; is this the port of the server's --admin? If so, try "
                        "--admin %s://%s",
                        asked->address, lacks, is_secure ? "http" : "https", asked->address);
    return cm_error(
        console, CM_EXIT_UNAVAILABLE, "%s cannot be reached: %s%s", asked->address, reason,
        asked->is_guessed ? "; --admin ADDRESS says where the server's --admin is" : "");
}

static int say_why_not(struct cm_console *console, const struct asked *asked,
                       enum cm_status status) {
    struct cm_told told;
    const char *reason = cm_tell(&told, asked->answer.reason);
    if (status == CM_TIMEOUT)
        return cm_error(console, CM_EXIT_UNAVAILABLE,
                        "%s did not answer in time; the option timeout gives it longer",
                        asked->address);
    if (status == CM_UNREACHABLE)
        return unreachable(console, asked, reason);
    if (status == CM_INVALID)
        return cm_error(console, CM_EXIT_INPUT, "TLS: %s", reason);
    return cm_error(console, CM_EXIT_PROTOCOL, "%s: %s", asked->address, reason);
}

/* What the server says that is no JSON, a line. */
static int say_refusal(struct cm_console *console, const struct asked *asked) {
    struct cm_slice body = cm_buf_slice(&asked->answer.body);
    char text[256] = "an answer that makes no sense";
    struct cm_told told;
    const long code = asked->answer.code;
    if (body.data == NULL)
        body = CM_SLICE("");
    while (body.len > 0 && body.data[body.len - 1] == '\n')
        body.len--;
    if (code >= 400 && body.len > 0)
        snprintf(text, sizeof text, "%.*s", (int)(body.len < sizeof text ? body.len : sizeof text),
                 body.data);
    const bool takes_token = strstr(text, "token") != NULL;
    if (code == 401 && takes_token && asked->token[0] != '\0')
        return cm_error(console, CM_EXIT_DENIED, "%s did not accept the token", asked->address);
    if (code == 401 && takes_token && strstr(text, "certificate") == NULL)
        return cm_error(console, CM_EXIT_DENIED,
                        "%s wants a token; --token-file names the file with it", asked->address);
    return cm_error(console, code == 401 || code == 403 ? CM_EXIT_DENIED : CM_EXIT_PROTOCOL,
                    "%s: %s", asked->address, cm_tell(&told, text));
}

/* An answer in JSON is at asked->said. */
static int ask(struct cm_console *console, struct asked *asked, struct cm_web_request *request) {
    const struct cm_cli_where *where = &console->where;
    request->url = asked->url;
    request->token = asked->token[0] != '\0' ? asked->token : NULL;
    request->ca_file = asked->ca;
    request->cert_file = asked->cert;
    request->key_file = asked->key;
    request->timeout_ms = where->timeout_us > 0 ? (uint32_t)(where->timeout_us / 1000) : TIMEOUT_MS;
    enum cm_status status = cm_web_ask(request, &asked->answer);
    if (status != CM_OK)
        return say_why_not(console, asked, status);
    const struct cm_slice body = cm_buf_slice(&asked->answer.body);
    asked->said = body.len > 0 ? json_loadb(body.data, body.len, 0, NULL) : NULL;
    return asked->said != NULL ? CM_EXIT_OK : say_refusal(console, asked);
}

static void add_path(struct asked *asked, const char *path, struct cm_slice name) {
    const size_t used = strlen(asked->url);
    snprintf(asked->url + used, sizeof asked->url - used, "%s%.*s", path, (int)name.len,
             name.len > 0 ? name.data : "");
}

/* ---- get ---- */

static const char *text_of(const json_t *row, const char *name) {
    const char *text = json_string_value(json_object_get(row, name));
    return text != NULL ? text : "";
}

static bool is_like(const json_t *row, struct cm_slice pattern) {
    const char *name = text_of(row, "name");
    return pattern.len == 0 || cm_glob_match(pattern, cm_slice(name, strlen(name)));
}

static void add_row(struct cm_table *table, const json_t *row) {
    const char *from = text_of(row, "from");
    cm_table_add_text(table, text_of(row, "name"));
    cm_table_add_text(table, text_of(row, "value"));
    if (strcmp(from, "default") != 0)
        cm_table_colour(table, CM_GREEN);
    cm_table_add_text(table, text_of(row, "scope"));
    cm_table_add_text(table, from);
}

static int show(struct cm_console *console, const json_t *rows, struct cm_slice pattern) {
    static const struct cm_column columns[] = {{"SETTING", false, CM_WAY_LAST},
                                               {"VALUE", false, CM_WAY_LAST},
                                               {"CHANGES", false, CM_WAY_LAST},
                                               {"FROM", false, CM_WAY_NARROWS}};
    struct cm_table *table = cm_table_create(columns, 4);
    json_t *kept = json_array();
    size_t count = 0;
    for (size_t i = 0; table != NULL && i < json_array_size(rows); i++) {
        json_t *row = json_array_get(rows, i);
        if (!is_like(row, pattern))
            continue;
        add_row(table, row);
        (void)json_array_append(kept, row);
        count++;
    }
    if (console->json != NULL)
        (void)json_object_set(console->json, "settings", kept);
    else if (table != NULL && count > 0)
        cm_table_print(table, console);
    json_decref(kept);
    cm_table_destroy(table);
    struct cm_shown shown;
    return count > 0 ? CM_EXIT_OK
                     : cm_no(console, "no setting is like %s", cm_show(&shown, pattern));
}

static int get(struct cm_console *console, const struct cm_args *args, struct asked *asked) {
    struct cm_slice pattern = args->count > 1 ? args->operands[1] : CM_SLICE("");
    if (args->count == 1 && args->given.match != NULL)
        pattern = cm_slice(args->given.match, strlen(args->given.match));
    add_path(asked, "/config.json", CM_SLICE(""));
    const int status = ask(console, asked, &(struct cm_web_request){.method = "GET"});
    if (status != CM_EXIT_OK)
        return status;
    if (asked->answer.code != 200 || !json_is_array(asked->said))
        return say_refusal(console, asked);
    return show(console, asked->said, pattern);
}

/* ---- set and reset ---- */

/* The names in two members, with commas between. */
static void list_names(const json_t *said, char *to, size_t room) {
    static const char *const members[] = {"refused", "restart"};
    size_t used = 0;
    *to = '\0';
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        const json_t *names = json_object_get(said, members[i]);
        for (size_t at = 0; at < json_array_size(names) && used < room; at++) {
            const char *name = json_string_value(json_array_get(names, at));
            used += (size_t)snprintf(to + used, room - used, "%s%s", used > 0 ? ", " : "",
                                     name != NULL ? name : "?");
        }
    }
}

/* Whose wish it was is for the server's log, and which line for those who sent several. */
static const char *shorten(const char *message) {
    static const char nothing[] = "nothing has changed that ", line[] = "line 1: ";
    if (strncmp(message, line, sizeof line - 1) == 0)
        return message + sizeof line - 1;
    return strncmp(message, nothing, sizeof nothing - 1) == 0 ? "nothing has changed" : message;
}

static int tell(struct cm_console *console, const struct asked *asked) {
    const json_t *messages = json_object_get(asked->said, "messages");
    const long code = asked->answer.code;
    struct cm_told told;
    char names[MANY_BYTES];
    int status = CM_EXIT_OK;
    if (console->json != NULL)
        (void)json_object_update(console->json, asked->said);
    for (size_t i = 0; i < json_array_size(messages); i++) {
        const char *message = json_string_value(json_array_get(messages, i));
        if (message != NULL && code == 422)
            status = cm_error(console, CM_EXIT_USAGE, "%s", cm_tell(&told, shorten(message)));
        else if (message != NULL)
            cm_answer(console, "%s", cm_tell(&told, shorten(message)));
    }
    if (code == 200 || status != CM_EXIT_OK)
        return status;
    if (code != 409)
        return say_refusal(console, asked);
    list_names(asked->said, names, sizeof names);
    return cm_no(console, "not changed: %s", cm_tell(&told, names));
}

static int set(struct cm_console *console, const struct cm_args *args, struct asked *asked) {
    const struct cm_slice *name = &args->operands[1], *value = &args->operands[2];
    struct cm_buf text = {0};
    if (memchr(name->data, '\n', name->len) != NULL ||
        memchr(value->data, '\n', value->len) != NULL)
        return cm_error(console, CM_EXIT_USAGE, "config set: a setting is one line");
    enum cm_status made = cm_buf_append(&text, *name);
    if (made == CM_OK)
        made = cm_buf_append(&text, CM_SLICE(" = "));
    if (made == CM_OK)
        made = cm_buf_append(&text, *value);
    add_path(asked, "/config", CM_SLICE(""));
    int status = made == CM_OK
                     ? ask(console, asked,
                           &(struct cm_web_request){.method = "POST", .body = cm_buf_slice(&text)})
                     : cm_error(console, CM_EXIT_PROTOCOL, "out of memory");
    cm_buf_deinit(&text);
    return status == CM_EXIT_OK ? tell(console, asked) : status;
}

static int reset(struct cm_console *console, const struct cm_args *args, struct asked *asked) {
    const struct cm_slice name = args->count > 1 ? args->operands[1] : CM_SLICE("");
    struct cm_shown shown;
    if (args->count > 1 && name.len == 0) /* a script's empty variable does not mean all */
        return cm_error(console, CM_EXIT_USAGE, "config reset: the name is empty");
    for (size_t i = 0; i < name.len; i++) {
        if (memchr("abcdefghijklmnopqrstuvwxyz0123456789-", name.data[i], 37) == NULL)
            return cm_error(console, CM_EXIT_USAGE, "config reset: no setting is called %s",
                            cm_show(&shown, name));
    }
    add_path(asked, name.len > 0 ? "/config/" : "/config",
             cm_slice(name.data, name.len < 64 ? name.len : 64));
    const int status = ask(console, asked, &(struct cm_web_request){.method = "DELETE"});
    return status == CM_EXIT_OK ? tell(console, asked) : status;
}

/* ---- all of them ---- */

static const struct {
    const char *word;
    size_t min, max; /* of operands, itself included */
    const char *usage;
    int (*run)(struct cm_console *console, const struct cm_args *args, struct asked *asked);
} words[] = {
    {"get", 1, 2, "config get [PATTERN]", get},
    {"set", 3, 3, "config set NAME VALUE", set},
    {"reset", 1, 2, "config reset [NAME]", reset},
};

int cm_settings_run(struct cm_console *console, const struct cm_args *args) {
    struct asked asked = {0};
    size_t i = 0;
    while (!is_word(args, words[i].word)) /* it is one of them */
        i++;
    if (args->count < words[i].min || args->count > words[i].max)
        return cm_error(console, CM_EXIT_USAGE, "config %s: usage: %s", words[i].word,
                        words[i].usage);
    int status = find_address(console, args, &asked);
    if (status == CM_EXIT_OK)
        status = find_token(console, args, &asked);
    if (status == CM_EXIT_OK)
        status = check_files(console, &asked);
    if (status == CM_EXIT_OK)
        status = words[i].run(console, args, &asked);
    cm_web_answer_deinit(&asked.answer);
    json_decref(asked.said);
    return status;
}
