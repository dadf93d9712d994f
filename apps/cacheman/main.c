/* SPDX-License-Identifier: BSD-3-Clause */

/* cacheman is several programs: the first operand may pick one of these, all else is for the
 * console. */
#include "cli/exit.h"
#include "cli/man.h"
#include "console/console.h"
#include "replay/replay.h"
#include "stress/stress.h"
#include "top/top.h"

#include <locale.h>
#include <string.h>

static const struct {
    const char *name;
    int (*main)(char **argv); /* argv[0] is the name */
    const struct cm_cli *cli;
} programs[] = {
    {"console", cm_console_main, &cm_console_cli},
    {"stress", cm_stress_main, &cm_stress_cli},
    {"replay", cm_replay_main, &cm_replay_cli},
    {"top", cm_top_main, &cm_top_cli},
};
enum { PROGRAMS = sizeof programs / sizeof programs[0] };

/* For script/man. */
static int print_man(void) {
    const struct cm_cli *tables[PROGRAMS];
    for (size_t i = 0; i < PROGRAMS; i++)
        tables[i] = programs[i].cli;
    cm_cli_print_man(stdout, tables, PROGRAMS);
    return fflush(stdout) == 0 ? CM_EXIT_OK : CM_EXIT_OUTPUT;
}

int main(int argc, char **argv) {
    setlocale(LC_CTYPE, ""); /* which characters print, and how wide they are */
    if (argc == 2 && strcmp(argv[1], "--man") == 0)
        return print_man();
    for (size_t i = 0; argc > 1 && i < PROGRAMS; i++) {
        if (strcmp(argv[1], programs[i].name) == 0)
            return programs[i].main(argv + 1);
    }
    return cm_console_main(argv);
}
