/* SPDX-License-Identifier: BSD-3-Clause */
#include "stress/options.h"

#include "base/num.h"
#include "base/roff.h"
#include "cli/exit.h"
#include "stress/stress.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define US_PER_S           1000000LL
#define DURATION_MAX_US    (7 * 24 * 3600 * US_PER_S)
#define TTL_MAX_US         (30 * 24 * 3600 * US_PER_S) /* more is a date in memcached's protocols */
#define DIGITS_MAX         10
#define AT(member)         .offset = offsetof(struct cm_stress_options, member)
#define FLAG(called)       .name = (called), .kind = CM_CLI_FLAG
#define TEXT(called, what) .name = (called), .kind = CM_CLI_TEXT, .argument = (what)
#define CHOICE(called, what, list)                                                                 \
    .name = (called), .kind = CM_CLI_CHOICE, .argument = (what), .words = (list)
#define NUMBER(called, least, most)                                                                \
    .name = (called), .kind = CM_CLI_NUMBER, .argument = "N", .min = (least), .max = (most)
#define COUNT(called, least, most)                                                                 \
    .name = (called), .kind = CM_CLI_COUNT, .argument = "N", .min = (least), .max = (most)
#define TIME(called, most)                                                                         \
    .name = (called), .kind = CM_CLI_DURATION, .argument = "TIME", .min = 0, .max = (most)
#define REAL(called, most)                                                                         \
    .name = (called), .kind = CM_CLI_REAL, .argument = "X", .min = 0, .max = (most)

static const struct cm_cli_option table[] = {
    {TEXT("scenario", "NAME"), AT(scenario),
     .text = "begin with these options, which others override; \"list\" prints what there is"},
    CM_CLI_WHERE_OPTIONS(struct cm_stress_options, where),
    {CHOICE("protocol", "NAME", CM_STRESS_PROTOCOLS), .letter = 'P', AT(protocol),
     .text = "text, meta, binary or resp (default: text)"},
    {NUMBER("threads", 1, 256), .letter = 't', AT(threads), .text = "threads (default: 1)"},
    {NUMBER("connections", 1, 100000), .letter = 'c', AT(connections),
     .text = "clients, each with a connection to every server (default: 32)"},
    {NUMBER("depth", 1, 10000), .letter = 'd', AT(depth),
     .text = "requests that a client sends before it waits for their answers (default: 1)"},
    {COUNT("keys", 1, 4000000000), .letter = 'k', AT(keys),
     .text =
         "different keys; here, as of other counts, k, m and g are thousands, millions and so on "
         "(default: 1m)"},
    {NUMBER("key-bytes", 2, CM_STRESS_KEY_BYTES_MAX), AT(key_bytes),
     .text = "a key's size (default: 16)"},
    {CHOICE("distribution", "NAME", CM_STRESS_DISTRIBUTIONS), AT(distribution),
     .text = "how often which key is asked for: uniform, zipf, sequential or hot "
             "(default: uniform)"},
    {REAL("zipf", 10), AT(zipf), .text = "zipf's exponent (default: 0.99)"},
    {COUNT("hot-keys", 1, 4000000000), AT(hot_keys),
     .text = "hot: how many keys get more than their share (default: 100)"},
    {REAL("hot-share", 100), AT(hot_share),
     .text = "hot: percent of the requests that go to them (default: 90)"},
    {TEXT("value-bytes", "SIZES"), .letter = 'v', AT(value_bytes),
     .text =
         "a value's size: N or N-M (each as likely), to 1g, or lognormal:MEDIAN:SIGMA, to 1000k "
         "(default: 100); servers take 1m at most unless told otherwise"},
    {TEXT("ratio", "LIST"), .letter = 'r', AT(ratio),
     .text = "what is asked, by weight: KIND=N,... of get, set, add, delete, touch, incr "
             "(default: get=10,set=1)"},
    {NUMBER("multiget", 1, 1000), AT(multiget), .text = "keys of a get (default: 1)"},
    {TIME("ttl", TTL_MAX_US), AT(ttl_us),
     .text = "how long items live, in whole seconds, rounded up; 0 is for ever (default: 0)"},
    {FLAG("load"), AT(load), .text = "store every key once before anything is measured"},
    {FLAG("fill"), AT(fill), .text = "store what a get has missed, as a cache's user would"},
    {COUNT("rate", 0, 1000000000), .letter = 'R', AT(rate),
     .text =
         "requests a second, sent when their time has come whether or not answers have; latency "
         "counts from then. 0: a client sends when its answers are there (default: 0)"},
    {TIME("duration", DURATION_MAX_US), .letter = 'D', AT(duration_us),
     .text = "how long; 0: only --load (default: 10s)"},
    {COUNT("requests", 0, 1000000000000000), .letter = 'n', AT(requests),
     .text = "end after so many requests instead; 0: by time (default: 0)"},
    {TIME("warmup", DURATION_MAX_US), AT(warmup_us),
     .text = "do the same so long before, without counting (default: 0)"},
    {NUMBER("seed", 0, 1000000000000000), AT(seed),
     .text = "the same seed asks for the same (default: 1)"},
    {FLAG("verify"), AT(verify),
     .text = "check every byte of every value read: exit with 1 if any is wrong"},
    {COUNT("reconnect", 0, 1000000000), AT(reconnect),
     .text = "connect anew after so many requests; 0: never (default: 0)"},
    {TIME("read-pause", 60 * US_PER_S), AT(read_pause_us),
     .text = "leave what has been answered unread so long, again and again (default: 0)"},
    {CHOICE("on-error", "WHAT", "continue stop"), AT(on_error),
     .text = "when a connection is lost: continue, connecting again, or stop (default: continue)"},
    {FLAG("json"), AT(json), .text = "print the results as JSON"},
    {FLAG("progress"), AT(progress),
     .text = "a line a second on standard error, also where that is no terminal"},
    {FLAG("quiet"), .letter = 'q', AT(quiet), .text = "no line a second on a terminal either"},
    {NUMBER("pid", 0, 1000000000), AT(pid),
     .text = "a server's process, whose CPU time is told, too; 0: none (default: 0)"},
};

