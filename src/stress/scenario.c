/* SPDX-License-Identifier: BSD-3-Clause */
#include "stress/options.h"

#define WORDS(...)                                                                                 \
    (const char *const[]) {                                                                        \
        __VA_ARGS__, NULL                                                                          \
    }

static const struct cm_stress_scenario scenarios[] = {
    {"mixed", "ten gets to a set, some keys far more often than others",
     WORDS("--load", "--ratio=get=10,set=1", "--distribution=zipf")},
    {"read-only", "nothing but gets, of what is there",
     WORDS("--load", "--ratio=get=1", "--distribution=zipf")},
    {"write-heavy", "four sets to a get, all over the keys", WORDS("--ratio=get=1,set=4")},
    {"cache-aside", "gets, and a set after every miss",
     WORDS("--fill", "--ratio=get=1", "--distribution=zipf")},
    {"sessions", "a web site's sessions: they live half an hour, are read, written, touched",
     WORDS("--fill", "--ratio=get=8,set=1,touch=1", "--distribution=zipf", "--ttl=30m",
           "--value-bytes=lognormal:400:1.2")},
    {"counters", "a thousand counters counting",
     WORDS("--keys=1000", "--ratio=incr=1", "--distribution=zipf")},
    {"multiget", "gets of a hundred keys", WORDS("--load", "--multiget=100", "--ratio=get=1")},
    {"large", "values of up to a megabyte",
     WORDS("--load", "--keys=500", "--value-bytes=1k-1000k", "--ratio=get=4,set=1")},
    {"hot-key", "one key gets nine requests of ten",
     WORDS("--load", "--distribution=hot", "--hot-keys=1", "--keys=100000")},
    {"stampede", "many clients miss the same keys as they expire, and all of them store",
     WORDS("--fill", "--keys=5", "--ttl=1s", "--connections=200", "--ratio=get=1",
           "--value-bytes=10k")},
    {"churn", "clients that connect, ask five times and leave", WORDS("--reconnect=5", "--load")},
    {"slow-readers", "clients that ask for much and read late",
     WORDS("--load", "--keys=500", "--value-bytes=100k", "--depth=20", "--read-pause=50ms",
           "--ratio=get=1")},
};

const struct cm_stress_scenario *cm_stress_scenario(size_t number) {
    return number < sizeof scenarios / sizeof scenarios[0] ? &scenarios[number] : NULL;
}
