/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/settings.h"

#include "base/text.h"
#include "config/change.h"
#include "server/internal.h"

#include <stdlib.h>
#include <string.h>

enum { VALUE_BYTES = 256 };

/* What became of an option that was meant. */
enum fate { NOT_MEANT, UNCHANGED, CHANGED, NEEDS_RESTART, REFUSED };

struct outcome {
    struct cm_config before;
    enum fate fates[CM_OPTIONS];
    struct cm_buf said; /* lines */
};

/* ---- what became of it ---- */

static bool is_run(const struct cm_config *config, enum cm_config_index index) {
    return config->places[index].origin == CM_CONFIG_FROM_RUN;
}

/* Set by the text just read, or taken back. */
static bool is_meant(const struct outcome *outcome, const struct cm_config *fresh,
                     enum cm_config_index index) {
    return is_run(fresh, index) ? fresh->places[index].line > 0 : is_run(&outcome->before, index);
}

static enum fate judge(const struct cm_server *server, const struct outcome *outcome,
                       const struct cm_config *fresh, enum cm_config_index index) {
    if (!is_meant(outcome, fresh, index))
        return NOT_MEANT;
    if (cm_config_differs(server->config, fresh, index))
        return cm_config_is_live(index) ? REFUSED : NEEDS_RESTART;
    return cm_config_differs(&outcome->before, fresh, index) ? CHANGED : UNCHANGED;
}

static bool has(const struct outcome *outcome, enum fate fate) {
    for (int i = 0; i < CM_OPTIONS; i++) {
        if (outcome->fates[i] == fate)
            return true;
    }
    return false;
}

/* ---- the answer ---- */

struct json {
    struct cm_buf *to;
    enum cm_status status; /* the first that was not OK */
};

static void put(struct json *json, const char *text) {
    if (json->status == CM_OK)
        json->status = cm_buf_append(json->to, cm_slice(text, strlen(text)));
}

static void put_text(struct json *json, struct cm_slice text) {
    if (json->status == CM_OK)
        json->status = cm_text_quote(json->to, text);
}

static void put_value(struct json *json, const struct cm_config *config,
                      enum cm_config_index index) {
    char value[VALUE_BYTES];
    cm_config_value(config, index, value, sizeof value);
    (void)cm_config_hide_secret(index, value);
    put_text(json, cm_slice(value, strlen(value)));
}

static void put_name(struct json *json, enum cm_config_index index) {
    const char *name = cm_config_name(index);
    put_text(json, cm_slice(name, strlen(name)));
}

static void put_change(struct json *json, const struct cm_config *before,
                       const struct cm_config *after, enum cm_config_index index) {
    put(json, "{\"name\": ");
    put_name(json, index);
    put(json, ", \"from\": ");
    put_value(json, before, index);
    put(json, ", \"to\": ");
    put_value(json, after, index);
    put(json, "}");
}

/* A member: an array of those that met the fate. */
static void put_fate(struct json *json, const struct cm_server *server,
                     const struct outcome *outcome, enum fate fate) {
    static const char *const begins[] = {[UNCHANGED] = "\"unchanged\": [",
                                         [CHANGED] = "\"changed\": [",
                                         [NEEDS_RESTART] = "\"restart\": [",
                                         [REFUSED] = "\"refused\": ["};
    bool is_first = true;
    put(json, begins[fate]);
    for (int i = 0; i < CM_OPTIONS; i++) {
        enum cm_config_index index = (enum cm_config_index)i;
        if (outcome->fates[i] != fate)
            continue;
        put(json, is_first ? "" : ", ");
        if (fate == CHANGED)
            put_change(json, &outcome->before, server->config, index);
        else
            put_name(json, index);
        is_first = false;
    }
    put(json, "], ");
}

/* Its lines, as a member. */
static void put_messages(struct json *json, struct cm_slice said) {
    bool is_first = true;
    put(json, "\"messages\": [");
    while (said.len > 0) {
        const char *end = memchr(said.data, '\n', said.len); /* each has one */
        size_t bytes = (size_t)(end - said.data);
        put(json, is_first ? "" : ", ");
        put_text(json, cm_slice(said.data, bytes));
        said = cm_slice(end + 1, said.len - bytes - 1);
        is_first = false;
    }
    put(json, "]");
}

