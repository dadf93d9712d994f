/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/num.h"
#include "protocol/memcache.h"
#include <cacheman/version.h>
#include <stdlib.h>

/* The classic commands that concern the server. Those that tune memcached's slabs and lists have
 * nothing to tune here: they are checked and answered as memcached does, and change nothing. */

#define OK_LINE    CM_SLICE("OK\r\n")
#define ERROR_LINE CM_SLICE("ERROR\r\n")

/* Token `at` is the word; false past the end. */
static bool token_is(const struct cm_request *request, unsigned at, struct cm_slice word) {
    return at < request->tokens.count && at < CM_TOKENS_MAX &&
           cm_slice_equal(request->tokens.at[at], word);
}

static void see_noreply(struct cm_request *request) {
    request->noreply = cm_slice_equal(request->tokens.last, CM_SLICE("noreply"));
}

static bool token_u32(const struct cm_request *request, unsigned at, uint32_t *out) {
    return at < request->tokens.count && at < CM_TOKENS_MAX &&
           cm_num_u32(request->tokens.at[at], out);
}

static bool token_i64(const struct cm_request *request, unsigned at, int64_t *out) {
    return at < request->tokens.count && at < CM_TOKENS_MAX &&
           cm_num_i64(request->tokens.at[at], out);
}

/* An op that is answered with a line by its outcome. */
static struct cm_op *admin_op(const struct cm_request *request, enum cm_op_kind kind) {
    struct cm_op *op = cm_memcache_op(request, kind);
    op->form = CM_FORM_LINE;
    op->marks = request->noreply ? CM_MARK_NOREPLY : 0;
    return op;
}

enum cm_request_end cm_memcache_parse_version(struct cm_request *request) {
    return cm_memcache_answer(request, CM_SLICE("VERSION " CACHEMAN_VERSION_MEMCACHE "\r\n"));
}

enum cm_request_end cm_memcache_parse_quit(struct cm_request *request) {
    admin_op(request, CM_OP_QUIT);
    return CM_REQUEST_DONE;
}

enum cm_request_end cm_memcache_parse_verbosity(struct cm_request *request) {
    uint32_t level;
    see_noreply(request);
    if (!token_u32(request, 1, &level)) {
        return cm_memcache_answer(request, CM_BAD_FORMAT);
    }
    admin_op(request, CM_OP_VERBOSITY)->number = level;
    return CM_REQUEST_DONE;
}

enum cm_request_end cm_memcache_parse_flush(struct cm_request *request) {
    int64_t exptime = 0;
    see_noreply(request);
    const unsigned bare = request->noreply ? 2 : 1;
    struct cm_op *op = admin_op(request, CM_OP_FLUSH);
    if (request->tokens.count != bare && !token_i64(request, 1, &exptime)) {
        op->options = CM_OP_BAD_END; /* answered once it is known whether flushing is allowed */
    }
    op->expires = exptime > 0 ? cm_memcache_expiry(&request->batch->limits, exptime) : 0;
    return CM_REQUEST_DONE;
}

enum cm_request_end cm_memcache_parse_memory_limit(struct cm_request *request) {
    uint32_t megabytes;
    see_noreply(request);
    if (!token_u32(request, 1, &megabytes)) {
        return cm_memcache_answer(request, ERROR_LINE);
    }
    if (megabytes < 8) {
        return cm_memcache_answer(
            request, CM_SLICE("MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m\r\n"));
    }
    if (megabytes > 1000000000) {
        return cm_memcache_answer(
            request, CM_SLICE("MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes\r\n"));
    }
    admin_op(request, CM_OP_MEMORY_LIMIT)->number = (uint64_t)megabytes << 20;
    return CM_REQUEST_DONE;
}

enum cm_request_end cm_memcache_parse_shutdown(struct cm_request *request) {
    see_noreply(request);
    struct cm_op *op = admin_op(request, CM_OP_SHUTDOWN);
    op->number = token_is(request, 1, CM_SLICE("graceful"));
    if (request->tokens.count > 1 + op->number) {
        op->options = CM_OP_BAD_END; /* answered once it is known whether a shutdown is allowed */
    }
    return CM_REQUEST_DONE;
}

