/* SPDX-License-Identifier: BSD-3-Clause */

/* cm_load: a load generator for servers that speak one of memcached's protocols. One thread, epoll.
 *
 * Each connection writes a batch of `pipeline` requests and writes the next one when the last
 * reply of the batch is in. The replies' framing is checked, the values are not looked at.
 * Prints name=value lines. */

#include "base/latency.h"
#include "base/random.h"
#include "lib/dialect.h"
#include "lib/machine.h"
#include "lib/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define INPUT_BYTES_MIN (64u << 10)
#define EVENTS_MAX      256
#define SCATTER         2654435761u

struct load_options {
    const char *host;
    const char *port;
    const struct cm_bench_dialect *dialect;
    uint32_t connections;
    uint32_t pipeline;
    uint32_t keys;
    uint32_t key_bytes;
    uint32_t value_bytes;
    uint32_t gets_per_set;
    double seconds;
    uint64_t requests; /* 0: `seconds` decide */
    uint64_t seed;
    double zipf; /* exponent, 0: uniform */
    bool fill;
    bool tls;
    pid_t pid; /* whose CPU time is reported, 0: nobody's */
};

struct load_connection {
    struct cm_bench_stream stream;
    uint32_t requests; /* of the batch under way */
    uint32_t replies;  /* of these, answered */
    uint64_t written_ns;
    char *output;
    size_t output_bytes;
    size_t output_done;
    bool blocked; /* watched for room to write */
    char *input;  /* what came of a reply that is not whole yet */
    size_t input_bytes;
    bool *is_set; /* by request of the batch */
};

struct load {
    struct load_options options;
    struct cm_random random;
    struct cm_zipf zipf;
    struct cm_latency latency;
    struct load_connection *connections;
    size_t input_limit;
    char *value;
    int epoll;
    struct cm_bench_tls *tls; /* NULL: plain */
    bool filling;
    uint32_t fill_next;
    uint32_t since_set;
    uint64_t planned;
    uint64_t end_ns;
    uint32_t busy; /* connections with a batch under way */
    uint64_t gets, hits, sets, not_stored;
};

/* ---- requests ------------------------------------------------------------------------------ */

/* "k000…0123" */
static void make_key(char *key, uint32_t bytes, uint32_t number) {
    char *digit = key + bytes;
    while (digit > key + 1) {
        *--digit = (char)('0' + number % 10);
        number /= 10;
    }
    *key = 'k';
}

/* Hot keys of a Zipf distribution lie scattered over the number range. */
static uint32_t next_key(struct load *load) {
    uint32_t keys = load->options.keys;
    if (load->options.zipf == 0)
        return cm_random_below(&load->random, keys);
    uint32_t rank = cm_zipf_next(&load->zipf, &load->random);
    return (uint32_t)((uint64_t)rank * SCATTER % keys);
}

static char *put_request(const struct load *load, char *at, uint32_t number, bool set) {
    const struct load_options *options = &load->options;
    char text[256];
    const struct cm_bench_bytes key = {text, options->key_bytes};
    const struct cm_bench_bytes value = {load->value, options->value_bytes};
    make_key(text, options->key_bytes, number);
    return set ? options->dialect->put_set(at, key, value) : options->dialect->put_get(at, key);
}

static bool next_is_set(struct load *load) {
    if (load->filling)
        return true;
    if (load->since_set++ < load->options.gets_per_set)
        return false;
    load->since_set = 0;
    return true;
}

static bool has_more(const struct load *load, uint64_t now_ns) {
    if (load->filling)
        return load->fill_next < load->options.keys;
    return load->planned ? load->gets + load->sets < load->planned : now_ns < load->end_ns;
}

static void make_batch(struct load *load, struct load_connection *connection) {
    char *at = connection->output;
    uint32_t count = 0;
    for (; count < load->options.pipeline; count++) {
        if (load->filling && load->fill_next == load->options.keys)
            break;
        bool set = next_is_set(load);
        uint32_t key = load->filling ? load->fill_next++ : next_key(load);
        at = put_request(load, at, key, set);
        connection->is_set[count] = set;
        load->sets += set;
        load->gets += !set;
    }
    connection->requests = count;
    connection->replies = 0;
    connection->output_bytes = (size_t)(at - connection->output);
    connection->output_done = 0;
}

/* ---- sockets ------------------------------------------------------------------------------- */

static void watch(const struct load *load, struct load_connection *connection, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = connection};
    if (epoll_ctl(load->epoll, EPOLL_CTL_MOD, connection->stream.fd, &event))
        cm_bench_die("epoll_ctl: %s", strerror(errno));
}

