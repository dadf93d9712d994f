/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/sending.h"

#include "session/session.h"

struct cm_sending cm_sending_of(struct cm_out *out) {
    return (struct cm_sending){.data = out->data,
                               .data_bytes = out->len,
                               .inserts = out->inserts,
                               .insert_count = out->insert_count};
}

/* Where the plain data that starts at data_at ends. */
static size_t data_end(const struct cm_sending *sending) {
    return sending->insert_at < sending->insert_count
               ? sending->inserts[sending->insert_at].position
               : sending->data_bytes;
}

bool cm_sending_is_done(const struct cm_sending *sending) {
    return sending->data_at == sending->data_bytes && sending->insert_at == sending->insert_count;
}

/* The run of bytes that comes next, empty when done. Steps over inserts that have none left. */
static struct cm_slice next_run(struct cm_sending *sending, size_t bytes_max) {
    while (!cm_sending_is_done(sending)) {
        size_t end = data_end(sending);
        if (sending->data_at < end)
            return cm_slice(sending->data + sending->data_at, end - sending->data_at);
        struct cm_slice part =
            cm_session_insert_part(&sending->inserts[sending->insert_at], sending->part_at);
        if (part.len > 0)
            return cm_slice(part.data, part.len < bytes_max ? part.len : bytes_max);
        sending->insert_at++;
        sending->part_at = 0;
    }
    return cm_slice(NULL, 0);
}

/* Passes `bytes` of the run that comes next. */
static void pass(struct cm_sending *sending, size_t bytes) {
    if (sending->data_at < data_end(sending))
        sending->data_at += bytes;
    else
        sending->part_at += bytes;
}

unsigned cm_sending_gather(const struct cm_sending *sending, uv_buf_t *buffers, unsigned count,
                           size_t bytes_max) {
    struct cm_sending ahead = *sending;
    unsigned used = 0;
    size_t bytes = 0;
    while (used < count && bytes < bytes_max) {
        struct cm_slice run = next_run(&ahead, bytes_max);
        if (run.len == 0)
            break;
        buffers[used++] = uv_buf_init((char *)(uintptr_t)run.data, (unsigned)run.len);
        bytes += run.len;
        pass(&ahead, run.len);
    }
    return used;
}

/* Releases the insert at hand if it is the next thing to send and no byte of it is left. */
static bool release_finished(struct cm_sending *sending) {
    if (sending->insert_at == sending->insert_count || sending->data_at < data_end(sending) ||
        sending->part_at < sending->inserts[sending->insert_at].bytes)
        return false;
    cm_session_insert_release(&sending->inserts[sending->insert_at++]);
    sending->part_at = 0;
    return true;
}

/* How many bytes lie between here and the next change of source. */
static size_t run_left(const struct cm_sending *sending) {
    size_t end = data_end(sending);
    if (sending->data_at < end)
        return end - sending->data_at;
    return sending->inserts[sending->insert_at].bytes - sending->part_at;
}

void cm_sending_advance(struct cm_sending *sending, size_t bytes) {
    while (release_finished(sending)) {}
    while (bytes > 0) {
        CM_CHECK(!cm_sending_is_done(sending));
        size_t left = run_left(sending);
        size_t step = bytes < left ? bytes : left;
        pass(sending, step);
        bytes -= step;
        while (release_finished(sending)) {}
    }
}

void cm_sending_abandon(struct cm_sending *sending) {
    while (sending->insert_at < sending->insert_count)
        cm_session_insert_release(&sending->inserts[sending->insert_at++]);
    sending->data_at = sending->data_bytes;
}

size_t cm_sending_data_left(const struct cm_sending *sending) {
    return sending->data_bytes - sending->data_at;
}

size_t cm_sending_held_left(const struct cm_sending *sending) {
    size_t bytes = 0;
    for (unsigned i = sending->insert_at; i < sending->insert_count; i++)
        bytes += sending->inserts[i].bytes;
    return bytes - sending->part_at;
}
