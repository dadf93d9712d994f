/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/change.h"
#include "config/option.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* The file, the environment and the command line together. */

enum { WORDS_MAX = 24, CORES = 3, ROUNDS = 400 };

struct sources {
    const char *file;        /* its text; NULL: none */
    const char *environment; /* variables with | between them; NULL: none */
    const char *line;        /* options with | between them; NULL: none */
    size_t file_bytes;       /* 0: up to its end */
    bool of_default;         /* the file is found, not named */
};

struct parsed {
    char path[32], text[2][1024], option[64];
    char *argv[WORDS_MAX + 1], *environment[WORDS_MAX + 1];
    struct cm_config config;
    struct cm_config_error error;
    enum cm_status status;
};

static int split(char *text, char **words) {
    int count = 0;
    for (char *word = strtok(text, "|"); word != NULL; word = strtok(NULL, "|")) {
        assert_true(count < WORDS_MAX);
        words[count++] = word;
    }
    words[count] = NULL;
    return count;
}

static void write_file(struct parsed *parsed, const struct sources *sources) {
    snprintf(parsed->path, sizeof parsed->path, "/tmp/cachemand-test-XXXXXX");
    int descriptor = mkstemp(parsed->path);
    assert_true(descriptor >= 0);
    size_t bytes = sources->file_bytes > 0 ? sources->file_bytes : strlen(sources->file);
    assert_int_equal(write(descriptor, sources->file, bytes), bytes);
    close(descriptor);
}

/* To be dropped. */
static void parse(struct parsed *parsed, const struct sources *sources) {
    const struct sources *from = sources;
    snprintf(parsed->text[0], sizeof parsed->text[0], "cachemand|%s",
             from->line != NULL ? from->line : "");
    snprintf(parsed->text[1], sizeof parsed->text[1], "%s",
             from->environment != NULL ? from->environment : "");
    struct cm_command_line line = {.core_count = CORES,
                                   .argc = split(parsed->text[0], parsed->argv),
                                   .argv = parsed->argv,
                                   .environment = parsed->environment};
    (void)split(parsed->text[1], parsed->environment);
    if (from->file != NULL) {
        write_file(parsed, from);
        line.default_file = from->of_default ? parsed->path : NULL;
        if (!from->of_default) {
            snprintf(parsed->option, sizeof parsed->option, "--config=%s", parsed->path);
            memmove(parsed->argv + 2, parsed->argv + 1, (size_t)line.argc * sizeof *line.argv);
            parsed->argv[1] = parsed->option;
            line.argc++;
        }
    }
    parsed->status = cm_config_parse(&parsed->config, &line, &parsed->error);
    if (from->file != NULL)
        unlink(parsed->path);
}

static void drop(struct parsed *parsed) {
    cm_config_deinit(&parsed->config);
}

/* What is said of a file, with FILE for its path; texts with a newline between them. */
static void assert_said(const struct sources *sources, const char *wanted, bool in_file) {
    struct parsed parsed;
    char said[8192] = "";
    parse(&parsed, sources);
    assert_int_equal(parsed.status, CM_INVALID);
    assert_int_equal(parsed.error.in_file, in_file);
    for (size_t i = 0; i < parsed.config.faults.count; i++) {
        const char *fault = parsed.config.faults.entries[i];
        const char *at = sources->file != NULL ? strstr(fault, parsed.path) : NULL;
        size_t used = strlen(said);
        if (at == NULL)
            snprintf(said + used, sizeof said - used, "%s%s", i > 0 ? "\n" : "", fault);
        else
            snprintf(said + used, sizeof said - used, "%s%.*sFILE%s", i > 0 ? "\n" : "",
                     (int)(at - fault), fault, at + strlen(parsed.path));
    }
    assert_string_equal(said, wanted);
    drop(&parsed);
}

static void assert_file_said(const char *file, const char *wanted) {
    assert_said(&(const struct sources){.file = file}, wanted, true);
}

/* ---- every option, from everywhere ---- */

