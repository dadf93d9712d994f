/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/file.h"
#include "base/guess.h"
#include "base/os/os.h"
#include "config/change.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* A configuration file: KEY = VALUE, a line each. What is wrong is collected, not only the first of
 * it. inih splits the lines; what it would cut or pass over is refused before it sees it. */

enum { FILE_BYTES_MAX = 1 << 20, PIECE_BYTES = 16 << 10 };

static const char blanks[] = " \t";

CM_PRINTF(2, 3)
static void refuse_line(struct cm_config_reader *reader, const char *format, ...) {
    struct cm_config_parse *parse = reader->parse;
    char why[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    const char *file = parse->place.origin == CM_CONFIG_FROM_FILE ? parse->config->file : NULL;
    parse->error->in_file = file != NULL;
    if (cm_config_fail(parse->error, "%.400s%s%u: %s", file != NULL ? file : "line",
                       file != NULL ? ":" : " ", reader->line, why) != CM_OK)
        reader->status = cm_config_add_fault(parse);
}

/* ---- keys and values ---- */

/* The value is whole. */
static void give(struct cm_config_reader *reader) {
    struct cm_config_parse *parse = reader->parse;
    const struct cm_option *option = reader->option;
    reader->option = NULL;
    if (option == NULL || reader->status != CM_OK)
        return;
    reader->status = cm_buf_append(&reader->value, cm_slice("", 1));
    if (reader->status != CM_OK)
        return;
    parse->place.line = reader->option_line;
    reader->status = cm_config_give_copy(parse, option, cm_buf_slice(&reader->value).data);
}

static void refuse_key(struct cm_config_reader *reader, const char *name) {
    struct cm_guess guess = cm_guess(cm_slice(name, strlen(name)));
    for (size_t i = 0; i < CM_OPTIONS; i++) {
        if (cm_config_is_of_files((enum cm_config_index)i))
            cm_guess_try(&guess, cm_options[i].name);
    }
    if (guess.nearest != NULL)
        refuse_line(reader, "unknown key \"%.64s\"; \"%s\" is one", name, guess.nearest);
    else
        refuse_line(reader,
                    "unknown key \"%.64s\"; keys are the long names of the options that "
                    "--help lists",
                    name);
}

static const struct cm_option *find(struct cm_config_reader *reader, const char *name) {
    const struct cm_config_place *places = reader->parse->config->places;
    const struct cm_option *option = cm_option_by_name(name, strlen(name));
    if (option == NULL) {
        refuse_key(reader, name);
        return NULL;
    }
    if (option->scope == CM_OPTION_LINE || option->scope == CM_OPTION_OUTSIDE) {
        refuse_line(reader, "%s: this can be given on the command line%s only", option->name,
                    option->scope == CM_OPTION_OUTSIDE ? " and in the environment" : "");
        return NULL;
    }
    const struct cm_config_place *place = &places[cm_option_index(option)];
    bool is_second = place->origin == reader->parse->place.origin && place->line > 0;
    if (option->kind != CM_OPTION_LIST && is_second) {
        refuse_line(reader, "%s: it is given in line %u already", option->name, place->line);
        return NULL;
    }
    return option;
}

/* Whether it looks like "threads = 4", which somebody has indented. */
static const struct cm_option *hidden_key(const char *value) {
    size_t bytes = strcspn(value, "=");
    if (value[bytes] == '\0')
        return NULL;
    while (bytes > 0 && strchr(blanks, value[bytes - 1]) != NULL)
        bytes--;
    return cm_option_by_name(value, bytes);
}

static void go_on(struct cm_config_reader *reader, const char *value) {
    const struct cm_option *hidden = hidden_key(value);
    if (hidden != NULL)
        refuse_line(reader,
                    "%s: an indented line continues the value of the line before; begin it "
                    "without blanks",
                    hidden->name);
    else if (reader->option != NULL)
        reader->status = cm_buf_append(&reader->value, cm_slice(value, strlen(value)));
}

void cm_config_take_entry(struct cm_config_reader *reader, const char *name, const char *value) {
    reader->is_settled = true;
    if (reader->status != CM_OK)
        return;
    if (reader->is_indented && reader->has_key) {
        go_on(reader, value);
        return;
    }
    give(reader);
    if (reader->status != CM_OK)
        return;
    reader->has_key = true;
    reader->option = find(reader, name);
    reader->option_line = reader->line;
    cm_buf_clear(&reader->value);
    if (reader->option != NULL)
        reader->status = cm_buf_append(&reader->value, cm_slice(value, strlen(value)));
}

/* ---- lines ---- */

/* What the syntax made nothing of. */
static void settle_line(struct cm_config_reader *reader) {
    if (reader->is_settled)
        return;
    reader->is_settled = true;
    if (reader->is_section)
        refuse_line(reader, "\"%s\": there are no sections; write KEY = VALUE", reader->begins);
    else
        refuse_line(reader, "\"%s\" is not of the form KEY = VALUE", reader->begins);
}

/* Whether the line may be handed on. */
static bool check_line(struct cm_config_reader *reader, struct cm_slice line, size_t room) {
    for (size_t i = 0; i < line.len; i++) {
        unsigned char byte = (unsigned char)line.data[i];
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
            refuse_line(reader, "the byte 0x%02x at column %zu is no text", byte, i + 1);
            return false;
        }
    }
    const size_t line_end = 3; /* of those that inih counts */
    if (line.len > room - line_end) {
        refuse_line(reader,
                    "the line is %zu bytes long, at most %zu are allowed; an indented line "
                    "continues a value",
                    line.len, room - line_end);
        return false;
    }
    return true;
}