static enum cm_status put_json(const struct cm_server *server, const struct outcome *outcome,
                               const struct cm_admin_change *change, struct cm_buf *to) {
    struct json json = {.to = to};
    put(&json, change->code == CM_ADMIN_CHANGE_DONE ? "{\"ok\": true, " : "{\"ok\": false, ");
    for (int fate = UNCHANGED; fate <= REFUSED; fate++)
        put_fate(&json, server, outcome, (enum fate)fate);
    put_messages(&json, cm_buf_slice(&outcome->said));
    put(&json, "}\n");
    return json.status;
}

static void answer(const struct cm_server *server, const struct outcome *outcome,
                   struct cm_admin_change *change) {
    enum cm_status status = change->json
                                ? put_json(server, outcome, change, &change->answer)
                                : cm_buf_append(&change->answer, cm_buf_slice(&outcome->said));
    if (status != CM_OK)
        change->code = CM_ADMIN_CHANGE_NO_MEMORY;
}

/* ---- changing ---- */

static void tell_wrong(const struct cm_config *fresh, const struct cm_config_error *error) {
    const struct cm_config_texts *faults = &fresh->faults;
    for (size_t i = 0; i < faults->count; i++)
        cm_server_tell("%s", faults->entries[i]);
    if (faults->count == 0)
        cm_server_tell("%s", error->text);
}

static void tell_unchanged(const struct cm_server *server, const struct outcome *outcome) {
    char value[VALUE_BYTES];
    for (int i = 0; i < CM_OPTIONS; i++) {
        enum cm_config_index index = (enum cm_config_index)i;
        if (outcome->fates[i] != UNCHANGED)
            continue;
        cm_config_value(server->config, index, value, sizeof value);
        (void)cm_config_hide_secret(index, value);
        cm_server_tell("%s: %s already", cm_config_name(index), value);
    }
}

/* Who asks --admin reads it. */
void cm_server_note_file(struct cm_server *server, const char *path) {
    uv_mutex_lock(&server->config_lock);
    if (server->config->file == NULL)
        server->config->file = path;
    uv_mutex_unlock(&server->config_lock);
}

static enum cm_admin_change_code apply(struct cm_server *server, struct outcome *outcome,
                                       const struct cm_config *fresh) {
    cm_server_apply(server, fresh);
    cm_server_note_file(server, fresh->file);
    for (int i = 0; i < CM_OPTIONS; i++)
        outcome->fates[i] = judge(server, outcome, fresh, (enum cm_config_index)i);
    tell_unchanged(server, outcome);
    return has(outcome, NEEDS_RESTART) || has(outcome, REFUSED) ? CM_ADMIN_CHANGE_IN_PART
                                                                : CM_ADMIN_CHANGE_DONE;
}

static bool is_nothing(const struct outcome *outcome, const struct cm_config *fresh) {
    for (int i = 0; i < CM_OPTIONS; i++) {
        if (is_meant(outcome, fresh, (enum cm_config_index)i))
            return false;
    }
    return true;
}

/* What is in force now is kept beside: its texts stay good, its addresses do not. */
static enum cm_admin_change_code change_to(struct cm_server *server, struct outcome *outcome,
                                           const struct cm_config *fresh,
                                           const struct cm_admin_change *change) {
    enum cm_admin_change_code code = CM_ADMIN_CHANGE_WRONG;
    outcome->before = *server->config;
    outcome->before.listen = (struct cm_config_list){0};
    if (is_nothing(outcome, fresh)) {
        cm_server_tell(change->takes_back ? "nothing was set at run time"
                                          : "nothing is to be set: lines of NAME = VALUE are "
                                            "wanted");
        return change->takes_back ? CM_ADMIN_CHANGE_DONE : code;
    }
    if (cm_server_check_policy(fresh) != CM_EXIT_OK)
        return code;
    if (cm_config_adopt(&outcome->before, server->config, CM_OPTION_INDEX_listen) == CM_OK)
        code = apply(server, outcome, fresh);
    else
        code = CM_ADMIN_CHANGE_NO_MEMORY;
    return code;
}