static void write_output(const struct load *load, struct load_connection *connection) {
    while (connection->output_done < connection->output_bytes) {
        ssize_t n =
            cm_bench_stream_write(&connection->stream, connection->output + connection->output_done,
                                  connection->output_bytes - connection->output_done);
        if (n < 0 && errno == EAGAIN) {
            if (!connection->blocked)
                watch(load, connection, EPOLLIN | EPOLLOUT);
            connection->blocked = true;
            return;
        }
        if (n <= 0)
            cm_bench_die("write: %s", strerror(errno));
        connection->output_done += (size_t)n;
    }
    if (connection->blocked)
        watch(load, connection, EPOLLIN);
    connection->blocked = false;
}

static void start_batch(struct load *load, struct load_connection *connection, uint64_t now_ns) {
    if (!has_more(load, now_ns)) {
        load->busy--;
        return;
    }
    make_batch(load, connection);
    connection->written_ns = cm_bench_now_ns();
    write_output(load, connection);
}

/* ---- replies ------------------------------------------------------------------------------- */

static void bad_reply(const char *at, size_t bytes) {
    cm_bench_die("unexpected reply: \"%.*s\"", (int)(bytes < 80 ? bytes : 80), at);
}

/* Bytes of the next reply, 0 while it is not whole. */
static size_t reply_bytes(struct load *load, const char *at, size_t bytes, bool set) {
    const struct cm_bench_dialect *dialect = load->options.dialect;
    size_t used = 0;
    switch (set ? dialect->read_set(at, bytes, &used) : dialect->read_get(at, bytes, &used)) {
    case CM_BENCH_REPLY_PART:
        if (used > load->input_limit)
            bad_reply(at, bytes);
        return 0;
    case CM_BENCH_REPLY_HIT:
        load->hits++;
        break;
    case CM_BENCH_REPLY_NOT_STORED:
        load->not_stored++;
        break;
    case CM_BENCH_REPLY_BAD:
        bad_reply(at, bytes);
        break;
    case CM_BENCH_REPLY_MISS:
    case CM_BENCH_REPLY_STORED:
        break;
    }
    return used;
}

/* Consumes whole replies; returns the bytes used. */
static size_t read_replies(struct load *load, struct load_connection *connection, const char *at,
                           size_t bytes) {
    size_t used = 0;
    while (used < bytes && connection->replies < connection->requests) {
        size_t n =
            reply_bytes(load, at + used, bytes - used, connection->is_set[connection->replies]);
        if (!n)
            return used;
        used += n;
        connection->replies++;
    }
    if (used < bytes)
        bad_reply(at + used, bytes - used);
    return used;
}

static void on_readable(struct load *load, struct load_connection *connection) {
    size_t room = load->input_limit - connection->input_bytes;
    ssize_t n = cm_bench_stream_read(&connection->stream,
                                     connection->input + connection->input_bytes, room);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0)
        cm_bench_die("read: %s", n ? strerror(errno) : "the server closed the connection");
    uint64_t now_ns = cm_bench_now_ns();
    size_t bytes = connection->input_bytes + (size_t)n;
    uint32_t before = connection->replies;
    size_t used = read_replies(load, connection, connection->input, bytes);
    connection->input_bytes = bytes - used;
    if (used && connection->input_bytes)
        memmove(connection->input, connection->input + used, connection->input_bytes);
    for (; before < connection->replies; before++)
        cm_latency_add(&load->latency, now_ns - connection->written_ns);
    if (connection->replies == connection->requests)
        start_batch(load, connection, now_ns);
}

/* TLS may have taken more out of the socket than was asked for. */
static void read_all(struct load *load, struct load_connection *connection) {
    do
        on_readable(load, connection);
    while (cm_bench_stream_has_more(&connection->stream));
}

/* ---- a run --------------------------------------------------------------------------------- */

static void open_connection(struct load *load, struct load_connection *connection) {
    const struct load_options *options = &load->options;
    size_t request_bytes = CM_BENCH_REQUEST_BYTES + options->key_bytes + options->value_bytes;
    int fd = cm_bench_connect(options->host, options->port);
    if (fd < 0)
        cm_bench_die("cannot connect to %s:%s", options->host, options->port);
    cm_bench_stream_open(&connection->stream, fd, load->tls, NULL);
    if (fcntl(fd, F_SETFL, O_NONBLOCK))
        cm_bench_die("fcntl: %s", strerror(errno));
    connection->output = cm_bench_alloc(options->pipeline, request_bytes);
    connection->input = cm_bench_alloc(1, load->input_limit);
    connection->is_set = cm_bench_alloc(options->pipeline, sizeof *connection->is_set);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, fd, &event))
        cm_bench_die("epoll_ctl: %s", strerror(errno));
}

