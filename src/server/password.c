/* SPDX-License-Identifier: BSD-3-Clause */
#include "auth/auth.h"
#include "base/os/terminal.h"
#include "server/internal.h"

#include <string.h>

/* --hash-password: a password becomes what the file of users holds of it. */

/* Room for one byte more than a password may have, so that a longer one shows. */
struct typed {
    char text[CM_PASSWORD_BYTES_MAX + 1];
    size_t bytes;
};

static enum cm_exit refuse(const char *why) {
    cm_server_complain("option --hash-password: %s", why);
    return CM_EXIT_USAGE;
}

static struct cm_slice slice_of(const struct typed *typed) {
    return cm_slice(typed->text,
                    typed->bytes < sizeof typed->text ? typed->bytes : sizeof typed->text);
}

static enum cm_exit ask(const char *prompt, struct typed *typed) {
    if (cm_os_terminal_read_hidden(prompt, typed->text, sizeof typed->text, &typed->bytes) != CM_OK)
        return refuse("interrupted");
    return CM_EXIT_OK;
}

/* Twice, because nobody sees what is typed. */
static enum cm_exit ask_twice(struct typed *typed) {
    struct typed again;
    enum cm_exit result = ask("Password: ", typed);
    if (result == CM_EXIT_OK)
        result = ask("The same again: ", &again);
    if (result == CM_EXIT_OK && !cm_slice_equal(slice_of(typed), slice_of(&again)))
        result = refuse("the passwords differ");
    return result;
}

/* The first line of standard input. */
static void read_line(struct typed *typed) {
    int c;
    typed->bytes = 0;
    while ((c = getchar()) != EOF && c != '\n') {
        if (typed->bytes < sizeof typed->text)
            typed->text[typed->bytes] = (char)c;
        typed->bytes++;
    }
    if (typed->bytes > 0 && typed->bytes <= sizeof typed->text &&
        typed->text[typed->bytes - 1] == '\r')
        typed->bytes--;
}

static enum cm_exit print_hash(const char *user, struct cm_slice password) {
    char hash[CM_AUTH_HASH_CHARS];
    if (cm_auth_hash(password, hash) != CM_OK) {
        cm_server_complain("option --hash-password: no randomness for a salt");
        return CM_EXIT_SYSTEM;
    }
    (void)printf("%s%s%s\n", user, *user != '\0' ? ":" : "", hash);
    return cm_server_flush_output();
}

enum cm_exit cm_server_hash_password(const char *user) {
    struct typed typed;
    if (*user != '\0') {
        const char *why = cm_auth_user_fault(cm_slice(user, strlen(user)));
        if (why != NULL)
            return refuse(why);
    }
    if (cm_os_terminal_is_input()) {
        enum cm_exit result = ask_twice(&typed);
        if (result != CM_EXIT_OK)
            return result;
    } else {
        read_line(&typed);
    }
    const char *why = cm_auth_password_fault(slice_of(&typed));
    return why != NULL ? refuse(why) : print_hash(user, slice_of(&typed));
}
