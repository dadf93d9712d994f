/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_TOP_SAMPLER_H
#define CM_TOP_SAMPLER_H

#include "top/sample.h"
#include <cacheman/client.h>

/* Asks all servers in a thread of its own, so that one that does not answer holds up nobody but the
 * next sample. All calls are of one other thread. */
struct cm_top_sampler;

/* Borrows the client. NO_MEMORY, SYSTEM. */
CM_MUST_CHECK enum cm_status cm_top_sampler_start(cacheman *client, struct cm_top_sampler **out);
/* Ends a sample that is under way. NULL is allowed. */
void cm_top_sampler_stop(struct cm_top_sampler *sampler);

/* Asks for a sample, of hot keys, too, or not; false if one is under way or has not been taken. */
bool cm_top_sampler_ask(struct cm_top_sampler *sampler, bool with_keys);
/* Readable once a sample is there to be taken. */
int cm_top_sampler_fd(const struct cm_top_sampler *sampler);
/* The sample asked for, which is the caller's now; NULL if it is not there yet, or if there was no
 * memory for it. */
struct cm_top_sample *cm_top_sampler_take(struct cm_top_sampler *sampler);

#endif
