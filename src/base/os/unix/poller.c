/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "base/os/poller.h"

#include "base/check.h"
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_MAX 256
#define NS_PER_S   1000000000u
#define NS_PER_MS  1000000u

enum cm_status cm_os_poller_open(struct cm_os_poller *poller) {
    poller->impl = epoll_create1(EPOLL_CLOEXEC);
    return poller->impl < 0 ? CM_SYSTEM : CM_OK;
}

void cm_os_poller_close(struct cm_os_poller *poller) {
    if (poller->impl >= 0)
        (void)close((int)poller->impl);
    poller->impl = -1;
}

static struct epoll_event event_of(const struct cm_os_interest *interest) {
    return (struct epoll_event){.events = (interest->read ? (uint32_t)EPOLLIN : 0) |
                                          (interest->write ? (uint32_t)EPOLLOUT : 0),
                                .data.ptr = interest->context};
}

enum cm_status cm_os_poller_add(const struct cm_os_poller *poller, cm_os_socket socket,
                                const struct cm_os_interest *interest) {
    struct epoll_event event = event_of(interest);
    return epoll_ctl((int)poller->impl, EPOLL_CTL_ADD, (int)socket, &event) == 0 ? CM_OK
                                                                                 : CM_SYSTEM;
}

void cm_os_poller_change(const struct cm_os_poller *poller, cm_os_socket socket,
                         const struct cm_os_interest *interest) {
    struct epoll_event event = event_of(interest);
    CM_CHECK(epoll_ctl((int)poller->impl, EPOLL_CTL_MOD, (int)socket, &event) == 0);
}

/* Kernels before 5.11 count milliseconds only. */
static int wait_for(int descriptor, struct epoll_event *events, int room, uint64_t timeout_ns) {
    const struct timespec timeout = {.tv_sec = (time_t)(timeout_ns / NS_PER_S),
                                     .tv_nsec = (long)(timeout_ns % NS_PER_S)};
    const int count = epoll_pwait2(descriptor, events, room, &timeout, NULL);
    if (count >= 0 || errno != ENOSYS)
        return count;
    const uint64_t ms = (timeout_ns + NS_PER_MS - 1) / NS_PER_MS;
    return epoll_wait(descriptor, events, room, ms > INT32_MAX ? INT32_MAX : (int)ms);
}

size_t cm_os_poller_wait(const struct cm_os_poller *poller, struct cm_os_event *events, size_t room,
                         uint64_t timeout_ns) {
    struct epoll_event found[EVENTS_MAX];
    const int most = room > EVENTS_MAX ? EVENTS_MAX : (int)room;
    const int count = wait_for((int)poller->impl, found, most, timeout_ns);
    for (int i = 0; i < count; i++) {
        const bool over = (found[i].events & (EPOLLERR | EPOLLHUP)) != 0;
        events[i] = (struct cm_os_event){.context = found[i].data.ptr,
                                         .read = over || (found[i].events & EPOLLIN) != 0,
                                         .write = over || (found[i].events & EPOLLOUT) != 0};
    }
    return count < 0 ? 0 : (size_t)count;
}
