/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_CLI_UNITS_H
#define CM_CLI_UNITS_H

#include <stdint.h>

/* Numbers for people: three digits and a unit, "1.50 MiB". Each writes at most CM_UNITS_BYTES, a zero
 * included, and returns `to`. Machines are given plain numbers. */

#define CM_UNITS_BYTES 32

char *cm_units_size(char *to, uint64_t bytes);  /* "0 B", "1.50 KiB", "64.0 MiB" */
char *cm_units_count(char *to, double count);   /* "999", "12.3k", "4.56M" */
char *cm_units_duration(char *to, uint64_t ns); /* "850 ns", "1.20 ms", "2.50 s", "12 min" */
char *cm_units_age(char *to, uint64_t seconds); /* "42 s", "5 min 2 s", "3 d 4 h" */
char *cm_units_percent(char *to, double part, double whole); /* "97.3 %"; "-" of nothing */

#endif
