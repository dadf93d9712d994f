/* SPDX-License-Identifier: BSD-3-Clause */
#include "stress/tally.h"

#include <stdarg.h>

static void count_trouble(struct cm_stress_tally *tally, const char *text, uint64_t count) {
    struct cm_stress_trouble *at = tally->troubles;
    struct cm_stress_trouble *const last = at + CM_STRESS_TROUBLES - 1;
    while (at < last && at->count > 0 && strcmp(at->text, text) != 0)
        at++;
    if (at->count == 0)
        snprintf(at->text, sizeof at->text, "%s", at == last ? "others" : text);
    at->count += count;
}

void cm_stress_tally_trouble(struct cm_stress_tally *tally, const char *format, ...) {
    char text[CM_STRESS_TROUBLE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    count_trouble(tally, text, 1);
}

void cm_stress_tally_merge(struct cm_stress_tally *into, const struct cm_stress_tally *from) {
    for (size_t i = 0; i < CM_STRESS_KINDS; i++) {
        cm_latency_merge(&into->latency[i], &from->latency[i]);
        into->no[i] += from->no[i];
        into->failed[i] += from->failed[i];
    }
    cm_latency_merge(&into->connecting, &from->connecting);
    into->keys += from->keys;
    into->hits += from->hits;
    into->checked += from->checked;
    into->errors += from->errors;
    into->wrong += from->wrong;
    into->bad += from->bad;
    into->lost += from->lost;
    into->timeouts += from->timeouts;
    into->refused += from->refused;
    into->skipped += from->skipped;
    into->unsent += from->unsent;
    into->sent_bytes += from->sent_bytes;
    into->received_bytes += from->received_bytes;
    into->is_denied = into->is_denied || from->is_denied;
    for (size_t i = 0; i < CM_STRESS_TROUBLES && from->troubles[i].count > 0; i++)
        count_trouble(into, from->troubles[i].text, from->troubles[i].count);
}

uint64_t cm_stress_tally_requests(const struct cm_stress_tally *tally) {
    uint64_t count = 0;
    for (size_t i = 0; i < CM_STRESS_KINDS; i++)
        count += tally->latency[i].count;
    return count;
}
