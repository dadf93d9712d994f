/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#include "top/keys.h"
#include "top/report.h"
#include <locale.h>
#include <math.h>
#include <stdlib.h>

struct screen {
    struct rig rig;
    struct cm_grid grid;
    struct cm_top_state state;
};

static int setup(void **state) {
    struct screen *screen = calloc(1, sizeof *screen);
    screen->state = (struct cm_top_state){.order = CM_TOP_BY_OPS, .interval_us = 1000000};
    screen->rig.sample.wall_s = 1000000;
    screen->rig.sample.at_ns = 5000000000;
    *state = screen;
    return screen == NULL;
}

static int teardown(void **state) {
    struct screen *screen = *state;
    cm_top_model_deinit(&screen->rig.model);
    cm_grid_deinit(&screen->grid);
    free(screen);
    return 0;
}

static void look(struct screen *screen, unsigned columns, unsigned rows) {
    assert_int_equal(cm_grid_resize(&screen->grid, columns, rows), CM_OK);
    cm_top_draw(&screen->grid, &screen->rig.model, &screen->state);
}

/* `count` servers, the first of which has three times what the others have; then one that is down. */
static void load(struct screen *screen, unsigned count) {
    for (unsigned round = 0; round < 2; round++) {
        rig_next(&screen->rig, 1);
        for (unsigned i = 0; i < count; i++) {
            char name[32], lines[500];
            const unsigned gets = round * (i == 0 ? 3000 : 1000);
            sprintf(name, "server%u:11211", i + 1);
            sprintf(lines,
                    "version 1.6.45-cacheman-0.1.0\npid 7\nuptime %u\ncmd_get %u\nget_hits %u\n"
                    "get_misses %u\nevictions %u\nevicted_unfetched %u\ncurr_connections 12\n"
                    "limit_maxbytes 1048576\nbytes 524288\nhash_bytes 104857\ncurr_items 512\n"
                    "bytes_read %u\nrusage_user %u.5\nrusage_system 0.0\nitems:1:evicted_time 65\n",
                    3600 + round, gets, gets / 4 * 3, gets / 4, 100 * round, 25 * round,
                    2048 * round, round);
            rig_up(&screen->rig, name, lines)->ping_ns = 250000;
        }
        rig_down(&screen->rig, "dead:11211", "Connection refused");
        rig_take(&screen->rig);
    }
}

static void before_the_first_answer(void **state) {
    struct screen *screen = *state;
    look(screen, 80, 24);
    assert_string_equal(rig_row(&screen->grid, 0), " cacheman top  asking ...                      "
                                                   "             every 1 s  00:00:00");
    rig_find(&screen->grid, "requests      /s found %");
}

static void everything_at_80_by_24(void **state) {
    struct screen *screen = *state;
    load(screen, 2);
    look(screen, 80, 24);
    const struct cm_grid *grid = &screen->grid;
    assert_non_null(strstr(rig_row(grid, 0), " cacheman top  3 servers, 1 down  "));
    assert_string_equal(rig_row(grid, 1),
                        " 4.00k ops/s   75.0 % hits   1.02k items   24 conns   200 evicted/s");
    rig_find(grid, " get        4.00k    75.0 ");
    rig_find(grid, " evicted         200 /s ");
    rig_find(grid, "  unread         25.0 % idle 1 min 5 s");
    rig_find(grid, " in          4.00 KiB/s ");
    rig_find(grid, " cpu              200 % ");
    rig_find(grid, " ping            250 us ");
    const unsigned memory = rig_find(grid, " memory ███");
    assert_non_null(strstr(rig_row(grid, memory), "60 % of 2.00 MiB"));
    assert_string_equal(rig_row(grid, memory + 1),
                        "        items 1.00 MiB   index 205 KiB   an item 1.00 KiB");
    const unsigned head = rig_find(grid, "server ");
    assert_string_equal(rig_row(grid, head), "     server          ops/s share%  hit%"
                                             " mem% evict/s conns cpu%    ping");
    assert_string_equal(rig_row(grid, head + 1),
                        "   3 dead:11211      down 1 s: Connection refused");
    assert_string_equal(rig_row(grid, head + 2), "   1 server1:11211   3.00k     75  75.0   60 "
                                                 "    100    12  100  250 us");
    assert_string_equal(rig_row(grid, 23),
                        " q quit  ? help  Enter server  p pause  +- interval  ohmecn sort"
                        "  k keys  l time");
}

