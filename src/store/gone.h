/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_STORE_GONE_H
#define CM_STORE_GONE_H

/* Remembers why keys are no longer there, in eight bytes each and one part in CM_GONE_SHARE of the
 * memory.
 *
 *   entry | fingerprint 13, not 0 | fetched 1 | reason 2 | unused 24 | when 24 |, 0: empty
 *
 *     unused   seconds from the last use until it went, at most 2^24 - 1
 *     when     clock second modulo 2^24, like the access of an item
 *
 * Sets of eight entries, a cache line, chosen by the hash as the index chooses buckets, so that the
 * table grows and shrinks without forgetting what there is room for.
 *
 * G1  An entry is one word. Two threads that write to one set at once may lose one of the two.
 * G2  The newest entry of a key is the one that counts: it takes the place of an older one, else an
 *     empty one, else that of the oldest in its set. What is displaced is as good as never seen,
 *     and about one key in a thousand that was never there is taken for one of these.
 * G3  A key that comes back leaves its entry: nobody asks why something is there, and when it goes
 *     again G2 holds.
 * G4  The table is resized with the keeper's mutex held; whoever looks into it is online or holds
 *     that mutex. */

#include "store/region.h"
#include "store/seconds.h"

#include <cacheman/store.h>
#include <stdatomic.h>

#define CM_GONE_SHARE   128u
#define CM_GONE_SECONDS CM_SECONDS_MASK

struct cm_gone {
    struct cm_region region;
    _Atomic uint64_t sets;
};

/* `limit_bytes`: of all memory, at first; `most_bytes`: how far it can ever grow. */
CM_MUST_CHECK enum cm_status cm_gone_init(struct cm_gone *gone, uint64_t limit_bytes,
                                          uint64_t most_bytes);
void cm_gone_deinit(struct cm_gone *gone);

/* Follows the limit as far as there is memory. What a smaller table no longer needs is still held:
 * after a grace period cm_gone_trim() gives it back. */
void cm_gone_resize(struct cm_gone *gone, uint64_t limit_bytes, uint32_t now_s);
void cm_gone_trim(struct cm_gone *gone);
uint64_t cm_gone_bytes(const struct cm_gone *gone);

void cm_gone_put(struct cm_gone *gone, uint64_t hash, const struct cmstore_gone *what,
                 uint32_t now_s);
/* CMSTORE_UNKNOWN: it is not remembered. */
struct cmstore_gone cm_gone_find(const struct cm_gone *gone, uint64_t hash, uint32_t now_s);
void cm_gone_prefetch(const struct cm_gone *gone, uint64_t hash);

#endif
