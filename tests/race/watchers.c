/* SPDX-License-Identifier: BSD-3-Clause */

/* Threads tell, others come to watch and leave. A watcher gets whole lines of its own streams, in
 * the order of each teller. */

#include "command/watch.h"
#include "support/race.h"

#define TELLERS 3u

struct shared {
    struct cm_watch *watch;
};

static void tell(struct racer *me) {
    struct shared *shared = me->race->context;
    char text[80];
    bool evicts = me->rounds % 4 == 3;
    int bytes = snprintf(text, sizeof text, "%s %u %llu %.*s.", evicts ? "e" : "f", me->number,
                         (unsigned long long)me->rounds, (int)(me->rounds % 30),
                         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    enum cm_watch_stream stream = evicts ? CM_WATCH_EVICTIONS : CM_WATCH_FETCHERS;
    if (cm_watch_wants(shared->watch, stream))
        cm_watch_tell(shared->watch, stream, cm_slice(text, (size_t)bytes));
}

/* What one watcher has seen. */
struct seen {
    uint64_t last[RACERS_MAX]; /* a teller's last round, and one */
    char part[256];            /* of a line */
    size_t part_bytes;
    char streams;
};

static void see_line(struct seen *seen, char *line) {
    unsigned long long gid, number, skipped;
    long long seconds, micros;
    unsigned teller;
    char stream, dots[64];
    if (sscanf(line, "skipped=%llu", &skipped) == 1) {
        race_require(skipped > 0, "something was skipped");
        return;
    }
    int fields = sscanf(line, "ts=%lld.%lld gid=%llu %c %u %llu %63s", &seconds, &micros, &gid,
                        &stream, &teller, &number, dots);
    race_require(fields == 7 && teller < RACERS_MAX, "a line is whole");
    race_require(strlen(dots) == number % 30 + 1 && dots[number % 30] == '.', "to its end");
    race_require(seen->streams == '*' || seen->streams == stream, "a stream that was asked for");
    race_require(number >= seen->last[teller], "in a teller's order");
    seen->last[teller] = number + 1;
}

static void see(struct seen *seen, const char *text, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) {
        race_require(seen->part_bytes < sizeof seen->part, "a line has an end");
        seen->part[seen->part_bytes++] = text[i];
        if (text[i] == '\n') {
            seen->part[seen->part_bytes - 1] = '\0';
            seen->part_bytes = 0;
            see_line(seen, seen->part);
        }
    }
}

static void watch_for_a_while(struct racer *me) {
    struct shared *shared = me->race->context;
    struct cm_watcher *watcher;
    struct seen seen = {.streams = '*'};
    uint32_t streams = CM_WATCH_FETCHERS | CM_WATCH_EVICTIONS;
    char text[1 << 12];
    if (race_random(me, 2) == 0) {
        streams = CM_WATCH_EVICTIONS;
        seen.streams = 'e';
    }
    race_require(cm_watcher_open(shared->watch, streams, &watcher) == CM_OUTCOME_DONE,
                 "there is a place for each");
    for (unsigned rounds = race_random(me, 200); rounds > 0; rounds--) {
        see(&seen, text, cm_watcher_take(watcher, text, race_random(me, sizeof text)));
        if (race_random(me, 8) == 0)
            cm_os_thread_yield();
    }
    cm_watcher_close(shared->watch, watcher);
}

/* A store's keeper tells of evictions, and `stats` reads the counters meanwhile. */
static void count(struct racer *me) {
    struct shared *shared = me->race->context;
    struct cm_watch_counts counts;
    cm_watch_read_counts(shared->watch, &counts);
    race_require(counts.log_watchers <= CM_WATCHERS_MAX, "as many as there are");
    cm_os_thread_yield();
}

/* Whether or not anybody has watched while something was told. */
static void watch_and_tell(struct racer *me) {
    struct shared *shared = me->race->context;
    struct cm_watcher *watcher;
    const uint32_t streams = CM_WATCH_FETCHERS | CM_WATCH_EVICTIONS;
    race_require(cm_watcher_open(shared->watch, streams, &watcher) == CM_OUTCOME_DONE,
                 "there is a place");
    tell(me);
    cm_watcher_close(shared->watch, watcher);
}

int main(void) {
    struct shared shared;
    struct race race = {.context = &shared};
    race_require(cm_watch_create(&shared.watch) == CM_OK, "a watch");
    cm_watch_set_ring_bytes(shared.watch, 0);
    race_open(&race, CMSTORE_MEMORY_MIN);
    for (unsigned i = 0; i < TELLERS; i++)
        race_line_up(&race, tell, NULL);
    race_line_up(&race, watch_for_a_while, NULL);
    race_line_up(&race, watch_for_a_while, NULL);
    race_line_up(&race, watch_for_a_while, NULL);
    race_line_up(&race, count, NULL);
    race_run(&race);
    watch_and_tell(&race.racers[0]);
    race_close(&race);
    struct cm_watch_counts counts;
    cm_watch_read_counts(shared.watch, &counts);
    race_require(counts.log_watchers == 0 && counts.log_worker_written > 0, "all have left");
    cm_watch_destroy(shared.watch);
    return 0;
}
