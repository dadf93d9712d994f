/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "base/os/sandbox.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

#if defined(SANITIZED)

/* It looks for leaks by a process that traces this one. */
bool cm_os_sandbox_enter(bool may_connect, const char **why) {
    (void)may_connect;
    *why = "built with a sanitizer, which does what it forbids";
    return false;
}

#elif !defined(__linux__)

bool cm_os_sandbox_enter(bool may_connect, const char **why) {
    (void)may_connect;
    *why = "this system has none";
    return false;
}

#else

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* By name, because neither every architecture nor every libseccomp knows all of them. */
static const char *const allowed[] = {
    /* memory */
    "brk",
    "madvise",
    "mremap",
    "munmap",
    /* threads */
    "exit",
    "exit_group",
    "futex",
    "futex_wait",
    "futex_waitv",
    "futex_wake",
    "get_robust_list",
    "getcpu",
    "gettid",
    "membarrier",
    "restart_syscall",
    "rseq",
    "sched_getaffinity",
    "sched_yield",
    "set_robust_list",
    /* the clock, chance, oneself */
    "clock_getres",
    "clock_gettime",
    "clock_nanosleep",
    "getegid",
    "geteuid",
    "getgid",
    "getpid",
    "getppid",
    "getrandom",
    "getrlimit",
    "getrusage",
    "gettimeofday",
    "getuid",
    "nanosleep",
    "sysinfo",
    "time",
    "times",
    "uname",
    /* signals */
    "rt_sigaction",
    "rt_sigpending",
    "rt_sigprocmask",
    "rt_sigreturn",
    "rt_sigtimedwait",
    "sigaltstack",
    "sigreturn",
    /* loops */
    "epoll_create",
    "epoll_create1",
    "epoll_ctl",
    "epoll_pwait",
    "epoll_pwait2",
    "epoll_wait",
    "eventfd",
    "eventfd2",
    "pipe",
    "pipe2",
    "poll",
    "ppoll",
    /* descriptors that are open */
    "_llseek",
    "close",
    "dup",
    "dup2",
    "dup3",
    "fcntl",
    "fcntl64",
    "fstat",
    "fstat64",
    "fsync",
    "lseek",
    "pread64",
    "preadv",
    "read",
    "readv",
    "write",
    "writev",
    /* sockets that are open */
    "accept",
    "accept4",
    "getpeername",
    "getsockname",
    "getsockopt",
    "recv",
    "recvfrom",
    "recvmmsg",
    "recvmsg",
    "send",
    "setsockopt",
    "shutdown",
    /* files to be read, or removed at the end */
    "access",
    "faccessat",
    "faccessat2",
    "fstatat64",
    "getcwd",
    "getdents64",
    "lstat",
    "lstat64",
    "newfstatat",
    "readlink",
    "readlinkat",
    "stat",
    "stat64",
    "statx",
    "unlink",
    "unlinkat",
};

static const char *const deadly[] = {
    "bpf",        "execve",           "execveat",          "finit_module", "fork",  "init_module",
    "kexec_load", "process_vm_readv", "process_vm_writev", "ptrace",       "vfork",
};

/* Allowed, or worse, depending on an argument: if its bits of `mask` are `value`. */
struct condition {
    const char *call;
    uint32_t action;
    unsigned argument;
    uint64_t mask, value;
};

/* Flags of opening a file: what would change anything. */
enum { CHANGES = O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY) };

static const struct condition conditions[] = {
    {"clone", SCMP_ACT_ALLOW, 0, CLONE_THREAD, CLONE_THREAD},
    {"clone", SCMP_ACT_KILL_PROCESS, 0, CLONE_THREAD, 0},
    {"mmap", SCMP_ACT_ALLOW, 2, PROT_EXEC, 0},
    {"mmap2", SCMP_ACT_ALLOW, 2, PROT_EXEC, 0},
    {"mprotect", SCMP_ACT_ALLOW, 2, PROT_EXEC, 0},
    {"open", SCMP_ACT_ALLOW, 1, CHANGES, O_RDONLY},
    {"openat", SCMP_ACT_ALLOW, 2, CHANGES, O_RDONLY},
    /* A flag of theirs connects. */
    {"sendmmsg", SCMP_ACT_ALLOW, 3, MSG_FASTOPEN, 0},
    {"sendmsg", SCMP_ACT_ALLOW, 2, MSG_FASTOPEN, 0},
    {"sendto", SCMP_ACT_ALLOW, 3, MSG_FASTOPEN, 0},
    {"prlimit64", SCMP_ACT_ALLOW, 2, UINT64_MAX, 0}, /* no new limit */
    {"prctl", SCMP_ACT_ALLOW, 0, UINT64_MAX, PR_SET_NAME},
    {"prctl", SCMP_ACT_ALLOW, 0, UINT64_MAX, PR_GET_NAME},
    {"ioctl", SCMP_ACT_ALLOW, 1, UINT32_MAX, FIOCLEX},
    {"ioctl", SCMP_ACT_ALLOW, 1, UINT32_MAX, FIONBIO},
    {"ioctl", SCMP_ACT_ALLOW, 1, UINT32_MAX, FIONREAD},
    {"ioctl", SCMP_ACT_ALLOW, 1, UINT32_MAX, TIOCOUTQ},
    {"ioctl", SCMP_ACT_ALLOW, 1, UINT32_MAX, TCGETS}, /* is it a terminal? */
    /* Its flags are in memory, where a filter cannot look: the C library takes clone() then. */
    {"clone3", SCMP_ACT_ERRNO(ENOSYS), 0, 0, 0},
    {"openat2", SCMP_ACT_ERRNO(ENOSYS), 0, 0, 0},
};