enum cm_request_end cm_memcache_parse_refresh_certs(struct cm_request *request) {
    see_noreply(request);
    admin_op(request, CM_OP_REFRESH_CERTS);
    return CM_REQUEST_DONE;
}

/* ElastiCache's. There are no configurations but that of the cluster, and it is not set from here. */
enum cm_request_end cm_memcache_parse_config(struct cm_request *request) {
    if (request->tokens.count != 3 || !token_is(request, 1, CM_SLICE("get"))) {
        return cm_memcache_answer(request, ERROR_LINE);
    }
    if (!token_is(request, 2, CM_SLICE("cluster"))) {
        return cm_memcache_answer(request, CM_SLICE("END\r\n"));
    }
    admin_op(request, CM_OP_STATS)->selector = CM_STATS_CLUSTER;
    return CM_REQUEST_DONE;
}

static const struct {
    struct cm_slice name;
    enum cm_watch_stream stream;
} watch_streams[] = {
    {{"fetchers", 8}, CM_WATCH_FETCHERS},   {{"mutations", 9}, CM_WATCH_MUTATIONS},
    {{"evictions", 9}, CM_WATCH_EVICTIONS}, {{"connevents", 10}, CM_WATCH_CONNEVENTS},
    {{"deletions", 9}, CM_WATCH_DELETIONS}, {{"sysevents", 9}, CM_WATCH_SYSEVENTS},
};

/* 0: there is no such stream. */
static unsigned watch_stream(struct cm_slice name) {
    for (size_t i = 0; i < sizeof watch_streams / sizeof watch_streams[0]; i++) {
        if (cm_slice_equal(name, watch_streams[i].name)) {
            return watch_streams[i].stream;
        }
    }
    return 0;
}

enum cm_request_end cm_memcache_parse_watch(struct cm_request *request) {
    see_noreply(request);
    struct cm_op *op = admin_op(request, CM_OP_WATCH);
    const struct cm_tokens *tokens = &request->tokens;
    op->number = tokens->count == 1 ? CM_WATCH_FETCHERS : 0;
    for (unsigned i = 1; i < tokens->count; i++) {
        const unsigned stream = i < CM_TOKENS_MAX ? watch_stream(tokens->at[i]) : 0;
        op->number |= stream;
        if (stream == 0) {
            op->options = CM_OP_BAD_END; /* answered once it is known whether it is allowed */
        }
    }
    return CM_REQUEST_DONE;
}

enum cm_request_end cm_memcache_parse_debug_time(struct cm_request *request) {
    int64_t delta = 0;
    enum cm_time what = CM_TIME_MOVE;
    struct cm_slice digits = request->tokens.count > 1 ? request->tokens.at[1] : CM_SLICE("");
    if (digits.len > 1 && digits.data[0] == '+') {
        digits = cm_slice(digits.data + 1, digits.len - 1);
    }
    if (token_is(request, 1, CM_SLICE("p"))) {
        what = CM_TIME_PAUSE;
    } else if (token_is(request, 1, CM_SLICE("r"))) {
        what = CM_TIME_RESUME;
    } else if (!cm_num_i64(digits, &delta)) {
        return cm_memcache_answer(request, ERROR_LINE);
    }
    struct cm_op *op = admin_op(request, CM_OP_TIME);
    op->selector = (uint8_t)what;
    op->number = (uint64_t)delta;
    return CM_REQUEST_DONE;
}

/* ---- stats ---- */

static const struct {
    struct cm_slice name;
    enum cm_stats_group group;
} stats_groups[] = {
    {{"settings", 8}, CM_STATS_SETTINGS},
    {{"items", 5}, CM_STATS_ITEMS},
    {{"slabs", 5}, CM_STATS_SLABS},
    {{"sizes", 5}, CM_STATS_SIZES},
    {{"conns", 5}, CM_STATS_CONNS},
    {{"latency", 7}, CM_STATS_LATENCY},
    {{"sizes_enable", 12}, CM_STATS_SIZES_ON},
    {{"sizes_disable", 13}, CM_STATS_SIZES_OFF},
};

