/* SPDX-License-Identifier: BSD-3-Clause */

/* Runs the transcripts of tests/session/<protocol>/<name>.txt; README.md says how they are written.
 * Arguments: [seed [file...]]; seed 0 is the date's, without arguments it is 1. */

#include "base/num.h"
#include "support/packet.h"
#include "support/session_rig.h"
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define NAMES_MAX 32

struct name {
    char text[32];
    char digits[24];
};

enum cut { CUT_NOT, CUT_BYTES, CUT_RANDOM, CUT_COUNT };

static const char *const cut_names[] = {"whole", "byte by byte", "cut at random"};

struct run {
    const char *path;
    unsigned line;
    enum cut cut;
    uint64_t random;
    struct rig rig;
    struct cm_buf sent; /* not yet given to the session */
    size_t matched;     /* bytes of rig.received that were expected */
    bool expecting;     /* the last line was an expectation */
    unsigned name_count;
    struct name names[NAMES_MAX];
};

/* What was answered and not expected yet. */
static struct cm_slice not_matched(const struct run *run) {
    const struct cm_slice all = cm_buf_slice(&run->rig.received);
    if (all.data == NULL) {
        return CM_SLICE("");
    }
    return cm_slice(all.data + run->matched, all.len - run->matched);
}

__attribute__((format(printf, 2, 3))) static void fail(const struct run *run, const char *format,
                                                       ...) {
    va_list arguments;
    fprintf(stderr, "%s:%u (%s): ", run->path, run->line, cut_names[run->cut]);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    const struct cm_slice rest = not_matched(run);
    fprintf(stderr, "  answered: ");
    for (size_t i = 0; i < rest.len && i < 200; i++) {
        const char c = rest.data[i];
        if (c == '\r') {
            fprintf(stderr, "\\r");
        } else if (c == '\n') {
            fprintf(stderr, "\\n");
        } else if (c < ' ' || c > '~') {
            fprintf(stderr, "\\x%02x", (unsigned char)c);
        } else {
            fputc(c, stderr);
        }
    }
    fprintf(stderr, "%s\n", run->rig.closed ? " [closed]" : "");
    exit(1);
}

/* ---- the notation ---- */

enum piece_kind { PIECE_BYTE, PIECE_REPEAT, PIECE_NAME, PIECE_ANY, PIECE_NO_END };

struct piece {
    enum piece_kind kind;
    char byte;
    struct cm_slice text; /* REPEAT: what; NAME: its name */
    uint64_t times;
};

