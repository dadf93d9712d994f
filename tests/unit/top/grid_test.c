/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#include <locale.h>
#include <math.h>

static struct cm_grid grid;

static int setup(void **state) {
    (void)state;
    grid = (struct cm_grid){0};
    return cm_grid_resize(&grid, 20, 4) != CM_OK;
}

static int teardown(void **state) {
    (void)state;
    cm_grid_deinit(&grid);
    return 0;
}

static struct cm_spot spot(unsigned row, unsigned column, unsigned width) {
    return (struct cm_spot){row, column, width, CM_STYLE_BOLD, false};
}

static void text_is_cut(void **state) {
    (void)state;
    struct cm_spot right = spot(1, 2, 6);
    right.right = true;
    assert_int_equal(cm_grid_put(&grid, spot(0, 2, 5), "abc"), 3);
    assert_string_equal(rig_row(&grid, 0), "  abc");
    assert_int_equal(cm_grid_put(&grid, spot(0, 2, 5), "abcdef"), 5);
    assert_string_equal(rig_row(&grid, 0), "  abcd~");
    assert_int_equal(cm_grid_put(&grid, right, "12"), 2);
    assert_string_equal(rig_row(&grid, 1), "      12");
    cm_grid_put(&grid, right, "1234567");
    assert_string_equal(rig_row(&grid, 1), "  12345~");
    assert_int_equal(cm_grid_put(&grid, spot(2, 17, 40), "abcdef"), 3);
    assert_string_equal(rig_row(&grid, 2), "                 ab~");
    assert_int_equal(cm_grid_put(&grid, spot(2, 20, 40), "abc"), 0);
    assert_int_equal(cm_grid_put(&grid, spot(2, 0, 0), "abc"), 0);
    cm_grid_put(&grid, spot(4, 0, 5), "below");
    assert_string_equal(rig_row(&grid, 3), "");
    cm_grid_printf(&grid, spot(3, 0, 10), "%d%%", 5);
    assert_string_equal(rig_row(&grid, 3), "5%");
}

static void nothing_but_what_prints_is_kept(void **state) {
    (void)state;
    cm_grid_put(&grid, spot(0, 0, 20), "a\033[2Jb\xff\xc3\001");
    assert_string_equal(rig_row(&grid, 0), "a?[2Jb???");
    cm_grid_put(&grid, spot(1, 0, 20), "e\u0301x\u200b");
    assert_string_equal(rig_row(&grid, 1), "e?x?");
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(wcwidth(grid.cells[i].glyph), 1);
}

static void wide_characters_take_two(void **state) {
    (void)state;
    assert_int_equal(cm_grid_put(&grid, spot(0, 0, 20), "\u6f22x"), 3);
    assert_int_equal(grid.cells[1].glyph, 0);
    assert_int_equal(grid.cells[2].glyph, L'x');
    assert_int_equal(cm_grid_put(&grid, spot(1, 0, 4), "\u6f22\u6f22x"), 4);
    assert_string_equal(rig_row(&grid, 1), "\u6f22~");
}

static void charts_scale(void **state) {
    (void)state;
    struct cm_history history = {0};
    for (int i = 0; i <= 8; i++)
        cm_history_push(&history, i);
    struct cm_chart chart = {.history = &history, .height = 1};
    cm_grid_chart(&grid, spot(0, 0, 10), &chart);
    assert_string_equal(rig_row(&grid, 0), " ▁▁▂▃▄▅▆▇█");
    assert_int_equal(grid.cells[1].style, CM_STYLE_DIM); /* a zero */
    assert_int_equal(grid.cells[2].style, CM_STYLE_BOLD);
    chart.top = 16;
    cm_grid_chart(&grid, spot(0, 0, 10), &chart);
    assert_string_equal(rig_row(&grid, 0), " ▁▁▁▂▂▃▃▄▄");
    cm_history_push(&history, NAN);
    chart = (struct cm_chart){.history = &history, .height = 2};
    cm_grid_chart(&grid, spot(2, 0, 5), &chart);
    assert_string_equal(rig_row(&grid, 2), "▂▄▆█");
    assert_string_equal(rig_row(&grid, 3), "████");
    grid.ascii = true;
    chart.height = 1;
    cm_grid_chart(&grid, spot(1, 0, 10), &chart);
    assert_string_equal(rig_row(&grid, 1), "__.-:=+*#");
    grid.no_charts = true;
    assert_int_equal(cm_grid_resize(&grid, 20, 4), CM_OK);
    cm_grid_chart(&grid, spot(1, 0, 10), &chart);
    assert_string_equal(rig_row(&grid, 1), "");
}

static void bars(void **state) {
    (void)state;
    cm_grid_bar(&grid, spot(0, 0, 10), &(struct cm_bar){50, 20, 100});
    assert_string_equal(rig_row(&grid, 0), "█████▒▒···");
    cm_grid_bar(&grid, spot(0, 0, 10), &(struct cm_bar){500, NAN, 100});
    assert_string_equal(rig_row(&grid, 0), "██████████");
    cm_grid_bar(&grid, spot(0, 0, 10), &(struct cm_bar){NAN, NAN, 100});
    assert_string_equal(rig_row(&grid, 0), "··········");
    cm_grid_bar(&grid, spot(0, 0, 10), &(struct cm_bar){0, 0, 0});
    assert_string_equal(rig_row(&grid, 0), "··········");
    grid.ascii = true;
    cm_grid_bar(&grid, spot(0, 15, 10), &(struct cm_bar){30, 30, 100});
    assert_string_equal(rig_row(&grid, 0), "··········     ##=..");
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(text_is_cut),
        CASE(nothing_but_what_prints_is_kept),
        CASE(wide_characters_take_two),
        CASE(charts_scale),
        CASE(bars),
    };
    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