/* Two servers that tell of times and keys, one of which is slow, and one that does not. */
static void load_told(struct screen *screen) {
    rig_next(&screen->rig, 1);
    rig_up(&screen->rig, "fast:1",
           "version 1.6.45-cacheman-0.1.0\npid 1\nget:p50_us 1.500\nget:p99_us 40.250\n"
           "set:p50_us 2.000\nset:p99_us 90.000\n1:key user%3A1\n1:requests 1000\n1:share 0.25\n"
           "1:requests_per_second 250.00\n1:writes 100\n1:misses 30\n")
        ->keys_asked = true;
    rig_up(&screen->rig, "slow:1",
           "version 1.6.45-cacheman-0.1.0\npid 1\nget:p50_us 3.000\nget:p99_us 1200.000\n"
           "2:key b%1B%5B2J\n2:requests 10\n2:share 0.01\n2:requests_per_second 9.50\n"
           "2:writes 0\n2:misses 10\n1:key all\n1:requests 4000\n1:share 0.5\n"
           "1:requests_per_second 4100\n1:writes 4000\n1:misses 0\n")
        ->keys_asked = true;
    rig_up(&screen->rig, "other:1", "version 1.6.18\npid 1\n");
    rig_take(&screen->rig);
}

static void times_at_80_by_24(void **state) {
    struct screen *screen = *state;
    load_told(screen);
    cm_top_press(&screen->state, &screen->rig.model, 'l');
    look(screen, 80, 24);
    const struct cm_grid *grid = &screen->grid;
    const unsigned head = rig_find(grid, "server ");
    assert_string_equal(rig_row(grid, head), "     server          get p99  set p99  get p50  set "
                                             "p50  ops/s    ping cpu%");
    assert_string_equal(rig_row(grid, head + 1), "   2 slow:1          1.20 ms        -  3.00 us   "
                                                 "     -      -       -    -");
    assert_string_equal(rig_row(grid, head + 2), "   1 fast:1          40.2 us  90.0 us  1.50 us  "
                                                 "2.00 us      -       -    -");
    assert_non_null(strstr(rig_row(grid, head + 3), "   3 other:1               -        -"));
    cm_top_press(&screen->state, &screen->rig.model, 'l');
    look(screen, 80, 24);
    rig_find(grid, "ops/s share%  hit%");
    screen->state.single = 1;
    look(screen, 80, 24);
    rig_find(grid, " half of gets took            1.50 us   99 % of gets took            40.2 us");
    rig_find(grid, " half of sets took            2.00 us   99 % of sets took            90.0 us");
    screen->state.single = 3;
    look(screen, 80, 24);
    assert_string_equal(
        rig_row(grid, rig_find(grid, "since the server started") + 1),
        " found since start                  -   items stored                       -");
}

static void keys_at_80_by_24(void **state) {
    struct screen *screen = *state;
    const struct cm_grid *grid = &screen->grid;
    cm_top_press(&screen->state, &screen->rig.model, 'k');
    look(screen, 80, 24);
    rig_find(grid, " asking ...");
    load_told(screen);
    look(screen, 80, 24);
    const unsigned head = rig_find(grid, "share%");
    assert_string_equal(rig_row(grid, head),
                        "      /s share% write%  miss%  server                    key");
    assert_string_equal(rig_row(grid, head + 1),
                        "   4.10k   50.0    100    0.0  slow:1                    all");
    assert_string_equal(rig_row(grid, head + 2),
                        "     250   25.0   10.0    3.0  fast:1                    user:1");
    assert_string_equal(rig_row(grid, head + 3),
                        "     9.5    1.0    0.0    100  slow:1                    b\\x1b[2J");
    screen->state.single = 1;
    look(screen, 60, 24);
    assert_string_equal(rig_row(grid, rig_find(grid, "share%") + 1),
                        "     250   25.0   10.0    3.0  user:1");
    screen->state.single = 3;
    look(screen, 80, 24);
    rig_find(grid, " none told: nobody asks for any, or it is memcached, --hot-keys=0 or -X");
    look(screen, 40, 10);
    look(screen, 40, 11);
}

