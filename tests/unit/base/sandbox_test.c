/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "base/os/sandbox.h"

#include "base/os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Each deed is done in a process of its own, inside the sandbox, and answers what the system
 * answered: 0 or more if it succeeded, -1 and errno if not. */
typedef long deed(void);

enum { NO_SANDBOX = 100, SUCCEEDED = 101 };

/* How the process ended: SUCCEEDED, NO_SANDBOX, an errno, or minus the signal that ended it. */
static int outcome_of(deed *what, bool may_connect) {
    fflush(stdout);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const char *why;
        if (!cm_os_sandbox_enter(may_connect, &why))
            _exit(NO_SANDBOX);
        errno = 0;
        _exit(what() < 0 ? errno : SUCCEEDED);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void assert_any_outcome(deed *what, bool may_connect, const char *name, int wanted) {
    int outcome = outcome_of(what, may_connect);
    if (outcome == NO_SANDBOX)
        skip();
    if (outcome != wanted)
        fail_msg("%s: %d instead of %d", name, outcome, wanted);
}

static void assert_outcome(deed *what, const char *name, int wanted) {
    assert_any_outcome(what, false, name, wanted);
}

#define ASSERT_FORBIDDEN(what) assert_outcome(what, #what, EPERM)
#define ASSERT_DEADLY(what)    assert_outcome(what, #what, -SIGSYS)
#define ASSERT_ALLOWED(what)   assert_outcome(what, #what, SUCCEEDED)

/* ---- programs and processes ---- */

static long run_program(void) {
    char *const argv[] = {(char[]){"true"}, NULL};
    return execv("/bin/true", argv);
}

static long run_program_by_descriptor(void) {
    char *const argv[] = {(char[]){"true"}, NULL};
    int descriptor = open("/bin/true", O_RDONLY);
    return syscall(SYS_execveat, descriptor, "", argv, NULL, AT_EMPTY_PATH);
}

static long make_process(void) {
    return fork();
}

static long make_process_the_new_way(void) {
    struct {
        uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
    } arguments = {.exit_signal = SIGCHLD};
    return syscall(SYS_clone3, &arguments, sizeof arguments);
}

static long trace(void) {
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static void test_deadly(void **state) {
    (void)state;
    ASSERT_DEADLY(run_program);
    ASSERT_DEADLY(run_program_by_descriptor);
    ASSERT_DEADLY(make_process);
    ASSERT_DEADLY(trace);
    assert_outcome(make_process_the_new_way, "clone3", ENOSYS);
}

/* ---- sockets ---- */

static long open_tcp(void) {
    return socket(AF_INET, SOCK_STREAM, 0);
}

static long open_unix(void) {
    return socket(AF_UNIX, SOCK_STREAM, 0);
}

static long open_packets(void) {
    return socket(AF_PACKET, SOCK_RAW, 0);
}

static long connect_input(void) {
    const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    return connect(STDIN_FILENO, &nowhere, sizeof nowhere);
}

static long open_tcp6(void) {
    return socket(AF_INET6, SOCK_STREAM, 0);
}

static long open_udp(void) {
    return socket(AF_INET, SOCK_DGRAM, 0);
}

static long open_multipath(void) {
    return socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP);
}

static const struct sockaddr_in anywhere = {.sin_family = AF_INET,
                                            .sin_addr = {.s_addr = 0x0100007f}};

static long listen_anew(void) {
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (bind(descriptor, (const struct sockaddr *)&anywhere, sizeof anywhere) != 0)
        return -1;
    return listen(descriptor, 1);
}

static long connect_anew(void) {
    return connect(socket(AF_INET, SOCK_STREAM, 0), (const struct sockaddr *)&anywhere,
                   sizeof anywhere);
}

static long connect_by_sending(void) {
    return sendto(socket(AF_INET, SOCK_STREAM, 0), "", 1, MSG_FASTOPEN,
                  (const struct sockaddr *)&anywhere, sizeof anywhere);
}

static void test_sockets(void **state) {
    (void)state;
    ASSERT_ALLOWED(open_tcp);
    ASSERT_ALLOWED(open_tcp6);
    ASSERT_ALLOWED(listen_anew);
    ASSERT_FORBIDDEN(connect_anew);
    ASSERT_FORBIDDEN(connect_by_sending);
    ASSERT_FORBIDDEN(open_udp);
    ASSERT_FORBIDDEN(open_multipath);
    ASSERT_FORBIDDEN(open_unix);
    ASSERT_FORBIDDEN(open_packets);
    ASSERT_FORBIDDEN(connect_input);
}

static long open_pair(void) {
    int ends[2];
    return socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
}

static long connect_datagrams(void) {
    const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    return connect(socket(AF_INET, SOCK_DGRAM, 0), &nowhere, sizeof nowhere);
}

/* For those who must connect. */
static void test_connecting(void **state) {
    (void)state;
    assert_any_outcome(open_tcp, true, "open_tcp", SUCCEEDED);
    assert_any_outcome(open_tcp6, true, "open_tcp6", SUCCEEDED);
    assert_any_outcome(open_pair, true, "open_pair", SUCCEEDED);
    assert_any_outcome(connect_datagrams, true, "connect_datagrams", SUCCEEDED);
    assert_any_outcome(open_unix, true, "open_unix", EPERM);
    assert_any_outcome(open_packets, true, "open_packets", EPERM);
    assert_any_outcome(run_program, true, "run_program", -SIGSYS);
    ASSERT_FORBIDDEN(open_pair);
}

/* ---- files ---- */

static long write_file(void) {
    return open("/dev/null", O_WRONLY | O_CLOEXEC);
}

static long change_file(void) {
    return openat(AT_FDCWD, "/dev/null", O_RDWR);
}

static long make_file(void) {
    return open("/tmp/cachemand-sandbox-test", O_RDONLY | O_CREAT, 0600);
}

static long make_unnamed_file(void) {
    return open("/tmp", O_TMPFILE | O_RDWR, 0600);
}

static long empty_file(void) {
    return open("/dev/null", O_RDONLY | O_TRUNC);
}

static long read_file(void) {
    FILE *file = fopen("/proc/self/statm", "r");
    return file != NULL && fgetc(file) != EOF ? fclose(file) : -1;
}

static long rename_file(void) {
    return rename("/tmp/cachemand-sandbox-test", "/tmp/cachemand-sandbox-test-2");
}

static long make_folder(void) {
    return mkdir("/tmp/cachemand-sandbox-test", 0700);
}

static long change_mode(void) {
    return chmod("/tmp", 01777);
}

static long mount_something(void) {
    return mount("none", "/tmp", "tmpfs", 0, NULL);
}

static long remove_file(void) {
    return unlink("/nonexistent/file") == 0 || errno == ENOENT ? 0 : -1;
}

static void test_files(void **state) {
    (void)state;
    ASSERT_FORBIDDEN(write_file);
    ASSERT_FORBIDDEN(change_file);
    ASSERT_FORBIDDEN(make_file);
    ASSERT_FORBIDDEN(make_unnamed_file);
    ASSERT_FORBIDDEN(empty_file);
    ASSERT_FORBIDDEN(rename_file);
    ASSERT_FORBIDDEN(make_folder);
    ASSERT_FORBIDDEN(change_mode);
    ASSERT_FORBIDDEN(mount_something);
    ASSERT_ALLOWED(read_file);
    ASSERT_ALLOWED(remove_file);
}

/* ---- oneself and others ---- */

static long become_root(void) {
    return setuid(0);
}

static long signal_parent(void) {
    return kill(getppid(), 0);
}

static long signal_oneself(void) {
    return kill(getpid(), 0);
}

static long raise_limit(void) {
    const struct rlimit limit = {100, 100};
    return setrlimit(RLIMIT_NOFILE, &limit);
}

static long read_limit(void) {
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit);
}