static int hex_digit(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Cuts the next piece off `*text`. */
static struct piece next_piece(const struct run *run, struct cm_slice *text) {
    struct piece piece = {.kind = PIECE_BYTE, .byte = text->data[0]};
    size_t used = 1;
    if (piece.byte == '\\' && text->len >= 2) {
        const char *at = text->data;
        const char *end;
        used = 2;
        switch (at[1]) {
        case 'r':
            piece.byte = '\r';
            break;
        case 'n':
            piece.byte = '\n';
            break;
        case '\\':
            break;
        case 'x':
            if (text->len < 4 || hex_digit(at[2]) < 0 || hex_digit(at[3]) < 0) {
                fail(run, "bad \\x");
                break;
            }
            piece.byte = (char)(hex_digit(at[2]) * 16 + hex_digit(at[3]));
            used = 4;
            break;
        case 'c':
            piece.kind = PIECE_NO_END;
            break;
        case '?':
            piece.kind = PIECE_ANY;
            break;
        case '[':
            end = memchr(at, ']', text->len);
            if (end == NULL) {
                fail(run, "no ]");
                break;
            }
            piece.kind = PIECE_NAME;
            piece.text = cm_slice(at + 2, (size_t)(end - at) - 2);
            used = (size_t)(end - at) + 1;
            break;
        case '(': {
            end = memchr(at, ')', text->len);
            const char *star = end;
            while (star != NULL && star > at && *star != '*') {
                star--;
            }
            if (star == NULL || star == at ||
                !cm_num_u64(cm_slice(star + 1, (size_t)(end - star) - 1), &piece.times)) {
                fail(run, "bad \\(text*N)");
                break;
            }
            piece.kind = PIECE_REPEAT;
            piece.text = cm_slice(at + 2, (size_t)(star - at) - 2);
            used = (size_t)(end - at) + 1;
            break;
        }
        default:
            fail(run, "unknown escape \\%c", at[1]);
        }
    }
    *text = cm_slice(text->data + used, text->len - used);
    return piece;
}

static struct name *find_name(struct run *run, struct cm_slice text) {
    for (unsigned i = 0; i < run->name_count; i++) {
        if (cm_slice_equal(cm_slice(run->names[i].text, strlen(run->names[i].text)), text)) {
            return &run->names[i];
        }
    }
    return NULL;
}

static void put(struct cm_buf *buf, struct cm_slice bytes) {
    CM_CHECK(cm_buf_append(buf, bytes) == CM_OK);
}

/* ---- sending ---- */

static uint64_t next_random(struct run *run) {
    run->random ^= run->random << 13;
    run->random ^= run->random >> 7;
    run->random ^= run->random << 17;
    return run->random;
}

static size_t next_cut(struct run *run, size_t left) {
    if (run->cut == CUT_NOT) {
        return left;
    }
    const size_t bytes = run->cut == CUT_BYTES ? 1 : next_random(run) % 40 + 1;
    /* Long values: sometimes in long pieces, or this takes all day. */
    const bool jump = left > 5000 && (run->cut == CUT_BYTES || next_random(run) % 2 == 0);
    const size_t step = jump ? bytes + 4000 : bytes;
    return step < left ? step : left;
}

static void flush_sent(struct run *run) {
    struct cm_slice left = cm_buf_slice(&run->sent);
    while (left.len > 0) {
        const size_t bytes = next_cut(run, left.len);
        char *copy = malloc(bytes); /* exactly as large, for the sanitizer to see overruns */
        CM_CHECK(copy != NULL);
        memcpy(copy, left.data, bytes);
        rig_feed(&run->rig, cm_slice(copy, bytes));
        free(copy);
        left = cm_slice(left.data + bytes, left.len - bytes);
    }
    cm_buf_clear(&run->sent);
}

/* Appends what the text means. False: no line's end is to follow. */
static bool put_text(struct run *run, struct cm_slice text, struct cm_buf *to) {
    bool with_end = true;
    while (text.len > 0) {
        const struct piece piece = next_piece(run, &text);
        const struct name *name;
        switch (piece.kind) {
        case PIECE_BYTE:
            put(to, cm_slice(&piece.byte, 1));
            break;
        case PIECE_REPEAT:
            for (uint64_t i = 0; i < piece.times; i++) {
                put(to, piece.text);
            }
            break;
        case PIECE_NAME:
            name = find_name(run, piece.text);
            if (name == NULL) {
                fail(run, "sent before it is known");
            } else {
                put(to, cm_slice(name->digits, strlen(name->digits)));
            }
            break;
        case PIECE_NO_END:
            with_end = false;
            break;
        case PIECE_ANY:
            fail(run, "\\? cannot be sent");
            break;
        }
    }
    return with_end;
}

static void send_line(struct run *run, struct cm_slice text) {
    if (put_text(run, text, &run->sent)) {
        put(&run->sent, CM_SLICE("\r\n"));
    }
}

/* The words as an array of bulk strings. */
static void send_request(struct run *run, struct cm_slice text) {
    struct cm_buf words = {.data = NULL};
    char head[64];
    unsigned count = 0;
    while (text.len > 0) {
        const char *space = memchr(text.data, ' ', text.len);
        const size_t len = space == NULL ? text.len : (size_t)(space - text.data);
        struct cm_buf word = {.data = NULL};
        if (!cm_slice_equal(cm_slice(text.data, len), CM_SLICE("\"\""))) {
            (void)put_text(run, cm_slice(text.data, len), &word);
        }
        snprintf(head, sizeof head, "$%zu\r\n", cm_buf_len(&word));
        put(&words, cm_slice(head, strlen(head)));
        put(&words, cm_buf_slice(&word));
        put(&words, CM_SLICE("\r\n"));
        cm_buf_deinit(&word);
        const size_t used = space == NULL ? len : len + 1;
        text = cm_slice(text.data + used, text.len - used);
        count++;
    }
    snprintf(head, sizeof head, "*%u\r\n", count);
    put(&run->sent, cm_slice(head, strlen(head)));
    put(&run->sent, cm_buf_slice(&words));
    cm_buf_deinit(&words);
}

/* ---- expecting ---- */

static void expect_bytes(struct run *run, struct cm_slice bytes) {
    const struct cm_slice rest = not_matched(run);
    if (rest.len < bytes.len || memcmp(rest.data, bytes.data, bytes.len) != 0) {
        fail(run, "expected \"%.*s\"", (int)(bytes.len < 60 ? bytes.len : 60), bytes.data);
    }
    run->matched += bytes.len;
}

static void expect_name(struct run *run, struct cm_slice text) {
    struct name *name = find_name(run, text);
    if (name != NULL) {
        expect_bytes(run, cm_slice(name->digits, strlen(name->digits)));
        return;
    }
    const struct cm_slice rest = not_matched(run);
    size_t digits = 0;
    while (digits < rest.len && rest.data[digits] >= '0' && rest.data[digits] <= '9') {
        digits++;
    }
    CM_CHECK(run->name_count < NAMES_MAX);
    name = &run->names[run->name_count++];
    if (digits == 0 || digits >= sizeof name->digits || text.len >= sizeof name->text) {
        fail(run, "expected a number");
    }
    memcpy(name->text, text.data, text.len);
    name->text[text.len] = '\0';
    memcpy(name->digits, rest.data, digits);
    name->digits[digits] = '\0';
    run->matched += digits;
}

/* Anything up to the next byte that is expected. */
static void expect_any(struct run *run, struct cm_slice text) {
    const char stop = text.len > 0 ? text.data[0] : '\r';
    const struct cm_slice rest = not_matched(run);
    size_t bytes = 0;
    while (bytes < rest.len && rest.data[bytes] != stop) {
        bytes++;
    }
    if (bytes == 0) {
        fail(run, "expected something");
    }
    run->matched += bytes;
}

static void expect_line(struct run *run, struct cm_slice text) {
    bool with_end = true;
    flush_sent(run);
    while (text.len > 0) {
        const struct piece piece = next_piece(run, &text);
        switch (piece.kind) {
        case PIECE_BYTE:
            expect_bytes(run, cm_slice(&piece.byte, 1));
            break;
        case PIECE_REPEAT:
            for (uint64_t i = 0; i < piece.times; i++) {
                expect_bytes(run, piece.text);
            }
            break;
        case PIECE_NAME:
            expect_name(run, piece.text);
            break;
        case PIECE_ANY:
            expect_any(run, text);
            break;
        case PIECE_NO_END:
            with_end = false;
            break;
        }
    }
    if (with_end) {
        expect_bytes(run, CM_SLICE("\r\n"));
    }
}

/* ---- packets ---- */

static void expand(void *context, struct cm_slice text, struct cm_buf *to) {
    (void)put_text(context, text, to);
}

static bool known_number(void *context, struct cm_slice text, uint64_t *number) {
    const struct name *name = find_name(context, text);
    return name != NULL && cm_num_u64(cm_slice(name->digits, strlen(name->digits)), number);
}

static void parse_packet(struct run *run, struct packet_line *packet, uint8_t magic,
                         struct cm_slice text) {
    const struct packet_words words = {run, expand, known_number};
    if (!packet_parse(packet, magic, text, &words)) {
        fail(run, "bad packet");
    }
}

static void send_packet(struct run *run, struct cm_slice text) {
    struct packet_line packet;
    parse_packet(run, &packet, CM_BINARY_REQUEST, text);
    packet_build(&packet, &run->sent);
    packet_deinit(&packet);
}

static void remember(struct run *run, struct cm_slice text, uint64_t number) {
    CM_CHECK(run->name_count < NAMES_MAX && text.len < sizeof run->names[0].text);
    struct name *name = &run->names[run->name_count++];
    memcpy(name->text, text.data, text.len);
    name->text[text.len] = '\0';
    name->digits[cm_num_format_u64(name->digits, number)] = '\0';
}

/* What is expected as it came: a cas that is not known yet, a value of whatever length. */
static void take_over(struct run *run, struct packet_line *packet, struct cm_slice received) {
    if (received.len < CM_BINARY_HEAD_BYTES) {
        fail(run, "expected a packet");
    }
    if (packet->any_cas) {
        packet->cas = cm_load_be64(received.data + 16);
        if (packet->cas == 0) {
            fail(run, "expected a cas");
        }
        if (packet->cas_name.len > 0) {
            remember(run, packet->cas_name, packet->cas);
        }
    }
    if (packet->any_value) {
        const size_t before = CM_BINARY_HEAD_BYTES + (unsigned char)received.data[4] +
                              cm_load_be16(received.data + 2);
        const size_t all = CM_BINARY_HEAD_BYTES + cm_load_be32(received.data + 8);
        if (before >= all || all > received.len) {
            fail(run, "expected a packet with a value");
        }
        put(&packet->value, cm_slice(received.data + before, all - before));
    }
}

/* Skips packets up to one that is exactly this. */
static void skip_to(struct run *run, struct cm_slice wanted) {
    for (struct cm_slice rest = not_matched(run);
         rest.len < wanted.len || memcmp(rest.data, wanted.data, wanted.len) != 0;
         rest = not_matched(run)) {
        if (rest.len < CM_BINARY_HEAD_BYTES) {
            fail(run, "expected this packet at some time");
        }
        run->matched += CM_BINARY_HEAD_BYTES + cm_load_be32(rest.data + 8);
    }
}

static void expect_packet(struct run *run, struct cm_slice text) {
    static const char skipping[] = "... ";
    const size_t prefix = sizeof skipping - 1;
    const bool skips = text.len > prefix && memcmp(text.data, skipping, prefix) == 0;
    struct packet_line packet;
    struct cm_buf wanted = {0};
    flush_sent(run);
    parse_packet(run, &packet, CM_BINARY_RESPONSE,
                 skips ? cm_slice(text.data + prefix, text.len - prefix) : text);
    if (packet.any_cas || packet.any_value) {
        take_over(run, &packet, not_matched(run));
    }
    packet_build(&packet, &wanted);
    if (skips) {
        skip_to(run, cm_buf_slice(&wanted));
    }
    expect_bytes(run, cm_buf_slice(&wanted));
    cm_buf_deinit(&wanted);
    packet_deinit(&packet);
}

/* Everything that was answered has been expected. */
static void settle(struct run *run) {
    flush_sent(run);
    if (run->matched != cm_buf_len(&run->rig.received)) {
        fail(run, "more was answered than expected");
    }
}

/* ---- files ---- */

static void set_option(const struct run *run, struct rig_options *options, const char *line) {
    char name[32] = "";
    unsigned long long value = 1;
    if (sscanf(line, "option %31s %llu", name, &value) < 1) {
        fail(run, "bad option");
    }
    const struct {
        const char *name;
        uint64_t *number;
        bool *flag;
    } known[] = {
        {"memory_bytes", &options->memory_bytes, NULL},
        {"item_bytes_max", &options->item_bytes_max, NULL},
        {"ascii", NULL, &options->ascii},
        {"binary", NULL, &options->binary},
        {"no_evict", NULL, &options->no_evict},
        {"flush_disabled", NULL, &options->flush_disabled},
        {"dump_disabled", NULL, &options->dump_disabled},
        {"watch_disabled", NULL, &options->watch_disabled},
        {"shutdown_enabled", NULL, &options->shutdown_enabled},
        {"debug_time", NULL, &options->debug_time},
        {"users", NULL, &options->users},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(known[i].name, name) == 0) {
            if (known[i].number != NULL) {
                *known[i].number = value;
            } else {
                *known[i].flag = true;
            }
            return;
        }
    }
    fail(run, "unknown option");
}

