/* SPDX-License-Identifier: BSD-3-Clause */
#include "ring/settings.h"

#include "base/check.h"
#include "base/num.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum kind { CHOICE, DURATION, NUMBER, TEXT };

/* A choice has its words where the others have their least value. */
struct setting {
    const char *name, *initial, *text;
    const char *words;
    int64_t min, max;
    size_t offset;
    enum kind kind;
};

#define WORDS_CHOICE(min)   .words = (min)
#define WORDS_DURATION(low) .min = (low)
#define WORDS_NUMBER(low)   .min = (low)
#define WORDS_TEXT(low)     .min = (low)
static const struct setting settings_table[] = {
#define X(setting, type, first, least, most, line)                                                 \
    {.name = #setting,                                                                             \
     .initial = (first),                                                                           \
     .text = (line),                                                                               \
     WORDS_##type(least),                                                                          \
     .max = (most),                                                                                \
     .offset = offsetof(struct cm_settings, setting),                                              \
     .kind = (type)},
#include "ring/settings.def"
#undef X
};

#define SETTING_COUNT (sizeof settings_table / sizeof settings_table[0])
#define SHOWN_BYTES   60 /* of a wrong value, in messages */

enum cm_status cm_cluster_fail(struct cm_cluster_error *error, size_t column, const char *format,
                               ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    error->column = column;
    return CM_INVALID;
}

static int hex_of(char digit) {
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

bool cm_cluster_decode(struct cm_slice text, char *to, size_t room) {
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.data[i];
        if (byte == '%') {
            const int high = i + 2 < text.len ? hex_of(text.data[i + 1]) : -1;
            const int low = i + 2 < text.len ? hex_of(text.data[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            byte = (char)(high << 4 | low);
            i += 2;
        }
        if (byte == '\0' || count + 1 >= room)
            return false;
        to[count++] = byte;
    }
    to[count] = '\0';
    return true;
}

static const struct setting *find(struct cm_slice name) {
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const char *candidate = settings_table[i].name;
        if (cm_slice_equal(name, cm_slice(candidate, strlen(candidate))))
            return &settings_table[i];
    }
    return NULL;
}

/* The word with a number, empty past the last. */
static struct cm_slice word_at(const struct setting *setting, size_t number) {
    const char *at = setting->words;
    if (*at == '\0') {
        const char *name = cm_distribution_name(number, NULL);
        return name == NULL ? CM_SLICE("") : cm_slice(name, strlen(name));
    }
    for (; number > 0 && *at != '\0'; number--) {
        at += strcspn(at, " ");
        at += *at == ' ';
    }
    return cm_slice(at, strcspn(at, " "));
}

static const struct {
    const char *suffix;
    int64_t ms;
} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};

#define UNIT_COUNT (sizeof units / sizeof units[0])

/* In the largest unit that has no rest. */
static void describe_duration(int64_t ms, char *to, size_t room) {
    size_t unit = UNIT_COUNT - 1;
    while (unit > 0 && (ms % units[unit].ms != 0 || ms == 0))
        unit--;
    snprintf(to, room, "%" PRId64 "%s", ms / units[unit].ms, units[unit].suffix);
}

static void describe_words(const struct setting *setting, char *to, size_t room) {
    size_t at = 0;
    for (size_t i = 0; word_at(setting, i).len > 0; i++) {
        const struct cm_slice word = word_at(setting, i);
        const bool last = word_at(setting, i + 1).len == 0;
        at += (size_t)snprintf(to + at, room - at, "%s%.*s",
                               i == 0 ? ""
                               : last ? " or "
                                      : ", ",
                               (int)word.len, word.data);
        CM_CHECK(at < room);
    }
}

static void describe(const struct setting *setting, char *to, size_t room) {
    char low[32], high[32];
    switch (setting->kind) {
    case CHOICE:
        describe_words(setting, to, room);
        break;
    case DURATION:
        describe_duration(setting->min, low, sizeof low);
        describe_duration(setting->max, high, sizeof high);
        snprintf(to, room, "a time from %s to %s, such as 200ms", low, high);
        break;
    case NUMBER:
        snprintf(to, room, "a number from %" PRId64 " to %" PRId64, setting->min, setting->max);
        break;
    case TEXT:
        snprintf(to, room, "a text of at most %" PRId64 " bytes, %%XX for odd ones", setting->max);
        break;
    }
}

static bool is_secret(const struct setting *setting) {
    return setting->offset == offsetof(struct cm_settings, password) ||
           setting->offset == offsetof(struct cm_settings, etcd_password);
}

