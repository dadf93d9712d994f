/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CACHEMAN_CLIENT_H
#define CACHEMAN_CLIENT_H

/* libcacheman: many cache servers as one hash table. Servers share nothing; the client routes.
 *
 *   cacheman           the table: servers, their distribution, their health, pooled connections
 *   cacheman_request   one thing asked of one key; any number of them make a call
 *   cacheman_result    what came of it
 *
 * Threads: a cacheman may be used from any number of threads at once, its results by whoever holds
 * them. It runs a thread of its own, which resolves names, probes dead servers and follows the
 * cluster file, and one more where the servers are in etcd; open it after fork().
 * Structs: zero is the default of every field, so `struct x x = {0}` is always valid.
 * Memory: what goes in is borrowed for the length of the call; what comes out in a result belongs
 * to the caller, who gives it to cacheman_release().
 * Time: no call takes longer than its timeout; cacheman_fetch() makes several. Times to live are
 * seconds from now, 0: forever, negative: over already; more than 30 days are turned into the time
 * of day that servers want, or into forever if that is past January 2038.
 * Errors: by status, never by exit or signal. A server that is down is an answer too: its keys
 * miss, with status UNREACHABLE beside the outcome. */

#include <cacheman/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CACHEMAN_KEY_BYTES_MAX 250 /* prefix included */

typedef struct cacheman cacheman;

struct cacheman_bytes {
    const void *data; /* NULL is allowed where `bytes` is 0 */
    size_t bytes;
};

static inline struct cacheman_bytes cacheman_bytes(const void *data, size_t bytes) {
    struct cacheman_bytes slice;
    slice.data = data;
    slice.bytes = bytes;
    return slice;
}

/* The bytes of a text up to its zero. */
struct cacheman_bytes cacheman_text(const char *text);

/* ---- life ---------------------------------------------------------------------------------- */

struct cacheman_error {
    char text[256]; /* one line for people: what is wrong, where, and what would be right */
    size_t line;    /* of the cluster file, from 1; 0: not about a line */
    size_t column;  /* in the line or the connection string, from 1; 0: not about a place */
};

/* Opens the cluster that `where` describes:
 *
 *     10.0.0.1,10.0.0.2:11211;weight=2,unix:/run/cacheman.sock?distribution=ketama&timeout=200ms
 *     file:/etc/cacheman/cluster?timeout=200ms
 *     etcd://10.0.0.9:2379,10.0.0.8:2379/production?timeout=200ms
 *
 * docs/client.md lists the options and shows the file. Connects to servers only when used; etcd must
 * answer within `connect_timeout`, or else it is UNREACHABLE. INVALID (with the reason in *error),
 * NO_MEMORY, SYSTEM. `error` may be NULL. On success the caller owns *out. */
CM_MUST_CHECK enum cm_status cacheman_open(const char *where, cacheman **out,
                                           struct cacheman_error *error);
/* What is wrong with the cluster file or with etcd now, while the servers read from there before are
 * kept. False: nothing, or there is neither. */
bool cacheman_problem(cacheman *client, struct cacheman_error *error);

/* The options of a connection string by number from 0; false past the last. */
struct cacheman_option {
    const char *name, *initial, *text;
    char allowed[128]; /* "a number from 1 to 4" */
};
bool cacheman_option(size_t number, struct cacheman_option *out);
/* What an option is in this client, as a connection string says it but for encoding; "***" for a
 * password. False past the last, or if it is longer than `room`, a zero included. */
bool cacheman_option_used(cacheman *client, size_t number, char *to, size_t room);

/* No call may be under way, and every cacheman_async must be closed. Waits for a name server that
 * is being asked. NULL is allowed. */
void cacheman_close(cacheman *client);

/* ---- calls --------------------------------------------------------------------------------- */

enum cacheman_verb {
    CACHEMAN_GET,
    CACHEMAN_TOUCH,         /* sets the time to live */
    CACHEMAN_GET_AND_TOUCH, /* both */
    CACHEMAN_SET,
    CACHEMAN_ADD,     /* only if there is no such item */
    CACHEMAN_REPLACE, /* only if there is */
    CACHEMAN_APPEND,  /* likewise; keeps flags and time to live */
    CACHEMAN_PREPEND,
    CACHEMAN_CAS, /* SET, only if the item's cas is the one given */
    CACHEMAN_DELETE,
    CACHEMAN_INCREMENT, /* wraps at 2^64 */
    CACHEMAN_DECREMENT, /* stops at 0 */
};