static void run_line(struct run *run, const char *line, size_t len) {
    const bool expects = line[0] == '<';
    if (!expects && run->expecting) {
        settle(run);
    }
    run->expecting = expects;
    if (strncmp(line, ">> ", 3) == 0) {
        send_packet(run, cm_slice(line + 3, len - 3));
    } else if (strncmp(line, ">* ", 3) == 0) {
        send_request(run, cm_slice(line + 3, len - 3));
    } else if (strncmp(line, "<< ", 3) == 0) {
        expect_packet(run, cm_slice(line + 3, len - 3));
    } else if (line[0] == '>') {
        send_line(run, cm_slice(line + 2, len < 2 ? 0 : len - 2));
    } else if (expects) {
        expect_line(run, cm_slice(line + 2, len < 2 ? 0 : len - 2));
    } else if (line[0] == '+') {
        settle(run);
        rig_advance(&run->rig, strtol(line + 1, NULL, 10));
    } else if (strcmp(line, "closed") == 0) {
        settle(run);
        if (!run->rig.closed) {
            fail(run, "expected the server to hang up");
        }
    } else if (strcmp(line, "new") == 0) {
        settle(run);
        rig_end_session(&run->rig);
        rig_new_session(&run->rig);
    } else {
        fail(run, "what is this line?");
    }
}

