/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "console/prompt.h"

#include "cli/safe.h"
#include "console/complete.h"
#include "console/internal.h"
#include "console/record.h"
#include <histedit.h>
#include <signal.h>
#include <stdlib.h>

enum { PROMPT_BYTES = 200, NAME_COLUMNS = 40 };

/* Around what moves no cursor, for libedit. */
#define UNSEEN "\1"

struct cm_prompt {
    struct cm_console *console;
    EditLine *edit;
    History *history;
    bool cancelled; /* by Ctrl-C */
    char text[PROMPT_BYTES];
};

static struct cm_prompt *of(EditLine *edit) {
    struct cm_prompt *prompt = NULL;
    el_get(edit, EL_CLIENTDATA, &prompt);
    return prompt;
}

/* ---- what stands before the line ---- */

static void name_servers(const struct cm_console *console, char *to, size_t room) {
    struct cacheman_server *servers = NULL;
    size_t count = 0;
    if (console->client == NULL || cacheman_servers(console->client, &servers, &count) != CM_OK)
        snprintf(to, room, "cacheman");
    else if (count == 1)
        snprintf(to, room, "%.*s", NAME_COLUMNS, servers[0].name);
    else
        snprintf(to, room, "%zu servers", count);
    free(servers);
}

static char *prompt_text(EditLine *edit) {
    struct cm_prompt *prompt = of(edit);
    const struct cm_term *term = &prompt->console->term;
    char name[NAME_COLUMNS + 24];
    struct cm_shown shown;
    name_servers(prompt->console, name, sizeof name);
    const char *text = cm_show_text(&shown, name);
    if (term->has_colours)
        snprintf(prompt->text, sizeof prompt->text,
                 UNSEEN "%s" UNSEEN "%.80s>" UNSEEN "%s" UNSEEN " ", cm_term_colour(term, CM_BOLD),
                 text, cm_term_colour(term, CM_PLAIN));
    else
        snprintf(prompt->text, sizeof prompt->text, "%.80s> ", text);
    return prompt->text;
}

/* ---- keys ---- */

static unsigned char on_cancel(EditLine *edit, int key) {
    (void)key;
    of(edit)->cancelled = true;
    puts("^C");
    return CC_NEWLINE;
}

/* libedit's own handler leaves the terminal as it found it first. */
static unsigned char on_signal(EditLine *edit, int key) {
    (void)edit;
    (void)raise(key == 'Z' - '@' ? SIGTSTP : SIGQUIT);
    return CC_REDISPLAY;
}

static struct cm_slice word_of(const struct cm_completions *completions, size_t number) {
    const char *word = completions->words[number];
    return cm_slice(word, strlen(word));
}

/* Below the line, in columns. */
static void list(const struct cm_prompt *prompt, const struct cm_completions *completions) {
    enum { GAP = 2, LISTED_MAX = 200 };
    size_t widest = 1;
    const size_t count = completions->count < LISTED_MAX ? completions->count : LISTED_MAX;
    for (size_t i = 0; i < count; i++) {
        const size_t width = cm_safe_columns(word_of(completions, i));
        widest = width > widest ? width : widest;
    }
    const size_t columns = prompt->console->term.columns / (widest + GAP);
    const size_t across = columns == 0 ? 1 : columns;
    putchar('\n');
    for (size_t i = 0; i < count; i++) {
        const bool ends = (i + 1) % across == 0 || i + 1 == count;
        const size_t used = cm_safe_print(stdout, word_of(completions, i), 0);
        printf("%*s", ends ? 0 : (int)(widest + GAP - used), "");
        fputs(ends ? "\n" : "", stdout);
    }
    if (count < completions->count)
        printf("and %zu more\n", completions->count - count);
    fflush(stdout);
}

static unsigned char on_tab(EditLine *edit, int key) {
    struct cm_prompt *prompt = of(edit);
    const LineInfo *line = el_line(edit);
    struct cm_completions completions;
    unsigned char done = CC_ERROR;
    (void)key;
    cm_term_look(&prompt->console->term);
    cm_complete(prompt->console, cm_slice(line->buffer, (size_t)(line->cursor - line->buffer)),
                &completions);
    if (completions.count > 0 && completions.common > completions.typed) {
        char *word = completions.words[0];
        word[completions.common] = '\0';
        if (el_insertstr(edit, word + completions.typed) == 0)
            done = CC_REFRESH;
    }
    if (completions.count == 1 && el_insertstr(edit, " ") == 0)
        done = CC_REFRESH;
    if (completions.count > 1 && done == CC_ERROR) {
        list(prompt, &completions);
        done = CC_REDISPLAY;
    }
    cm_completions_deinit(&completions);
    return done;
}