bool cm_memcache_stats_group(struct cm_slice name, enum cm_stats_group *group) {
    for (size_t i = 0; i < sizeof stats_groups / sizeof stats_groups[0]; i++) {
        if (cm_slice_equal(stats_groups[i].name, name)) {
            *group = stats_groups[i].group;
            return true;
        }
    }
    return false;
}

bool cm_memcache_hot_keys(struct cm_slice text, uint32_t *number) {
    return cm_num_u32(text, number) && *number >= 1 && *number <= CM_HOT_KEYS_SHOWN_MAX;
}

static enum cm_request_end parse_detail(struct cm_request *request) {
    if (token_is(request, 2, CM_SLICE("dump"))) {
        admin_op(request, CM_OP_STATS)->selector = CM_STATS_DETAIL;
    } else if (token_is(request, 2, CM_SLICE("on"))) {
        admin_op(request, CM_OP_DETAIL)->number = 1;
    } else if (token_is(request, 2, CM_SLICE("off"))) {
        admin_op(request, CM_OP_DETAIL)->number = 0;
    } else {
        return cm_memcache_answer(request,
                                  CM_SLICE("CLIENT_ERROR usage: stats detail on|off|dump\r\n"));
    }
    return CM_REQUEST_DONE;
}

static enum cm_request_end parse_cachedump(struct cm_request *request) {
    const uint32_t classes = 64;
    uint32_t size_class;
    uint32_t limit;
    if (request->tokens.count < 4) {
        return cm_memcache_answer(request, CM_SLICE("CLIENT_ERROR bad command line\r\n"));
    }
    if (!token_u32(request, 2, &size_class) || !token_u32(request, 3, &limit)) {
        return cm_memcache_answer(request, CM_BAD_FORMAT);
    }
    if (size_class >= classes) {
        return cm_memcache_answer(request, CM_SLICE("CLIENT_ERROR Illegal slab id\r\n"));
    }
    struct cm_op *op = admin_op(request, CM_OP_DUMP);
    op->selector = CM_DUMP_CACHE;
    op->number = size_class;
    op->initial = limit;
    return CM_REQUEST_DONE;
}

/* Ours: KEY, and b if it is in base64. */
static enum cm_request_end parse_why(struct cm_request *request) {
    const bool base64 = token_is(request, 3, CM_SLICE("b"));
    const unsigned count = base64 ? 4 : 3;
    struct cm_op *op = admin_op(request, CM_OP_STATS);
    if (request->tokens.count != count ||
        !cm_memcache_set_key(request, op, request->tokens.at[2], base64)) {
        request->batch->count--;
        return cm_memcache_answer(request, CM_BAD_FORMAT);
    }
    op->selector = CM_STATS_WHY;
    return CM_REQUEST_DONE;
}

static enum cm_request_end parse_hot_keys(struct cm_request *request) {
    uint32_t number = CM_HOT_KEYS_SHOWN;
    const unsigned count = request->tokens.count;
    if (count > 3 || (count == 3 && !cm_memcache_hot_keys(request->tokens.at[2], &number))) {
        return cm_memcache_answer(
            request, CM_SLICE("CLIENT_ERROR usage: stats hotkeys [N], N from 1 to 1000\r\n"));
    }
    struct cm_op *op = admin_op(request, CM_OP_STATS);
    op->selector = CM_STATS_HOT_KEYS;
    op->number = number;
    return CM_REQUEST_DONE;
}

