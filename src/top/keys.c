/* SPDX-License-Identifier: BSD-3-Clause */
#include "top/keys.h"

#include <stdlib.h>

/* Moves the selection by a row, in the order that is shown. */
static void select_by(struct cm_top_state *state, const struct cm_top_model *model, int step) {
    const struct cm_top_host **sorted = calloc(model->count + 1, sizeof(struct cm_top_host *));
    if (sorted == NULL || model->count == 0) {
        free(sorted);
        return;
    }
    cm_top_model_sort(model, state->order, sorted);
    size_t at = 0;
    while (at < model->count && sorted[at]->id != state->selected)
        at++;
    if (at == model->count) /* none was selected */
        at = state->scroll < model->count ? state->scroll : 0;
    else if (step > 0 && at + 1 < model->count)
        at++;
    else if (step < 0 && at > 0)
        at--;
    state->selected = sorted[at]->id;
    if (state->single != 0)
        state->single = state->selected;
    free(sorted);
}

/* Whether there is a column of it, where there is room. */
static bool is_shown(enum cm_top_view view, enum cm_top_order order) {
    const bool is_time = order == CM_TOP_BY_GET || order == CM_TOP_BY_SET;
    const bool is_common = order == CM_TOP_BY_NAME || order == CM_TOP_BY_OPS ||
                           order == CM_TOP_BY_CPU || order == CM_TOP_BY_PING;
    return is_common || is_time == (view == CM_TOP_VIEW_TIMES);
}

static void order_by(struct cm_top_state *state, int step) {
    do
        state->order =
            (enum cm_top_order)(((int)state->order + step + CM_TOP_ORDERS) % CM_TOP_ORDERS);
    while (!is_shown(state->view, state->order));
}

static void enter(struct cm_top_state *state, const struct cm_top_model *model) {
    if (state->single != 0) {
        state->single = 0;
        return;
    }
    if (state->selected == 0 || cm_top_model_host(model, state->selected) == NULL)
        select_by(state, model, 1);
    state->single = state->selected;
}

/* The next of the usual intervals. */
static void change_interval(struct cm_top_state *state, int step) {
    static const int64_t usual_ms[] = {100, 200, 500, 1000, 2000, 5000, 10000, 30000, 60000};
    const size_t count = sizeof usual_ms / sizeof usual_ms[0];
    size_t at = 0;
    while (at < count && usual_ms[at] * 1000 < state->interval_us)
        at++;
    if (step < 0 && at > 0)
        state->interval_us = usual_ms[at - 1] * 1000;
    while (step > 0 && at < count && usual_ms[at] * 1000 <= state->interval_us)
        at++;
    if (step > 0 && at < count)
        state->interval_us = usual_ms[at] * 1000;
}

static void pick(struct cm_top_state *state, const struct cm_top_model *model, size_t number) {
    if (number > model->count)
        return;
    state->single = number == 0 ? 0 : model->hosts[number - 1]->id;
    if (number > 0)
        state->selected = state->single;
}

/* That, or what was before. The slowest server is what one looks for among times. */
static void show(struct cm_top_state *state, enum cm_top_view view) {
    const bool had_times = state->view == CM_TOP_VIEW_TIMES;
    state->view = state->view == view ? CM_TOP_VIEW_SERVERS : view;
    if (state->view == CM_TOP_VIEW_TIMES)
        state->order = CM_TOP_BY_GET;
    else if (had_times)
        state->order = CM_TOP_BY_OPS;
}

static void press_letter(struct cm_top_state *state, int key) {
    static const struct {
        char letter;
        enum cm_top_order order;
    } orders[] = {{'n', CM_TOP_BY_NAME},   {'o', CM_TOP_BY_OPS},     {'h', CM_TOP_BY_HIT},
                  {'m', CM_TOP_BY_MEMORY}, {'e', CM_TOP_BY_EVICTED}, {'c', CM_TOP_BY_CONNS}};
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        if (orders[i].letter == key)
            state->order = orders[i].order;
    }
    if (key == 'k')
        show(state, CM_TOP_VIEW_KEYS);
    else if (key == 'l')
        show(state, CM_TOP_VIEW_TIMES);
    else if (key == 'p' || key == ' ')
        state->paused = !state->paused;
    else if (key == '+' || key == '=')
        change_interval(state, 1);
    else if (key == '-')
        change_interval(state, -1);
}

bool cm_top_press(struct cm_top_state *state, const struct cm_top_model *model, int key) {
    const bool helped = state->help;
    state->help = false;
    if (key == 'q')
        return false;
    if (helped)
        return true;
    if (key == '?')
        state->help = true;
    else if (key >= '0' && key <= '9')
        pick(state, model, (size_t)(key - '0'));
    else if (key == CM_KEY_UP || key == CM_KEY_DOWN)
        select_by(state, model, key == CM_KEY_UP ? -1 : 1);
    else if (key == CM_KEY_LEFT || key == CM_KEY_RIGHT)
        order_by(state, key == CM_KEY_LEFT ? -1 : 1);
    else if (key == CM_KEY_ENTER)
        enter(state, model);
    else if (key == CM_KEY_BACK)
        state->single = state->selected = 0;
    else
        press_letter(state, key);
    return true;
}