/* Ctrl-C and the like are keys here; while commands run they are signals again. */
static void set_keys(EditLine *edit) {
    static const char *const bindings[][2] = {
        {"^I", "cm-complete"},        {"^C", "cm-cancel"},
        {"^Z", "cm-signal"},          {"^\\", "cm-signal"},
        {"^R", "em-inc-search-prev"}, {"\\e[1~", "ed-move-to-beg"},
        {"\\e[4~", "ed-move-to-end"}, {"\\e[H", "ed-move-to-beg"},
        {"\\e[F", "ed-move-to-end"},  {"\\e[3~", "ed-delete-next-char"},
        {"\\e[1;5D", "ed-prev-word"}, {"\\e[1;5C", "em-next-word"},
    };
    el_set(edit, EL_EDITOR, "emacs");
    el_set(edit, EL_SIGNAL, 1);
    /* wide: libedit copies narrow names and never frees them */
    el_wset(edit, EL_ADDFN, L"cm-complete", L"complete the word", on_tab);
    el_wset(edit, EL_ADDFN, L"cm-cancel", L"begin a new line", on_cancel);
    el_wset(edit, EL_ADDFN, L"cm-signal", L"stop or end the console", on_signal);
    for (size_t i = 0; i < sizeof bindings / sizeof bindings[0]; i++)
        el_set(edit, EL_BIND, bindings[i][0], bindings[i][1], NULL);
    el_set(edit, EL_SETTY, "-d", "-isig", NULL);
}

/* ---- history ---- */

static void remember(void *context, const char *line) {
    struct cm_prompt *prompt = context;
    HistEvent event;
    (void)history(prompt->history, &event, H_ENTER, line);
}

void cm_prompt_print_history(struct cm_prompt *prompt, FILE *to, size_t count) {
    HistEvent event;
    if (history(prompt->history, &event, H_GETSIZE) != 0)
        return;
    const size_t all = event.num < 0 ? 0 : (size_t)event.num;
    int found = history(prompt->history, &event, H_LAST);
    for (size_t i = 0; i < all && found == 0; i++) {
        const struct cm_slice line = cm_slice(event.str, strcspn(event.str, "\n"));
        if (i + count >= all) {
            (void)cm_safe_print(to, line, 0);
            fputc('\n', to);
        }
        found = history(prompt->history, &event, H_PREV);
    }
}

/* ---- the prompt ---- */

struct cm_prompt *cm_prompt_create(struct cm_console *console) {
    struct cm_prompt *prompt = calloc(1, sizeof *prompt);
    HistEvent event;
    if (prompt == NULL)
        return NULL;
    prompt->console = console;
    prompt->edit = el_init("cacheman", stdin, stdout, stderr);
    prompt->history = history_init();
    if (prompt->edit == NULL || prompt->history == NULL) {
        cm_prompt_destroy(prompt);
        return NULL;
    }
    (void)history(prompt->history, &event, H_SETSIZE, CM_RECORD_LINES_MAX);
    (void)history(prompt->history, &event, H_SETUNIQUE, 1);
    el_set(prompt->edit, EL_CLIENTDATA, prompt);
    el_set(prompt->edit, EL_PROMPT_ESC, prompt_text, *UNSEEN);
    el_set(prompt->edit, EL_HIST, history, prompt->history);
    set_keys(prompt->edit);
    el_source(prompt->edit, NULL);
    cm_record_read(remember, prompt);
    return prompt;
}

void cm_prompt_destroy(struct cm_prompt *prompt) {
    if (prompt == NULL)
        return;
    if (prompt->edit != NULL)
        el_end(prompt->edit);
    if (prompt->history != NULL)
        history_end(prompt->history);
    free(prompt);
}

bool cm_prompt_read(struct cm_prompt *prompt, struct cm_slice *line) {
    int count = 0;
    prompt->cancelled = false;
    cm_term_look(&prompt->console->term);
    el_set(prompt->edit, EL_PREP_TERM,
           1); /* or keys typed right behind the prompt are the system's */
    const char *text = el_gets(prompt->edit, &count);
    if (prompt->cancelled) {
        *line = cm_slice("", 0);
        return true;
    }
    if (text == NULL || count <= 0) {
        putchar('\n');
        return false;
    }
    *line = cm_slice(text, strcspn(text, "\n"));
    if (cm_record_wants(*line)) {
        char *copy = strndup(line->data, line->len);
        if (copy != NULL)
            remember(prompt, copy);
        free(copy);
        cm_record_add(*line);
    }
    return true;
}
