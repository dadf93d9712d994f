/* SPDX-License-Identifier: BSD-3-Clause */

/* Users are read again, by turns from two files, while others log in: whoever is in both files is
 * never refused, a wrong password never passes, and an exchange begun with one set of users ends
 * with it (A3 of auth/auth.h). */

#include "auth/auth.h"
#include "base/check.h"
#include "base/os/os.h"
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CHECKERS 3
#define RELOADS  200

/* Both have a user whose password is "pencil". */
#define BOTH                                                                                       \
    "user:SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ=="                                             \
    "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="                                                \
    ":wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=\n"

struct race {
    struct cm_auth *auth;
    atomic_bool over;
    atomic_uint checks;
};

static void check(void *context) {
    struct race *race = context;
    struct cm_exchange *exchange;
    CM_CHECK(cm_exchange_create(race->auth, &exchange) == CM_OK);
    while (!atomic_load(&race->over)) {
        CM_CHECK(cm_auth_check(race->auth, CM_SLICE("user"), CM_SLICE("pencil")));
        CM_CHECK(!cm_auth_check(race->auth, CM_SLICE("user"), CM_SLICE("Pencil")));
        CM_CHECK(cm_exchange_start(exchange, CM_SLICE("SCRAM-SHA-256"),
                                   CM_SLICE("n,,n=sometimes,r=abc")) == CM_EXCHANGE_GOES_ON);
        CM_CHECK(cm_exchange_step(exchange, CM_SLICE("c=biws,r=abc,p=AAAA")) == CM_EXCHANGE_FAILED);
        const size_t count = cm_auth_user_count(race->auth);
        CM_CHECK(count == 1 || count == 2);
        atomic_fetch_add(&race->checks, 1);
    }
    cm_exchange_destroy(exchange);
}

static void write_file(char *path, const char *text) {
    const int file = mkstemp(path);
    CM_CHECK(file >= 0);
    CM_CHECK(write(file, text, strlen(text)) == (ssize_t)strlen(text));
    CM_CHECK(close(file) == 0);
}

int main(void) {
    static struct race race;
    char one[] = "/tmp/cacheman-race-XXXXXX", two[] = "/tmp/cacheman-race-XXXXXX";
    struct cm_os_thread threads[CHECKERS];
    struct cm_auth_error error;
    write_file(one, BOTH);
    write_file(two, "sometimes:here\n" BOTH);
    CM_CHECK(cm_auth_create(&race.auth) == CM_OK);
    CM_CHECK(cm_auth_load(race.auth, one, &error) == CM_OK);
    for (unsigned i = 0; i < CHECKERS; i++)
        CM_CHECK(cm_os_thread_start(&threads[i], check, &race, "check") == CM_OK);
    for (unsigned i = 0; i < RELOADS; i++) {
        CM_CHECK(cm_auth_load(race.auth, i % 2 == 0 ? two : one, &error) == CM_OK);
        CM_CHECK(cm_auth_load(race.auth, "/nonexistent/users", &error) == CM_SYSTEM);
    }
    while (atomic_load(&race.checks) < CHECKERS)
        cm_os_thread_yield();
    atomic_store(&race.over, true);
    for (unsigned i = 0; i < CHECKERS; i++)
        cm_os_thread_join(&threads[i]);
    cm_auth_destroy(race.auth);
    CM_CHECK(remove(one) == 0 && remove(two) == 0);
    printf("%u checks during %d reloads\n", atomic_load(&race.checks), RELOADS);
    return 0;
}
