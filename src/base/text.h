/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_BASE_TEXT_H
#define CM_BASE_TEXT_H

#include "base/buf.h"

/* Texts that come from anywhere and are shown to people: UTF-8 that steers no terminal. */

/* The bytes of the character that `text` begins with, 0 if it is none, or a control character. */
size_t cm_text_character(struct cm_slice text);

/* Appends the text as JSON writes it, quotes around it; a byte of what is no character becomes '?'. */
CM_MUST_CHECK enum cm_status cm_text_quote(struct cm_buf *to, struct cm_slice text);

#endif
