/* SPDX-License-Identifier: BSD-3-Clause */

#include "top/view.h"

void cm_top_draw_help(struct cm_grid *grid) {
    static const struct {
        const char *key, *text;
    } lines[] = {
        {"q", "quit"},
        {"Up Down Enter", "pick a server and look at it alone; Enter or Esc: all"},
        {"1 ... 9", "that server alone; 0: all"},
        {"Left Right", "sort by another column"},
        {"o h m e c n", "sort by ops, hits, memory, evictions, connections, name"},
        {"k", "the keys asked for most; again: the servers"},
        {"l", "how long gets and sets take; again: how much there is to do"},
        {"p", "pause, go on"},
        {"+ -", "a longer interval, a shorter one"},
        {"?", "this; any key leaves it"},
        {"", ""},
        {"found %", "requests of a kind that found their item"},
        {"cas, meta", "counted among the others, which add up to ops/s"},
        {"share%", "of all requests; ! is 1.5 times what is fair, or more"},
        {"unread", "evicted items that nobody had ever asked for"},
        {"idle", "how long what was evicted had not been used (memcached)"},
        {"ping", "asking for the version and getting it; of all: the worst"},
        {"p50, p99", "half, 99 % of requests took at most that, since the start"},
        {"cpu", "200 % are two processors"},
        {"-", "not known: not told, or nothing yet to compare with"},
    };
    for (unsigned i = 0; i < sizeof lines / sizeof lines[0] && i + 3 < grid->rows; i++) {
        const struct cm_spot key = {i + 2, 2, 14, CM_STYLE_KEY, false};
        const struct cm_spot text = {i + 2, 17, grid->columns - 18, CM_STYLE_PLAIN, false};
        cm_grid_put(grid, key, lines[i].key);
        cm_grid_put(grid, text, lines[i].text);
    }
}
