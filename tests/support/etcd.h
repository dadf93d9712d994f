/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_SUPPORT_ETCD_H
#define TESTS_SUPPORT_ETCD_H

/* A real etcd on loopback: started, killed, emptied, and started again on the same port. */

#include "support/cluster.h"

struct etcd {
    char folder[64];
    char url[64];
    struct cluster_port held;
    int port;
    pid_t process;
};

static inline bool etcd_answers(const struct etcd *etcd) {
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)etcd->port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    const int result =
        connect(descriptor, (const struct sockaddr *)&address, (socklen_t)sizeof address);
    close(descriptor);
    return result == 0;
}

static inline void etcd_child(const struct etcd *etcd) {
    char data[128], log[128];
    snprintf(data, sizeof data, "%s/data", etcd->folder);
    snprintf(log, sizeof log, "%s/log", etcd->folder);
    const int descriptor = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(descriptor, STDOUT_FILENO);
    dup2(descriptor, STDERR_FILENO);
    execlp("etcd", "etcd", "--data-dir", data, "--listen-client-urls", etcd->url,
           "--advertise-client-urls", etcd->url, "--listen-peer-urls", "http://127.0.0.1:0",
           "--heartbeat-interval", "50", "--election-timeout", "500", (char *)NULL);
    _exit(127);
}

static inline void etcd_start(struct etcd *etcd) {
    etcd->process = fork();
    assert_true(etcd->process >= 0);
    if (etcd->process == 0)
        etcd_child(etcd);
    CLUSTER_WAIT(etcd_answers(etcd));
}

static inline void etcd_init(struct etcd *etcd) {
    *etcd = (struct etcd){.folder = "/tmp/cacheman-etcd-XXXXXX"};
    assert_non_null(mkdtemp(etcd->folder));
    cluster_hold_port(&etcd->held);
    etcd->port = etcd->held.number;
    snprintf(etcd->url, sizeof etcd->url, "http://127.0.0.1:%d", etcd->port);
    etcd_start(etcd);
}

static inline void etcd_kill(struct etcd *etcd) {
    if (etcd->process > 0) {
        kill(etcd->process, SIGKILL);
        waitpid(etcd->process, NULL, 0);
    }
    etcd->process = 0;
}

static inline void etcd_forget(struct etcd *etcd, const char *what) {
    char command[160];
    snprintf(command, sizeof command, "rm -rf %s%s", etcd->folder, what);
    assert_int_equal(system(command), 0);
}

static inline void etcd_deinit(struct etcd *etcd) {
    etcd_kill(etcd);
    close(etcd->held.descriptor);
    etcd_forget(etcd, "");
}

#endif
