/* SPDX-License-Identifier: BSD-3-Clause */
#include "top/sampler.h"

#include "base/os/os.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

_Static_assert(CM_TOP_HOT_KEYS == 10, "what is asked for: hotkeys 10");

struct cm_top_sampler {
    cacheman *client;
    int event; /* an eventfd, written once a sample is done */
    struct cm_os_mutex mutex;
    struct cm_os_cond cond;
    struct cm_os_thread thread;
    /* under the mutex */
    bool asked, with_keys, over;
    bool done; /* `sample` waits to be taken */
    struct cm_top_sample *sample;
};

/* ---- one sample ---- */

/* What the callbacks of a call to all servers work on. */
struct asking {
    struct cm_top_sampler *sampler;
    struct cm_top_sample *sample;
    bool with_keys;
    size_t last; /* whose line came last */
    uint64_t begin_ns;
};

static struct cm_top_reading *find(struct asking *asking, const char *name) {
    struct cm_top_sample *sample = asking->sample;
    for (size_t i = 0; i < sample->count; i++) {
        const size_t at = (asking->last + i) % sample->count;
        if (strncmp(sample->readings[at].name, name, CM_TOP_NAME_BYTES - 1) == 0) {
            asking->last = at;
            return &sample->readings[at];
        }
    }
    return NULL; /* has joined the cluster just now */
}

static bool on_line(void *context, const struct cacheman_line *line) {
    struct cm_top_reading *reading = find(context, line->server);
    if (reading == NULL)
        return true;
    if (reading->at_ns == 0)
        reading->at_ns = cm_os_monotonic_ns();
    cm_top_reading_take(reading, cm_slice(line->text.data, line->text.bytes));
    return true;
}

static void on_finished(void *context, const char *server, enum cm_status status) {
    struct cm_top_reading *reading = find(context, server);
    if (reading == NULL)
        return;
    reading->up = status == CM_OK && reading->known != 0;
    if (status == CM_OK && !reading->up)
        status = CM_BAD_ANSWER;
    if (!reading->up && reading->reason[0] == '\0')
        snprintf(reading->reason, sizeof reading->reason, "%s", cm_status_text(status));
}

static void on_pong(void *context, const char *server, enum cm_status status) {
    const struct asking *asking = context;
    struct cm_top_reading *reading = find(context, server);
    if (reading != NULL && reading->up && status == CM_OK)
        reading->ping_ns = cm_os_monotonic_ns() - asking->begin_ns;
}

/* Whoever quits is not kept waiting for a server that does not answer. */
static bool may_wait(void *context) {
    struct cm_top_sampler *sampler = ((struct asking *)context)->sampler;
    cm_os_mutex_lock(&sampler->mutex);
    const bool over = sampler->over;
    cm_os_mutex_unlock(&sampler->mutex);
    return !over;
}

static void ask_group(struct asking *asking, const struct cm_top_reading *reading,
                      const char *group) {
    const struct cacheman_ask ask = {
        .server = reading->name, .visit = on_line, .context = asking, .may_wait = may_wait};
    const enum cm_status status = cacheman_stats(asking->sampler->client, group, &ask);
    (void)status; /* who does not answer tells nothing of it */
}

/* How long items had not been used when they were evicted: memcached tells in `stats items`. There
 * cachemand counts every item, which is too much to ask for each time; it tells of times and keys. */
static void ask_more(struct asking *asking, struct cm_top_reading *reading) {
    const bool is_cachemand = cm_top_is_cachemand(reading);
    if (!reading->up)
        return;
    if (!is_cachemand && reading->counter[CM_TOP_evictions] > 0)
        ask_group(asking, reading, "items");
    if (is_cachemand)
        ask_group(asking, reading, "latency");
    reading->keys_asked = asking->with_keys;
    if (is_cachemand && asking->with_keys)
        ask_group(asking, reading, "hotkeys 10");
}

static void take_server(struct cm_top_reading *reading, const struct cacheman_server *server) {
    snprintf(reading->name, sizeof reading->name, "%s", server->name);
    reading->weight = server->weight;
    cm_top_make_safe(&(struct cm_top_shown){reading->label, sizeof reading->label, 60},
                     cm_slice(server->name, strlen(server->name)));
}

static bool take_servers(cacheman *client, struct cm_top_sample *sample) {
    struct cacheman_server *servers = NULL;
    size_t count = 0;
    if (cacheman_servers(client, &servers, &count) != CM_OK)
        return false;
    sample->readings = calloc(count + 1, sizeof *sample->readings);
    for (size_t i = 0; i < count && sample->readings != NULL; i++) {
        if (!servers[i].leaving)
            take_server(&sample->readings[sample->count++], &servers[i]);
    }
    free(servers);
    return sample->readings != NULL;
}

/* What libcacheman knows about those that are down is more than a status. */
static void take_reasons(struct asking *asking) {
    struct cacheman_server *servers = NULL;
    size_t count = 0;
    if (cacheman_servers(asking->sampler->client, &servers, &count) != CM_OK)
        return;
    for (size_t i = 0; i < count; i++) {
        struct cm_top_reading *reading = find(asking, servers[i].name);
        if (reading != NULL && !reading->up && servers[i].error[0] != '\0')
            cm_top_make_safe(&(struct cm_top_shown){reading->reason, sizeof reading->reason, 39},
                             cm_slice(servers[i].error, strlen(servers[i].error)));
    }
    free(servers);
}

