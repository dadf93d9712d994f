/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_BASE_FORMAT_H
#define CM_BASE_FORMAT_H

/* Has the compiler check calls as printf's: parameter `format_at` is the format, from
 * parameter `first_at` on (0: a va_list) are its arguments, both counted from 1. */
#if defined(__MINGW32__)
#define CM_PRINTF(format_at, first_at) __attribute__((format(gnu_printf, format_at, first_at)))
#elif defined(__GNUC__)
#define CM_PRINTF(format_at, first_at) __attribute__((format(printf, format_at, first_at)))
#else
#define CM_PRINTF(format_at, first_at)
#endif

#endif
