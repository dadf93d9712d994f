/* SPDX-License-Identifier: BSD-3-Clause */

/* Commands that change one item. */

#include "console/batch.h"

#include "base/num.h"
#include "base/os/terminal.h"
#include <errno.h>
#include <inttypes.h>

#define PIECE_BYTES     ((size_t)1 << 16)
#define VALUE_BYTES_MAX ((size_t)1 << 30) /* the most that any server may be told to take */

/* ---- values ---- */

static int read_all(struct cm_console *console, FILE *file, const char *name,
                    struct cm_buf *value) {
    struct cm_shown shown;
    while (!feof(file)) {
        if (cm_buf_reserve(value, PIECE_BYTES) != CM_OK)
            return cm_error(console, CM_EXIT_INPUT, "%s is larger than memory",
                            cm_show_text(&shown, name));
        errno = 0;
        cm_buf_wrote(value, fread(cm_buf_tail(value), 1, PIECE_BYTES, file));
        if (ferror(file))
            return cm_error(console, CM_EXIT_INPUT, "cannot read %s: %s",
                            cm_show_text(&shown, name), strerror(errno));
        if (cm_buf_len(value) > VALUE_BYTES_MAX)
            return cm_error(console, CM_EXIT_INPUT, "%s is larger than any server takes",
                            cm_show_text(&shown, name));
    }
    return CM_EXIT_OK;
}

static int read_file(struct cm_console *console, const char *name, struct cm_buf *value) {
    struct cm_shown shown;
    FILE *file = fopen(name, "rb");
    const int why = errno; /* showing the name may set it anew */
    if (file == NULL)
        return cm_error(console, CM_EXIT_INPUT, "cannot open %s: %s", cm_show_text(&shown, name),
                        strerror(why));
    const int status = read_all(console, file, name, value);
    fclose(file);
    return status;
}

/* The value is the operand, or the file after '<', or all of standard input; `kept` holds what was
 * read. */
static int take_value(struct cm_console *console, const struct cm_args *args, struct cm_buf *kept,
                      struct cm_slice *value) {
    const bool given = args->count == args->command->max;
    int status = CM_EXIT_OK;
    if (given && args->input != NULL)
        return cm_error(console, CM_EXIT_USAGE, "%s: there is both a value and '< %s'",
                        args->command->name, cm_show_text(&(struct cm_shown){0}, args->input));
    if (given)
        *value = args->operands[args->count - 1];
    else if (args->input != NULL)
        status = read_file(console, args->input, kept);
    else if (console->mode == CM_MODE_ONCE && !cm_os_terminal_is_input())
        status = read_all(console, stdin, "standard input", kept);
    else
        status = cm_error(console, CM_EXIT_USAGE,
                          "%s: the value is missing; give it behind the key, or '< FILE'",
                          args->command->name);
    if (!given)
        *value = cm_buf_slice(kept);
    return status;
}

/* ---- answers ---- */

static int tell(struct cm_console *console, const struct cacheman_request *request,
                enum cacheman_outcome outcome) {
    struct cm_shown shown;
    const char *key = cm_show(&shown, cm_of(request->key));
    static const char *const not_stored[] = {
        [CACHEMAN_ADD] = "there is such an item already; 'set' replaces it",
        [CACHEMAN_REPLACE] = "there is no such item; 'set' and 'add' store one",
        [CACHEMAN_APPEND] = "there is no such item, or it would become too large",
        [CACHEMAN_PREPEND] = "there is no such item, or it would become too large",
    };
    switch (outcome) {
    case CACHEMAN_STORED:
        cm_answer(console, "stored");
        return CM_EXIT_OK;
    case CACHEMAN_EXISTS:
        return cm_no(console, "%s: not stored: it was changed since; 'get' shows its cas", key);
    case CACHEMAN_MISS:
        return cm_no(console, "%s: there is no such item", key);
    default:
        break;
    }
    const bool is_known = request->verb == CACHEMAN_ADD || request->verb == CACHEMAN_REPLACE ||
                          request->verb == CACHEMAN_APPEND || request->verb == CACHEMAN_PREPEND;
    return cm_no(console, "%s: not stored%s%s", key, is_known ? ": " : "",
                 is_known ? not_stored[request->verb] : "");
}

static void key_to_json(struct cm_console *console, const struct cacheman_request *request,
                        bool done) {
    if (console->json == NULL)
        return;
    cm_json_set_bytes(console->json, "key", cm_of(request->key));
    (void)json_object_set_new(console->json, "done", json_boolean(done));
}

/* ---- storing ---- */

static int store(struct cm_console *console, const struct cm_args *args,
                 struct cacheman_request *request) {
    struct cm_buf kept = {0};
    struct cm_slice value = {0};
    struct cacheman_result result;
    int status = take_value(console, args, &kept, &value);
    request->key = cm_to(args->operands[0]);
    request->value = cm_to(value);
    request->ttl_s = args->given.ttl;
    request->flags = (uint32_t)args->given.flags;
    if (status == CM_EXIT_OK)
        status = cm_batch_one(console, request, &result);
    if (status == CM_EXIT_OK) {
        status = tell(console, request, result.outcome);
        cacheman_release(&result, 1);
    }
    key_to_json(console, request, status == CM_EXIT_OK);
    cm_buf_deinit(&kept);
    return status;
}

/* A number that is called `what`. */
struct number {
    const char *what;
    struct cm_slice text;
};

static bool take_number(struct cm_console *console, const struct cm_args *args,
                        const struct number *number, uint64_t *out) {
    struct cm_shown shown;
    if (cm_num_u64(number->text, out))
        return true;
    (void)cm_error(console, CM_EXIT_USAGE, "%s: %s %s: must be a number from 0 to %" PRIu64,
                   args->command->name, number->what, cm_show(&shown, number->text), UINT64_MAX);
    return false;
}