/* Notes what is to be known of the line once the syntax has seen it. */
static void look_at(struct cm_config_reader *reader, const char *line) {
    size_t indent = strspn(line, blanks);
    reader->is_indented = indent > 0;
    reader->is_section = line[indent] == '[';
    reader->is_settled = line[indent] == '\0' || line[indent] == '#' || line[indent] == ';';
    snprintf(reader->begins, sizeof reader->begins, "%s", line + indent);
}

char *cm_config_next_line(struct cm_config_reader *reader, char *to, size_t room) {
    settle_line(reader);
    if (reader->at == reader->end || reader->status != CM_OK)
        return NULL;
    size_t left = (size_t)(reader->end - reader->at);
    const char *stop = memchr(reader->at, '\n', left);
    size_t bytes = stop != NULL ? (size_t)(stop - reader->at) : left;
    struct cm_slice line = cm_slice(reader->at, bytes);
    reader->at += bytes + (stop != NULL);
    reader->line++;
    if (line.len > 0 && line.data[line.len - 1] == '\r')
        line.len--;
    if (line.len > 0 && memchr(" \t#;", line.data[0], 4) == NULL)
        give(reader); /* faults come in the order of lines */
    if (!check_line(reader, line, room))
        line.len = 0;
    memcpy(to, line.data, line.len);
    to[line.len] = '\0';
    look_at(reader, to);
    to[line.len] = '\n';
    to[line.len + 1] = '\0';
    return to;
}

enum cm_status cm_config_read_text(struct cm_config_parse *parse, struct cm_slice text) {
    static const char mark[] = "\xef\xbb\xbf"; /* of UTF-8 */
    struct cm_config_reader reader = {.parse = parse, .is_settled = true};
    if (text.len >= strlen(mark) && memcmp(text.data, mark, strlen(mark)) == 0)
        text = cm_slice(text.data + strlen(mark), text.len - strlen(mark));
    if (text.len == 0) /* which may be nowhere */
        text = CM_SLICE("");
    reader.at = text.data;
    reader.end = text.data + text.len;
    enum cm_status status = cm_config_read_ini(&reader);
    give(&reader);
    cm_buf_deinit(&reader.value);
    return status == CM_OK ? reader.status : status;
}

/* ---- the file ---- */

/* All of it, or a byte more than is allowed. False: errno tells why. */
static bool read_all(FILE *file, struct cm_buf *text, enum cm_status *status) {
    while (*status == CM_OK && cm_buf_len(text) <= FILE_BYTES_MAX) {
        *status = cm_buf_reserve(text, PIECE_BYTES);
        if (*status != CM_OK)
            break;
        size_t got = fread(cm_buf_tail(text), 1, PIECE_BYTES, file);
        cm_buf_wrote(text, got);
        if (got < PIECE_BYTES)
            return ferror(file) == 0;
    }
    return true;
}

static enum cm_status refuse_file(struct cm_config_parse *parse, const char *path,
                                  const char *why) {
    parse->error->in_file = true;
    return cm_config_fail(parse->error, "cannot read the configuration \"%.400s\": %s", path, why);
}

/* By whoever starts the server, a pipe perhaps: nobody else need come. A second time it is empty, or
 * something else. */
static bool is_open_already(const char *path) {
    static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
    return strcmp(path, "/dev/stdin") == 0 || strncmp(path, folders[0], strlen(folders[0])) == 0 ||
           strncmp(path, folders[1], strlen(folders[1])) == 0;
}

static FILE *open_file(const struct cm_config_parse *parse, const char *path, const char **why) {
    bool takes_open = is_open_already(path) && !parse->line->is_again;
    if (!takes_open && strcmp(path, "/dev/null") != 0)
        return cm_os_open_regular(path, why);
    FILE *file = fopen(path, "rb");
    *why = file == NULL ? strerror(errno) : NULL;
    return file;
}

enum cm_status cm_config_read_file(struct cm_config_parse *parse, const char *path,
                                   bool must_be_there) {
    struct cm_buf text = {0};
    enum cm_status status = CM_OK;
    const char *why;
    errno = 0; /* it stays so where `why` is not the system's */
    FILE *file = open_file(parse, path, &why);
    if (file == NULL && !must_be_there && (errno == ENOENT || errno == ENOTDIR))
        return CM_OK;
    if (file == NULL || !read_all(file, &text, &status))
        status = refuse_file(parse, path, file == NULL ? why : strerror(errno));
    else if (status == CM_OK && cm_buf_len(&text) > FILE_BYTES_MAX)
        status = refuse_file(parse, path, "it is larger than 1 MB");
    char *name = strdup(path);
    enum cm_status kept = cm_config_keep(&parse->config->copies, name);
    if (status == CM_OK && (status = kept) == CM_OK) {
        parse->config->file = name;
        parse->place = (struct cm_config_place){.origin = CM_CONFIG_FROM_FILE};
        status = cm_config_read_text(parse, cm_buf_slice(&text));
    }
    if (file != NULL)
        (void)fclose(file);
    cm_buf_deinit(&text);
    return status;
}
