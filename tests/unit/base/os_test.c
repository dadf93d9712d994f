/* SPDX-License-Identifier: BSD-3-Clause */
#define _DEFAULT_SOURCE
#include "base/os/os.h"
#include "base/os/process.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void test_memory_is_zeroed_and_discarded(void **state) {
    (void)state;
    size_t page = cm_os_page_bytes();
    assert_true(page >= 4096 && (page & (page - 1)) == 0);
    unsigned char *memory = cm_os_mem_reserve(16 * page);
    assert_non_null(memory);
    assert_int_equal(cm_os_mem_commit(memory + page, 2 * page), CM_OK);
    assert_int_equal(memory[page], 0);
    memset(memory + page, 0xaa, 2 * page);
    assert_int_equal(cm_os_mem_commit(memory + page, 3 * page), CM_OK);
    assert_int_equal(memory[page], 0xaa);
    cm_os_mem_prefer_large(memory + page, page);
    cm_os_mem_discard(memory + page, page);
    assert_int_equal(memory[page], 0);
    assert_int_equal(memory[2 * page], 0xaa);
    cm_os_mem_release(memory, 16 * page);
    cm_os_mem_release(NULL, 0);
}

static void test_impossible_reservation(void **state) {
    (void)state;
    size_t page = cm_os_page_bytes();
    assert_null(cm_os_mem_reserve(SIZE_MAX - page + 1));
}

static void test_aligned_allocation(void **state) {
    (void)state;
    for (size_t alignment = sizeof(void *); alignment <= 4096; alignment *= 2) {
        unsigned char *memory = cm_os_aligned_alloc(alignment, alignment);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % alignment, 0);
        assert_int_equal(memory[0] | memory[alignment - 1], 0);
        memset(memory, 0xaa, alignment);
        cm_os_aligned_free(memory);
    }
    cm_os_aligned_free(NULL);
}

static void test_open_regular(void **state) {
    (void)state;
    char folder[] = "/tmp/cacheman-open-XXXXXX", path[64];
    const char *why = "";
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/it", folder);
    assert_null(cm_os_open_regular(path, &why));
    assert_string_equal(why, strerror(ENOENT));
    assert_null(cm_os_open_regular(folder, &why));
    assert_string_equal(why, strerror(EISDIR));
    assert_null(cm_os_open_regular("/dev/zero", &why));
    assert_string_equal(why, "it is a device, not a regular file");
    assert_int_equal(mkfifo(path, 0600), 0); /* nobody will write to it */
    assert_null(cm_os_open_regular(path, &why));
    assert_string_equal(why, "it is a pipe, not a regular file");
    assert_int_equal(unlink(path), 0);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs("x", file) >= 0);
    assert_int_equal(fclose(file), 0);
    file = cm_os_open_regular(path, &why);
    assert_non_null(file);
    assert_null(why);
    assert_int_equal(getc(file), 'x');
    assert_int_equal(getc(file), EOF);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

/* Two threads hand a token back and forth. */
struct table {
    struct cm_os_mutex mutex;
    struct cm_os_cond turned;
    int rounds;
    bool theirs;
};

enum { ROUNDS = 1000, DEADLINE_MS = 60000 };

static void play(struct table *table, bool me) {
    for (int i = 0; i < ROUNDS; i++) {
        cm_os_mutex_lock(&table->mutex);
        uint64_t begin_ns = cm_os_monotonic_ns();
        while (table->theirs != me) {
            if (cm_os_monotonic_ns() - begin_ns > DEADLINE_MS * UINT64_C(1000000))
                abort();
            (void)cm_os_cond_wait_ms(&table->turned, &table->mutex, DEADLINE_MS);
        }
        table->theirs = !me;
        table->rounds++;
        if (i % 2 == 0)
            cm_os_cond_signal(&table->turned);
        else
            cm_os_cond_broadcast(&table->turned);
        cm_os_mutex_unlock(&table->mutex);
    }
}

static void play_other(void *context) {
    play(context, true);
}

static void test_threads_take_turns(void **state) {
    (void)state;
    struct table table = {0};
    struct cm_os_thread thread;
    assert_int_equal(cm_os_mutex_init(&table.mutex), CM_OK);
    assert_int_equal(cm_os_cond_init(&table.turned), CM_OK);
    assert_int_equal(cm_os_thread_start(&thread, play_other, &table, "a-15-char-name."), CM_OK);
    play(&table, false);
    cm_os_thread_join(&thread);
    assert_int_equal(table.rounds, 2 * ROUNDS);
    cm_os_cond_deinit(&table.turned);
    cm_os_mutex_deinit(&table.mutex);
}

static void test_wait_times_out(void **state) {
    (void)state;
    struct cm_os_mutex mutex;
    struct cm_os_cond cond;
    assert_int_equal(cm_os_mutex_init(&mutex), CM_OK);
    assert_int_equal(cm_os_cond_init(&cond), CM_OK);
    cm_os_mutex_lock(&mutex);
    uint64_t begin_ns = cm_os_monotonic_ns();
    while (cm_os_cond_wait_ms(&cond, &mutex, 20))
        ;
    assert_true(cm_os_monotonic_ns() - begin_ns >= 19 * UINT64_C(1000000));
    cm_os_mutex_unlock(&mutex);
    cm_os_cond_deinit(&cond);
    cm_os_mutex_deinit(&mutex);
}

static void test_clocks(void **state) {
    (void)state;
    uint64_t before_ns = cm_os_monotonic_ns();
    cm_os_thread_yield();
    assert_true(cm_os_monotonic_ns() >= before_ns);
    assert_true(cm_os_wall_s() > 1700000000);
}

static void test_random(void **state) {
    (void)state;
    unsigned char a[32] = {0};
    unsigned char b[32] = {0};
    assert_int_equal(cm_os_random(a, sizeof a), CM_OK);
    assert_int_equal(cm_os_random(b, sizeof b), CM_OK);
    assert_int_equal(cm_os_random(b, 0), CM_OK);
    assert_memory_not_equal(a, b, sizeof a);
}

static void test_process(void **state) {
    (void)state;
    struct cm_os_usage usage;
    cm_os_usage(&usage);
    assert_true(usage.resident_bytes > 0);
    assert_true(cm_os_process_id() > 0);
    assert_true(cm_os_cpu_count() >= 1);
}

static void test_what_may_be_removed(void **state) {
    (void)state;
    char folder[] = "/tmp/cm-os-test-XXXXXX", file[sizeof folder + 2];
    assert_non_null(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/f", folder);
    assert_true(cm_os_may_remove_file(file));
    assert_int_equal(chdir(folder), 0);
    assert_true(cm_os_may_remove_file("f"));
    assert_int_equal(rmdir(folder), 0);
    assert_false(cm_os_may_remove_file(file));
    assert_int_equal(cm_os_may_remove_file("/f"), access("/", W_OK) == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_is_zeroed_and_discarded),
        cmocka_unit_test(test_impossible_reservation),
        cmocka_unit_test(test_aligned_allocation),
        cmocka_unit_test(test_open_regular),
        cmocka_unit_test(test_threads_take_turns),
        cmocka_unit_test(test_wait_times_out),
        cmocka_unit_test(test_clocks),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_process),
        cmocka_unit_test(test_what_may_be_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
