/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/engine.h"

#include "rig.h"

/* A bucket with far more items than a reader without the lock looks through. */

#define CROWD (CM_BUCKET_SLOTS + CM_SPILL_SLOTS * (CM_HOPS_MAX + 10))
#define ALIKE UINT64_C(0x1ff) /* bits of the hash in which the keys agree */

static struct cmstore_key next_alike(const struct rig *rig, unsigned *number, char *name) {
    for (;;) {
        int bytes = snprintf(name, 16, "%u", (*number)++);
        struct cmstore_key key = cmstore_key(rig->store, name, (size_t)bytes);
        if ((key.hash & ALIKE) == 0)
            return key;
    }
}

static void test_crowded_bucket(void **state) {
    (void)state;
    struct rig rig;
    char name[16] = "";
    unsigned number = 0;
    rig_open(&rig, UINT64_C(4) << 20, 0);
    for (unsigned i = 0; i < CROWD; i++) {
        struct cmstore_key key = next_alike(&rig, &number, name);
        struct cmstore_value value = {name, key.bytes};
        assert_int_equal(cmstore_store(rig.thread, &key, value, NULL, NULL), CM_OK);
    }
    number = 0;
    for (unsigned i = 0; i < CROWD; i++) {
        struct cmstore_key key = next_alike(&rig, &number, name);
        struct cmstore_peek peek;
        cmstore_begin(rig.thread);
        assert_int_not_equal(cmstore_peek(rig.thread, &key, &peek), CMSTORE_PEEK_MISS);
        cmstore_end(rig.thread);
        rig_expect_text(&rig, name, name);
    }
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_crowded_bucket)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
