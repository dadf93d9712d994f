/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

struct thing {
    int number;
    struct cm_link link;
};

static int sum(const struct cm_link *head) {
    int total = 0;
    for (const struct cm_link *link = head->next; link != head; link = link->next)
        total = total * 10 + CM_LINKED(link, const struct thing, link)->number;
    return total;
}

static void make(struct cm_link *head, struct thing *things, int count) {
    cm_link_init(head);
    for (int i = 0; i < count; i++) {
        things[i].number = i + 1;
        cm_link_init(&things[i].link);
        cm_link_append(head, &things[i].link);
    }
}

static void test_order(void **state) {
    (void)state;
    struct cm_link head;
    struct thing things[3];
    make(&head, things, 3);
    assert_int_equal(sum(&head), 123);
    cm_link_append(&head, &things[0].link);
    assert_int_equal(sum(&head), 231);
    cm_link_remove(&things[2].link);
    assert_int_equal(sum(&head), 21);
    assert_true(cm_link_is_alone(&things[2].link));
    cm_link_remove(&things[2].link);
    assert_int_equal(sum(&head), 21);
}

static void test_move_all(void **state) {
    (void)state;
    struct cm_link head, other;
    struct thing things[4];
    make(&head, things, 4);
    cm_link_init(&other);
    cm_link_move_all(&other, &head);
    assert_true(cm_link_is_alone(&head));
    assert_int_equal(sum(&other), 1234);
    cm_link_move_all(&other, &head);
    assert_int_equal(sum(&other), 1234);
    while (!cm_link_is_alone(&other))
        cm_link_remove(other.next);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_move_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
