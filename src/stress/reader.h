/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_STRESS_READER_H
#define CM_STRESS_READER_H

#include "stress/dialect.h"
#include "stress/plan.h"
#include "stress/tally.h"
#include "stress/value.h"
#include <cacheman/status.h>

/* What a connection has asked for, and the answers to it. No sockets: bytes alone.
 *
 * R1. Answers come in the order of the requests; of a get's values, in the order of its keys.
 * R2. missed + keys of gets under way fit `missed`. */

/* What all readers share, unchanging. */
struct cm_stress_script {
    const struct cm_stress_dialect *dialect;
    struct cm_stress_names names;
    const struct cm_stress_block *block;
    uint32_t depth, multiget;
    bool verify;
    bool fill;
};

/* A key that is to be stored, having been missed. */
struct cm_stress_missed {
    uint32_t key;
    bool is_counter;
};

struct cm_stress_reader {
    const struct cm_stress_script *script;
    struct cm_stress_tally *tally; /* borrowed */
    struct cm_stress_request *requests;
    uint32_t *keys;
    struct cm_stress_missed *missed;
    uint32_t asked, answered, key_count, missed_count;
    uint32_t cursor; /* keys of the request under way that have been answered */
    bool is_refused; /* its answer was an error */
    bool is_logged_in;
};

CM_MUST_CHECK enum cm_status cm_stress_reader_init(struct cm_stress_reader *reader,
                                                   const struct cm_stress_script *script,
                                                   struct cm_stress_tally *tally);
void cm_stress_reader_deinit(struct cm_stress_reader *reader);

/* Forgets what has been asked. */
void cm_stress_reader_clear(struct cm_stress_reader *reader);
/* Notes a request whose latency counts from `due_ns`; its keys follow with _key(). At most `depth`
 * of up to `multiget` keys since it was cleared. */
void cm_stress_reader_ask(struct cm_stress_reader *reader, enum cm_stress_kind kind,
                          uint64_t due_ns);
void cm_stress_reader_key(struct cm_stress_reader *reader, uint32_t key);

/* Takes whole answers out of `in`; *used gets their bytes. False: what follows makes no sense, as
 * the tally says. */
CM_MUST_CHECK bool cm_stress_reader_take(struct cm_stress_reader *reader, struct cm_slice in,
                                         uint64_t now_ns, size_t *used);

#endif
