/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/check.h"
#include "base/os/os.h"

#include <limits.h>
#include <windows.h>

#include <bcrypt.h>
#include <psapi.h>

#define NS_PER_S 1000000000ULL
/* A FILETIME counts tenths of a microsecond. */
#define FILETIME_PER_US 10
#define FILETIME_PER_S  10000000
/* From 1601, where FILETIME begins, to 1970. */
#define FILETIME_UNIX_ZERO_S 11644473600LL

uint64_t cm_os_monotonic_ns(void) {
    LARGE_INTEGER frequency;
    LARGE_INTEGER counter;
    CM_CHECK(QueryPerformanceFrequency(&frequency) && QueryPerformanceCounter(&counter));
    uint64_t per_s = (uint64_t)frequency.QuadPart;
    uint64_t ticks = (uint64_t)counter.QuadPart;
    /* In two steps, or the product overflows after some days. */
    return ticks / per_s * NS_PER_S + ticks % per_s * NS_PER_S / per_s;
}

static uint64_t filetime_value(FILETIME time) {
    return (uint64_t)time.dwHighDateTime << 32 | time.dwLowDateTime;
}

int64_t cm_os_wall_s(void) {
    FILETIME now;
    GetSystemTimePreciseAsFileTime(&now);
    return (int64_t)(filetime_value(now) / FILETIME_PER_S) - FILETIME_UNIX_ZERO_S;
}

int64_t cm_os_wall_us(void) {
    FILETIME now;
    GetSystemTimePreciseAsFileTime(&now);
    return (int64_t)(filetime_value(now) / FILETIME_PER_US) - FILETIME_UNIX_ZERO_S * 1000000;
}

void cm_os_sleep_ms(uint32_t ms) {
    Sleep(ms);
}

char **cm_os_environment(void) {
    return _environ;
}

enum cm_status cm_os_random(void *to, size_t bytes) {
    unsigned char *at = to;
    while (bytes > 0) {
        ULONG part = bytes < ULONG_MAX ? (ULONG)bytes : ULONG_MAX;
        if (BCryptGenRandom(NULL, at, part, BCRYPT_USE_SYSTEM_PREFERRED_RNG) != 0)
            return CM_SYSTEM;
        at += part;
        bytes -= part;
    }
    return CM_OK;
}

void cm_os_usage(struct cm_os_usage *usage) {
    *usage = (struct cm_os_usage){0};
    FILETIME created;
    FILETIME ended;
    FILETIME kernel;
    FILETIME user;
    if (GetProcessTimes(GetCurrentProcess(), &created, &ended, &kernel, &user)) {
        usage->user_us = filetime_value(user) / FILETIME_PER_US;
        usage->system_us = filetime_value(kernel) / FILETIME_PER_US;
    }
    PROCESS_MEMORY_COUNTERS memory = {.cb = sizeof memory};
    if (GetProcessMemoryInfo(GetCurrentProcess(), &memory, sizeof memory))
        usage->resident_bytes = memory.WorkingSetSize;
}

int64_t cm_os_process_id(void) {
    return (int64_t)GetCurrentProcessId();
}
