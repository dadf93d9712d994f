/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/num.h"
#include "client/wire.h"

/* Answers of a server, which is not trusted: whatever it sends, a line is an answer to the request
 * or it is none. */

struct words {
    struct cm_slice rest;
};

static struct cm_slice next_word(struct words *words) {
    struct cm_slice rest = words->rest;
    size_t begin = 0;
    while (begin < rest.len && rest.data[begin] == ' ')
        begin++;
    size_t end = begin;
    while (end < rest.len && rest.data[end] != ' ')
        end++;
    words->rest = cm_slice(rest.data + end, rest.len - end);
    return cm_slice(rest.data + begin, end - begin);
}

static bool begins(struct cm_slice line, const char *text) {
    const size_t length = strlen(text);
    return line.len >= length && memcmp(line.data, text, length) == 0;
}

static bool is(struct cm_slice word, const char *text) {
    return word.len == strlen(text) && begins(word, text);
}

static void start(struct cm_answer *answer, enum cacheman_outcome outcome) {
    *answer = (struct cm_answer){.result = {.outcome = outcome, .ttl_s = CACHEMAN_TTL_UNKNOWN}};
}

/* ---- errors ---- */

/* Errors after which the conversation goes on: the request was understood, and its data taken. */
static const struct {
    const char *text;
    enum cm_status status;
} polite[] = {
    {"SERVER_ERROR object too large for cache", CM_TOO_LARGE},
    {"SERVER_ERROR out of memory", CM_NO_MEMORY},
    {"CLIENT_ERROR cannot increment or decrement non-numeric value", CM_NOT_NUMERIC},
};

bool cm_wire_read_error(struct cm_slice line, struct cm_answer *answer) {
    if (!begins(line, "ERROR") && !begins(line, "CLIENT_ERROR") && !begins(line, "SERVER_ERROR"))
        return false;
    start(answer, CACHEMAN_UNKNOWN);
    answer->result.status = CM_REFUSED;
    answer->lost = true;
    for (size_t i = 0; i < sizeof polite / sizeof polite[0]; i++) {
        if (begins(line, polite[i].text)) {
            answer->result.status = polite[i].status;
            answer->lost = false;
        }
    }
    if (begins(line, "CLIENT_ERROR unauth") || begins(line, "CLIENT_ERROR auth"))
        answer->result.status = CM_NOT_AUTHENTICATED;
    return true;
}

bool cm_wire_number(struct cm_slice value, uint64_t *out) {
    while (value.len > 0 && value.data[value.len - 1] == ' ')
        value.len--;
    return cm_num_u64(value, out);
}

/* ---- meta ---- */

static bool read_flag(struct cm_slice word, struct cm_answer *answer) {
    const struct cm_slice token = cm_slice(word.data + 1, word.len - 1);
    switch (word.data[0]) {
    case 'f':
        return cm_num_u32(token, &answer->result.flags);
    case 'c':
        return cm_num_u64(token, &answer->result.cas);
    case 't':
        return cm_num_i64(token, &answer->result.ttl_s) &&
               answer->result.ttl_s >= CACHEMAN_TTL_FOREVER;
    case 'W':
        answer->won = true;
        return true;
    case 'X':
        answer->result.stale = true;
        return true;
    case 'Z':
        answer->taken = true;
        return true;
    default:
        return true;
    }
}

static bool read_flags(struct words *words, struct cm_answer *answer) {
    for (;;) {
        const struct cm_slice word = next_word(words);
        if (word.len == 0)
            return true;
        if (!read_flag(word, answer))
            return false;
    }
}

static bool gives_value(enum cacheman_verb verb) {
    return verb == CACHEMAN_GET || verb == CACHEMAN_GET_AND_TOUCH || verb >= CACHEMAN_INCREMENT;
}

static bool stores(enum cacheman_verb verb) {
    return verb >= CACHEMAN_SET && verb <= CACHEMAN_CAS;
}

static bool read_value_bytes(struct cm_slice word, struct cm_answer *answer) {
    uint64_t bytes;
    if (!cm_num_u64(word, &bytes) || bytes > CM_WIRE_VALUE_MAX)
        return false;
    answer->value_bytes = (size_t)bytes;
    answer->has_value = true;
    return true;
}

