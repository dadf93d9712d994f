/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_STORE_POLICY_S3FIFO_H
#define CM_STORE_POLICY_S3FIFO_H

#include "store/policy/policy.h"
#include "store/policy/shadow.h"

/* The policies of s3fifo.c, and what duel.c builds on: the state of a policy begins with this. */
struct cm_s3fifo {
    _Atomic(const struct cm_tuning *) tuning;
    struct cm_ghost small_ghost;            /* of all keys dropped from the small log */
    struct cm_ghost main_ghost;             /* of the voters dropped from main */
    _Atomic uint32_t back_small, back_main; /* voters that came back, by origin */
    uint32_t share;                         /* of the small log where it adapts, see s3fifo.c */
    uint32_t target;                        /* segments of the small log, as it is tuned */
    uint32_t item_bytes;
    uint32_t random;
    bool sized;
};

/* How much of it the ghost of the small log can remember: all it needs to. */
#define CM_S3FIFO_GHOST_PERCENT 90u

extern const struct cm_tuning cm_s3fifo_adaptive;

/* As in struct cm_policy_kind. */
enum cm_status cm_s3fifo_start(struct cm_policy *policy, uint64_t items_max, bool sized);
void cm_s3fifo_stop(struct cm_policy *policy);
uint8_t cm_s3fifo_admit(struct cm_policy *policy, uint64_t hash);
unsigned cm_s3fifo_victim_log(struct cm_policy *policy, const struct cm_log_view *view);
struct cm_verdict cm_s3fifo_judge(struct cm_policy *policy, const struct cm_candidate *c);
bool cm_s3fifo_remembers(const struct cm_policy *policy, uint64_t hash);
void cm_s3fifo_prefetch(const struct cm_policy *policy, uint64_t hash);
bool cm_s3fifo_adopts(struct cm_policy *policy, const struct cm_log_view *view);
uint64_t cm_s3fifo_adjust(struct cm_policy *policy, const struct cm_log_view *view, uint64_t items);

#endif