static void open_load(struct load *load) {
    const struct load_options *options = &load->options;
    load->value = cm_bench_alloc(options->value_bytes, 1);
    memset(load->value, 'x', options->value_bytes);
    load->input_limit = INPUT_BYTES_MIN + 2 * ((size_t)options->value_bytes + options->key_bytes);
    load->epoll = epoll_create1(0);
    if (options->tls)
        load->tls = cm_bench_tls_create(false);
    load->connections = cm_bench_alloc_zeroed(options->connections, sizeof *load->connections);
    for (uint32_t i = 0; i < options->connections; i++)
        open_connection(load, &load->connections[i]);
    cm_random_init(&load->random, options->seed);
    if (options->zipf != 0)
        cm_zipf_init(&load->zipf, options->zipf, options->keys);
}

static void close_load(struct load *load) {
    for (uint32_t i = 0; i < load->options.connections; i++) {
        struct load_connection *connection = &load->connections[i];
        cm_bench_stream_close(&connection->stream);
        free(connection->output);
        free(connection->input);
        free(connection->is_set);
    }
    free(load->connections);
    free(load->value);
    close(load->epoll);
    cm_bench_tls_destroy(load->tls);
}

/* Until every connection has its last reply. */
static void turn(struct load *load) {
    load->busy = load->options.connections;
    for (uint32_t i = 0; i < load->options.connections; i++)
        start_batch(load, &load->connections[i], cm_bench_now_ns());
    struct epoll_event events[EVENTS_MAX];
    while (load->busy) {
        int n = epoll_wait(load->epoll, events, EVENTS_MAX, 10000);
        if (n == 0)
            cm_bench_die("no reply for 10 seconds");
        for (int i = 0; i < n; i++) {
            struct load_connection *connection = events[i].data.ptr;
            if (events[i].events & EPOLLOUT)
                write_output(load, connection);
            if (events[i].events & ~(uint32_t)EPOLLOUT)
                read_all(load, connection);
        }
    }
}

static void fill(struct load *load) {
    load->filling = true;
    turn(load);
    load->filling = false;
    printf("fill_sets=%llu\nfill_not_stored=%llu\n", (unsigned long long)load->sets,
           (unsigned long long)load->not_stored);
    load->sets = load->not_stored = 0;
    memset(&load->latency, 0, sizeof load->latency);
}

static void print_result(const struct load *load, uint64_t ns, uint64_t server_ns,
                         uint64_t own_ns) {
    double requests = (double)(load->gets + load->sets);
    printf("requests=%.0f\nseconds=%.4f\nops_per_s=%.0f\n", requests, (double)ns / 1e9,
           requests / ((double)ns / 1e9));
    printf("gets=%llu\nhits=%llu\nsets=%llu\nnot_stored=%llu\n", (unsigned long long)load->gets,
           (unsigned long long)load->hits, (unsigned long long)load->sets,
           (unsigned long long)load->not_stored);
    printf("p50_us=%.1f\np99_us=%.1f\np999_us=%.1f\n",
           (double)cm_latency_percentile_ns(&load->latency, 0.5) / 1e3,
           (double)cm_latency_percentile_ns(&load->latency, 0.99) / 1e3,
           (double)cm_latency_percentile_ns(&load->latency, 0.999) / 1e3);
    printf("load_cpu_us_per_op=%.4f\n", (double)own_ns / 1e3 / requests);
    if (load->options.pid)
        printf("server_cpu_us_per_op=%.4f\n", (double)server_ns / 1e3 / requests);
}

static void measure(struct load *load) {
    const struct load_options *options = &load->options;
    if (!options->requests && options->seconds == 0)
        return;
    uint64_t own_ns = cm_bench_cpu_ns(0);
    uint64_t server_ns = options->pid ? cm_bench_cpu_ns(options->pid) : 0;
    uint64_t start_ns = cm_bench_now_ns();
    load->planned = options->requests;
    load->end_ns = start_ns + (uint64_t)(options->seconds * 1e9);
    turn(load);
    uint64_t ns = cm_bench_now_ns() - start_ns;
    server_ns = options->pid ? cm_bench_cpu_ns(options->pid) - server_ns : 0;
    print_result(load, ns, server_ns, cm_bench_cpu_ns(0) - own_ns);
}

/* ---- options ------------------------------------------------------------------------------- */