static void hot_servers_are_marked(void **state) {
    struct screen *screen = *state;
    load(screen, 4);
    look(screen, 80, 24);
    const unsigned row = rig_find(&screen->grid, "server1:11211   3.00k    50!");
    assert_int_equal(screen->grid.cells[row * 80 + 6].style, CM_STYLE_HOT);
}

/* Nothing is drawn outside of the grid at any size, which the sanitizers would tell. */
static void any_size_will_do(void **state) {
    struct screen *screen = *state;
    load(screen, 8);
    for (unsigned columns = 0; columns < 130; columns += columns < 45 ? 1 : 7) {
        for (unsigned rows = 0; rows < 70; rows += rows < 30 ? 1 : 9) {
            screen->state.single = (columns + rows) % 3 == 0 ? 2 : 0;
            screen->state.help = (columns + rows) % 7 == 0;
            look(screen, columns, rows);
        }
    }
    look(screen, 39, 10);
    assert_string_equal(rig_row(&screen->grid, 0), "too small: 39x10");
    assert_string_equal(rig_row(&screen->grid, 1), "at least 40x10");
    look(screen, 40, 9);
    assert_string_equal(rig_row(&screen->grid, 0), "too small: 40x9");
}

static void small_and_large(void **state) {
    struct screen *screen = *state;
    load(screen, 2);
    look(screen, 40, 10);
    assert_string_equal(rig_row(&screen->grid, 0), " cacheman top  3 servers, 1 down");
    assert_string_equal(rig_row(&screen->grid, 1), " 4.00k ops/s   75.0 % hits   1.02k items");
    rig_find(&screen->grid, "   1 server1:11211   3.00k     75  75.0");
    assert_string_equal(rig_row(&screen->grid, 9), " q quit  ? help  Enter server  p pause");
    look(screen, 200, 60);
    const unsigned head = rig_find(&screen->grid, "ping     in/s    out/s  ops/s");
    assert_non_null(strstr(rig_row(&screen->grid, head + 2), "2.00 KiB        -"));
    assert_non_null(strstr(rig_row(&screen->grid, head + 2), "█"));
    look(screen, 60, 50); /* the panels below each other */
    assert_int_equal(rig_find(&screen->grid, "load               now"),
                     rig_find(&screen->grid, "requests      /s found %") + CM_TOP_PANEL_ROWS);
}

static void keys_choose_servers(void **state) {
    struct screen *screen = *state;
    struct cm_top_state *at = &screen->state;
    load(screen, 3); /* ids 1 to 3, dead is 4 */
    look(screen, 80, 24);
    assert_true(cm_top_press(at, &screen->rig.model, CM_KEY_DOWN));
    assert_int_equal(at->selected, 4); /* what is down comes first */
    assert_true(cm_top_press(at, &screen->rig.model, CM_KEY_DOWN));
    assert_int_equal(at->selected, 1);
    look(screen, 80, 24);
    const unsigned row = rig_find(&screen->grid, "server1:11211");
    assert_int_equal(screen->grid.cells[row * 80 + 40].style, CM_STYLE_SELECTED);
    assert_true(cm_top_press(at, &screen->rig.model, CM_KEY_ENTER));
    assert_int_equal(at->single, 1);
    look(screen, 80, 24);
    assert_non_null(
        strstr(rig_row(&screen->grid, 0), " server1:11211  1.6.45-cacheman-0.1.0  up 1 h "));
    rig_find(&screen->grid, "found since start             75.0 %");
    rig_find(&screen->grid, "evictions                        100");
    rig_find(&screen->grid, "Enter all servers");
    cm_top_press(at, &screen->rig.model, CM_KEY_UP);
    assert_int_equal(at->single, 4);
    look(screen, 80, 24);
    assert_non_null(strstr(rig_row(&screen->grid, 0), " dead:11211  down: Connection refused "));
    cm_top_press(at, &screen->rig.model, CM_KEY_UP); /* the first stays */
    assert_int_equal(at->single, 4);
    cm_top_press(at, &screen->rig.model, CM_KEY_ENTER);
    assert_int_equal(at->single, 0);
    cm_top_press(at, &screen->rig.model, '3');
    assert_int_equal(at->single, 3);
    cm_top_press(at, &screen->rig.model, '9');
    assert_int_equal(at->single, 3);
    cm_top_press(at, &screen->rig.model, '0');
    assert_int_equal(at->single, 0);
    cm_top_press(at, &screen->rig.model, CM_KEY_BACK);
    assert_int_equal(at->selected, 0);
}

