/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_BASE_COPY_H
#define CM_BASE_COPY_H

#include <stddef.h>

/* memcpy for memory that another thread may be writing with cm_copy_publish() at the same time: no
 * data race in the sense of C11, and no tearing within an aligned word. What is copied may still
 * be half old and half new; a version check tells the caller (H.-J. Boehm, "Can seqlocks get along
 * with programming language memory models?", MSPC 2012). */
void cm_copy_shared(void *to, const void *from, size_t bytes);

/* The writer's half: copies private memory over memory that readers may be copying. */
void cm_copy_publish(void *to, const void *from, size_t bytes);

#endif