static struct number number_of(const char *what, const char *text) {
    return (struct number){what, cm_slice(text, strlen(text))};
}

int cm_command_store(struct cm_console *console, const struct cm_args *args) {
    static const struct {
        const char *name;
        enum cacheman_verb verb;
    } verbs[] = {{"set", CACHEMAN_SET},
                 {"add", CACHEMAN_ADD},
                 {"replace", CACHEMAN_REPLACE},
                 {"append", CACHEMAN_APPEND},
                 {"prepend", CACHEMAN_PREPEND}};
    struct cacheman_request request = {.verb = CACHEMAN_SET};
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(args->command->name, verbs[i].name) == 0)
            request.verb = verbs[i].verb;
    }
    if (args->given.cas != NULL) {
        const struct number cas = number_of("--cas", args->given.cas);
        request.verb = CACHEMAN_CAS;
        if (!take_number(console, args, &cas, &request.cas))
            return CM_EXIT_USAGE;
    }
    return store(console, args, &request);
}

int cm_command_cas(struct cm_console *console, const struct cm_args *args) {
    struct cacheman_request request = {.verb = CACHEMAN_CAS};
    const struct number cas = {"CAS", args->operands[1]};
    if (!take_number(console, args, &cas, &request.cas))
        return CM_EXIT_USAGE;
    return store(console, args, &request);
}

/* ---- the rest ---- */

static bool take_numbers(struct cm_console *console, const struct cm_args *args,
                         struct cacheman_request *request) {
    if (args->count == 2) {
        const struct number delta = {"N", args->operands[1]};
        if (!take_number(console, args, &delta, &request->delta))
            return false;
    }
    if (!request->create)
        return true;
    const struct number initial = number_of("--initial", args->given.initial);
    return take_number(console, args, &initial, &request->initial);
}

int cm_command_count(struct cm_console *console, const struct cm_args *args) {
    const bool up = strcmp(args->command->name, "incr") == 0;
    struct cacheman_result result;
    struct cm_shown shown;
    struct cacheman_request request = {.verb = up ? CACHEMAN_INCREMENT : CACHEMAN_DECREMENT,
                                       .key = cm_to(args->operands[0]),
                                       .delta = 1,
                                       .ttl_s = args->given.ttl,
                                       .create = args->given.initial != NULL};
    if (!take_numbers(console, args, &request))
        return CM_EXIT_USAGE;
    if (args->given.ttl != 0 && !request.create)
        return cm_error(console, CM_EXIT_USAGE,
                        "%s: --ttl is for an item that --initial creates; 'touch' changes one",
                        args->command->name);
    int status = cm_batch_one(console, &request, &result);
    if (status == CM_EXIT_OK && result.outcome != CACHEMAN_HIT)
        status = cm_no(console, "%s: there is no such item; --initial N creates it",
                       cm_show(&shown, args->operands[0]));
    else if (status == CM_EXIT_OK)
        cm_answer(console, "%" PRIu64, result.number);
    key_to_json(console, &request, status == CM_EXIT_OK);
    if (console->json != NULL && status == CM_EXIT_OK)
        cm_json_set_u64(console->json, "number", result.number);
    return status;
}

int cm_command_touch(struct cm_console *console, const struct cm_args *args) {
    const struct cm_slice text = args->operands[1];
    const struct cm_cli_option *option = &cm_given_options[CM_GIVEN_TTL];
    char allowed[CM_CLI_WHY_BYTES] = "a time";
    struct cm_shown shown;
    struct cacheman_result result;
    struct cacheman_request request = {.verb = CACHEMAN_TOUCH, .key = cm_to(args->operands[0])};
    if (strlen(text.data) != text.len || !cm_cli_value(option, text.data, &request.ttl_s, allowed))
        return cm_error(console, CM_EXIT_USAGE, "touch: TTL %s: must be %s", cm_show(&shown, text),
                        allowed);
    int status = cm_batch_one(console, &request, &result);
    if (status == CM_EXIT_OK && result.outcome != CACHEMAN_HIT)
        status = cm_no(console, "%s: there is no such item", cm_show(&shown, args->operands[0]));
    else if (status == CM_EXIT_OK)
        cm_answer(console, "touched");
    key_to_json(console, &request, status == CM_EXIT_OK);
    return status;
}

int cm_command_delete(struct cm_console *console, const struct cm_args *args) {
    struct cm_batch batch;
    struct cm_shown shown;
    size_t deleted = 0;
    int status = cm_batch_init(console, args, &batch);
    if (status != CM_EXIT_OK)
        return status;
    for (size_t i = 0; i < batch.count; i++)
        batch.requests[i].verb = CACHEMAN_DELETE;
    cm_batch_run(console, &batch);
    for (size_t i = 0; i < batch.count; i++) {
        int one = cm_batch_failed(console, args->operands[i], &batch.results[i]);
        if (one == CM_EXIT_OK && batch.results[i].outcome != CACHEMAN_HIT)
            one = cm_no(console, "%s: there is no such item", cm_show(&shown, args->operands[i]));
        deleted += one == CM_EXIT_OK;
        status = cm_worse(status, one);
    }
    if (console->json != NULL)
        cm_json_set_u64(console->json, "deleted", deleted);
    if (batch.count == 1 && deleted == 1)
        cm_answer(console, "deleted");
    else if (batch.count > 1)
        cm_answer(console, "deleted %zu of %zu", deleted, batch.count);
    cm_batch_deinit(&batch);
    return status;
}