static void print_man(FILE *to) {
    fputs(".PP\nThe scenarios, each with the options that it stands for:\n", to);
    for (size_t i = 0; cm_stress_scenario(i) != NULL; i++) {
        const struct cm_stress_scenario *scenario = cm_stress_scenario(i);
        fprintf(to, ".TP\n.B %s\n", scenario->name);
        cm_roff_text(to, scenario->text);
        fputc(':', to);
        for (size_t w = 0; scenario->words[w] != NULL; w++) {
            fputc('\n', to);
            cm_roff_text(to, scenario->words[w]);
        }
        fputs(".\n", to);
    }
}

const struct cm_cli cm_stress_cli = {
    .name = "cacheman stress",
    .operands = "",
    .text =
        "Puts load on servers and tells what they made of it: requests a second, hits, latency, "
        "errors.",
    .options = table,
    .count = sizeof table / sizeof table[0],
    .print_man = print_man,
};

/* ---- texts --------------------------------------------------------------------------------- */

static const char *const kind_names[CM_STRESS_KINDS] = {"get",    "set",   "add",
                                                        "delete", "touch", "incr"};

const char *cm_stress_kind_name(enum cm_stress_kind kind) {
    return kind_names[kind];
}

static bool add_weight(struct cm_stress_ratio *ratio, struct cm_slice part) {
    const char *equals = memchr(part.data, '=', part.len);
    uint32_t weight = 0;
    if (equals == NULL)
        return false;
    const struct cm_slice name = cm_slice(part.data, (size_t)(equals - part.data));
    if (!cm_num_u32(cm_slice(equals + 1, part.len - name.len - 1), &weight) || weight > 1000000)
        return false;
    for (size_t i = 0; i < CM_STRESS_KINDS; i++) {
        if (!cm_slice_equal(name, cm_slice(kind_names[i], strlen(kind_names[i]))))
            continue;
        ratio->total += weight - ratio->weights[i];
        ratio->weights[i] = weight;
        return true;
    }
    return false;
}

bool cm_stress_ratio_read(const char *text, struct cm_stress_ratio *out) {
    *out = (struct cm_stress_ratio){0};
    for (;;) {
        const size_t bytes = strcspn(text, ",");
        if (!add_weight(out, cm_slice(text, bytes)))
            return false;
        if (text[bytes] == '\0')
            return out->total > 0;
        text += bytes + 1;
    }
}

/* A size with its unit, of `bytes` characters. */
static bool read_size(const char *text, size_t bytes, uint32_t *out) {
    static const struct cm_cli_option size = {.kind = CM_CLI_SIZE,
                                              .max = CM_STRESS_VALUE_BYTES_MAX};
    char copy[32];
    int64_t number = 0;
    if (bytes >= sizeof copy)
        return false;
    memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    if (!cm_cli_value(&size, copy, &number, NULL))
        return false;
    *out = (uint32_t)number;
    return true;
}

static bool read_log_normal(const char *text, struct cm_stress_sizes *out) {
    static const struct cm_cli_option sigma = {.kind = CM_CLI_REAL, .max = 10};
    const size_t bytes = strcspn(text, ":");
    if (text[bytes] != ':' || !read_size(text, bytes, &out->max) || out->max == 0 ||
        out->max > CM_STRESS_LOG_NORMAL_MAX)
        return false;
    out->median = out->max;
    out->max = CM_STRESS_LOG_NORMAL_MAX;
    return cm_cli_value(&sigma, text + bytes + 1, &out->sigma, NULL);
}

bool cm_stress_sizes_read(const char *text, struct cm_stress_sizes *out) {
    static const char log_normal[] = "lognormal:";
    *out = (struct cm_stress_sizes){0};
    if (strncmp(text, log_normal, sizeof log_normal - 1) == 0)
        return read_log_normal(text + sizeof log_normal - 1, out);
    const size_t bytes = strcspn(text, "-");
    if (!read_size(text, bytes, &out->min))
        return false;
    out->max = out->min;
    return text[bytes] == '\0' ||
           (read_size(text + bytes + 1, strlen(text + bytes + 1), &out->max) &&
            out->min <= out->max);
}