static char *read_all(const char *path) {
    FILE *file = fopen(path, "rb");
    CM_CHECK(file != NULL);
    CM_CHECK(fseek(file, 0, SEEK_END) == 0);
    const long size = ftell(file);
    CM_CHECK(size >= 0);
    rewind(file);
    char *text = malloc((size_t)size + 1);
    CM_CHECK(text != NULL && fread(text, 1, (size_t)size, file) == (size_t)size);
    fclose(file);
    text[size] = '\0';
    return text;
}

static void run_file(const char *path, enum cut cut, uint64_t seed) {
    static struct run run;
    struct rig_options options = {0};
    bool opened = false;
    run = (struct run){.path = path, .cut = cut, .random = seed};
    char *text = read_all(path);
    for (char *line = text, *next; line != NULL && *line != '\0'; line = next) {
        next = strchr(line, '\n');
        const size_t len = next == NULL ? strlen(line) : (size_t)(next - line);
        if (next != NULL) {
            *next++ = '\0';
        }
        run.line++;
        if (len == 0 || line[0] == '#') {
            continue;
        }
        if (strncmp(line, "option ", 7) == 0) {
            set_option(&run, &options, line);
            continue;
        }
        if (!opened) {
            rig_open(&run.rig, &options);
            opened = true;
        }
        run_line(&run, line, len);
    }
    CM_CHECK(opened);
    settle(&run);
    cmstore_check(run.rig.thread);
    rig_close(&run.rig);
    cm_buf_deinit(&run.sent);
    free(text);
}

