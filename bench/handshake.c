/* SPDX-License-Identifier: BSD-3-Clause */

/* cm_handshake: TLS connections to a memcached server, one after the other, each with one request.
 * Prints name=value lines. */

#include "base/latency.h"
#include "lib/machine.h"
#include "lib/stream.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct handshake_options {
    const char *host;
    const char *port;
    double seconds;
    pid_t pid;   /* whose CPU time is reported, 0: nobody's */
    bool plain;  /* no TLS, for comparison */
    bool resume; /* every connection resumes the session of the one before */
    bool old;    /* TLS 1.2 */
};

struct tally {
    uint64_t connections, resumed;
    struct cm_latency latency; /* from connected to answered */
};

static const char request[] = "mn\r\n", answer[] = "MN\r\n";

/* Returns the session to resume next, NULL if none is. */
static struct cm_bench_session *connect_once(const struct handshake_options *options,
                                             struct cm_bench_tls *tls,
                                             struct cm_bench_session *session,
                                             struct tally *tally) {
    struct cm_bench_stream stream;
    struct cm_bench_session *next = NULL;
    char got[sizeof answer - 1];
    int fd = cm_bench_connect(options->host, options->port);
    if (fd < 0)
        cm_bench_die("cannot connect to %s:%s", options->host, options->port);
    uint64_t start_ns = cm_bench_now_ns();
    cm_bench_stream_open(&stream, fd, tls, session);
    if (cm_bench_stream_write(&stream, request, sizeof request - 1) != sizeof request - 1 ||
        cm_bench_stream_read(&stream, got, sizeof got) != sizeof got ||
        memcmp(got, answer, sizeof got))
        cm_bench_die("no answer");
    cm_latency_add(&tally->latency, cm_bench_now_ns() - start_ns);
    tally->connections++;
    tally->resumed += cm_bench_stream_is_resumed(&stream);
    if (options->resume)
        next = cm_bench_stream_session(&stream);
    cm_bench_stream_close(&stream);
    cm_bench_session_destroy(session);
    return next;
}

static void measure(const struct handshake_options *options) {
    static struct tally tally; /* the histogram is large */
    struct cm_bench_tls *tls = options->plain ? NULL : cm_bench_tls_create(options->old);
    struct cm_bench_session *session = connect_once(options, tls, NULL, &tally);
    memset(&tally, 0, sizeof tally);
    uint64_t server_ns = options->pid ? cm_bench_cpu_ns(options->pid) : 0;
    uint64_t start_ns = cm_bench_now_ns();
    uint64_t end_ns = start_ns + (uint64_t)(options->seconds * 1e9);
    while (cm_bench_now_ns() < end_ns)
        session = connect_once(options, tls, session, &tally);
    double seconds = (double)(cm_bench_now_ns() - start_ns) / 1e9;
    server_ns = options->pid ? cm_bench_cpu_ns(options->pid) - server_ns : 0;
    printf("connections=%llu\nresumed=%llu\nconnections_per_s=%.0f\n",
           (unsigned long long)tally.connections, (unsigned long long)tally.resumed,
           (double)tally.connections / seconds);
    printf("p50_us=%.1f\np99_us=%.1f\n",
           (double)cm_latency_percentile_ns(&tally.latency, 0.5) / 1e3,
           (double)cm_latency_percentile_ns(&tally.latency, 0.99) / 1e3);
    if (options->pid)
        printf("server_cpu_us_per_connection=%.2f\n",
               (double)server_ns / 1e3 / (double)tally.connections);
    cm_bench_session_destroy(session);
    cm_bench_tls_destroy(tls);
}

static const char usage[] =
    "usage: handshake [options]\n"
    "  -H, --host HOST     127.0.0.1\n"
    "  -p, --port PORT     11211\n"
    "  -s, --seconds N     5\n"
    "      --plain         without TLS, for comparison\n"
    "      --resume        every connection resumes the session of the one before\n"
    "      --tls12         TLS 1.2 instead of 1.3\n"
    "      --pid PID       reports the CPU time of this process per connection\n";

static void set_option(struct handshake_options *options, int option) {
    switch (option) {
    case 'H':
        options->host = optarg;
        break;
    case 'p':
        options->port = optarg;
        break;
    case 's':
        options->seconds = cm_bench_number("--seconds", optarg, 0, 1e6);
        break;
    case 'n':
        options->plain = true;
        break;
    case 'r':
        options->resume = true;
        break;
    case '2':
        options->old = true;
        break;
    case 'P':
        options->pid = (pid_t)cm_bench_number("--pid", optarg, 1, 1 << 30);
        break;
    default:
        fputs(usage, option == 'h' ? stdout : stderr);
        exit(option == 'h' ? 0 : 64);
    }
}

int main(int argc, char **argv) {
    static const struct option names[] = {
        {"host", 1, NULL, 'H'},  {"port", 1, NULL, 'p'},   {"seconds", 1, NULL, 's'},
        {"plain", 0, NULL, 'n'}, {"resume", 0, NULL, 'r'}, {"tls12", 0, NULL, '2'},
        {"pid", 1, NULL, 'P'},   {"help", 0, NULL, 'h'},   {NULL, 0, NULL, 0},
    };
    struct handshake_options options = {.host = "127.0.0.1", .port = "11211", .seconds = 5};
    int option;
    while ((option = getopt_long(argc, argv, "H:p:s:h", names, NULL)) != -1)
        set_option(&options, option);
    if (optind < argc)
        set_option(&options, '?');
    measure(&options);
    return 0;
}