static bool read_code(struct cm_slice code, enum cacheman_verb verb, struct cm_answer *answer) {
    if (is(code, "HD"))
        start(answer, stores(verb) ? CACHEMAN_STORED : CACHEMAN_HIT);
    else if (is(code, "VA"))
        start(answer, CACHEMAN_HIT);
    else if (is(code, "EN") || is(code, "NF"))
        start(answer, CACHEMAN_MISS);
    else if (is(code, "NS"))
        start(answer, CACHEMAN_NOT_STORED);
    else if (is(code, "EX"))
        start(answer, CACHEMAN_EXISTS);
    else
        return false;
    return true;
}

bool cm_wire_read_meta(struct cm_slice line, enum cacheman_verb verb, struct cm_answer *answer) {
    struct words words = {line};
    const struct cm_slice code = next_word(&words);
    if (!read_code(code, verb, answer))
        return cm_wire_read_error(line, answer);
    const bool is_value = is(code, "VA");
    if (is_value && (!gives_value(verb) || !read_value_bytes(next_word(&words), answer)))
        return false;
    /* a hit without the value that was asked for is no hit */
    if (!is_value && answer->result.outcome == CACHEMAN_HIT && gives_value(verb))
        return false;
    return read_flags(&words, answer);
}

/* ---- classic ---- */

static const struct {
    const char *text;
    enum cacheman_outcome outcome;
} text_words[] = {
    {"STORED", CACHEMAN_STORED},  {"NOT_STORED", CACHEMAN_NOT_STORED}, {"EXISTS", CACHEMAN_EXISTS},
    {"NOT_FOUND", CACHEMAN_MISS}, {"DELETED", CACHEMAN_HIT},           {"TOUCHED", CACHEMAN_HIT},
};

static bool key_is(struct cm_slice word, const struct cm_wire_key *key) {
    if (key->encoded)
        return true; /* its base64, which nothing else was asked by */
    return word.len == key->prefix.len + key->key.len &&
           cm_slice_equal(cm_slice(word.data, key->prefix.len), key->prefix) &&
           cm_slice_equal(cm_slice(word.data + key->prefix.len, key->key.len), key->key);
}

/* "VALUE key flags bytes [cas]" */
static bool read_text_value(struct cm_slice line, const struct cm_ask *ask,
                            const struct cm_wire_key *key, struct cm_answer *answer) {
    struct words words = {line};
    start(answer, CACHEMAN_HIT);
    if (!is(next_word(&words), "VALUE") || !key_is(next_word(&words), key) ||
        !cm_num_u32(next_word(&words), &answer->result.flags) ||
        !read_value_bytes(next_word(&words), answer))
        return false;
    return !ask->request.want_cas || cm_num_u64(next_word(&words), &answer->result.cas);
}

static bool read_outcome(struct cm_slice line, struct cm_answer *answer) {
    for (size_t i = 0; i < sizeof text_words / sizeof text_words[0]; i++) {
        if (is(line, text_words[i].text)) {
            start(answer, text_words[i].outcome);
            return true;
        }
    }
    return false;
}

/* Which of the words above answers which verb is not looked at further than for what a mistake
 * could do: a hit must have its value or number. */
bool cm_wire_read_text(struct cm_slice line, const struct cm_ask *ask,
                       const struct cm_wire_key *key, struct cm_answer *answer) {
    const enum cacheman_verb verb = ask->request.verb;
    uint64_t number;
    if (cm_wire_read_error(line, answer))
        return true;
    if (verb == CACHEMAN_GET || verb == CACHEMAN_GET_AND_TOUCH) {
        if (!cm_wire_is_end(line))
            return read_text_value(line, ask, key, answer);
        start(answer, CACHEMAN_MISS);
        return true;
    }
    if (verb >= CACHEMAN_INCREMENT && cm_wire_number(line, &number)) {
        start(answer, CACHEMAN_HIT);
        answer->result.number = number;
        return true;
    }
    return read_outcome(line, answer) &&
           (answer->result.outcome != CACHEMAN_HIT || verb < CACHEMAN_INCREMENT);
}

bool cm_wire_is_end(struct cm_slice line) {
    return is(line, "END");
}
