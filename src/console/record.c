/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "console/record.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

/* Makes the folders up to the last '/'; those that are there stay as they are. */
static void make_folders(char *path) {
    for (char *at = strchr(path + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
        *at = '\0';
        (void)mkdir(path, 0700);
        *at = '/';
    }
}

static bool find_path(char *path) {
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    int length = 0;
    if (state != NULL && *state == '/')
        length = snprintf(path, PATH_BYTES, "%s/cacheman/history", state);
    else if (home != NULL && *home == '/')
        length = snprintf(path, PATH_BYTES, "%s/.local/state/cacheman/history", home);
    return length > 0 && length < PATH_BYTES;
}

static FILE *open_file(const char *path, const char *mode) {
    const int flags = *mode == 'r' ? O_RDONLY : O_WRONLY | O_CREAT | O_APPEND;
    const int file = open(path, flags | O_CLOEXEC | O_NOCTTY, 0600);
    if (file < 0)
        return NULL;
    FILE *stream = fdopen(file, mode);
    if (stream == NULL)
        close(file);
    return stream;
}

/* Lines beyond the last CM_RECORD_LINES_MAX are dropped when there are twice as many. */
struct record {
    char *lines[CM_RECORD_LINES_MAX]; /* a ring */
    size_t count;
};

static void load(struct record *record, FILE *file) {
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, file) > 0) {
        char **place = &record->lines[record->count % CM_RECORD_LINES_MAX];
        line[strcspn(line, "\n")] = '\0';
        free(*place);
        *place = strdup(line);
        record->count++;
    }
    free(line);
}

/* Beside the file, then in its place, so that nobody sees half of one. */
static void rewrite(const struct record *record, const char *path) {
    char beside[PATH_BYTES + 16];
    snprintf(beside, sizeof beside, "%s.%ld", path, (long)getpid());
    FILE *file = open_file(beside, "a");
    if (file == NULL)
        return;
    for (size_t i = record->count - CM_RECORD_LINES_MAX; i < record->count; i++) {
        const char *line = record->lines[i % CM_RECORD_LINES_MAX];
        fprintf(file, "%s\n", line == NULL ? "" : line);
    }
    if (fclose(file) != 0 || rename(beside, path) != 0)
        (void)unlink(beside);
}

void cm_record_read(cm_record_visitor *visit, void *context) {
    char path[PATH_BYTES];
    FILE *file = find_path(path) ? open_file(path, "r") : NULL;
    struct record *record = file == NULL ? NULL : calloc(1, sizeof *record);
    if (record != NULL) {
        load(record, file);
        const size_t count = record->count;
        if (count > 2 * CM_RECORD_LINES_MAX)
            rewrite(record, path);
        for (size_t i = count > CM_RECORD_LINES_MAX ? count - CM_RECORD_LINES_MAX : 0; i < count;
             i++) {
            char *line = record->lines[i % CM_RECORD_LINES_MAX];
            if (line != NULL && *line != '\0')
                visit(context, line);
            free(line);
        }
    }
    free(record);
    if (file != NULL)
        fclose(file);
}

bool cm_record_wants(struct cm_slice line) {
    return line.len > 0 && line.data[0] != ' ' &&
           memmem(line.data, line.len, "password", strlen("password")) == NULL;
}

void cm_record_add(struct cm_slice line) {
    char path[PATH_BYTES];
    if (!find_path(path))
        return;
    make_folders(path);
    FILE *file = open_file(path, "a");
    if (file == NULL)
        return;
    (void)fprintf(file, "%.*s\n", (int)line.len, line.data);
    (void)fclose(file);
}