enum cm_request_end cm_memcache_parse_stats(struct cm_request *request) {
    if (request->tokens.count == 1) {
        admin_op(request, CM_OP_STATS)->selector = CM_STATS_GENERAL;
        return CM_REQUEST_DONE;
    }
    if (token_is(request, 1, CM_SLICE("reset"))) {
        admin_op(request, CM_OP_RESET);
        return CM_REQUEST_DONE;
    }
    if (token_is(request, 1, CM_SLICE("detail"))) {
        return parse_detail(request);
    }
    if (token_is(request, 1, CM_SLICE("cachedump"))) {
        return parse_cachedump(request);
    }
    if (token_is(request, 1, CM_SLICE("why"))) {
        return parse_why(request);
    }
    if (token_is(request, 1, CM_SLICE("hotkeys"))) {
        return parse_hot_keys(request);
    }
    enum cm_stats_group group;
    if (!cm_memcache_stats_group(request->tokens.at[1], &group)) {
        return cm_memcache_answer(request, ERROR_LINE);
    }
    admin_op(request, CM_OP_STATS)->selector = (uint8_t)group;
    return CM_REQUEST_DONE;
}

/* ---- lru_crawler, lru, slabs ---- */

/* all, hash, or a list of class numbers with commas between. */
static bool is_class_list(struct cm_slice text) {
    if (cm_slice_equal(text, CM_SLICE("all")) || cm_slice_equal(text, CM_SLICE("hash"))) {
        return true;
    }
    uint32_t number;
    size_t from = 0;
    for (size_t i = 0; i <= text.len; i++) {
        if (i == text.len || text.data[i] == ',') {
            if (!cm_num_u32(cm_slice(text.data + from, i - from), &number) || number == 0 ||
                number > 63) {
                return false;
            }
            from = i + 1;
        }
    }
    return true;
}

static enum cm_request_end parse_crawl(struct cm_request *request, enum cm_op_kind kind,
                                       unsigned selector) {
    struct cm_op *op = admin_op(request, kind);
    op->selector = (uint8_t)selector;
    if (!is_class_list(request->tokens.at[2])) {
        op->options = CM_OP_BAD_END; /* answered once it is known whether it is allowed */
    }
    return CM_REQUEST_DONE;
}

static enum cm_request_end parse_crawler_number(struct cm_request *request, uint32_t max) {
    uint32_t number;
    if (!token_u32(request, 2, &number)) {
        return cm_memcache_answer(request, CM_BAD_FORMAT);
    }
    if (number > max) {
        return cm_memcache_answer(request,
                                  CM_SLICE("CLIENT_ERROR sleep must be one second or less\r\n"));
    }
    return cm_memcache_answer(request, OK_LINE);
}

enum cm_request_end cm_memcache_parse_crawler(struct cm_request *request) {
    see_noreply(request);
    const unsigned count = request->tokens.count;
    if (count == 3 && token_is(request, 1, CM_SLICE("metadump"))) {
        return parse_crawl(request, CM_OP_DUMP, CM_DUMP_META);
    }
    if (count == 3 && token_is(request, 1, CM_SLICE("mgdump"))) {
        return parse_crawl(request, CM_OP_DUMP, CM_DUMP_KEYS);
    }
    if (count == 3 && token_is(request, 1, CM_SLICE("crawl"))) {
        return parse_crawl(request, CM_OP_CRAWLER, CM_CRAWLER_RUN);
    }
    if (count == 3 && token_is(request, 1, CM_SLICE("sleep"))) {
        return parse_crawler_number(request, 1000000);
    }
    if (count == 3 && token_is(request, 1, CM_SLICE("tocrawl"))) {
        return parse_crawler_number(request, UINT32_MAX);
    }
    const bool enable = token_is(request, 1, CM_SLICE("enable"));
    if (count == 2 && (enable || token_is(request, 1, CM_SLICE("disable")))) {
        admin_op(request, CM_OP_CRAWLER)->selector =
            enable ? CM_CRAWLER_ENABLE : CM_CRAWLER_DISABLE;
        return CM_REQUEST_DONE;
    }
    return cm_memcache_answer(request, ERROR_LINE);
}

