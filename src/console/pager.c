/* SPDX-License-Identifier: BSD-3-Clause */
#include "console/pager.h"

#include "base/os/os.h"
#include "base/os/terminal.h"

static size_t page(const struct cm_pager *pager) {
    const unsigned rows = pager->console->term.rows;
    return rows > 2 ? rows - 1 : 1;
}

void cm_pager_init(struct cm_pager *pager, struct cm_console *console) {
    *pager = (struct cm_pager){.console = console};
    pager->works =
        cm_for_people(console) && console->mode != CM_MODE_SCRIPT && cm_os_terminal_is_input();
    pager->left = page(pager);
}

/* Ctrl-C is a signal until the terminal passes it on as a key. */
static bool is_interrupted(const struct cm_console *console, char key) {
    return key == '\003' || (console->mode == CM_MODE_PROMPT && cm_os_interrupt_take());
}

static bool ask(struct cm_pager *pager) {
    static const char question[] = "-- more: space a page, enter a line, q the end --";
    char key = 'q';
    printf("%s%s%s", cm_colour(pager->console, CM_DIM), question,
           cm_colour(pager->console, CM_PLAIN));
    fflush(stdout);
    if (cm_os_terminal_read_key(&key) != CM_OK)
        key = 'q';
    printf("\r%*s\r", (int)sizeof question - 1, "");
    cm_term_look(&pager->console->term);
    pager->interrupted = is_interrupted(pager->console, key);
    pager->left = key == '\n' || key == '\r' || key == 'j' ? 1 : page(pager);
    return !pager->interrupted && key != 'q' && key != 'Q' && key != '\004' && key != '\033';
}

bool cm_pager_go_on(struct cm_pager *pager, size_t columns) {
    const unsigned width = pager->console->term.columns;
    size_t lines = columns <= width ? 1 : (columns + width - 1) / width;
    bool good = true;
    if (!pager->works)
        return true;
    if (pager->left == 0) {
        const uint64_t began_ns = cm_os_monotonic_ns();
        good = ask(pager);
        pager->console->idle_ns += cm_os_monotonic_ns() - began_ns;
    }
    pager->left -= lines < pager->left ? lines : pager->left;
    return good;
}