/* A value that is not the default; as cm_config_value() writes it. */
static const char *some_value(const struct cm_option *option) {
    switch (option->kind) {
    case CM_OPTION_FLAG:
        return "yes";
    case CM_OPTION_COUNT:
        return "2";
    case CM_OPTION_NUMBER:
        return "33";
    case CM_OPTION_SIZE:
        return "3k";
    case CM_OPTION_THOUSANDTHS:
        return "2.25";
    case CM_OPTION_OCTAL:
        return "0123";
    case CM_OPTION_CHOICE:
        return strrchr(option->argument, '|') + 1;
    case CM_OPTION_CHARACTER:
        return "/";
    case CM_OPTION_LIST:
        return "10.0.0.1,notls:[::1]:99";
    default:
        return "/some/text";
    }
}

static bool is_for_files(const struct cm_option *option) {
    return option->scope == CM_OPTION_START || option->scope == CM_OPTION_LIVE;
}

/* What must be given beside, for all to make sense. */
static const char company[] =
    "--tls|--tls-cert=c|--tls-ca=a|--tls-verify=require|--auth-file=users";

static const char *company_of(const struct cm_option *option) {
    return strstr(company, option->name) == NULL &&
                   option->offset != offsetof(struct cm_config, udp_port)
               ? company
               : NULL;
}

static void assert_read(const struct cm_option *option, const struct sources *sources,
                        enum cm_config_origin origin) {
    struct parsed parsed;
    char value[512];
    enum cm_config_index index = cm_option_index(option);
    parse(&parsed, sources);
    if (parsed.status != CM_OK) /* it makes no sense alone, which is said once it is read */
        assert_non_null(strstr(parsed.error.text, "TLS"));
    assert_string_equal(cm_config_value(&parsed.config, index, value, sizeof value),
                        some_value(option));
    assert_int_equal(parsed.config.places[index].origin, origin);
    if (origin == CM_CONFIG_FROM_FILE)
        assert_int_equal(parsed.config.places[index].line, 2);
    drop(&parsed);
}

static void test_every_option_from_everywhere(void **state) {
    (void)state;
    for (size_t i = 0; i < CM_OPTIONS; i++) {
        const struct cm_option *option = &cm_options[i];
        char text[256], name[CM_OPTION_TITLE_BYTES];
        if (!is_for_files(option))
            continue;
        struct sources sources = {.line = company_of(option)};
        snprintf(text, sizeof text, "# a comment\n%s = %s\n", option->name, some_value(option));
        sources.file = text;
        assert_read(option, &sources, CM_CONFIG_FROM_FILE);
        snprintf(text, sizeof text, "%s=%s", cm_option_variable(option, name), some_value(option));
        sources.file = NULL;
        sources.environment = text;
        assert_read(option, &sources, CM_CONFIG_FROM_ENVIRONMENT);
        snprintf(text, sizeof text, "--%s=%s%s%s", option->name, some_value(option),
                 sources.line != NULL ? "|" : "", sources.line != NULL ? sources.line : "");
        sources.line = text;
        sources.environment = NULL;
        assert_read(option, &sources, CM_CONFIG_FROM_LINE);
    }
}

