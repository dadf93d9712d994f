/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/num.h"

#include <stdlib.h>
#include <string.h>

/* Any number of this many digits fits 64 bits, so they need no overflow test. */
#define SAFE_DIGITS 19

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool cm_num_u64(struct cm_slice text, uint64_t *out) {
    if (text.len == 0)
        return false;
    uint64_t number = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.data[i]))
            return false;
        uint64_t digit = (uint64_t)(text.data[i] - '0');
        if (i >= SAFE_DIGITS && number > (UINT64_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *out = number;
    return true;
}

bool cm_num_u32(struct cm_slice text, uint32_t *out) {
    uint64_t number;
    if (!cm_num_u64(text, &number) || number > UINT32_MAX)
        return false;
    *out = (uint32_t)number;
    return true;
}

bool cm_num_i64(struct cm_slice text, int64_t *out) {
    bool negative = text.len > 0 && text.data[0] == '-';
    if (negative)
        text = cm_slice(text.data + 1, text.len - 1);
    uint64_t size;
    uint64_t size_max = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    if (!cm_num_u64(text, &size) || size > size_max)
        return false;
    /* The negation of INT64_MIN's size is only defined on unsigned numbers. */
    *out = negative ? (int64_t)(0 - size) : (int64_t)size;
    return true;
}

double cm_num_told(struct cm_slice text) {
    char digits[32] = "";
    if (text.len > 0)
        memcpy(digits, text.data, text.len < sizeof digits ? text.len : sizeof digits - 1);
    double number = strtod(digits, NULL);
    return number >= 0 && number <= 1e18 ? number : 0;
}

static size_t count_digits(uint64_t number) {
    size_t digits = 1;
    for (; number >= 10000; number /= 10000)
        digits += 4;
    return digits + (number >= 10) + (number >= 100) + (number >= 1000);
}

size_t cm_num_format_u64(char *to, uint64_t number) {
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    size_t digits = count_digits(number);
    char *at = to + digits;
    for (; number >= 100; number /= 100) {
        at -= 2;
        memcpy(at, pairs + number % 100 * 2, 2);
    }
    if (number >= 10)
        memcpy(to, pairs + number * 2, 2);
    else
        to[0] = (char)('0' + number);
    return digits;
}

size_t cm_num_format_i64(char *to, int64_t number) {
    if (number >= 0)
        return cm_num_format_u64(to, (uint64_t)number);
    to[0] = '-';
    return 1 + cm_num_format_u64(to + 1, 0 - (uint64_t)number);
}