static void run_everyway(const char *path, uint64_t seed) {
    run_file(path, CUT_NOT, seed);
    run_file(path, CUT_BYTES, seed);
    for (uint64_t i = 0; i < 5; i++) {
        run_file(path, CUT_RANDOM, seed + i);
    }
    printf("ok %s\n", path);
}

static unsigned run_folder(const char *folder, uint64_t seed) {
    unsigned count = 0;
    struct dirent **entries;
    const int found = scandir(folder, &entries, NULL, alphasort);
    CM_CHECK(found >= 0);
    for (int i = 0; i < found; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        if (strstr(entries[i]->d_name, ".txt") != NULL) {
            run_everyway(path, seed);
            count++;
        }
        free(entries[i]);
    }
    free(entries);
    return count;
}

/* tests/session/<protocol> */
static void run_folders(uint64_t seed) {
    static const char above[] = "tests/session";
    struct dirent **entries;
    const int found = scandir(above, &entries, NULL, alphasort);
    CM_CHECK(found >= 0);
    for (int i = 0; i < found; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", above, entries[i]->d_name);
        if (strchr(entries[i]->d_name, '.') == NULL) {
            CM_CHECK(run_folder(path, seed) > 0);
        }
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv) {
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    if (seed == 0)
        seed = (uint64_t)time(NULL) * 2654435761u + 1;
    printf("seed %llu\n", (unsigned long long)seed);
    fflush(stdout);
    for (int i = 2; i < argc; i++) {
        run_everyway(argv[i], seed);
    }
    if (argc <= 2) {
        run_folders(seed);
    }
    return 0;
}