static const char usage[] =
    "usage: load [options]\n"
    "  -H, --host HOST         127.0.0.1\n"
    "  -p, --port PORT         11211\n"
    "  -P, --protocol NAME     text or binary; text\n"
    "  -c, --connections N     32\n"
    "  -d, --pipeline N        requests a connection writes at once, 1\n"
    "  -k, --keys N            1000000\n"
    "      --key-bytes N       16\n"
    "  -v, --value-bytes N     100\n"
    "  -g, --gets-per-set N    10\n"
    "  -s, --seconds N         5; 0 with --fill: only fill\n"
    "  -n, --requests N        ends after about so many requests instead\n"
    "      --seed N            1\n"
    "      --zipf EXPONENT     uniform without it\n"
    "      --tls               TLS 1.3, certificates are not looked at\n"
    "      --fill              sets every key once, first\n"
    "      --pid PID           reports the CPU time of this process per operation\n";

static void set_option(struct load_options *options, int option) {
    switch (option) {
    case 'H':
        options->host = optarg;
        break;
    case 'p':
        options->port = optarg;
        break;
    case 'P':
        options->dialect = cm_bench_dialect(optarg);
        if (!options->dialect)
            cm_bench_die("--protocol: \"%s\" is not one of text, binary", optarg);
        break;
    case 'c':
        options->connections = (uint32_t)cm_bench_number("--connections", optarg, 1, 60000);
        break;
    case 'd':
        options->pipeline = (uint32_t)cm_bench_number("--pipeline", optarg, 1, 10000);
        break;
    case 'k':
        options->keys = (uint32_t)cm_bench_number("--keys", optarg, 1, 1e9);
        break;
    case 'K':
        options->key_bytes = (uint32_t)cm_bench_number("--key-bytes", optarg, 2, 250);
        break;
    case 'v':
        options->value_bytes = (uint32_t)cm_bench_number("--value-bytes", optarg, 0, 1 << 30);
        break;
    case 'g':
        options->gets_per_set = (uint32_t)cm_bench_number("--gets-per-set", optarg, 0, 1e9);
        break;
    case 's':
        options->seconds = cm_bench_number("--seconds", optarg, 0, 1e6);
        break;
    case 'n':
        options->requests = (uint64_t)cm_bench_number("--requests", optarg, 1, 1e15);
        break;
    case 'S':
        options->seed = (uint64_t)cm_bench_number("--seed", optarg, 0, 1e15);
        break;
    case 'z':
        options->zipf = cm_bench_number("--zipf", optarg, 0, 10);
        break;
    case 'T':
        options->tls = true;
        break;
    case 'f':
        options->fill = true;
        break;
    case 'I':
        options->pid = (pid_t)cm_bench_number("--pid", optarg, 1, 1 << 30);
        break;
    default:
        fputs(usage, option == 'h' ? stdout : stderr);
        exit(option == 'h' ? 0 : 64);
    }
}

static struct load_options read_options(int argc, char **argv) {
    static const struct option names[] = {
        {"host", 1, NULL, 'H'},        {"port", 1, NULL, 'p'},
        {"connections", 1, NULL, 'c'}, {"pipeline", 1, NULL, 'd'},
        {"keys", 1, NULL, 'k'},        {"key-bytes", 1, NULL, 'K'},
        {"value-bytes", 1, NULL, 'v'}, {"gets-per-set", 1, NULL, 'g'},
        {"seconds", 1, NULL, 's'},     {"requests", 1, NULL, 'n'},
        {"seed", 1, NULL, 'S'},        {"zipf", 1, NULL, 'z'},
        {"fill", 0, NULL, 'f'},        {"tls", 0, NULL, 'T'},
        {"pid", 1, NULL, 'I'},         {"protocol", 1, NULL, 'P'},
        {"help", 0, NULL, 'h'},        {NULL, 0, NULL, 0},
    };
    struct load_options options = {
        .host = "127.0.0.1",
        .port = "11211",
        .dialect = cm_bench_dialect("text"),
        .connections = 32,
        .pipeline = 1,
        .keys = 1000000,
        .key_bytes = 16,
        .value_bytes = 100,
        .gets_per_set = 10,
        .seconds = 5,
        .seed = 1,
    };
    int option;
    while ((option = getopt_long(argc, argv, "H:p:P:c:d:k:v:g:s:n:h", names, NULL)) != -1)
        set_option(&options, option);
    if (optind < argc)
        set_option(&options, '?');
    return options;
}

int main(int argc, char **argv) {
    static struct load load; /* the histogram is large */
    load.options = read_options(argc, argv);
    open_load(&load);
    if (load.options.fill)
        fill(&load);
    measure(&load);
    close_load(&load);
    return 0;
}