/* Every kind's wrong value: said in the same words wherever it stands. */
static void test_wrong_values(void **state) {
    (void)state;
    static const struct {
        const char *name, *value, *why;
    } cases[] = {
        {"threads", "many", "\"many\" is not a number from 1 to 64"},
        {"threads", "65", "\"65\" is not a number from 1 to 64"},
        {"threads", "", "\"\" is not a number from 1 to 64"},
        {"threads", "4 # four", "\"4 # four\" is not a number from 1 to 64"},
        {"max-item-size", "2t", "\"2t\" is not a size from 1k to 1g, in bytes or with k, m or g"},
        {"unix-mask", "rwx", "\"rwx\" is not an octal number from 0 to 777"},
        {"no-evict", "perhaps", "\"perhaps\" is not yes or no"},
        {"no-evict", "Yes", "\"Yes\" is not yes or no"},
        {"verbose", "4", "\"4\" is not a number from 0 to 3"},
        {"protocol", "http", "\"http\" is not one of auto, ascii, binary"},
        {"prefix-delimiter", "::", "\"::\" is not one character"},
        {"auth-file", "", "the value is empty, a FILE is needed"},
        {"listen", "[::1", "\"[::1\" is not of the form [IPV6]:PORT"},
        {"listen", "a,b:0", "\"b:0\" has no port from 1 to 65535 after its colon"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct cm_option *option = cm_option_by_name(cases[i].name, strlen(cases[i].name));
        char text[256], wanted[256], variable[CM_OPTION_TITLE_BYTES];
        snprintf(text, sizeof text, "\n%s = %s", cases[i].name, cases[i].value);
        snprintf(wanted, sizeof wanted, "FILE:2: %s: %s", cases[i].name, cases[i].why);
        assert_file_said(text, wanted);
        cm_option_variable(option, variable);
        snprintf(text, sizeof text, "%s=%s", variable, cases[i].value);
        snprintf(wanted, sizeof wanted, "%s: %s", variable, cases[i].why);
        assert_said(&(const struct sources){.environment = text}, wanted, false);
    }
}

/* ---- rising order ---- */

static void assert_threads(const struct sources *sources, int64_t threads,
                           enum cm_config_origin origin) {
    struct parsed parsed;
    parse(&parsed, sources);
    assert_int_equal(parsed.status, CM_OK);
    assert_int_equal(parsed.config.threads, threads);
    assert_int_equal(parsed.config.places[CM_OPTION_INDEX_threads].origin, origin);
    drop(&parsed);
}

static void test_order(void **state) {
    (void)state;
    assert_threads(&(const struct sources){.line = "-M"}, CORES, CM_CONFIG_FROM_DEFAULT);
    struct sources sources = {.file = "threads = 5"};
    assert_threads(&sources, 5, CM_CONFIG_FROM_FILE);
    sources.of_default = true;
    assert_threads(&sources, 5, CM_CONFIG_FROM_FILE);
    sources.environment = "CACHEMAN_THREADS=6";
    assert_threads(&sources, 6, CM_CONFIG_FROM_ENVIRONMENT);
    sources.line = "-t|7";
    assert_threads(&sources, 7, CM_CONFIG_FROM_LINE);
    sources.line = "--config=";
    assert_threads(&sources, 6, CM_CONFIG_FROM_ENVIRONMENT);
    sources.environment = "CACHEMAN_CONFIG=";
    sources.line = NULL;
    assert_threads(&sources, CORES, CM_CONFIG_FROM_DEFAULT);
}

/* Lists and counts of a place replace those of the places before it. */
static void test_what_adds_up_starts_anew(void **state) {
    (void)state;
    struct parsed parsed;
    char text[256];
    struct sources sources = {.file = "listen = a\nlisten = b,c\nverbose = 2\nno-evict = yes\n",
                              .line = "-v|--no-evict=no"};
    parse(&parsed, &sources);
    assert_int_equal(parsed.status, CM_OK);
    cm_config_value(&parsed.config, CM_OPTION_INDEX_listen, text, sizeof text);
    assert_string_equal(text, "a,b,c");
    assert_int_equal(parsed.config.places[CM_OPTION_INDEX_listen].line, 2);
    assert_int_equal(parsed.config.verbosity, 1);
    assert_false(parsed.config.no_evict);
    drop(&parsed);
    sources.environment = "CACHEMAN_LISTEN=d";
    parse(&parsed, &sources);
    cm_config_value(&parsed.config, CM_OPTION_INDEX_listen, text, sizeof text);
    assert_string_equal(text, "d");
    drop(&parsed);
    sources.line = "-l|e|-l|f";
    parse(&parsed, &sources);
    cm_config_value(&parsed.config, CM_OPTION_INDEX_listen, text, sizeof text);
    assert_string_equal(text, "e,f");
    drop(&parsed);
}

static void test_unknown_variables(void **state) {
    (void)state;
    struct parsed parsed;
    parse(&parsed, &(const struct sources){
                       .environment = "CACHEMAN_TREADS=4|CACHEMAN_TEST_DEADLINE_S=1|CACHEMAN=1|"
                                      "CACHEMAN_HELP=1"});
    assert_int_equal(parsed.status, CM_OK);
    assert_int_equal(parsed.config.notes.count, 2);
    assert_string_equal(parsed.config.notes.entries[0],
                        "CACHEMAN_TREADS in the environment names no option");
    assert_string_equal(parsed.config.notes.entries[1],
                        "CACHEMAN_HELP in the environment names no option");
    drop(&parsed);
}

/* What contradicts itself is said where it stands. */
static void test_settled_by_place(void **state) {
    (void)state;
    assert_file_said("tls = yes", "FILE:1: tls: TLS needs a certificate: give --tls-cert FILE");
    assert_said(&(const struct sources){.environment = "CACHEMAN_TLS=yes"},
                "CACHEMAN_TLS: TLS needs a certificate: give --tls-cert FILE", false);
    assert_said(&(const struct sources){.file = "memory-limit = 1", .line = "-I|1m"},
                "option -I (--max-item-size): 1m is more than half of the memory limit; with -m 1 "
                "it may be at most 512k",
                false);
}

/* ---- the file's syntax ---- */

static void assert_value(const char *file, const char *name, const char *wanted) {
    struct parsed parsed;
    char value[1024];
    parse(&parsed, &(const struct sources){.file = file});
    if (parsed.status != CM_OK)
        fail_msg("%s", parsed.error.text);
    const struct cm_option *option = cm_option_by_name(name, strlen(name));
    assert_string_equal(
        cm_config_value(&parsed.config, cm_option_index(option), value, sizeof value), wanted);
    drop(&parsed);
}

static void test_syntax(void **state) {
    (void)state;
    assert_value("\xef\xbb\xbfthreads=4", "threads", "4");
    assert_value("\xef\xbb\xbf# only a comment", "port", "16180");
    assert_value("; comment\r\n\r\nthreads\t=\t4 \t\r\n", "threads", "4");
    assert_value("threads = 4 ; four", "threads", "4");
    assert_value("pidfile = /a b;c", "pidfile", "/a b;c");
    assert_value("prefix-delimiter =;", "prefix-delimiter", ";");
    assert_value("prefix-delimiter = #", "prefix-delimiter", "#");
    assert_value("prefix-delimiter = =", "prefix-delimiter", "=");
    assert_value("  threads = 4", "threads", "4");
    assert_value("disable-evictions = on", "no-evict", "yes");
    assert_value("tls-ciphers = A:\n  B:\n\n# and\n\tC\nthreads = 4", "tls-ciphers", "A:B:C");
    assert_value("listen = a,\n b\nlisten = c", "listen", "a,b,c");
    assert_value("listen = a , [::1]:2\t,c", "listen", "a,[::1]:2,c");
    assert_value("", "port", "16180");
    assert_value("\n\n", "port", "16180");
}

static void test_syntax_refusals(void **state) {
    (void)state;
    assert_file_said("threads", "FILE:1: \"threads\" is not of the form KEY = VALUE");
    assert_file_said("[server]\nthreads = 0",
                     "FILE:1: \"[server]\": there are no sections; write KEY = VALUE\n"
                     "FILE:2: threads: \"0\" is not a number from 1 to 64");
    assert_file_said("[server", "FILE:1: \"[server\": there are no sections; write KEY = VALUE");
    assert_file_said("memroy-limit = 4",
                     "FILE:1: unknown key \"memroy-limit\"; \"memory-limit\" is one");
    assert_file_said("hlep = 4",
                     "FILE:1: unknown key \"hlep\"; keys are the long names of the options that "
                     "--help lists");
    assert_file_said("threads: 0", "FILE:1: threads: \"0\" is not a number from 1 to 64");
    assert_file_said(" = 4",
                     "FILE:1: unknown key \"\"; keys are the long names of the options that "
                     "--help lists");
    assert_file_said("threads = 4\n\nthreads = 5",
                     "FILE:3: threads: it is given in line 1 already");
    assert_file_said("backlog = 4\nthreads = 4\n threads = 4",
                     "FILE:1: unknown key \"backlog\"; keys are the long names of the options that "
                     "--help lists\n"
                     "FILE:3: threads: an indented line continues the value of the line before; "
                     "begin it without blanks");
    assert_file_said("threads = 9\n 9", "FILE:1: threads: \"99\" is not a number from 1 to 64");
    assert_file_said("help = yes", "FILE:1: help: this can be given on the command line only");
    assert_file_said("slab-min-size = 3",
                     "FILE:1: slab-min-size: this can be given on the command line only");
    assert_file_said("config = x", "FILE:1: config: this can be given on the command line and in "
                                   "the environment only");
    assert_file_said("listen = a b",
                     "FILE:1: listen: \"a b\" has a character in it that no address has");
    assert_file_said("listen = a, ,b", "FILE:1: listen: \"\" has no address; write HOST, HOST:PORT "
                                       "or [IPV6]:PORT");
    assert_file_said("threads = 4\x01", "FILE:1: the byte 0x01 at column 12 is no text");
    assert_file_said("threads = 4\r\r\n", "FILE:1: the byte 0x0d at column 12 is no text");
    assert_said(&(const struct sources){.file = "port = 1\0\n", .file_bytes = 10},
                "FILE:1: the byte 0x00 at column 9 is no text", true);
}

/* As long as a line may be, and a byte longer: never cut. */
static void test_long_lines(void **state) {
    (void)state;
    enum { LINE_MAX_BYTES = 197 };
    static const char key[] = "pidfile = ";
    char text[LINE_MAX_BYTES + 3];
    memset(text, 'x', sizeof text);
    memcpy(text, key, strlen(key));
    text[LINE_MAX_BYTES] = '\0';
    assert_value(text, "pidfile", text + strlen(key));
    text[LINE_MAX_BYTES] = 'x';
    text[LINE_MAX_BYTES + 1] = '\0';
    assert_file_said(text,
                     "FILE:1: the line is 198 bytes long, at most 197 are allowed; an indented "
                     "line continues a value");
}

static void test_many_faults(void **state) {
    (void)state;
    char text[1024] = "";
    struct parsed parsed;
    for (int i = 0; i < 30; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "key%d = 1\n", i);
    parse(&parsed, &(const struct sources){.file = text, .environment = "CACHEMAN_THREADS=0"});
    assert_int_equal(parsed.status, CM_INVALID);
    assert_int_equal(parsed.config.faults.count, 21);
    assert_non_null(strstr(parsed.config.faults.entries[0], ":1: unknown key \"key0\""));
    assert_non_null(strstr(parsed.config.faults.entries[19], ":20: unknown key \"key19\""));
    assert_string_equal(parsed.config.faults.entries[20],
                        "there is more that is wrong; correct these first");
    drop(&parsed);
}

static void test_files_that_cannot_be_read(void **state) {
    (void)state;
    assert_said(&(const struct sources){.line = "--config=/nonexistent/file"},
                "cannot read the configuration \"/nonexistent/file\": No such file or directory",
                true);
    assert_said(&(const struct sources){.environment = "CACHEMAN_CONFIG=/nonexistent/file"},
                "cannot read the configuration \"/nonexistent/file\": No such file or directory",
                true);
    assert_said(&(const struct sources){.line = "--config|/tmp"},
                "cannot read the configuration \"/tmp\": Is a directory", true);
    assert_said(&(const struct sources){.line = "--config=/dev/zero"},
                "cannot read the configuration \"/dev/zero\": it is a device, not a regular file",
                true);
    struct parsed parsed;
    char program[] = "cachemand", *argv[] = {program, NULL};
    const struct cm_command_line line = {
        .argc = 1, .argv = argv, .core_count = 1, .default_file = "/nonexistent/file"};
    assert_int_equal(cm_config_parse(&parsed.config, &line, &parsed.error), CM_OK);
    assert_null(parsed.config.file);
    drop(&parsed);
}

/* ---- printing ---- */

/* A random value, written for any source. */
static void random_value(const struct cm_option *option, char *to, size_t bytes) {
    int64_t span = option->max - option->min + 1;
    switch (option->kind) {
    case CM_OPTION_FLAG:
        snprintf(to, bytes, "%s", rand() % 2 ? "yes" : "no");
        break;
    case CM_OPTION_NUMBER:
    case CM_OPTION_COUNT:
        snprintf(to, bytes, "%d", (int)(option->min + rand() % span));
        break;
    case CM_OPTION_SIZE:
        snprintf(to, bytes, "%d", 1024 + rand() % 100000);
        break;
    case CM_OPTION_THOUSANDTHS:
        snprintf(to, bytes, "%d.%03d", rand() % 3600000, rand() % 1000);
        break;
    case CM_OPTION_OCTAL:
        snprintf(to, bytes, "%o", (unsigned)(rand() % span));
        break;
    case CM_OPTION_CHOICE:
        snprintf(to, bytes, "%s", strrchr(option->argument, '|') + 1);
        break;
    case CM_OPTION_CHARACTER:
        snprintf(to, bytes, "%c", '!' + rand() % 90);
        break;
    case CM_OPTION_LIST:
        snprintf(to, bytes, "h%d,[::%x]:%d,*", rand() % 99, (unsigned)(rand() % 9999),
                 1 + rand() % 65535);
        break;
    default: { /* some of them longer than a line may be */
        size_t length = 1 + (size_t)(rand() % (rand() % 2 ? 20 : 400));
        for (size_t i = 0; i < length; i++)
            to[i] = "abc/.#;[ \t-_"[rand() % 12];
        to[0] = to[length - 1] = '/';
        for (size_t i = 1; i < length; i++) {
            if (to[i] == ';' && strchr(" \t", to[i - 1]) != NULL)
                to[i] = 'x';
        }
        to[length] = '\0';
    }
    }
}

/* Not what only some values of others go with. */
static bool stands_alone(const struct cm_option *option) {
    return is_for_files(option) && strncmp(option->name, "tls", 3) != 0 &&
           strcmp(option->name, "enable-sasl") != 0 && strcmp(option->name, "unix-socket") != 0 &&
           strcmp(option->name, "udp-port") != 0 && strcmp(option->name, "memory-limit") != 0 &&
           strcmp(option->name, "port") != 0 && strcmp(option->name, "cluster") != 0 &&
           strcmp(option->name, "admin") != 0 && strcmp(option->name, "admin-tls") != 0 &&
           strcmp(option->name, "admin-client-ca") != 0;
}

static void print_to(const struct cm_config *config, char *text, size_t bytes) {
    FILE *file = tmpfile();
    assert_non_null(file);
    cm_config_print(file, config);
    rewind(file);
    size_t got = fread(text, 1, bytes - 1, file);
    text[got] = '\0';
    fclose(file);
}

/* The configuration that comes out of one that went in. */
static void test_printed_and_read_again(void **state) {
    (void)state;
    static char printed[65536], value[CM_OPTIONS][512], words[CM_OPTIONS][640];
    for (int round = 0; round < ROUNDS; round++) {
        struct parsed first, second;
        char program[] = "cachemand", *argv[CM_OPTIONS + 1] = {program};
        int argc = 1;
        srand((unsigned)round);
        for (size_t i = 0; i < CM_OPTIONS; i++) {
            if (!stands_alone(&cm_options[i]) || rand() % 3 != 0)
                continue;
            random_value(&cm_options[i], value[i], sizeof value[i]);
            snprintf(words[i], sizeof words[i], "--%s=%s", cm_options[i].name, value[i]);
            argv[argc++] = words[i];
        }
        const struct cm_command_line line = {.argc = argc, .argv = argv, .core_count = CORES};
        assert_int_equal(cm_config_parse(&first.config, &line, &first.error), CM_OK);
        print_to(&first.config, printed, sizeof printed);
        parse(&second, &(const struct sources){.file = printed});
        if (second.status != CM_OK)
            fail_msg("round %d: %s", round, second.error.text);
        for (int i = 0; i < CM_OPTIONS; i++) {
            if (is_for_files(&cm_options[i]) &&
                cm_config_differs(&first.config, &second.config, (enum cm_config_index)i) &&
                strstr(printed, "a file cannot hold its value") == NULL)
                fail_msg("round %d: %s", round, cm_options[i].name);
        }
        drop(&first);
        drop(&second);
    }
}

static void test_printed(void **state) {
    (void)state;
    static char printed[65536];
    char wanted[256];
    struct parsed parsed;
    parse(&parsed, &(const struct sources){.file = "\nthreads = 5\nlisten = ::1,*",
                                           .environment = "CACHEMAN_PORT=7",
                                           .line = "-M|-P| x|-Y|u"});
    assert_int_equal(parsed.status, CM_OK);
    print_to(&parsed.config, printed, sizeof printed);
    snprintf(wanted, sizeof wanted, "\n# %s:2\nthreads = 5\n", parsed.path);
    assert_non_null(strstr(printed, wanted));
    snprintf(wanted, sizeof wanted, "\n# %s:3\nlisten = [::1]\nlisten = *\n", parsed.path);
    assert_non_null(strstr(printed, wanted));
    assert_non_null(strstr(printed, "\n# CACHEMAN_PORT\nport = 7\n"));
    assert_non_null(strstr(printed, "\n# command line\nno-evict = yes\n"));
    assert_non_null(strstr(printed, "\n# command line\nauth-file = u\n"));
    assert_non_null(strstr(printed, "\n# default\nmemory-limit = 100\n"));
    assert_non_null(strstr(printed, "\n# tls-cert: not set\n"));
    assert_non_null(strstr(printed, "\n# command line\n# pidfile: a file cannot hold its value\n"));
    assert_null(strstr(printed, "help"));
    drop(&parsed);
}

/* ---- taking over ---- */

static void test_adopting(void **state) {
    (void)state;
    struct parsed old, new;
    char value[64];
    parse(&old, &(const struct sources){.file = "policy = lru\nthreads = 2"});
    parse(&new, &(const struct sources){.file = "threads = 2\nlisten = a,b\npolicy = lfu"});
    for (int i = 0; i < CM_OPTIONS; i++) {
        enum cm_config_index index = (enum cm_config_index)i;
        bool wanted = index == CM_OPTION_INDEX_policy || index == CM_OPTION_INDEX_listen ||
                      index == CM_OPTION_INDEX_config;
        assert_int_equal(cm_config_differs(&old.config, &new.config, index), wanted);
        assert_int_equal(cm_config_adopt(&old.config, &new.config, index), CM_OK);
    }
    drop(&new);
    assert_string_equal(old.config.policy, "lfu");
    assert_int_equal(old.config.places[CM_OPTION_INDEX_policy].line, 3);
    assert_string_equal(cm_config_value(&old.config, CM_OPTION_INDEX_listen, value, sizeof value),
                        "a,b");
    drop(&old);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_option_from_everywhere),
        cmocka_unit_test(test_wrong_values),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_what_adds_up_starts_anew),
        cmocka_unit_test(test_unknown_variables),
        cmocka_unit_test(test_settled_by_place),
        cmocka_unit_test(test_syntax),
        cmocka_unit_test(test_syntax_refusals),
        cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_many_faults),
        cmocka_unit_test(test_files_that_cannot_be_read),
        cmocka_unit_test(test_printed_and_read_again),
        cmocka_unit_test(test_printed),
        cmocka_unit_test(test_adopting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
