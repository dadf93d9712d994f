/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_CLI_WHERE_H
#define CM_CLI_WHERE_H

#include "cli/options.h"

#include <cacheman/status.h>

/* The options that say which servers to talk to, and how: rows for a program's table, and the
 * connection string that they come to. */

struct cm_cli_where {
    const char *servers;  /* a connection string; NULL: CACHEMAN_SERVERS, or the default */
    const char *defaults; /* options as in a connection string, unless it has them; NULL: none */
    const char *user, *password_file;
    const char *ca, *cert, *key;
    bool tls;
    int64_t timeout_us; /* 0: as the connection string says */
};

#define CM_CLI_WHERE_SERVERS_DEFAULT "127.0.0.1:16180"

/* Rows for a struct `type` with the member `where`, a struct cm_cli_where. */
#define CM_CLI_WHERE_OPTIONS(type, where)                                                          \
    {.name = "servers",                                                                            \
     .letter = 's',                                                                                \
     .kind = CM_CLI_TEXT,                                                                          \
     .argument = "WHERE",                                                                          \
     .offset = offsetof(type, where) + offsetof(struct cm_cli_where, servers),                     \
     .text = "the servers, as HOST:PORT,HOST:PORT?OPTION=VALUE or file:PATH (default: what "       \
             "CACHEMAN_SERVERS says, or " CM_CLI_WHERE_SERVERS_DEFAULT ")"},                       \
        {.name = "user",                                                                           \
         .letter = 'u',                                                                            \
         .kind = CM_CLI_TEXT,                                                                      \
         .argument = "NAME",                                                                       \
         .offset = offsetof(type, where) + offsetof(struct cm_cli_where, user),                    \
         .text = "the user to log in as; on a terminal the password is asked for"},                \
        {.name = "password-file",                                                                  \
         .kind = CM_CLI_TEXT,                                                                      \
         .argument = "FILE",                                                                       \
         .offset = offsetof(type, where) + offsetof(struct cm_cli_where, password_file),           \
         .text = "a file whose first line is the password"},                                       \
        {.name = "tls",                                                                            \
         .kind = CM_CLI_FLAG,                                                                      \
         .offset = offsetof(type, where) + offsetof(struct cm_cli_where, tls),                     \
         .text = "encrypt, and look at the servers' certificates"},                                \
        {.name = "ca",                                                                             \
         .kind = CM_CLI_TEXT,                                                                      \
         .argument = "FILE",                                                                       \
         .offset = offsetof(type, where) + offsetof(struct cm_cli_where, ca),                      \
         .text = "the authorities that sign them (default: the system's); encrypts too"},          \
        {.name = "cert",                                                                           \
         .kind = CM_CLI_TEXT,                                                                      \
         .argument = "FILE",                                                                       \
         .offset = offsetof(type, where) + offsetof(struct cm_cli_where, cert),                    \
         .text = "the client's own certificate; encrypts too"},                                    \
        {.name = "key",                                                                            \
         .kind = CM_CLI_TEXT,                                                                      \
         .argument = "FILE",                                                                       \
         .offset = offsetof(type, where) + offsetof(struct cm_cli_where, key),                     \
         .text = "and its key"},                                                                   \
    {                                                                                              \
        .name = "timeout", .kind = CM_CLI_DURATION, .argument = "TIME", .min = 1000,               \
        .max = 3600000000,                                                                         \
        .offset = offsetof(type, where) + offsetof(struct cm_cli_where, timeout_us),               \
        .text = "how long to wait for an answer (default: 1s, for "                                \
                "stress 10s)"                                                                      \
    }

/* The connection string, at *out, to be freed. Not OK: what to exit with, and *why is a message for
 * people, to be freed, NULL where there is no memory for one. May ask for the password. */
int cm_cli_where_make(const struct cm_cli_where *where, char **out, char **why);

/* The first line of a file, without its end, into `room` bytes. NULL, or why there is none. */
const char *cm_cli_first_line(const char *path, char *to, int room);

/* What to exit with if the client could not be opened. */
int cm_cli_where_exit(enum cm_status status);

#endif
