/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/trace.h"

#include "lib/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEY_BYTES_MAX 250
#define EMPTY         UINT32_MAX

extern char **environ;

/* While reading: key numbers by the hash of their name, open addressing, at most half full. */
struct reader {
    struct cm_bench_trace *trace;
    uint32_t *slots;
    size_t slot_count; /* a power of two */
    size_t names_bytes;
    size_t names_room, keys_room, requests_room;
};

static uint64_t hash_of(const char *name, size_t bytes) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ (unsigned char)name[i]) * UINT64_C(0x100000001b3);
    return hash ^ (hash >> 29);
}

/* Doubles an array's room when it is full. */
static void *grow(void *array, size_t used, size_t *room, size_t element_bytes) {
    if (used < *room)
        return array;
    *room = *room ? *room * 2 : 1024;
    void *larger = realloc(array, *room * element_bytes);
    if (!larger)
        cm_bench_die("out of memory");
    return larger;
}

static size_t find_slot(const struct reader *reader, const char *name, size_t bytes) {
    size_t mask = reader->slot_count - 1;
    for (size_t at = hash_of(name, bytes) & mask;; at = (at + 1) & mask) {
        uint32_t key = reader->slots[at];
        if (key == EMPTY)
            return at;
        size_t its_bytes;
        const char *its_name = cm_bench_trace_name(reader->trace, key, &its_bytes);
        if (its_bytes == bytes && !memcmp(its_name, name, bytes))
            return at;
    }
}

static void rehash(struct reader *reader) {
    free(reader->slots);
    reader->slot_count = reader->slot_count ? reader->slot_count * 2 : 4096;
    reader->slots = cm_bench_alloc(reader->slot_count, sizeof *reader->slots);
    memset(reader->slots, 0xff, reader->slot_count * sizeof *reader->slots);
    for (uint32_t key = 0; key < reader->trace->keys; key++) {
        size_t bytes;
        const char *name = cm_bench_trace_name(reader->trace, key, &bytes);
        reader->slots[find_slot(reader, name, bytes)] = key;
    }
}

static uint32_t new_key(struct reader *reader, const char *name, size_t bytes) {
    struct cm_bench_trace *trace = reader->trace;
    trace->name_at =
        grow(trace->name_at, trace->keys + 1u, &reader->keys_room, sizeof *trace->name_at);
    trace->names = grow(trace->names, reader->names_bytes + KEY_BYTES_MAX, &reader->names_room, 1);
    memcpy(trace->names + reader->names_bytes, name, bytes);
    reader->names_bytes += bytes;
    trace->name_at[trace->keys + 1] = reader->names_bytes;
    return trace->keys++;
}

static uint32_t key_number(struct reader *reader, const char *name, size_t bytes) {
    if (reader->trace->keys * (size_t)2 >= reader->slot_count)
        rehash(reader);
    size_t at = find_slot(reader, name, bytes);
    if (reader->slots[at] == EMPTY)
        reader->slots[at] = new_key(reader, name, bytes);
    return reader->slots[at];
}

static void read_line(struct reader *reader, const char *line, const char *path) {
    struct cm_bench_trace *trace = reader->trace;
    size_t name_bytes = strcspn(line, " \t\r\n");
    if (!name_bytes || name_bytes > KEY_BYTES_MAX)
        cm_bench_die("%s: line %zu: a key of 1 to %d bytes is expected", path, trace->count + 1,
                     KEY_BYTES_MAX);
    size_t room = reader->requests_room;
    trace->requests = grow(trace->requests, trace->count, &room, sizeof *trace->requests);
    trace->bytes = grow(trace->bytes, trace->count, &reader->requests_room, sizeof *trace->bytes);
    trace->requests[trace->count] = key_number(reader, line, name_bytes);
    trace->bytes[trace->count] = (uint32_t)strtoul(line + name_bytes, NULL, 10);
    trace->count++;
}

/* The file, or the output of gzip, whose process id goes to *child. */
static FILE *open_trace(const char *path, pid_t *child) {
    size_t length = strlen(path);
    *child = 0;
    if (length < 3 || strcmp(path + length - 3, ".gz"))
        return fopen(path, "r");
    int ends[2];
    if (access(path, R_OK) || pipe(ends))
        return NULL;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    char tool[] = "gzip", flags[] = "-dc", *copy = strdup(path);
    char *argv[] = {tool, flags, copy, NULL};
    errno = posix_spawnp(child, "gzip", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    free(copy);
    return errno ? NULL : fdopen(ends[0], "r");
}

static void drop_sizes_if_none(struct cm_bench_trace *trace) {
    for (size_t i = 0; i < trace->count; i++)
        if (trace->bytes[i])
            return;
    free(trace->bytes);
    trace->bytes = NULL;
}

void cm_bench_trace_read(struct cm_bench_trace *trace, const char *path) {
    *trace = (struct cm_bench_trace){0};
    struct reader reader = {.trace = trace};
    pid_t child;
    FILE *file = open_trace(path, &child);
    if (!file)
        cm_bench_die("%s: %s", path, strerror(errno));
    trace->name_at = grow(NULL, 0, &reader.keys_room, sizeof *trace->name_at);
    trace->name_at[0] = 0;
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, file) > 0)
        read_line(&reader, line, path);
    int status = 0;
    if (ferror(file) || (child && (waitpid(child, &status, 0) != child || status)))
        cm_bench_die("%s: cannot be read to its end", path);
    free(line);
    free(reader.slots);
    fclose(file);
    drop_sizes_if_none(trace);
}

void cm_bench_trace_free(struct cm_bench_trace *trace) {
    free(trace->requests);
    free(trace->bytes);
    free(trace->names);
    free(trace->name_at);
}

const char *cm_bench_trace_name(const struct cm_bench_trace *trace, uint32_t key, size_t *bytes) {
    *bytes = trace->name_at[key + 1] - trace->name_at[key];
    return trace->names + trace->name_at[key];
}
