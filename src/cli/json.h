/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_CLI_JSON_H
#define CM_CLI_JSON_H

#include "base/slice.h"
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/* What jansson does not do by itself. Out of memory a member is left out. */

/* Sets `name` to bytes as a text. If they are no UTF-8, to their base64, and "NAME_encoding" to
 * "base64". */
void cm_json_set_bytes(json_t *object, const char *name, struct cm_slice bytes);
void cm_json_set_text(json_t *object, const char *name, const char *text);
/* Past 2^63 - 1, which JSON's readers take for what they like, a text of its digits. */
void cm_json_set_u64(json_t *object, const char *name, uint64_t number);
/* A number if it is one, otherwise as cm_json_set_bytes(). */
void cm_json_set_value(json_t *object, const char *name, struct cm_slice text);

/* The line of a program that ends with a status before there is anything else to tell. */
void cm_json_print_error(FILE *to, int status, const char *error);

#endif