struct cacheman_request {
    enum cacheman_verb verb;
    struct cacheman_bytes key;
    struct cacheman_bytes value; /* of those that store */
    uint32_t flags;              /* of those that store: 32 bits of the caller's own */
    int64_t ttl_s;               /* of those that store or touch, and of an item that is created */
    uint64_t cas;                /* CAS; DELETE: if not 0, only if the item's cas is this */
    uint64_t delta;              /* INCREMENT, DECREMENT */
    bool create;                 /* INCREMENT, DECREMENT: a missing item becomes `initial` */
    uint64_t initial;
    bool want_cas; /* the result is to have the item's cas (classic servers: of GET alone) */
    bool want_ttl; /* and how long it has to live (GET; classic servers do not tell) */
    bool no_value; /* of those that read: a HIT has neither value nor flags. Counts as a read like
                      any other; meta servers do not send the value, classic ones do */
    bool no_reply; /* do not wait, as far as that can be: outcome UNKNOWN. Reads and `want_cas` need
                      their answer. */
};

enum cacheman_outcome {
    CACHEMAN_MISS, /* no such item, or nobody to ask: see the status */
    CACHEMAN_HIT,  /* found; DELETE: removed; TOUCH: done; INCREMENT, DECREMENT: counted, or
                            created */
    CACHEMAN_STORED,
    CACHEMAN_NOT_STORED, /* the verb's condition did not hold */
    CACHEMAN_EXISTS,     /* the cas given is not the item's */
    CACHEMAN_UNKNOWN,    /* no_reply; or the status says why nobody knows */
};

#define CACHEMAN_TTL_FOREVER (-1)
#define CACHEMAN_TTL_UNKNOWN (-2)

struct cacheman_result {
    enum cacheman_outcome outcome;
    enum cm_status status; /* OK, or why the outcome is no answer of the server's: UNREACHABLE,
                              TIMEOUT, BAD_KEY, BAD_ANSWER, REFUSED, NOT_AUTHENTICATED, TOO_LARGE,
                              NOT_NUMERIC, NO_MEMORY, INVALID (no such verb), CANCELLED */
    struct cacheman_bytes value; /* of a HIT that reads, followed by a zero that is not counted */
    uint32_t flags;
    uint64_t cas;    /* if wanted */
    int64_t ttl_s;   /* if wanted, else TTL_UNKNOWN */
    uint64_t number; /* INCREMENT, DECREMENT: the new value */
    bool stale;      /* cacheman_fetch(): the value is out of date, somebody is at it */
};

struct cacheman_call {
    const struct cacheman_request *requests;
    size_t count;
    struct cacheman_result *results; /* room for as many, in the order of the requests */
    uint32_t timeout_ms;             /* of all of it; 0: the client's */
};

/* Carries the requests out, grouped by server, pipelined, all servers in parallel; requests for the
 * same key in their order, as far as one step each is all they take (not with replicas, nor during a
 * warm-up). Every result is filled in, whatever happens. OK if all results are;
 * otherwise the status of the first that is not. */
CM_MUST_CHECK enum cm_status cacheman_run(cacheman *client, const struct cacheman_call *call);

/* Frees the values of results, whose contents are undefined before a call filled them in. */
void cacheman_release(struct cacheman_result *results, size_t count);

/* ---- the same for one key; *result as above, NULL where only the status matters ------------- */

CM_MUST_CHECK enum cm_status cacheman_get(cacheman *client, struct cacheman_bytes key,
                                          struct cacheman_result *result);
/* With cas. */
CM_MUST_CHECK enum cm_status cacheman_gets(cacheman *client, struct cacheman_bytes key,
                                           struct cacheman_result *result);

/* How to store; NULL is allowed and means all zero. */
struct cacheman_how {
    int64_t ttl_s;
    uint32_t flags;
    uint64_t cas; /* cacheman_cas() */
    bool no_reply;
};

