/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "base/check.h"
#include "base/os/os.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct start {
    pthread_t id;
    cm_os_thread_main *entry;
    void *context;
};

static void *run(void *argument) {
    struct start *start = argument;
    start->entry(start->context);
    return NULL;
}

enum cm_status cm_os_thread_start(struct cm_os_thread *thread, cm_os_thread_main *entry,
                                  void *context, const char *name) {
    struct start *start = malloc(sizeof *start);
    if (!start)
        return CM_NO_MEMORY;
    start->entry = entry;
    start->context = context;
    if (pthread_create(&start->id, NULL, run, start) != 0) {
        free(start);
        return CM_SYSTEM;
    }
    (void)pthread_setname_np(start->id, name);
    thread->impl = start;
    return CM_OK;
}

void cm_os_thread_join(struct cm_os_thread *thread) {
    struct start *start = thread->impl;
    CM_CHECK(pthread_join(start->id, NULL) == 0);
    free(start);
    thread->impl = NULL;
}

void cm_os_thread_mask_signals(void) {
    sigset_t all;
    sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, NULL);
}

void cm_os_thread_yield(void) {
    (void)sched_yield();
}

unsigned cm_os_cpu_count(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return (unsigned)CPU_COUNT(&set);
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (unsigned)n : 1;
}

enum cm_status cm_os_mutex_init(struct cm_os_mutex *mutex) {
    pthread_mutex_t *m = malloc(sizeof *m);
    if (!m)
        return CM_NO_MEMORY;
    CM_CHECK(pthread_mutex_init(m, NULL) == 0);
    mutex->impl = m;
    return CM_OK;
}

void cm_os_mutex_deinit(struct cm_os_mutex *mutex) {
    if (!mutex->impl)
        return;
    CM_CHECK(pthread_mutex_destroy(mutex->impl) == 0);
    free(mutex->impl);
    mutex->impl = NULL;
}

void cm_os_mutex_lock(struct cm_os_mutex *mutex) {
    CM_CHECK(pthread_mutex_lock(mutex->impl) == 0);
}

void cm_os_mutex_unlock(struct cm_os_mutex *mutex) {
    CM_CHECK(pthread_mutex_unlock(mutex->impl) == 0);
}

enum cm_status cm_os_cond_init(struct cm_os_cond *cond) {
    pthread_cond_t *c = malloc(sizeof *c);
    if (!c)
        return CM_NO_MEMORY;
    pthread_condattr_t attributes;
    CM_CHECK(pthread_condattr_init(&attributes) == 0);
    CM_CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    CM_CHECK(pthread_cond_init(c, &attributes) == 0);
    CM_CHECK(pthread_condattr_destroy(&attributes) == 0);
    cond->impl = c;
    return CM_OK;
}

void cm_os_cond_deinit(struct cm_os_cond *cond) {
    if (!cond->impl)
        return;
    CM_CHECK(pthread_cond_destroy(cond->impl) == 0);
    free(cond->impl);
    cond->impl = NULL;
}

bool cm_os_cond_wait_ms(struct cm_os_cond *cond, struct cm_os_mutex *mutex, uint32_t timeout_ms) {
    struct timespec until;
    CM_CHECK(clock_gettime(CLOCK_MONOTONIC, &until) == 0);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    int error = pthread_cond_timedwait(cond->impl, mutex->impl, &until);
    CM_CHECK(error == 0 || error == ETIMEDOUT);
    return error == 0;
}

void cm_os_cond_signal(struct cm_os_cond *cond) {
    CM_CHECK(pthread_cond_signal(cond->impl) == 0);
}

void cm_os_cond_broadcast(struct cm_os_cond *cond) {
    CM_CHECK(pthread_cond_broadcast(cond->impl) == 0);
}
