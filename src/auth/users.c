/* SPDX-License-Identifier: BSD-3-Clause */
#include "auth/internal.h"
#include "base/check.h"
#include "base/format.h"
#include "base/os/os.h"
#include <errno.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* The file of users: a line `user:password`, as memcached has it, or `user:hash` for each; empty
 * lines and those that begin with '#' mean nothing. */

struct reading {
    const struct cm_users_source *source;
    struct cm_users *users;
    unsigned line;
    unsigned clear_count;
    size_t room; /* of users->entries */
};

/* ---- what is refused ---- */

CM_PRINTF(2, 3)
static enum cm_status refuse(struct cm_auth_error *error, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return CM_INVALID;
}

static enum cm_status refuse_line(const struct reading *reading, const char *why) {
    const struct cm_users_source *source = reading->source;
    return refuse(source->error, "%s:%u: %s", source->path, reading->line, why);
}

static enum cm_status no_memory(const struct cm_users_source *source) {
    (void)refuse(source->error, "%s: out of memory", source->path);
    return CM_NO_MEMORY;
}

static bool has_control(struct cm_slice text) {
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.data[i];
        if (c < 0x20 || c == 0x7f) {
            return true;
        }
    }
    return false;
}

static const char *fault(struct cm_slice text, size_t bytes_max, const char *const faults[3]) {
    return text.len == 0          ? faults[0]
           : text.len > bytes_max ? faults[1]
           : has_control(text)    ? faults[2]
                                  : NULL;
}

const char *cm_auth_user_fault(struct cm_slice user) {
    static const char *const faults[] = {"the user is empty", "the user is longer than 256 bytes",
                                         "the user contains a control character"};
    if (memchr(user.data, ' ', user.len) != NULL) {
        return "the user contains a space";
    }
    if (memchr(user.data, ':', user.len) != NULL) {
        return "the user contains a colon";
    }
    if (user.len > 0 && user.data[0] == '#') {
        return "the user begins with #";
    }
    return fault(user, CM_USER_BYTES_MAX, faults);
}

const char *cm_auth_password_fault(struct cm_slice password) {
    static const char *const faults[] = {"the password is empty",
                                         "the password is longer than 256 bytes",
                                         "the password contains a control character"};
    return fault(password, CM_PASSWORD_BYTES_MAX, faults);
}

/* ---- lines ---- */

bool cm_users_salt(const unsigned char *secret, struct cm_slice name, struct cm_verifier *out) {
    _Static_assert(CM_SALT_BYTES_MAX == 2 * CM_DIGEST_BYTES, "a salt is made of two digests");
    unsigned char *half = out->salt + CM_DIGEST_BYTES;
    out->salt_bytes = CM_SALT_BYTES;
    return cm_auth_hmac(secret, name, out->salt) &&
           cm_auth_hmac(secret, cm_slice(out->salt, CM_DIGEST_BYTES), half);
}

static enum cm_status read_password(struct reading *reading, struct cm_slice password,
                                    struct cm_user *user) {
    const char *why = cm_auth_password_fault(password);
    if (why != NULL) {
        return refuse_line(reading, why);
    }
    if (++reading->clear_count > CM_AUTH_CLEAR_MAX) {
        return refuse_line(reading, "more than 256 passwords in the clear; write their hashes, "
                                    "which cachemand --hash-password makes");
    }
    user->verifier.iterations = CM_AUTH_ITERATIONS;
    if (!cm_users_salt(reading->source->secret, user->name, &user->verifier) ||
        !cm_verifier_derive(&user->verifier, password)) {
        (void)refuse_line(reading, "the password cannot be hashed");
        return CM_SYSTEM;
    }
    return CM_OK;
}

static bool starts_with(struct cm_slice text, struct cm_slice prefix) {
    return text.len >= prefix.len && memcmp(text.data, prefix.data, prefix.len) == 0;
}

static enum cm_status read_secret(struct reading *reading, struct cm_slice secret,
                                  struct cm_user *user) {
    if (!starts_with(secret, CM_SLICE("SCRAM-"))) {
        return read_password(reading, secret, user);
    }
    if (!cm_verifier_parse(secret, &user->verifier)) {
        return refuse_line(reading,
                           "the hash is not SCRAM-SHA-256$ITERATIONS:SALT$STOREDKEY:SERVERKEY with "
                           "4096 to 32768 iterations");
    }
    return CM_OK;
}

/* NULL: no memory. */
static struct cm_user *new_user(struct reading *reading) {
    struct cm_users *users = reading->users;
    if (users->count == reading->room) {
        const size_t room = reading->room == 0 ? 8 : reading->room * 2;
        void *grown = realloc(users->entries, room * sizeof *users->entries);
        if (grown == NULL) {
            return NULL;
        }
        users->entries = grown;
        reading->room = room;
    }
    struct cm_user *user = &users->entries[users->count++];
    *user = (struct cm_user){.line = reading->line};
    return user;
}