static void keys_change_the_rest(void **state) {
    struct screen *screen = *state;
    struct cm_top_state *at = &screen->state;
    const struct cm_top_model *model = &screen->rig.model;
    static const struct {
        char key;
        enum cm_top_order order;
    } orders[] = {{'n', CM_TOP_BY_NAME},    {'h', CM_TOP_BY_HIT},   {'m', CM_TOP_BY_MEMORY},
                  {'e', CM_TOP_BY_EVICTED}, {'c', CM_TOP_BY_CONNS}, {'o', CM_TOP_BY_OPS}};
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        cm_top_press(at, model, orders[i].key);
        assert_int_equal(at->order, orders[i].order);
    }
    cm_top_press(at, model, CM_KEY_RIGHT);
    assert_int_equal(at->order, CM_TOP_BY_HIT);
    for (int i = 0; i < CM_TOP_BY_GET; i++) /* those of times are not among them */
        cm_top_press(at, model, CM_KEY_LEFT);
    assert_int_equal(at->order, CM_TOP_BY_HIT);
    cm_top_press(at, model, 'l');
    assert_int_equal(at->order, CM_TOP_BY_GET);
    cm_top_press(at, model, CM_KEY_RIGHT);
    assert_int_equal(at->order, CM_TOP_BY_SET);
    cm_top_press(at, model, CM_KEY_RIGHT);
    cm_top_press(at, model, CM_KEY_RIGHT);
    cm_top_press(at, model, CM_KEY_RIGHT);
    assert_int_equal(at->order, CM_TOP_BY_CPU);
    cm_top_press(at, model, 'k');
    assert_int_equal(at->view, CM_TOP_VIEW_KEYS);
    assert_int_equal(at->order, CM_TOP_BY_OPS);
    cm_top_press(at, model, 'k');
    assert_int_equal(at->view, CM_TOP_VIEW_SERVERS);
    cm_top_press(at, model, '+');
    assert_int_equal(at->interval_us, 2000000);
    cm_top_press(at, model, '-');
    cm_top_press(at, model, '-');
    assert_int_equal(at->interval_us, 500000);
    for (int i = 0; i < 20; i++)
        cm_top_press(at, model, '-');
    assert_int_equal(at->interval_us, 100000);
    for (int i = 0; i < 20; i++)
        cm_top_press(at, model, '+');
    assert_int_equal(at->interval_us, 60000000);
    at->interval_us = 700000;
    cm_top_press(at, model, '+');
    assert_int_equal(at->interval_us, 1000000);
    cm_top_press(at, model, 'p');
    assert_true(at->paused);
    look(screen, 80, 24);
    assert_non_null(strstr(rig_row(&screen->grid, 0), "PAUSED"));
    cm_top_press(at, model, 'p');
    cm_top_press(at, model, '?');
    assert_true(at->help);
    look(screen, 80, 24);
    rig_find(&screen->grid, "200 % are two processors");
    cm_top_press(at, model, 'p'); /* only leaves the help */
    assert_false(at->help || at->paused);
    for (int key = 0; key < 0x300; key++) /* an empty model can be pressed anything */
        assert_int_equal(cm_top_press(at, model, key), key != 'q');
}

static void help_fits_80_columns(void **state) {
    struct screen *screen = *state;
    screen->state.help = true;
    look(screen, 80, 24);
    for (unsigned row = 0; row < 24; row++)
        assert_null(strchr(rig_row(&screen->grid, row), '~'));
    rig_find(&screen->grid, "not known: not told");
}

static void tables_scroll(void **state) {
    struct screen *screen = *state;
    load(screen, 30);
    screen->state.order = CM_TOP_BY_NAME;
    look(screen, 80, 24);
    for (int i = 0; i < 31; i++)
        cm_top_press(&screen->state, &screen->rig.model, CM_KEY_DOWN);
    look(screen, 80, 24);
    const unsigned last = rig_find(&screen->grid, "server9:11211");
    assert_int_equal(last, 22);
    assert_int_equal(screen->grid.cells[last * 80 + 40].style, CM_STYLE_SELECTED);
    look(screen, 80, 60); /* more room: no rows are left empty while there are servers */
    rig_find(&screen->grid, "dead:11211");
}