#define CACHEMAN_STORE_TABLE(X)                                                                    \
    X(set)                                                                                         \
    X(add)                                                                                         \
    X(replace)                                                                                     \
    X(append)                                                                                      \
    X(prepend)                                                                                     \
    X(cas)
#define CACHEMAN_STORE_DECLARE(name)                                                               \
    CM_MUST_CHECK enum cm_status cacheman_##name(                                                  \
        cacheman *client, struct cacheman_bytes key, struct cacheman_bytes value,                  \
        const struct cacheman_how *how, struct cacheman_result *result);
CACHEMAN_STORE_TABLE(CACHEMAN_STORE_DECLARE)
#undef CACHEMAN_STORE_DECLARE

CM_MUST_CHECK enum cm_status cacheman_delete(cacheman *client, struct cacheman_bytes key,
                                             struct cacheman_result *result);
CM_MUST_CHECK enum cm_status cacheman_increment(cacheman *client, struct cacheman_bytes key,
                                                uint64_t delta, struct cacheman_result *result);
CM_MUST_CHECK enum cm_status cacheman_decrement(cacheman *client, struct cacheman_bytes key,
                                                uint64_t delta, struct cacheman_result *result);
CM_MUST_CHECK enum cm_status cacheman_touch(cacheman *client, struct cacheman_bytes key,
                                            int64_t ttl_s, struct cacheman_result *result);
CM_MUST_CHECK enum cm_status cacheman_get_and_touch(cacheman *client, struct cacheman_bytes key,
                                                    int64_t ttl_s, struct cacheman_result *result);

/* ---- fetch: get, and have it computed if it is not there ------------------------------------ */

struct cacheman_loaded {
    void *value; /* from malloc(); the library takes it. NULL is allowed where `bytes` is 0 */
    size_t bytes;
    uint32_t flags;
    int64_t ttl_s;
    bool do_not_store; /* hand it to the caller and let others compute their own */
};

/* Computes the value of `key`; anything but OK ends cacheman_fetch() with that status, and *loaded
 * is not looked at. */
typedef enum cm_status cacheman_loader(void *context, struct cacheman_bytes key,
                                       struct cacheman_loaded *loaded);

struct cacheman_fetch {
    cacheman_loader *load;
    void *context;
    uint32_t lease_s;   /* how long one caller may compute before another is asked to; 0: 30 */
    uint32_t refresh_s; /* if an item has less than this to live, one caller computes it anew while
                           the others are served the old value; 0: never */
    uint32_t wait_ms;   /* how long the others wait where there is no old value, before they
                           compute for themselves; 0: 1000 */
};

/* Over all clients of a meta server, one caller at a time computes a key; a value that was changed
 * or deleted meanwhile is not overwritten. The others wait or get the old value, `stale` set. With
 * classic servers, and with servers that are down, every caller computes. The result is a HIT, or
 * STORED if this caller computed it. Takes as long as `wait_ms`, a few calls, and `load`. */
CM_MUST_CHECK enum cm_status cacheman_fetch(cacheman *client, struct cacheman_bytes key,
                                            const struct cacheman_fetch *fetch,
                                            struct cacheman_result *result);
/* Marks an item as out of date instead of deleting it: the next fetch computes it anew while others
 * are served the old value, for `grace_s` at most (0: as long as it lives). Classic servers:
 * deletes it. */
CM_MUST_CHECK enum cm_status cacheman_invalidate(cacheman *client, struct cacheman_bytes key,
                                                 uint32_t grace_s, struct cacheman_result *result);

/* ---- servers ------------------------------------------------------------------------------- */

enum cacheman_health {
    CACHEMAN_UNTRIED,
    CACHEMAN_UP,
    CACHEMAN_DOWN, /* left out until a probe succeeds */
};