bool cm_setting_describe(size_t number, struct cm_setting_text *out) {
    if (number >= SETTING_COUNT)
        return false;
    const struct setting *setting = &settings_table[number];
    *out = (struct cm_setting_text){setting->name, setting->initial, setting->text, ""};
    describe(setting, out->allowed, sizeof out->allowed);
    return true;
}

static int print_number(const struct setting *setting, int64_t number, char *to, size_t room) {
    char duration[32];
    if (setting->kind == NUMBER)
        return snprintf(to, room, "%" PRId64, number);
    if (setting->kind == CHOICE) {
        const struct cm_slice word = word_at(setting, (size_t)number);
        return snprintf(to, room, "%.*s", (int)word.len, word.data);
    }
    describe_duration(number, duration, sizeof duration);
    return snprintf(to, room, "%s", number == 0 ? "0s" : duration);
}

bool cm_setting_print(const struct cm_settings *settings, size_t number, char *to, size_t room) {
    if (number >= SETTING_COUNT)
        return false;
    const struct setting *setting = &settings_table[number];
    const char *field = (const char *)settings + setting->offset;
    int64_t value = 0;
    int length;
    if (setting->kind == TEXT) {
        const bool hides = is_secret(setting) && *field != '\0';
        length = snprintf(to, room, "%s", hides ? "***" : field);
    } else {
        memcpy(&value, field, sizeof value);
        length = print_number(setting, value, to, room);
    }
    return length >= 0 && (size_t)length < room;
}

static bool parse_choice(const struct setting *setting, struct cm_slice text, int64_t *out) {
    for (size_t i = 0; word_at(setting, i).len > 0; i++) {
        if (cm_slice_equal(text, word_at(setting, i))) {
            *out = (int64_t)i;
            return true;
        }
    }
    return false;
}

static bool parse_duration(struct cm_slice text, int64_t *out) {
    size_t digits = 0;
    uint32_t number;
    while (digits < text.len && text.data[digits] >= '0' && text.data[digits] <= '9')
        digits++;
    if (!cm_num_u32(cm_slice(text.data, digits), &number))
        return false;
    const struct cm_slice suffix = cm_slice(text.data + digits, text.len - digits);
    for (size_t i = 0; i < UNIT_COUNT; i++) {
        if (cm_slice_equal(suffix, cm_slice(units[i].suffix, strlen(units[i].suffix)))) {
            *out = (int64_t)number * units[i].ms;
            return true;
        }
    }
    return false;
}

static bool parse_number(const struct setting *setting, struct cm_slice text, int64_t *out) {
    switch (setting->kind) {
    case CHOICE:
        return parse_choice(setting, text, out);
    case DURATION:
        return parse_duration(text, out) && *out >= setting->min && *out <= setting->max;
    case NUMBER:
        return cm_num_i64(text, out) && *out >= setting->min && *out <= setting->max;
    case TEXT:
        break;
    }
    return false;
}

enum cm_status cm_setting_set(struct cm_settings *settings, const struct cm_setting_value *value,
                              struct cm_cluster_error *error) {
    const struct setting *setting = find(value->name);
    char allowed[128], decoded[CM_CLUSTER_TEXT_BYTES];
    if (setting == NULL)
        return cm_cluster_fail(error, value->name_column, "there is no option \"%.*s\"",
                               (int)(value->name.len < SHOWN_BYTES ? value->name.len : SHOWN_BYTES),
                               value->name.data);
    void *field = (char *)settings + setting->offset;
    int64_t number = 0;
    if (cm_cluster_decode(value->value, decoded, sizeof decoded)) {
        const size_t length = strlen(decoded);
        if (setting->kind == TEXT && length <= (size_t)setting->max) {
            memcpy(field, decoded, length + 1);
            return CM_OK;
        }
        if (setting->kind != TEXT && parse_number(setting, cm_slice(decoded, length), &number)) {
            memcpy(field, &number, sizeof number);
            return CM_OK;
        }
    }
    describe(setting, allowed, sizeof allowed);
    if (is_secret(setting)) /* errors end in logs */
        return cm_cluster_fail(error, value->value_column, "%s: what is given is not %s",
                               setting->name, allowed);
    return cm_cluster_fail(error, value->value_column, "%s: \"%.*s\" is not %s", setting->name,
                           (int)(value->value.len < SHOWN_BYTES ? value->value.len : SHOWN_BYTES),
                           value->value.data, allowed);
}

void cm_settings_init(struct cm_settings *settings) {
    *settings = (struct cm_settings){0};
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const struct setting *setting = &settings_table[i];
        const struct cm_setting_value value = {cm_slice(setting->name, strlen(setting->name)),
                                               cm_slice(setting->initial, strlen(setting->initial)),
                                               0, 0};
        struct cm_cluster_error error;
        CM_CHECK(cm_setting_set(settings, &value, &error) == CM_OK);
    }
}