static long hide(void) {
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static long type_into_terminal(void) {
    return ioctl(STDIN_FILENO, TIOCSTI, "x");
}

static long end_by_abort(void) {
    abort();
}

static void test_process(void **state) {
    (void)state;
    ASSERT_FORBIDDEN(become_root);
    ASSERT_FORBIDDEN(signal_parent);
    ASSERT_FORBIDDEN(raise_limit);
    ASSERT_FORBIDDEN(hide);
    ASSERT_FORBIDDEN(type_into_terminal);
    ASSERT_ALLOWED(signal_oneself);
    ASSERT_ALLOWED(read_limit);
    assert_outcome(end_by_abort, "abort", -SIGABRT);
}

/* ---- memory ---- */

static long map_code(void) {
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
               ? -1
               : 0;
}

static long make_code(void) {
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static long use_memory(void) {
    size_t page = cm_os_page_bytes();
    void *range = cm_os_mem_reserve(page * 4);
    if (range == NULL || cm_os_mem_commit(range, page * 2) != CM_OK)
        return -1;
    cm_os_mem_prefer_large(range, page * 2);
    memset(range, 1, page);
    cm_os_mem_discard(range, page);
    cm_os_mem_release(range, page * 4);
    void *heap = calloc(1, 10 << 20);
    heap = realloc(heap, 20 << 20);
    free(heap);
    return heap == NULL ? -1 : 0;
}

static void test_memory(void **state) {
    (void)state;
    ASSERT_FORBIDDEN(map_code);
    ASSERT_FORBIDDEN(make_code);
    ASSERT_ALLOWED(use_memory);
}

/* ---- threads ---- */

static void nothing(void *context) {
    *(int *)context = 1;
}

static long start_thread(void) {
    struct cm_os_thread thread;
    int done = 0;
    if (cm_os_thread_start(&thread, nothing, &done, "after") != CM_OK)
        return -1;
    cm_os_thread_join(&thread);
    return done - 1;
}

static long look_at_oneself(void) {
    struct cm_os_usage usage;
    unsigned char bytes[8];
    cm_os_usage(&usage);
    return usage.resident_bytes > 0 && cm_os_monotonic_ns() > 0 && cm_os_wall_s() > 0 &&
                   cm_os_cpu_count() > 0 && cm_os_random(bytes, sizeof bytes) == CM_OK
               ? 0
               : -1;
}

/* A thread that was there before, told by a pipe that the sandbox is entered. */
struct earlier {
    int told[2];
    int error;
};

static void wait_and_open_socket(void *context) {
    struct earlier *earlier = context;
    char byte;
    ssize_t got = read(earlier->told[0], &byte, 1);
    earlier->error = got == 1 && socket(AF_UNIX, SOCK_STREAM, 0) < 0 ? errno : 0;
}

static int earlier_thread(void) {
    struct earlier earlier;
    struct cm_os_thread thread;
    const char *why;
    if (pipe(earlier.told) != 0 ||
        cm_os_thread_start(&thread, wait_and_open_socket, &earlier, "before") != CM_OK)
        return 0;
    if (!cm_os_sandbox_enter(false, &why))
        return NO_SANDBOX;
    if (write(earlier.told[1], "x", 1) != 1)
        return 0;
    cm_os_thread_join(&thread);
    return earlier.error;
}

static void test_threads(void **state) {
    (void)state;
    ASSERT_ALLOWED(start_thread);
    ASSERT_ALLOWED(look_at_oneself);
    pid_t child = fork();
    if (child == 0)
        _exit(earlier_thread());
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EPERM);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deadly),     cmocka_unit_test(test_sockets),
        cmocka_unit_test(test_connecting), cmocka_unit_test(test_files),
        cmocka_unit_test(test_process),    cmocka_unit_test(test_memory),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