struct cacheman_server {
    const char *name; /* as messages and the calls below call it: HOST:PORT or unix:PATH */
    uint32_t weight;
    enum cacheman_health health;
    bool leaving;         /* no longer in the cluster; still asked while the warm-up lasts */
    bool meta;            /* UP: speaks the meta protocol */
    const char *error;    /* DOWN: why, else "" */
    enum cm_status cause; /* DOWN: the status of the last failure, as UNREACHABLE or
                             NOT_AUTHENTICATED, else OK */
    uint64_t requests;    /* sent by this client, */
    uint64_t failures;    /*   of these without an answer */
    uint32_t connections;
};

/* One piece of memory: free(*out). NO_MEMORY. */
CM_MUST_CHECK enum cm_status cacheman_servers(cacheman *client, struct cacheman_server **out,
                                              size_t *count);

/* The servers that hold `key`, as indexes into the list of cacheman_servers(), the first choice
 * first; returns how many were written, at most `room`. `distribution` NULL: the client's own; 0
 * is returned for one that does not exist. */
size_t cacheman_where(cacheman *client, struct cacheman_bytes key, const char *distribution,
                      uint32_t *servers, size_t room);
/* The distributions by number from 0, NULL past the last; *text, if not NULL, gets a line. */
const char *cacheman_distribution(size_t number, const char **text);
const char *cacheman_distribution_used(cacheman *client);

/* Calls to servers rather than to keys. `server` is a name, NULL: every server, in parallel. */
struct cacheman_line {
    const char *server;
    struct cacheman_bytes text; /* without its end, borrowed for the callback */
};

/* False ends the call early. */
typedef bool cacheman_visitor(void *context, const struct cacheman_line *line);
/* A server has answered, or why it has not. */
typedef void cacheman_finisher(void *context, const char *server, enum cm_status status);

struct cacheman_ask {
    const char *server;
    cacheman_visitor *visit; /* one at a time, in the caller's thread */
    void *context;
    uint32_t timeout_ms;       /* 0: the client's */
    cacheman_finisher *finish; /* as `visit`, once a server, after its last line; may be NULL */
    /* Asked about ten times a second while the call waits, in the caller's thread; false ends it
     * early. NULL: it may. */
    bool (*may_wait)(void *context);
    struct cacheman_error *error; /* gets what the first server that failed said; may be NULL */
};

/* All answer OK if every server did, otherwise the status of the first that did not; INVALID if
 * there is no such server. */

/* The lines of a group of statistics (NULL: the general ones), "name value". */
CM_MUST_CHECK enum cm_status cacheman_stats(cacheman *client, const char *group,
                                            const struct cacheman_ask *ask);
/* The lines of cachemand's `stats why` about a key, "name value": whether and how it is there, or why
 * it is not, which counts as no access. `ask->server` NULL: the first of the servers that hold it.
 * BAD_KEY; REFUSED by servers that know no such statistics. */
CM_MUST_CHECK enum cm_status cacheman_why(cacheman *client, struct cacheman_bytes key,
                                          const struct cacheman_ask *ask);
/* One line a server: its version. Also the way to ping. */
CM_MUST_CHECK enum cm_status cacheman_version(cacheman *client, const struct cacheman_ask *ask);
/* Every item, as the server's `lru_crawler metadump all` lists it: "key=... exp=... size=...", the
 * key percent-encoded. The timeout is for the time between lines. */
CM_MUST_CHECK enum cm_status cacheman_dump(cacheman *client, const struct cacheman_ask *ask);
/* What happens there, as the server's `watch` tells it, until the visitor ends it or the timeout
 * has passed, which is no error. `streams` are memcached's, separated by spaces. */
CM_MUST_CHECK enum cm_status cacheman_watch(cacheman *client, const char *streams,
                                            const struct cacheman_ask *ask);
/* Forgets all items, after `delay_s`. `ask` and the visitor may be NULL. */
CM_MUST_CHECK enum cm_status cacheman_flush(cacheman *client, uint32_t delay_s,
                                            const struct cacheman_ask *ask);
/* Any other command of one line, answered by lines. One that ends the answer (END, OK, RESET, MN
 * and the like) is handed over too, and so are the lines of a value, of at most 64 KiB each. */
CM_MUST_CHECK enum cm_status cacheman_command(cacheman *client, const char *line,
                                              const struct cacheman_ask *ask);

const char *cacheman_library_version(void);

#ifdef __cplusplus
}
#endif

#endif
