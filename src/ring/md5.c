/* SPDX-License-Identifier: BSD-3-Clause */
#include "ring/md5.h"

#define BLOCK_BYTES  64
#define LENGTH_BYTES 8

/* floor(2^32 * |sin(i + 1)|), RFC 1321, section 3.4. */
static const uint32_t sines[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};

static const uint8_t turns[4][4] = {
    {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

static uint32_t rotate(uint32_t x, unsigned by) {
    return x << by | x >> (32 - by);
}

static uint32_t load(const uint8_t *from) {
    return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 |
           (uint32_t)from[3] << 24;
}

static void store(uint8_t *to, uint64_t number, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        to[i] = (uint8_t)(number >> (8 * i));
}

/* One step of a round whose function of b, c and d is `mixed`. The roles of the four turn with every
 * step, so that four steps in a row need no moving around. */
#define STEP(a, b, mixed, i, word)                                                                 \
    ((a) = (b) + rotate((a) + (mixed) + sines[i] + w[(word) % 16], turns[(i) / 16][(i) % 4]))
#define FIRST(b, c, d)  ((d) ^ ((b) & ((c) ^ (d))))
#define SECOND(b, c, d) ((c) ^ ((d) & ((b) ^ (c))))
#define THIRD(b, c, d)  ((b) ^ (c) ^ (d))
#define FOURTH(b, c, d) ((c) ^ ((b) | ~(d)))
#define FOUR_STEPS(function, i, word, stride)                                                      \
    do {                                                                                           \
        STEP(a, b, function(b, c, d), i, word);                                                    \
        STEP(d, a, function(a, b, c), (i) + 1, (word) + (stride));                                 \
        STEP(c, d, function(d, a, b), (i) + 2, (word) + 2 * (stride));                             \
        STEP(b, c, function(c, d, a), (i) + 3, (word) + 3 * (stride));                             \
    } while (0)

static void digest_block(uint32_t state[4], const uint8_t *block) {
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], w[16];
    for (size_t i = 0; i < 16; i++)
        w[i] = load(block + 4 * i);
    for (size_t i = 0; i < 16; i += 4)
        FOUR_STEPS(FIRST, i, i, 1);
    for (size_t i = 16; i < 32; i += 4)
        FOUR_STEPS(SECOND, i, 5 * i + 1, 5);
    for (size_t i = 32; i < 48; i += 4)
        FOUR_STEPS(THIRD, i, 3 * i + 5, 3);
    for (size_t i = 48; i < 64; i += 4)
        FOUR_STEPS(FOURTH, i, 7 * i, 7);
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
}

void cm_md5(struct cm_slice message, uint8_t digest[CM_MD5_BYTES]) {
    uint32_t state[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    uint8_t tail[2 * BLOCK_BYTES] = {0};
    size_t at = 0;
    for (; at + BLOCK_BYTES <= message.len; at += BLOCK_BYTES)
        digest_block(state, (const uint8_t *)message.data + at);
    const size_t rest = message.len - at;
    if (rest > 0)
        memcpy(tail, message.data + at, rest);
    tail[rest] = 0x80;
    const size_t tail_bytes =
        rest + 1 + LENGTH_BYTES <= BLOCK_BYTES ? BLOCK_BYTES : 2 * BLOCK_BYTES;
    store(tail + tail_bytes - LENGTH_BYTES, (uint64_t)message.len * 8, LENGTH_BYTES);
    for (size_t i = 0; i < tail_bytes; i += BLOCK_BYTES)
        digest_block(state, tail + i);
    for (size_t i = 0; i < 4; i++)
        store(digest + 4 * i, state[i], 4);
}
