/* SPDX-License-Identifier: BSD-3-Clause */
#include "replay/settings.h"

#include "cli/exit.h"
#include "replay/replay.h"
#include "replay/trace.h"
#include <string.h>

#define AT(member) .offset = offsetof(struct cm_replay_settings, member)

static const struct cm_cli_option options[] = {
    CM_CLI_WHERE_OPTIONS(struct cm_replay_settings, where),
    {.name = "compare",
     .letter = 'c',
     .kind = CM_CLI_FLAG,
     AT(compare),
     .text = "replay against each SERVER, a connection string each, and against --servers if it is "
             "given"},
    {.name = "value-size",
     .letter = 'v',
     .kind = CM_CLI_TEXT,
     .argument = "N|MIN-MAX",
     AT(value_size),
     .text = "bytes of every value, also with k or m; of a range, each key has its own (default: "
             "the trace's second column)"},
    {.name = "window",
     .letter = 'w',
     .kind = CM_CLI_NUMBER,
     .argument = "N",
     .min = 1,
     .max = CM_REPLAY_WINDOW_MAX,
     AT(window),
     .text = "requests under way at once; 1: each waits for the one before (default: 64)"},
    {.name = "limit",
     .letter = 'n',
     .kind = CM_CLI_NUMBER,
     .argument = "N",
     .min = 1,
     .max = INT64_MAX,
     AT(limit),
     .text = "no more than N requests (default: the whole trace)"},
    {.name = "skip",
     .kind = CM_CLI_NUMBER,
     .argument = "N",
     .min = 0,
     .max = INT64_MAX,
     AT(skip),
     .text = "leave the first N requests out (default: 0)"},
    {.name = "keys",
     .letter = 'k',
     .kind = CM_CLI_CHOICE,
     .argument = "HOW",
     .words = "refuse hash",
     AT(keys),
     .text = "keys that do not fit the protocol: refuse the trace, or hash them (default: refuse)"},
    {.name = "verify",
     .kind = CM_CLI_FLAG,
     AT(verify),
     .text = "have the values sent, and compare them; without it they stay where they are"},
    {.name = "interval",
     .letter = 'i',
     .kind = CM_CLI_NUMBER,
     .argument = "N",
     .min = 1,
     .max = INT64_MAX,
     AT(interval),
     .text = "the miss ratio of every N requests, as a row each"},
    {.name = "json", .letter = 'j', .kind = CM_CLI_FLAG, AT(json), .text = "the result as JSON"},
    {.name = "plot",
     .letter = 'p',
     .kind = CM_CLI_TEXT,
     .argument = "FILE.svg",
     AT(plot),
     .text = "draw the miss ratio over time"},
};

const struct cm_cli cm_replay_cli = {
    .name = "cacheman replay",
    .operands = "TRACE [SERVER...]",
    .text = "Replays a trace against a cache: each request is a get, and what it misses is set. "
            "TRACE is a file, \"-\" for standard input, plain or gzip, with a request a line: KEY, "
            "or KEY BYTES.",
    .options = options,
    .count = sizeof options / sizeof options[0],
};

/* ---- sizes ---------------------------------------------------------------------------------- */

static const struct cm_cli_option size_option = {
    .name = "value-size", .kind = CM_CLI_SIZE, .min = 0, .max = (int64_t)CM_TRACE_VALUE_BYTES_MAX};

/* "N" or "MIN-MAX". */
static bool read_sizes(struct cm_replay_settings *settings, char *why) {
    char least[32] = "";
    const char *text = settings->value_size, *dash = strchr(text, '-');
    size_t length = dash == NULL ? strlen(text) : (size_t)(dash - text);
    if (length >= sizeof least) /* no number is as long */
        length = sizeof least - 1;
    memcpy(least, text, length);
    bool taken = cm_cli_value(&size_option, least, &settings->value_least, why);
    if (taken && dash == NULL)
        settings->value_most = settings->value_least;
    else if (taken)
        taken = cm_cli_value(&size_option, dash + 1, &settings->value_most, why);
    if (taken && settings->value_least > settings->value_most) {
        snprintf(why, CM_CLI_WHY_BYTES, "a range whose first number is not above its second");
        return false;
    }
    return taken;
}

static int check_sizes(struct cm_replay_settings *settings) {
    char why[CM_CLI_WHY_BYTES], message[CM_CLI_WHY_BYTES + 160];
    settings->value_least = settings->value_most = -1;
    if (settings->value_size == NULL || read_sizes(settings, why))
        return CM_EXIT_OK;
    snprintf(message, sizeof message, "--value-size=%.60s: must be %s", settings->value_size, why);
    return cm_cli_usage_error(&cm_replay_cli, message);
}

/* ---- operands ------------------------------------------------------------------------------- */

static int add_server(struct cm_replay_settings *settings, const char *server) {
    if (settings->server_count == CM_REPLAY_TARGETS_MAX)
        return cm_cli_usage_error(&cm_replay_cli, "there are more than 16 servers");
    settings->servers[settings->server_count++] = server;
    return CM_EXIT_OK;
}

static int add_operand(struct cm_replay_settings *settings, const char *operand) {
    if (settings->trace != NULL)
        return add_server(settings, operand);
    settings->trace = operand;
    return CM_EXIT_OK;
}

/* Operands and options in any order; after "--" operands alone. */
static bool read_words(struct cm_replay_settings *settings, char **argv, int *status) {
    bool only_operands = false;
    char **at = argv;
    for (;;) {
        int first = only_operands ? 1 : cm_cli_read(&cm_replay_cli, at, settings, status);
        if (first < 0)
            return false;
        only_operands = only_operands || (first > 1 && strcmp(at[first - 1], "--") == 0);
        at += first;
        if (*at == NULL)
            return true;
        *status = add_operand(settings, *at);
        if (*status != CM_EXIT_OK)
            return false;
    }
}

static int check(struct cm_replay_settings *settings) {
    if (settings->trace == NULL)
        return cm_cli_usage_error(&cm_replay_cli, "TRACE is missing");
    if (settings->server_count > 0 && !settings->compare)
        return cm_cli_usage_error(&cm_replay_cli,
                                  "several operands need --compare: TRACE SERVER...");
    if (settings->compare && settings->server_count == 0)
        return cm_cli_usage_error(&cm_replay_cli, "--compare needs servers: TRACE SERVER...");
    if (settings->json && settings->interval > 0)
        return cm_cli_usage_error(&cm_replay_cli,
                                  "--json has the miss ratio over time: leave out --interval");
    return check_sizes(settings);
}

bool cm_replay_settings_read(struct cm_replay_settings *settings, char **argv, int *status) {
    /* A server that is slow to greet is still worth hours of requests. */
    *settings =
        (struct cm_replay_settings){.window = 64, .where = {.defaults = "connect_timeout=10s"}};
    if (!read_words(settings, argv, status))
        return false;
    *status = check(settings);
    if (*status == CM_EXIT_OK && (!settings->compare || settings->where.servers != NULL))
        *status = add_server(settings, NULL);
    return *status == CM_EXIT_OK;
}
