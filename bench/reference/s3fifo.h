/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_REFERENCE_S3FIFO_H
#define CM_REFERENCE_S3FIFO_H

#include "reference/internal.h"

/* What can be chosen about the two queues. */
struct cm_reference_tuning {
    double share;       /* of the capacity for the small queue */
    unsigned threshold; /* hits in the small queue that earn a place in main */
    double ghost;       /* capacities' worth of drops from small that are remembered */
    double ghost_main;  /* of drops from main */
    unsigned hits_max;  /* that count; 0: as usual */
    bool direct;        /* everything enters main: a clock */
    bool adapts;        /* the share moves towards the ghost that finds more */
};

/* The state of the s3fifo policies and the start of duel's. */
struct cm_reference_s3fifo {
    struct cm_reference_tuning tuning;
    struct cm_reference_list small, main;
    double target;              /* bytes the small queue is to have */
    uint64_t dropped_small;     /* bytes ever dropped from it */
    uint64_t dropped_main;      /* and from main */
    uint64_t *dropped_small_at; /* by key: dropped_small when it was dropped, 0: it was not */
    uint64_t *dropped_main_at;
    uint64_t found_small, found_main; /* misses found in the ghosts since the last adjustment */
    bool to_main;                     /* the miss under way was remembered */
    bool adopts;
    bool pays_by_size;
};

bool cm_reference_s3fifo_init(struct cm_reference *cache);
void cm_reference_s3fifo_deinit(struct cm_reference *cache);
void cm_reference_s3fifo_tune(struct cm_reference *cache, const struct cm_reference_tuning *tuning);
void cm_reference_s3fifo_hit(struct cm_reference *cache, uint32_t key);
void cm_reference_s3fifo_miss(struct cm_reference *cache, uint32_t key);
uint32_t cm_reference_s3fifo_evict(struct cm_reference *cache);
void cm_reference_s3fifo_insert(struct cm_reference *cache, uint32_t key);

#endif
