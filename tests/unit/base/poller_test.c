/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/os/poller.h"

#include "base/os/dial.h"
#include "base/os/os.h"
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>

#include <cmocka.h>

#define FOREVER_NS 60000000000u

static void test_events(void **state) {
    (void)state;
    struct cm_os_poller poller;
    struct cm_os_event events[4];
    int pair[2];
    assert_int_equal(cm_os_poller_open(&poller), CM_OK);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    struct cm_os_interest interest = {.context = &pair, .read = true};
    assert_int_equal(cm_os_poller_add(&poller, pair[0], &interest), CM_OK);
    assert_int_equal(cm_os_poller_wait(&poller, events, 4, 1), 0);

    assert_int_equal(send(pair[1], "x", 1, 0), 1);
    assert_int_equal(cm_os_poller_wait(&poller, events, 4, FOREVER_NS), 1);
    assert_ptr_equal(events[0].context, &pair);
    assert_true(events[0].read && !events[0].write);

    interest.write = true;
    cm_os_poller_change(&poller, pair[0], &interest);
    assert_int_equal(cm_os_poller_wait(&poller, events, 4, FOREVER_NS), 1);
    assert_true(events[0].read && events[0].write);

    interest.read = interest.write = false;
    cm_os_poller_change(&poller, pair[0], &interest);
    assert_int_equal(cm_os_poller_wait(&poller, events, 4, 1), 0);
    cm_os_socket_close(pair[1]);
    assert_int_equal(cm_os_poller_wait(&poller, events, 4, FOREVER_NS), 1);
    assert_true(events[0].read && events[0].write);
    cm_os_socket_close(pair[0]);
    assert_int_equal(cm_os_poller_wait(&poller, events, 4, 1), 0);
    cm_os_poller_close(&poller);
}

/* Never less than asked for. */
static void test_waits_long_enough(void **state) {
    (void)state;
    struct cm_os_poller poller;
    struct cm_os_event event;
    assert_int_equal(cm_os_poller_open(&poller), CM_OK);
    const uint64_t start_ns = cm_os_monotonic_ns();
    assert_int_equal(cm_os_poller_wait(&poller, &event, 1, 3000000), 0);
    assert_true(cm_os_monotonic_ns() - start_ns >= 3000000);
    cm_os_poller_close(&poller);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_waits_long_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