static void take_problem(cacheman *client, struct cm_top_sample *sample) {
    struct cacheman_error error;
    char text[sizeof error.text + 64];
    if (!cacheman_problem(client, &error))
        return;
    if (error.line > 0)
        snprintf(text, sizeof text, "cluster file, line %zu: %s", error.line, error.text);
    else
        snprintf(text, sizeof text, "%s", error.text);
    cm_top_make_safe(&(struct cm_top_shown){sample->problem, sizeof sample->problem, 79},
                     cm_slice(text, strlen(text)));
}

static struct cm_top_sample *sample_all(struct cm_top_sampler *sampler, bool with_keys) {
    cacheman *client = sampler->client;
    struct cm_top_sample *sample = calloc(1, sizeof *sample);
    if (sample == NULL || !take_servers(client, sample)) {
        cm_top_sample_destroy(sample);
        return NULL;
    }
    struct asking asking = {.sampler = sampler, .sample = sample, .with_keys = with_keys};
    struct cacheman_ask ask = {
        .visit = on_line, .context = &asking, .finish = on_finished, .may_wait = may_wait};
    sample->at_ns = cm_os_monotonic_ns();
    const enum cm_status asked = cacheman_stats(client, NULL, &ask);
    ask.visit = NULL;
    ask.finish = on_pong;
    asking.begin_ns = cm_os_monotonic_ns();
    const enum cm_status pinged = cacheman_version(client, &ask);
    (void)asked; /* what became of each server is in its reading */
    (void)pinged;
    for (size_t i = 0; i < sample->count; i++)
        ask_more(&asking, &sample->readings[i]);
    take_reasons(&asking);
    take_problem(client, sample);
    sample->wall_s = cm_os_wall_s();
    return sample;
}

/* ---- the thread ---- */

static void run(void *context) {
    struct cm_top_sampler *sampler = context;
    cm_os_mutex_lock(&sampler->mutex);
    while (!sampler->over) {
        if (!sampler->asked) {
            (void)cm_os_cond_wait_ms(&sampler->cond, &sampler->mutex, 60000);
            continue;
        }
        const bool with_keys = sampler->with_keys;
        cm_os_mutex_unlock(&sampler->mutex);
        struct cm_top_sample *sample = sample_all(sampler, with_keys);
        cm_os_mutex_lock(&sampler->mutex);
        sampler->sample = sample;
        sampler->done = true;
        sampler->asked = false;
        (void)eventfd_write(sampler->event, 1); /* fails only once 2^64 are written */
    }
    cm_os_mutex_unlock(&sampler->mutex);
}

enum cm_status cm_top_sampler_start(cacheman *client, struct cm_top_sampler **out) {
    struct cm_top_sampler *sampler = calloc(1, sizeof *sampler);
    if (sampler == NULL)
        return CM_NO_MEMORY;
    sampler->client = client;
    sampler->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (sampler->event < 0)
        goto no_event;
    if (cm_os_mutex_init(&sampler->mutex) != CM_OK)
        goto no_mutex;
    if (cm_os_cond_init(&sampler->cond) != CM_OK)
        goto no_cond;
    if (cm_os_thread_start(&sampler->thread, run, sampler, "top-sampler") != CM_OK)
        goto no_thread;
    *out = sampler;
    return CM_OK;
no_thread:
    cm_os_cond_deinit(&sampler->cond);
no_cond:
    cm_os_mutex_deinit(&sampler->mutex);
no_mutex:
    close(sampler->event);
no_event:
    free(sampler);
    return CM_SYSTEM;
}

void cm_top_sampler_stop(struct cm_top_sampler *sampler) {
    if (sampler == NULL)
        return;
    cm_os_mutex_lock(&sampler->mutex);
    sampler->over = true;
    cm_os_cond_signal(&sampler->cond);
    cm_os_mutex_unlock(&sampler->mutex);
    cm_os_thread_join(&sampler->thread);
    cm_top_sample_destroy(sampler->sample);
    cm_os_cond_deinit(&sampler->cond);
    cm_os_mutex_deinit(&sampler->mutex);
    close(sampler->event);
    free(sampler);
}

bool cm_top_sampler_ask(struct cm_top_sampler *sampler, bool with_keys) {
    cm_os_mutex_lock(&sampler->mutex);
    const bool idle = !sampler->asked && !sampler->done;
    if (idle) {
        sampler->asked = true;
        sampler->with_keys = with_keys;
        cm_os_cond_signal(&sampler->cond);
    }
    cm_os_mutex_unlock(&sampler->mutex);
    return idle;
}

int cm_top_sampler_fd(const struct cm_top_sampler *sampler) {
    return sampler->event;
}

struct cm_top_sample *cm_top_sampler_take(struct cm_top_sampler *sampler) {
    eventfd_t count;
    cm_os_mutex_lock(&sampler->mutex);
    struct cm_top_sample *sample = sampler->sample;
    sampler->sample = NULL;
    sampler->done = false;
    (void)eventfd_read(sampler->event, &count);
    cm_os_mutex_unlock(&sampler->mutex);
    return sample;
}
