/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "base/os/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <malloc.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ARENAS_MAX = 2, TRIM_BYTES = 256 << 10, MMAP_BYTES = 64 << 10 };

/* Open files that cost nothing to be allowed. */
enum { FILES_LATER = 1 << 16 };

uint64_t cm_os_raise_open_files(uint64_t count) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    if (limit.rlim_cur >= count && limit.rlim_cur >= FILES_LATER)
        return limit.rlim_cur;
    struct rlimit wanted = {.rlim_cur = limit.rlim_max < FILES_LATER ? limit.rlim_max : FILES_LATER,
                            .rlim_max = limit.rlim_max};
    if (wanted.rlim_cur < count)
        wanted.rlim_cur = count;
    if (wanted.rlim_max < count)
        wanted.rlim_max = count; /* only root may */
    if (setrlimit(RLIMIT_NOFILE, &wanted) == 0)
        return wanted.rlim_cur;
    if (limit.rlim_cur >= count)
        return limit.rlim_cur; /* in the sandbox nothing can be raised */
    wanted.rlim_cur = wanted.rlim_max = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &wanted) == 0 ? limit.rlim_max : limit.rlim_cur;
}

enum cm_status cm_os_allow_core_files(void) {
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY}; /* only root may raise the second */
    if (setrlimit(RLIMIT_CORE, &limit) == 0)
        return CM_OK;
    if (getrlimit(RLIMIT_CORE, &limit) != 0 || limit.rlim_max == 0)
        return CM_SYSTEM;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_CORE, &limit) == 0 ? CM_OK : CM_SYSTEM;
}

void cm_os_keep_core_files(void) {
    (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

enum cm_status cm_os_lock_memory(void) {
    /* Or another user could have no more memory than its own limit. Only root may. */
    const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
    (void)setrlimit(RLIMIT_MEMLOCK, &unlimited);
    return mlockall(MCL_CURRENT | MCL_FUTURE) == 0 ? CM_OK : CM_SYSTEM;
}

enum cm_status cm_os_give_file(const char *path, const char *user) {
    const struct passwd *entry = getpwnam(user);
    if (entry == NULL || lchown(path, entry->pw_uid, entry->pw_gid) != 0)
        return CM_SYSTEM;
    return CM_OK;
}

bool cm_os_may_remove_file(const char *path) {
    char *folder = strdup(path);
    struct stat above, file;
    if (folder == NULL)
        return true;
    char *slash = strrchr(folder, '/');
    if (slash != NULL)
        slash[slash == folder] = '\0';
    const char *name = slash != NULL ? folder : ".";
    bool may = access(name, W_OK | X_OK) == 0 && stat(name, &above) == 0;
    /* As in /tmp: only one's own. */
    if (may && (above.st_mode & S_ISVTX) != 0 && geteuid() != 0 && geteuid() != above.st_uid)
        may = lstat(path, &file) == 0 && file.st_uid == geteuid();
    free(folder);
    return may;
}

uint64_t cm_os_process_cpu_ns(int64_t process_id) {
    clockid_t clock;
    struct timespec time;
    if (clock_getcpuclockid((pid_t)process_id, &clock) != 0 || clock_gettime(clock, &time) != 0)
        return 0;
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

bool cm_os_is_journal(const char *stream) {
    struct stat there;
    char text[64];
    if (stream == NULL || fstat(STDERR_FILENO, &there) != 0)
        return false;
    snprintf(text, sizeof text, "%ju:%ju", (uintmax_t)there.st_dev, (uintmax_t)there.st_ino);
    return strcmp(text, stream) == 0;
}

bool cm_os_is_root(void) {
    return geteuid() == 0;
}

void cm_os_process_prepare(void) {
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
#ifdef __GLIBC__
    (void)mallopt(M_ARENA_MAX, ARENAS_MAX);
    (void)mallopt(M_TRIM_THRESHOLD, TRIM_BYTES);
    (void)mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
#endif
}

void cm_os_process_trim(void) {
#ifdef __GLIBC__
    (void)malloc_trim(0);
#endif
}

enum cm_os_user cm_os_become_user(const char *name) {
    const struct passwd *user = getpwnam(name);
    if (user == NULL)
        return CM_OS_USER_UNKNOWN;
    if (geteuid() != 0)
        return user->pw_uid == geteuid() ? CM_OS_USER_OK : CM_OS_USER_NOT_PERMITTED;
    if (initgroups(name, user->pw_gid) != 0 || setgid(user->pw_gid) != 0 ||
        setuid(user->pw_uid) != 0)
        return CM_OS_USER_NOT_PERMITTED;
    /* There must be no way back. */
    if (user->pw_uid != 0 && (setuid(0) == 0 || geteuid() != user->pw_uid))
        return CM_OS_USER_NOT_PERMITTED;
    return CM_OS_USER_OK;
}

/* The parent's part: never returns. */
static void wait_for_child(pid_t child, int pipe_end) {
    char ready = 0;
    ssize_t count;
    do
        count = read(pipe_end, &ready, 1);
    while (count < 0 && errno == EINTR);
    if (count == 1)
        _exit(0);
    int status = 0;
    if (waitpid(child, &status, 0) == child && WIFEXITED(status))
        _exit(WEXITSTATUS(status));
    _exit(EXIT_FAILURE);
}

enum cm_status cm_os_background_start(struct cm_os_background *background) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return CM_SYSTEM;
    pid_t child = fork();
    if (child < 0) {
        close(ends[0]);
        close(ends[1]);
        return CM_SYSTEM;
    }
    if (child > 0) {
        close(ends[1]);
        wait_for_child(child, ends[0]);
    }
    close(ends[0]);
    background->impl = ends[1];
    background->null = open("/dev/null", O_RDWR | O_CLOEXEC);
    return setsid() < 0 ? CM_SYSTEM : CM_OK;
}

void cm_os_background_ready(struct cm_os_background *background) {
    int pipe_end = (int)background->impl;
    int null = (int)background->null;
    if (null >= 0) {
        for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++)
            (void)dup2(null, stream);
        if (null > STDERR_FILENO)
            close(null);
    }
    (void)!write(pipe_end, "", 1);
    close(pipe_end);
}
