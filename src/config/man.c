/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/roff.h"
#include "config/config.h"
#include "config/extended.h"
#include "config/option.h"

#include <cacheman/version.h>
#include <string.h>

static void print_option(FILE *to, const struct cm_option *option) {
    fputs(".TP\n", to);
    if (option->letter != 0) {
        cm_roff_option(
            to, &(struct cm_roff_option){"-", (char[]){option->letter, '\0'}, option->argument});
        fputs(", ", to);
    }
    cm_roff_option(to, &(struct cm_roff_option){"--", option->name, option->argument});
    if (option->alias != NULL) {
        fputs(", ", to);
        cm_roff_option(to, &(struct cm_roff_option){"--", option->alias, option->argument});
    }
    fputc('\n', to);
    if (cm_option_is_nothing(option))
        fputs("Accepted, has no effect: ", to);
    cm_roff_text(to, option->text);
    if (option->initial != NULL) {
        fputs(" (default: ", to);
        cm_roff_text(to, option->initial);
        fputc(')', to);
    }
    fputs(".\n", to);
}

static void print_key(FILE *to, const struct cm_extended_key *key) {
    fputs("\\fB", to);
    cm_roff_text(to, key->key);
    fputs("\\fR", to);
}

/* Keys in a row that have no effect for the same reason share a paragraph. */
static size_t print_keys_without_effect(FILE *to, size_t first) {
    const struct cm_extended_key *keys = cm_extended_keys;
    size_t end = first;
    do {
        if (end > first)
            fputs(", ", to);
        print_key(to, &keys[end++]);
    } while (end < cm_extended_keys_count && keys[end].option == NULL &&
             strcmp(keys[end].note, keys[first].note) == 0);
    fputs("\nAccepted, without effect: ", to);
    cm_roff_text(to, keys[first].note);
    fputs(".\n", to);
    return end;
}

static void print_extended(FILE *to) {
    fputs(".SH EXTENDED OPTIONS\n"
          "Keys of \\fB\\-o\\fR. Each that has no effect is told of once, at the start.\n",
          to);
    for (size_t i = 0; i < cm_extended_keys_count;) {
        const struct cm_extended_key *key = &cm_extended_keys[i];
        fputs(".TP\n", to);
        if (key->option == NULL) {
            i = print_keys_without_effect(to, i);
            continue;
        }
        print_key(to, key);
        fputs(key->kind == CM_EXTENDED_CLEAR ? "\nThe opposite of " : "\nThe same as ", to);
        cm_roff_option(to, &(struct cm_roff_option){"--", key->option, NULL});
        if (key->note != NULL) {
            fputs("; ", to);
            cm_roff_text(to, key->note);
        }
        fputs(".\n", to);
        i++;
    }
}

static void print_policies(FILE *to, const struct cm_config_choice *policies) {
    fputs(".SH EVICTION POLICIES\n"
          "The first is the default.\n",
          to);
    for (; policies->name != NULL; policies++) {
        fputs(".TP\n.B ", to);
        cm_roff_text(to, policies->name);
        fputc('\n', to);
        cm_roff_text(to, policies->text);
        fputs(".\n", to);
    }
}

