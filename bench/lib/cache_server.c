/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/cache.h"
#include "lib/machine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define LINE_BYTES 512

/* One connection, one request at a time: cache-aside decides on each reply what comes next. A get
 * is a meta get that asks for no value: it counts as a hit without sending one. */
struct client {
    int fd;
    const struct cm_bench_trace *trace;
    char *value; /* with its line end behind it */
};

static void write_all(struct client *client, struct iovec *parts, int count) {
    while (count) {
        ssize_t n = writev(client->fd, parts, count);
        if (n < 0 && errno != EINTR)
            cm_bench_die("write: %s", strerror(errno));
        for (size_t done = n < 0 ? 0 : (size_t)n; count;) {
            size_t step = done < parts->iov_len ? done : parts->iov_len;
            parts->iov_base = (char *)parts->iov_base + step;
            parts->iov_len -= step;
            done -= step;
            if (parts->iov_len)
                break;
            parts++;
            count--;
        }
    }
}

/* One line, without its end, ended by a NUL. */
static void read_line(struct client *client, char *line) {
    size_t bytes = 0;
    while (!bytes || line[bytes - 1] != '\n') {
        ssize_t n = read(client->fd, line + bytes, LINE_BYTES - bytes);
        if (n <= 0)
            cm_bench_die("read: %s", n ? strerror(errno) : "the server closed the connection");
        bytes += (size_t)n;
        if (bytes == LINE_BYTES)
            cm_bench_die("the reply is too long");
    }
    line[bytes - (bytes > 1 && line[bytes - 2] == '\r' ? 2 : 1)] = 0;
}

static bool get(struct cm_bench_cache *cache, uint32_t key) {
    struct client *client = cache->state;
    size_t bytes;
    const char *name = cm_bench_trace_name(client->trace, key, &bytes);
    char line[LINE_BYTES];
    int length = snprintf(line, sizeof line, "mg %.*s\r\n", (int)bytes, name);
    write_all(client, &(struct iovec){line, (size_t)length}, 1);
    read_line(client, line);
    if (strcmp(line, "HD") && strcmp(line, "EN"))
        cm_bench_die("unexpected reply to mg: \"%s\"", line);
    return line[0] == 'H';
}

static bool set(struct cm_bench_cache *cache, uint32_t key, uint32_t value_bytes) {
    struct client *client = cache->state;
    size_t bytes;
    const char *name = cm_bench_trace_name(client->trace, key, &bytes);
    char line[LINE_BYTES], end[] = "\r\n";
    int length = snprintf(line, sizeof line, "set %.*s 0 0 %u\r\n", (int)bytes, name, value_bytes);
    struct iovec parts[] = {{line, (size_t)length}, {client->value, value_bytes}, {end, 2}};
    write_all(client, parts, 3);
    read_line(client, line);
    if (strcmp(line, "STORED") && strncmp(line, "SERVER_ERROR", 12))
        cm_bench_die("unexpected reply to set: \"%s\"", line);
    return line[1] == 'T';
}

static void close_client(struct cm_bench_cache *cache) {
    struct client *client = cache->state;
    close(client->fd);
    free(client->value);
    free(client);
}

void cm_bench_cache_open_server(struct cm_bench_cache *cache,
                                const struct cm_bench_cache_options *options) {
    struct client *client = cm_bench_alloc_zeroed(1, sizeof *client);
    char *host = strdup(options->server);
    char *port = host ? strrchr(host, ':') : NULL;
    if (!port)
        cm_bench_die("--server: \"%s\" is not HOST:PORT", options->server);
    *port++ = 0;
    client->fd = cm_bench_connect(host, port);
    if (client->fd < 0)
        cm_bench_die("cannot connect to %s", options->server);
    free(host);
    client->trace = options->trace;
    client->value = cm_bench_alloc(options->value_bytes_max, 1);
    memset(client->value, 'x', options->value_bytes_max);
    *cache =
        (struct cm_bench_cache){.state = client, .get = get, .set = set, .close = close_client};
}
