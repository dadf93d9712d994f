/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/check.h"
#include "base/os/os.h"

#include <process.h>
#include <stdlib.h>
#include <windows.h>

struct start {
    HANDLE handle;
    cm_os_thread_main *entry;
    void *context;
};

static unsigned __stdcall run(void *argument) {
    struct start *start = argument;
    start->entry(start->context);
    return 0;
}

enum cm_status cm_os_thread_start(struct cm_os_thread *thread, cm_os_thread_main *entry,
                                  void *context, const char *name) {
    (void)name; /* MinGW's headers lack SetThreadDescription() */
    struct start *start = malloc(sizeof *start);
    if (start == NULL)
        return CM_NO_MEMORY;
    *start = (struct start){.entry = entry, .context = context};
    /* Not CreateThread(): the C library keeps state for each thread. */
    uintptr_t handle = _beginthreadex(NULL, 0, run, start, 0, NULL);
    if (handle == 0) {
        free(start);
        return CM_SYSTEM;
    }
    start->handle = (HANDLE)handle;
    thread->impl = start;
    return CM_OK;
}

void cm_os_thread_join(struct cm_os_thread *thread) {
    struct start *start = thread->impl;
    CM_CHECK(WaitForSingleObject(start->handle, INFINITE) == WAIT_OBJECT_0);
    CM_CHECK(CloseHandle(start->handle));
    free(start);
    thread->impl = NULL;
}

void cm_os_thread_mask_signals(void) {
}

void cm_os_thread_yield(void) {
    (void)SwitchToThread();
}

/* Those that this process may run on; its mask covers the processor group it started in. */
unsigned cm_os_cpu_count(void) {
    DWORD_PTR mine = 0;
    DWORD_PTR all = 0;
    if (!GetProcessAffinityMask(GetCurrentProcess(), &mine, &all))
        return 1;
    unsigned count = 0;
    for (; mine != 0; mine &= mine - 1)
        count++;
    return count > 0 ? count : 1;
}

/* ---- locks: a slim lock and a condition variable are one pointer wide, need no memory of their
 * own and no clean-up, so they live where the handle is. */

_Static_assert(sizeof(SRWLOCK) == sizeof(void *), "a mutex is its lock");
_Static_assert(sizeof(CONDITION_VARIABLE) == sizeof(void *), "a condition is its variable");

static SRWLOCK *lock_of(struct cm_os_mutex *mutex) {
    return (SRWLOCK *)&mutex->impl;
}

static CONDITION_VARIABLE *variable_of(struct cm_os_cond *cond) {
    return (CONDITION_VARIABLE *)&cond->impl;
}

enum cm_status cm_os_mutex_init(struct cm_os_mutex *mutex) {
    InitializeSRWLock(lock_of(mutex));
    return CM_OK;
}

void cm_os_mutex_deinit(struct cm_os_mutex *mutex) {
    mutex->impl = NULL;
}

void cm_os_mutex_lock(struct cm_os_mutex *mutex) {
    AcquireSRWLockExclusive(lock_of(mutex));
}

void cm_os_mutex_unlock(struct cm_os_mutex *mutex) {
    ReleaseSRWLockExclusive(lock_of(mutex));
}

enum cm_status cm_os_cond_init(struct cm_os_cond *cond) {
    InitializeConditionVariable(variable_of(cond));
    return CM_OK;
}

void cm_os_cond_deinit(struct cm_os_cond *cond) {
    cond->impl = NULL;
}

bool cm_os_cond_wait_ms(struct cm_os_cond *cond, struct cm_os_mutex *mutex, uint32_t timeout_ms) {
    /* The largest value means for ever there. */
    DWORD wait_ms = timeout_ms < INFINITE ? timeout_ms : INFINITE - 1;
    if (SleepConditionVariableSRW(variable_of(cond), lock_of(mutex), wait_ms, 0))
        return true;
    CM_CHECK(GetLastError() == ERROR_TIMEOUT);
    return false;
}

void cm_os_cond_signal(struct cm_os_cond *cond) {
    WakeConditionVariable(variable_of(cond));
}

void cm_os_cond_broadcast(struct cm_os_cond *cond) {
    WakeAllConditionVariable(variable_of(cond));
}