static enum cm_status read_line(struct reading *reading, struct cm_slice line) {
    if (line.len > 0 && line.data[line.len - 1] == '\r') {
        line.len--;
    }
    if (line.len == 0 || line.data[0] == '#') {
        return CM_OK;
    }
    const char *colon = memchr(line.data, ':', line.len);
    if (colon == NULL) {
        return refuse_line(reading, "there is no colon; a line is USER:PASSWORD or USER:HASH");
    }
    struct cm_user *user = new_user(reading);
    if (user == NULL) {
        return no_memory(reading->source);
    }
    user->name = cm_slice(line.data, (size_t)(colon - line.data));
    const char *why = cm_auth_user_fault(user->name);
    if (why != NULL) {
        return refuse_line(reading, why);
    }
    return read_secret(reading, cm_slice(colon + 1, line.len - user->name.len - 1), user);
}

/* ---- order ---- */

static int compare_names(struct cm_slice a, struct cm_slice b) {
    const int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_users(const void *a, const void *b) {
    const struct cm_user *left = a, *right = b;
    const int order = compare_names(left->name, right->name);
    return order != 0 ? order : (left->line > right->line) - (left->line < right->line);
}

static enum cm_status sort(struct reading *reading) {
    struct cm_users *users = reading->users;
    qsort(users->entries, users->count, sizeof *users->entries, compare_users);
    for (size_t i = 1; i < users->count; i++) {
        const struct cm_user *user = &users->entries[i];
        if (cm_slice_equal(user[-1].name, user->name)) {
            return refuse(reading->source->error, "%s:%u: the user \"%.*s\" is in line %u already",
                          reading->source->path, user->line, (int)user->name.len, user->name.data,
                          user[-1].line);
        }
    }
    return CM_OK;
}

const struct cm_user *cm_users_find(const struct cm_users *users, struct cm_slice name) {
    size_t low = 0, high = users->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = compare_names(users->entries[middle].name, name);
        if (order == 0) {
            return &users->entries[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

/* ---- the file ---- */

/* The names move out of the text, which holds passwords and is to go. */
static enum cm_status keep_names(struct reading *reading) {
    struct cm_users *users = reading->users;
    size_t bytes = 0;
    for (size_t i = 0; i < users->count; i++) {
        bytes += users->entries[i].name.len;
    }
    users->names = malloc(bytes);
    if (users->names == NULL) {
        return no_memory(reading->source);
    }
    char *to = users->names;
    for (size_t i = 0; i < users->count; i++) {
        struct cm_slice *name = &users->entries[i].name;
        memcpy(to, name->data, name->len);
        name->data = to;
        to += name->len;
    }
    return CM_OK;
}

static enum cm_status read_lines(struct reading *reading, struct cm_slice text) {
    enum cm_status status = CM_OK;
    while (text.len > 0 && status == CM_OK) {
        const char *end = memchr(text.data, '\n', text.len);
        const size_t bytes = end == NULL ? text.len : (size_t)(end - text.data);
        const size_t used = end == NULL ? bytes : bytes + 1;
        reading->line++;
        status = read_line(reading, cm_slice(text.data, bytes));
        text = cm_slice(text.data + used, text.len - used);
    }
    return status;
}

static enum cm_status read_all(struct reading *reading, struct cm_slice text) {
    enum cm_status status = read_lines(reading, text);
    if (status != CM_OK) {
        return status;
    }
    if (reading->users->count == 0) {
        return refuse(reading->source->error, "%s: there is no user in it: nobody could log in",
                      reading->source->path);
    }
    status = sort(reading);
    return status == CM_OK ? keep_names(reading) : status;
}

enum cm_status cm_users_parse(const struct cm_users_source *source, struct cm_slice text,
                              struct cm_users **out) {
    struct reading reading = {.source = source, .users = calloc(1, sizeof(struct cm_users))};
    if (reading.users == NULL) {
        return no_memory(source);
    }
    const enum cm_status status = read_all(&reading, text);
    if (status != CM_OK) {
        cm_users_destroy(reading.users);
        return status;
    }
    reading.users->references = 1;
    *out = reading.users;
    return CM_OK;
}

void cm_users_destroy(struct cm_users *users) {
    if (users != NULL) {
        if (users->entries != NULL) {
            OPENSSL_cleanse(users->entries, users->count * sizeof *users->entries);
        }
        free(users->entries);
        free(users->names);
        free(users);
    }
}

/* `text` has room for one byte more than a file may have. */
static enum cm_status read_text(const struct cm_users_source *source, char *text, size_t *bytes) {
    const char *why;
    FILE *file = cm_os_open_regular(source->path, &why);
    bool read = file != NULL;
    if (read) {
        setbuf(file, NULL); /* or a copy of the passwords stays behind */
        *bytes = fread(text, 1, CM_AUTH_FILE_MAX + 1, file);
        read = ferror(file) == 0;
        why = strerror(errno);
    }
    if (!read) {
        (void)refuse(source->error, "%s: %s", source->path, why);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return read ? CM_OK : CM_SYSTEM;
}

enum cm_status cm_users_read(const struct cm_users_source *source, struct cm_users **out) {
    char *text = malloc(CM_AUTH_FILE_MAX + 1);
    size_t bytes = 0;
    if (text == NULL) {
        return no_memory(source);
    }
    enum cm_status status = read_text(source, text, &bytes);
    if (status == CM_OK && bytes > CM_AUTH_FILE_MAX) {
        status = refuse(source->error, "%s: larger than 1 MB", source->path);
    }
    if (status == CM_OK) {
        status = cm_users_parse(source, cm_slice(text, bytes), out);
    }
    OPENSSL_cleanse(text, bytes);
    free(text);
    return status;
}