static enum cm_status read_change(const struct cm_server *server,
                                  const struct cm_admin_change *change, struct cm_config *fresh,
                                  struct cm_config_error *error) {
    struct cm_command_line line = *server->start->line;
    line.in_force = server->config;
    line.had_file = server->config->file != NULL;
    line.is_again = true;
    const struct cm_config_setting setting = {
        .line = &line, .by = change->by, .text = cm_buf_slice(&change->text)};
    if (change->takes_back)
        return cm_config_take_back(fresh, &setting, setting.text.data, error);
    return cm_config_set_over(fresh, &setting, error);
}

static void carry_out(struct cm_server *server, struct cm_admin_change *change) {
    struct outcome outcome = {0};
    struct cm_config fresh;
    struct cm_config_error error;
    cm_server_take_orders(server);
    cm_server_hear(&outcome.said);
    server->settings.by = change->by;
    if (read_change(server, change, &fresh, &error) == CM_OK) {
        change->code = change_to(server, &outcome, &fresh, change);
    } else {
        change->code = CM_ADMIN_CHANGE_WRONG;
        tell_wrong(&fresh, &error);
    }
    if (change->code == CM_ADMIN_CHANGE_WRONG)
        cm_server_tell("nothing has changed that %s wanted changed", change->by);
    server->settings.by = NULL;
    cm_server_hear(NULL);
    answer(server, &outcome, change);
    free(outcome.before.listen.entries);
    cm_buf_deinit(&outcome.said);
    cm_config_deinit(&fresh);
    cm_admin_change_answered(change);
}

/* ---- from thread to thread ---- */

/* The one that has waited longest, NULL: none has. */
static struct cm_admin_change *take_first(struct cm_server_settings *settings, bool *more) {
    uv_mutex_lock(&settings->lock);
    struct cm_admin_change *first = settings->first;
    if (first != NULL)
        settings->first = first->next;
    *more = settings->first != NULL;
    if (!*more)
        settings->last = &settings->first;
    uv_mutex_unlock(&settings->lock);
    return first;
}

/* One in a turn of the loop, at whose end the listeners are closed that it has done away with. */
static void on_wake(uv_async_t *wake) {
    struct cm_server *server = wake->data;
    bool more;
    struct cm_admin_change *change = take_first(&server->settings, &more);
    if (change != NULL)
        carry_out(server, change);
    if (more)
        (void)uv_async_send(wake);
}

static void refuse(struct cm_admin_change *change) {
    change->code = CM_ADMIN_CHANGE_STOPPING;
    change->json = false;
    (void)!cm_buf_append(&change->answer, CM_SLICE("stopping\n"));
    cm_admin_change_answered(change);
}

void cm_server_take_change(struct cm_server *server, struct cm_admin_change *change) {
    struct cm_server_settings *settings = &server->settings;
    uv_mutex_lock(&settings->lock);
    bool is_open = settings->is_open;
    if (is_open) {
        *settings->last = change;
        settings->last = &change->next;
        (void)uv_async_send(&settings->wake); /* under the lock: it is not closed meanwhile */
    }
    uv_mutex_unlock(&settings->lock);
    if (!is_open)
        refuse(change);
}

bool cm_server_open_settings(struct cm_server *server) {
    struct cm_server_settings *settings = &server->settings;
    if (server->config->admin == NULL)
        return true;
    if (uv_mutex_init(&settings->lock) != 0)
        return false;
    if (uv_async_init(&server->loop, &settings->wake, on_wake) != 0) {
        uv_mutex_destroy(&settings->lock);
        return false;
    }
    settings->wake.data = server;
    settings->last = &settings->first;
    settings->has_lock = settings->is_open = true;
    return true;
}

void cm_server_close_settings(struct cm_server *server) {
    struct cm_server_settings *settings = &server->settings;
    struct cm_admin_change *change;
    bool more;
    if (!settings->has_lock)
        return;
    uv_mutex_lock(&settings->lock);
    settings->is_open = false;
    uv_mutex_unlock(&settings->lock);
    while ((change = take_first(settings, &more)) != NULL)
        refuse(change);
    uv_close((uv_handle_t *)&settings->wake, NULL);
}

void cm_server_deinit_settings(struct cm_server *server) {
    if (server->settings.has_lock)
        uv_mutex_destroy(&server->settings.lock);
    server->settings.has_lock = false;
}