static void hostile_names_are_harmless(void **state) {
    struct screen *screen = *state;
    rig_next(&screen->rig, 1);
    rig_up(&screen->rig, "evil\033[2J\r\n:1", "version x\033]0;y\007\ncmd_get 1\n");
    rig_take(&screen->rig);
    look(screen, 120, 24);
    rig_find(&screen->grid, "evil\\x1b[2J\\r\\n:1");
    screen->state.single = 1;
    look(screen, 120, 24);
    rig_find(&screen->grid, "x\\x1b]0;y\\x07");
}

static void a_wrong_cluster_file_is_told(void **state) {
    struct screen *screen = *state;
    strcpy(screen->rig.sample.problem, "cluster file, line 3: no such option");
    load(screen, 1);
    look(screen, 80, 24);
    assert_string_equal(rig_row(&screen->grid, 23), "cluster file, line 3: no such option");
}

static void numbers_for_people(void **state) {
    (void)state;
    char text[32];
    assert_string_equal(cm_top_show_rate(text, .25), "0.2");
    assert_string_equal(cm_top_show_rate(text, 9.94), "9.9");
    assert_string_equal(cm_top_show_rate(text, 9.96), "10");
    assert_string_equal(cm_top_show_rate(text, 0), "0");
    assert_string_equal(cm_top_show_rate(text, NAN), "-");
    assert_string_equal(cm_top_show_count(text, 3), "3");
    assert_string_equal(cm_top_show_percent(text, 99.94), "99.9");
    assert_string_equal(cm_top_show_percent(text, 99.999), "99.99");
    assert_string_equal(cm_top_show_percent(text, 100), "100");
    assert_string_equal(cm_top_show_percent(text, 234.5), "234");
    assert_string_equal(cm_top_show_size(text, 1e30), "16384 PiB");
    assert_string_equal(cm_top_show_size(text, NAN), "-");
    assert_string_equal(cm_top_show_time(text, NAN), "-");
    assert_string_equal(cm_top_show_interval(text, 250000), "250 ms");
    assert_string_equal(cm_top_show_interval(text, 60000000), "60 s");
}

static char *printed(struct screen *screen, bool json) {
    char *text = NULL;
    size_t bytes = 0;
    FILE *file = open_memstream(&text, &bytes);
    assert_true(json ? cm_top_print_json(file, &screen->rig.model)
                     : cm_top_print_plain(file, &screen->rig.model, &screen->state));
    assert_int_equal(fclose(file), 0);
    return text;
}

static void reports(void **state) {
    struct screen *screen = *state;
    load(screen, 1);
    screen->state.plain = true;
    char *text = printed(screen, false);
    assert_non_null(strstr(text, "\n   1 server1:11211   3.00k    100  75.0   60     100    12"));
    assert_non_null(strstr(text, "\n get        3.00k    75.0"));
    assert_null(strstr(text, "quit"));
    assert_null(strstr(text, " \n"));
    free(text);
    text = printed(screen, true);
    assert_int_equal(strcspn(text, "\n"), strlen(text) - 1);
    assert_non_null(strstr(text, "\"get\":3000.0,\"set\":null,"));
    assert_non_null(strstr(text,
                           "\"latency_us\":{\"get\":{\"p50\":null,\"p99\":null},\"set\":{\"p50\":"
                           "null,\"p99\":null}},\"share\":"));
    assert_non_null(strstr(text, "\"server\":\"dead:11211\",\"up\":false,\"down_since\":1000001,"
                                 "\"reason\":\"Connection refused\"}"));
    free(text);
    load_told(screen);
    text = printed(screen, true);
    assert_non_null(
        strstr(text, "{\"get\":{\"p50\":1.5,\"p99\":40.25},\"set\":{\"p50\":2.0,\"p99\":90.0}}"));
    free(text);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(before_the_first_answer),
        CASE(everything_at_80_by_24),
        CASE(times_at_80_by_24),
        CASE(keys_at_80_by_24),
        CASE(hot_servers_are_marked),
        CASE(any_size_will_do),
        CASE(small_and_large),
        CASE(keys_choose_servers),
        CASE(keys_change_the_rest),
        CASE(help_fits_80_columns),
        CASE(tables_scroll),
        CASE(hostile_names_are_harmless),
        CASE(a_wrong_cluster_file_is_told),
        CASE(numbers_for_people),
        CASE(reports),
    };
    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL || setenv("TZ", "UTC", 1) != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
