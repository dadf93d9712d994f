/* SPDX-License-Identifier: BSD-3-Clause */

/* cacheman is several programs: the first operand may pick one of these, all else is for the
 * console. */
#include "console/console.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *name;
    int (*main)(char **argv); /* argv[0] is the name */
} programs[] = {
    {"console", cm_console_main},
};

int main(int argc, char **argv) {
    for (size_t i = 0; argc > 1 && i < sizeof programs / sizeof programs[0]; i++) {
        if (strcmp(argv[1], programs[i].name) == 0)
            return programs[i].main(argv + 1);
    }
    return cm_console_main(argv);
}