/* ---- the command line ---------------------------------------------------------------------- */

static const struct cm_stress_options defaults = {
    .where = {.timeout_us = 10 * US_PER_S},
    .threads = 1,
    .connections = 32,
    .depth = 1,
    .keys = 1000000,
    .key_bytes = 16,
    .hot_keys = 100,
    .zipf = .99,
    .hot_share = 90,
    .value_bytes = "100",
    .ratio = "get=10,set=1",
    .multiget = 1,
    .duration_us = 10 * US_PER_S,
    .seed = 1,
};

static const struct cm_stress_scenario *find_scenario(const char *name) {
    for (size_t i = 0; cm_stress_scenario(i) != NULL; i++) {
        if (strcmp(cm_stress_scenario(i)->name, name) == 0)
            return cm_stress_scenario(i);
    }
    return NULL;
}

static void list_scenarios(void) {
    for (size_t i = 0; cm_stress_scenario(i) != NULL; i++) {
        const struct cm_stress_scenario *scenario = cm_stress_scenario(i);
        printf("%-13s %s\n             ", scenario->name, scenario->text);
        for (size_t w = 0; scenario->words[w] != NULL; w++)
            printf(" %s", scenario->words[w]);
        putchar('\n');
    }
}

/* The scenario's options become the defaults. False: there is nothing to do but to exit. */
static bool take_scenario(const char *name, struct cm_stress_options *out, int *status) {
    enum { WORDS_MAX = 20 };
    char *words[WORDS_MAX] = {(char *)(uintptr_t)cm_stress_cli.name};
    if (strcmp(name, "list") == 0) {
        list_scenarios();
        *status = CM_EXIT_OK;
        return false;
    }
    const struct cm_stress_scenario *scenario = find_scenario(name);
    if (scenario == NULL) {
        char message[160];
        snprintf(message, sizeof message,
                 "--scenario=%.60s: there is none of that name; see --scenario=list", name);
        *status = cm_cli_usage_error(&cm_stress_cli, message);
        return false;
    }
    for (size_t i = 0; scenario->words[i] != NULL && i + 2 < WORDS_MAX; i++)
        words[i + 1] = (char *)(uintptr_t)scenario->words[i];
    *out = defaults;
    return cm_cli_read(&cm_stress_cli, words, out, status) >= 0;
}

static int64_t digits_of(int64_t number) {
    int64_t digits = 1;
    for (; number >= 10; number /= 10)
        digits++;
    return digits;
}

/* What a table cannot say; NULL: all is well. `message` has room for 200. */
static const char *find_fault(struct cm_stress_options *options, char *message) {
    const int64_t digits = digits_of(options->keys - 1);
    if (!cm_stress_sizes_read(options->value_bytes, &options->sizes))
        snprintf(
            message, 200,
            "--value-bytes=%.40s: must be N or N-M, to 1g, or lognormal:MEDIAN:SIGMA, to 1000k "
            "and 10",
            options->value_bytes);
    else if (!cm_stress_ratio_read(options->ratio, &options->ratios))
        snprintf(message, 200,
                 "--ratio=%.60s: must be KIND=N,... of get, set, add, delete, touch, incr, not all "
                 "of them 0",
                 options->ratio);
    else if (options->key_bytes < 1 + digits)
        snprintf(message, 200,
                 "--key-bytes=%lld: so many keys need %lld: a letter and the key's number",
                 (long long)options->key_bytes, (long long)digits + 1);
    else if (options->hot_keys > options->keys && options->distribution == CM_STRESS_HOT)
        snprintf(message, 200, "--hot-keys=%lld: there are %lld keys", (long long)options->hot_keys,
                 (long long)options->keys);
    else if (options->threads > options->connections)
        snprintf(message, 200, "--threads=%lld: every thread needs a connection, there are %lld",
                 (long long)options->threads, (long long)options->connections);
    else if (options->duration_us == 0 && options->requests == 0 && !options->load)
        snprintf(message, 200, "--duration=0: only with --load or --requests");
    else
        return NULL;
    return message;
}

bool cm_stress_options_read(char **argv, struct cm_stress_options *out, int *status) {
    char message[200];
    *out = defaults;
    int first = cm_cli_read(&cm_stress_cli, argv, out, status);
    if (first >= 0 && out->scenario != NULL) {
        /* Once more, on top of the scenario's. */
        if (!take_scenario(out->scenario, out, status))
            return false;
        first = cm_cli_read(&cm_stress_cli, argv, out, status);
    }
    if (first < 0)
        return false;
    if (argv[first] != NULL) {
        snprintf(message, sizeof message, "takes no operand: %.60s", argv[first]);
        *status = cm_cli_usage_error(&cm_stress_cli, message);
        return false;
    }
    if (find_fault(out, message) == NULL)
        return true;
    *status = cm_cli_usage_error(&cm_stress_cli, message);
    return false;
}
