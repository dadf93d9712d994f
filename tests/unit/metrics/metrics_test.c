/* SPDX-License-Identifier: BSD-3-Clause */
#include "metrics/metrics.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void threads_are_summed(void **state) {
    (void)state;
    struct cm_metrics_group *group;
    struct cm_metric_sums sums;
    assert_int_equal(cm_metrics_group_create(3, &group), CM_OK);
    cm_metrics_count(cm_metrics_of_thread(group, 0), CM_METRIC_cmd_get);
    cm_metrics_count(cm_metrics_of_thread(group, 2), CM_METRIC_cmd_get);
    cm_metrics_add(cm_metrics_of_thread(group, 1), CM_METRIC_bytes_read, 100);
    cm_metrics_read(group, &sums);
    assert_int_equal(sums.values[CM_METRIC_cmd_get], 2);
    assert_int_equal(sums.values[CM_METRIC_bytes_read], 100);
    assert_int_equal(sums.values[CM_METRIC_cmd_set], 0);
    cm_metrics_group_destroy(group);
}

static void a_reset_starts_from_zero(void **state) {
    (void)state;
    struct cm_metrics_group *group;
    struct cm_metric_sums sums;
    assert_int_equal(cm_metrics_group_create(1, &group), CM_OK);
    struct cm_metrics *metrics = cm_metrics_of_thread(group, 0);
    cm_metrics_add(metrics, CM_METRIC_cmd_get, 5);
    cm_metrics_reset(group);
    cm_metrics_read(group, &sums);
    assert_int_equal(sums.values[CM_METRIC_cmd_get], 0);
    cm_metrics_count(metrics, CM_METRIC_cmd_get);
    cm_metrics_read(group, &sums);
    assert_int_equal(sums.values[CM_METRIC_cmd_get], 1);
    cm_metrics_group_destroy(group);
}

static void no_threads_are_invalid(void **state) {
    (void)state;
    struct cm_metrics_group *group;
    assert_int_equal(cm_metrics_group_create(0, &group), CM_INVALID);
    cm_metrics_group_destroy(NULL);
}

static void threads_do_not_share_lines(void **state) {
    (void)state;
    struct cm_metrics_group *group;
    assert_int_equal(cm_metrics_group_create(2, &group), CM_OK);
    assert_int_equal((uintptr_t)cm_metrics_of_thread(group, 1) % 64, 0);
    cm_metrics_group_destroy(group);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_are_summed),
        cmocka_unit_test(a_reset_starts_from_zero),
        cmocka_unit_test(no_threads_are_invalid),
        cmocka_unit_test(threads_do_not_share_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