/* To connect, names included; a pair of sockets wakes the thread that waits. */
static const struct condition connecting[] = {
    {"connect", SCMP_ACT_ALLOW, 0, 0, 0},
    {"socket", SCMP_ACT_ALLOW, 0, UINT32_MAX, AF_INET},
    {"socket", SCMP_ACT_ALLOW, 0, UINT32_MAX, AF_INET6},
    {"socketpair", SCMP_ACT_ALLOW, 0, UINT32_MAX, AF_UNIX},
};

/* 0 or a negative errno, as libseccomp answers. */
static int add_names(scmp_filter_ctx filter, const char *const *names, size_t count,
                     uint32_t action) {
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++) {
        int call = seccomp_syscall_resolve_name(names[i]);
        if (call != __NR_SCMP_ERROR)
            result = seccomp_rule_add(filter, action, call, 0);
    }
    return result;
}

static int add_condition(scmp_filter_ctx filter, const struct condition *condition) {
    int call = seccomp_syscall_resolve_name(condition->call);
    if (call == __NR_SCMP_ERROR)
        return 0;
    if (condition->mask == 0)
        return seccomp_rule_add(filter, condition->action, call, 0);
    const struct scmp_arg_cmp test =
        SCMP_CMP(condition->argument, SCMP_CMP_MASKED_EQ, condition->mask, condition->value);
    return seccomp_rule_add_array(filter, condition->action, call, 1, &test);
}

/* Sockets of TCP, to listen on: there is no connecting them. */
static int add_listening(scmp_filter_ctx filter) {
    enum { TYPE_MASK = 15 }; /* the rest are flags */
    static const int families[] = {AF_INET, AF_INET6};
    static const char *const calls[] = {"bind", "listen"};
    int result = add_names(filter, calls, sizeof calls / sizeof calls[0], SCMP_ACT_ALLOW);
    for (size_t i = 0; i < sizeof families / sizeof families[0] && result == 0; i++) {
        const struct scmp_arg_cmp tests[] = {
            SCMP_CMP(0, SCMP_CMP_MASKED_EQ, UINT32_MAX, (scmp_datum_t)families[i]),
            SCMP_CMP(1, SCMP_CMP_MASKED_EQ, TYPE_MASK, SOCK_STREAM),
            SCMP_CMP(2, SCMP_CMP_MASKED_EQ, UINT32_MAX, 0),
        };
        result = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 3, tests);
    }
    return result;
}

/* abort() and its like: signals to this process alone. */
static int add_signals(scmp_filter_ctx filter) {
    const struct condition own[] = {
        {"kill", SCMP_ACT_ALLOW, 0, UINT32_MAX, (uint64_t)getpid()},
        {"tgkill", SCMP_ACT_ALLOW, 0, UINT32_MAX, (uint64_t)getpid()},
    };
    int result = add_condition(filter, &own[0]);
    return result == 0 ? add_condition(filter, &own[1]) : result;
}

static int add_conditions(scmp_filter_ctx filter, const struct condition *all, size_t count) {
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++)
        result = add_condition(filter, &all[i]);
    return result;
}

static int fill(scmp_filter_ctx filter, bool may_connect) {
    int result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1); /* every thread */
    if (result == 0)
        result = add_names(filter, allowed, sizeof allowed / sizeof allowed[0], SCMP_ACT_ALLOW);
    if (result == 0)
        result = add_names(filter, deadly, sizeof deadly / sizeof deadly[0], SCMP_ACT_KILL_PROCESS);
    if (result == 0)
        result = add_conditions(filter, conditions, sizeof conditions / sizeof conditions[0]);
    if (result == 0 && may_connect)
        result = add_conditions(filter, connecting, sizeof connecting / sizeof connecting[0]);
    if (result == 0)
        result = add_listening(filter);
    if (result == 0)
        result = add_signals(filter);
    /* Refusals show in the audit log, where there is one; a tree of calls is searched fastest. */
    (void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
    (void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    return result;
}

bool cm_os_sandbox_enter(bool may_connect, const char **why) {
    int result = -ENOMEM;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (filter != NULL) {
        result = fill(filter, may_connect);
        if (result == 0)
            result = seccomp_load(filter); /* sets no_new_privs, too */
        seccomp_release(filter);
    }
    if (result != 0)
        *why = strerror(-result);
    return result == 0;
}

#endif
