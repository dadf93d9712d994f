/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/check.h"
#include "base/os/os.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

uint64_t cm_os_monotonic_ns(void) {
    struct timespec now;
    CM_CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

int64_t cm_os_wall_s(void) {
    return (int64_t)time(NULL);
}

int64_t cm_os_wall_us(void) {
    struct timespec now;
    CM_CHECK(clock_gettime(CLOCK_REALTIME, &now) == 0);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void cm_os_sleep_ms(uint32_t ms) {
    struct timespec left = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000L};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}

char **cm_os_environment(void) {
    return environ;
}

enum cm_status cm_os_random(void *to, size_t bytes) {
    unsigned char *p = to;
    while (bytes > 0) {
        ssize_t got = getrandom(p, bytes, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return CM_SYSTEM;
        p += got;
        bytes -= (size_t)got;
    }
    return CM_OK;
}

static uint64_t micros(struct timeval t) {
    return (uint64_t)t.tv_sec * 1000000U + (uint64_t)t.tv_usec;
}

static uint64_t resident_bytes(void) {
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file)
        return 0;
    unsigned long total = 0, resident = 0;
    int fields = fscanf(file, "%lu %lu", &total, &resident);
    (void)fclose(file);
    return fields == 2 ? (uint64_t)resident * cm_os_page_bytes() : 0;
}

void cm_os_usage(struct cm_os_usage *usage) {
    struct rusage self;
    memset(usage, 0, sizeof *usage);
    if (getrusage(RUSAGE_SELF, &self) != 0)
        return;
    usage->user_us = micros(self.ru_utime);
    usage->system_us = micros(self.ru_stime);
    usage->resident_bytes = resident_bytes();
}

int64_t cm_os_process_id(void) {
    return (int64_t)getpid();
}