/* A plain decimal number with an optional fraction. */
static bool token_double(const struct cm_request *request, unsigned at, double *out) {
    char text[32];
    const struct cm_slice token = request->tokens.at[at];
    if (token.len == 0 || token.len >= sizeof text) {
        return false;
    }
    memcpy(text, token.data, token.len);
    text[token.len] = '\0';
    char *end;
    *out = strtod(text, &end);
    return end == text + token.len;
}

static struct cm_slice check_lru_tune(const struct cm_request *request) {
    uint32_t hot;
    uint32_t warm;
    double hot_age;
    double warm_age;
    if (!token_u32(request, 2, &hot) || !token_u32(request, 3, &warm) ||
        !token_double(request, 4, &hot_age) || !token_double(request, 5, &warm_age)) {
        return ERROR_LINE;
    }
    if ((uint64_t)hot + warm > 80) {
        return CM_SLICE("ERROR hot and warm pcts must not exceed 80\r\n");
    }
    if (!(hot_age > 0 && warm_age > 0)) {
        return CM_SLICE("ERROR hot/warm age factors must be greater than 0\r\n");
    }
    return OK_LINE;
}

/* Ours: `lru policy NAME` changes the eviction policy. */
enum cm_request_end cm_memcache_parse_lru(struct cm_request *request) {
    see_noreply(request);
    if (request->tokens.count >= 3 && token_is(request, 1, CM_SLICE("policy"))) {
        admin_op(request, CM_OP_POLICY)->key = request->tokens.at[2];
        return CM_REQUEST_DONE;
    }
    const unsigned count = request->tokens.count;
    int64_t ttl;
    struct cm_slice answer = ERROR_LINE;
    if (count >= 6 && token_is(request, 1, CM_SLICE("tune"))) {
        answer = check_lru_tune(request);
    } else if (count >= 3 && token_is(request, 1, CM_SLICE("mode"))) {
        const bool known =
            token_is(request, 2, CM_SLICE("flat")) || token_is(request, 2, CM_SLICE("segmented"));
        answer = known ? OK_LINE : ERROR_LINE;
    } else if (count >= 3 && token_is(request, 1, CM_SLICE("temp_ttl"))) {
        answer = token_i64(request, 2, &ttl) ? OK_LINE : ERROR_LINE;
    }
    return cm_memcache_answer(request, answer);
}

static struct cm_slice check_reassign(const struct cm_request *request) {
    int64_t from;
    int64_t to;
    if (!token_i64(request, 2, &from) || !token_i64(request, 3, &to)) {
        return CM_BAD_FORMAT;
    }
    if (from == to) {
        return CM_SLICE("SAME src and dst class are identical\r\n");
    }
    if (from < -1 || from > 63 || to < 0 || to > 63) {
        return CM_SLICE("BADCLASS invalid src or dst class id\r\n");
    }
    return CM_SLICE("NOSPARE source class has no spare pages\r\n");
}

static struct cm_slice check_automove(const struct cm_request *request) {
    uint32_t level;
    double ratio;
    if (token_is(request, 2, CM_SLICE("ratio"))) {
        return request->tokens.count > 3 && token_double(request, 3, &ratio) ? OK_LINE : ERROR_LINE;
    }
    if (token_is(request, 2, CM_SLICE("window"))) {
        return token_u32(request, 3, &level) ? OK_LINE : CM_BAD_FORMAT;
    }
    if (!token_u32(request, 2, &level)) {
        return CM_BAD_FORMAT;
    }
    return level <= 2 ? OK_LINE : ERROR_LINE;
}

enum cm_request_end cm_memcache_parse_slabs(struct cm_request *request) {
    see_noreply(request);
    if (request->tokens.count == 4 && token_is(request, 1, CM_SLICE("reassign"))) {
        return cm_memcache_answer(request, check_reassign(request));
    }
    if (request->tokens.count >= 3 && token_is(request, 1, CM_SLICE("automove"))) {
        return cm_memcache_answer(request, check_automove(request));
    }
    return cm_memcache_answer(request, ERROR_LINE);
}
