/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/machine.h"

#include "base/os/process.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static uint64_t read_clock_ns(clockid_t clock) {
    struct timespec t;
    if (clock_gettime(clock, &t))
        return 0;
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t cm_bench_now_ns(void) {
    return read_clock_ns(CLOCK_MONOTONIC);
}

uint64_t cm_bench_cpu_ns(pid_t pid) {
    return cm_os_process_cpu_ns(pid);
}

uint64_t cm_bench_thread_cpu_ns(void) {
    return read_clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

static int connect_to(const struct addrinfo *address) {
    int fd = socket(address->ai_family, address->ai_socktype, address->ai_protocol);
    if (fd < 0)
        return -1;
    int one = 1;
    if (connect(fd, address->ai_addr, address->ai_addrlen) ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one)) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

int cm_bench_connect(const char *host, const char *port) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    int error = getaddrinfo(host, port, &hints, &found);
    if (error) {
        fprintf(stderr, "%s:%s: %s\n", host, port, gai_strerror(error));
        return -1;
    }
    int fd = -1;
    for (const struct addrinfo *at = found; at && fd < 0; at = at->ai_next)
        fd = connect_to(at);
    if (fd < 0)
        fprintf(stderr, "%s:%s: %s\n", host, port, strerror(errno));
    freeaddrinfo(found);
    return fd;
}

void cm_bench_die(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(2);
}

void *cm_bench_alloc_zeroed(uint64_t count, uint64_t bytes) {
    void *memory = calloc(count ? count : 1, bytes);
    if (!memory)
        cm_bench_die("out of memory");
    return memory;
}

void *cm_bench_alloc(uint64_t count, uint64_t bytes) {
    void *memory = count && bytes > SIZE_MAX / count ? NULL : malloc(count * bytes + 1);
    if (!memory)
        cm_bench_die("out of memory");
    return memory;
}

double cm_bench_number(const char *option, const char *text, double min, double max) {
    char *end;
    double number = strtod(text, &end);
    if (end == text || *end || !(number >= min && number <= max))
        cm_bench_die("%s: \"%s\" is not a number from %.15g to %.15g", option, text, min, max);
    return number;
}