static const char after_options[] =
    ".SH SIGNALS\n"
    ".TP\n"
    ".B SIGTERM, SIGINT, SIGUSR1\n"
    "Stop gracefully: accept no more connections, answer every request received, send the\n"
    "answers for at most a few seconds, exit with 0.\n"
    ".TP\n"
    ".B SIGHUP\n"
    "The configuration is read again: what can change without a restart does, and the rest is "
    "said.\n"
    "The users of \\fB\\-\\-auth\\-file\\fR and the certificates of \\fB\\-Z\\fR are read again. "
    "If there is\n"
    "something wrong with a file, that is said and nothing changes; what was read is said, too.\n"
    "Connections stay what they are.\n"
    ".TP\n"
    ".B SIGPIPE\n"
    "Ignored.\n"
    ".SH FILES\n"
    ".TP\n"
    ".I /etc/cacheman/cachemand.conf\n"
    "The configuration, read if it is there and \\fB\\-\\-config\\fR names no other: a line\n"
    "\\fIkey\\fR = \\fIvalue\\fR for each option, by its long name; flags are yes or no, and\n"
    "\\fBlisten\\fR may be given again. \\fB\\-\\-sample\\-config\\fR prints one.\n"
    ".SH ENVIRONMENT\n"
    ".TP\n"
    ".B JOURNAL_STREAM\n"
    "Where it says that standard error leads to systemd's journal, messages begin with their "
    "level.\n"
    ".TP\n"
    ".B CACHEMAN_\\fIOPTION\\fR\n"
    "The option of that name, in capitals and with underscores, as in CACHEMAN_MEMORY_LIMIT=64. It "
    "goes\n"
    "before the file's, and the command line's before both.\n"
    ".TP\n"
    ".B MEMCACHED_PORT_FILENAME\n"
    "A file to which the server, once it listens, writes a line \\(lqTCP INET: \\fIport\\fR\\(rq\n"
    "or \\(lqTCP INET6: \\fIport\\fR\\(rq for each listening socket, with UDP for TCP where it "
    "is.\n"
    "There is none for a Unix socket, and no file if that is all.\n"
    ".SH EXIT STATUS\n"
    ".TP\n"
    ".B 0\n"
    "Stopped by a signal or by the shutdown command.\n"
    ".TP\n"
    ".B 64\n"
    "An option is unknown or its value not allowed; the message on standard error says what is.\n"
    ".TP\n"
    ".B 67\n"
    "The user of \\fB\\-u\\fR does not exist.\n"
    ".TP\n"
    ".B 71\n"
    "The system refused something needed: an address that cannot be listened on, memory, threads,\n"
    "locked memory (\\fB\\-k\\fR), core files (\\fB\\-r\\fR).\n"
    ".TP\n"
    ".B 73\n"
    "The file of \\fB\\-P\\fR or of MEMCACHED_PORT_FILENAME cannot be written.\n"
    ".TP\n"
    ".B 77\n"
    "Becoming the user of \\fB\\-u\\fR is not permitted.\n"
    ".TP\n"
    ".B 78\n"
    "The configuration's file is wrong, or one given with an option cannot be used; the message "
    "says\n"
    "which line of it, and why.\n"
    ".SH NOTES\n"
    "Without \\fB\\-l\\fR only programs on the same machine can connect. Whoever can connect can\n"
    "read and change everything: keep the port away from networks that are not trusted, or let\n"
    "clients log in (\\fB\\-\\-auth\\-file\\fR) over TLS (\\fB\\-Z\\fR).\n"
    ".PP\n"
    "Over UDP an answer is at most 64 datagrams, and what is no request is not answered. Requests "
    "of\n"
    "several datagrams are dropped, as are those that are not whole.\n"
    ".PP\n"
    "Once it listens, the server enters a sandbox (on Linux, by seccomp): it can neither run "
    "programs\n"
    "nor make processes, which ends it at once, nor open sockets or write files, which fails. "
    "What\n"
    "was refused is in the system's audit log. Where the system grants no sandbox, that is said "
    "and\n"
    "the server goes on; \\fB\\-\\-no\\-sandbox\\fR does without from the start.\n"
    ".PP\n"
    "A client that sends requests and does not read the answers is held back: once some of them\n"
    "cannot be sent, the server executes and reads no more from it until it reads again. All such\n"
    "clients together may leave 2 MB and an eighth of \\fB\\-m\\fR unsent, and keep a quarter of\n"
    "it from being evicted; past that the connections that have not read for the longest time are\n"
    "closed. With \\fB\\-\\-idle\\-timeout\\fR they are closed after that time in any case. Other\n"
    "clients are served meanwhile.\n"
    ".SH SEE ALSO\n"
    ".BR memcached (1)\n";

void cm_config_print_man(FILE *to, const struct cm_config_choice *policies) {
    fputs(".\\\" Generated from src/tables/options.def by script/man; do not edit.\n", to);
    fprintf(to, ".TH CACHEMAND 1 \"\" \"Cacheman %s\" \"User Commands\"\n", CACHEMAN_VERSION);
    fputs(".SH NAME\n"
          "cachemand \\- a cache server that speaks memcached's protocols and a part of Redis'\n"
          ".SH SYNOPSIS\n"
          ".B cachemand\n"
          ".RI [ options ]\n"
          ".SH DESCRIPTION\n"
          "Keeps items in memory, up to a limit, and serves them over memcached's protocols, text, "
          "meta\n"
          "and binary, and what of Redis' protocol concerns strings, all on one port.\n"
          ".SH OPTIONS\n",
          to);
    for (size_t i = 0; i < CM_OPTIONS; i++) {
        if (cm_options[i].text != NULL)
            print_option(to, &cm_options[i]);
    }
    print_extended(to);
    print_policies(to, policies);
    fputs(after_options, to);
}
