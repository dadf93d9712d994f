/* SPDX-License-Identifier: BSD-3-Clause */
#include "session/internal.h"
#include "support/session_rig.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void store(struct rig *rig, struct cm_op *op) {
    struct cmstore_stored stored;
    const struct cmstore_key key = cmstore_key(rig->env.store, op->key.data, op->key.len);
    const struct cmstore_value value = {"value", 5};
    assert_int_equal(cmstore_store(rig->thread, &key, value, NULL, &stored), CM_OK);
}

static double requests(struct rig *rig) {
    struct cm_hot_list *list;
    assert_int_equal(cm_hot_read(cm_admin_hot_keys(rig->env.admin), rig->now_s, 1, &list), CM_OK);
    const double count = list->requests;
    cm_hot_list_destroy(list);
    return count;
}

/* Somebody else writes while a value is read. */
static void what_is_read_again_is_one_request(void **state) {
    struct rig rig;
    (void)state;
    rig_open(&rig, &(struct rig_options){.ascii = true});
    struct cm_command *command = &rig.worker->command;
    struct cm_op op = {.kind = CM_OP_GET, .key = CM_SLICE("key")};
    struct cm_exec exec = {.tries = 0};
    command->now_s = rig.now_s;
    cmstore_begin(rig.thread);
    store(&rig, &op);
    cm_command_prepare(command, &op, 1);
    cm_command_execute(command, &op, &exec);
    store(&rig, &op);
    assert_false(cm_command_finish(command, &op, &exec));
    cm_command_execute(command, &op, &exec);
    assert_true(cm_command_finish(command, &op, &exec));
    cmstore_end(rig.thread);
    assert_true(requests(&rig) == 1);
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_read_again_is_one_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
