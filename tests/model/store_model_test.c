/* SPDX-License-Identifier: BSD-3-Clause */

/* Random operations on a store and on an oracle that always tells the truth, for every policy: in
 * a roomy store, in one that must evict, and in one that must not. Each run is a child process. One
 * that fails is shrunk: chunks of its operations are left out as long as it still fails.
 *
 *   CM_MODEL_SEED=<n>    another seed than 1, for new ground; 0: the date's. It is printed
 *   CM_MODEL_OPS=<n>     operations a run
 *   model_store_model_test <file>    replays a printed list; its first line says what store */

#include "support/store_model.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OPS_DEFAULT    8000u
#define TRIALS_MAX     400u
#define RUN_SECONDS    300u /* a run that takes longer has failed too */
#define TRIAL_SECONDS  3u
#define REPLAY_OPS_MAX 1000000u

struct run {
    struct model_config config;
    struct model_op *ops;
    size_t count;
};

static void play(const struct run *run) {
    struct model model;
    model_init(&model, &run->config);
    for (size_t i = 0; i < run->count; i++)
        model_step(&model, run->ops[i]);
    model_deinit(&model);
}

/* In a child. */
static bool fails(const struct run *run, bool trial) {
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        if (trial && !freopen("/dev/null", "w", stderr))
            _exit(2);
        alarm(trial ? TRIAL_SECONDS : RUN_SECONDS);
        play(run);
        _exit(0);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child)
        abort();
    return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

static void leave_out(const struct run *from, size_t at, size_t count, struct run *to) {
    size_t after = at + count;
    memcpy(to->ops, from->ops, at * sizeof *to->ops);
    memcpy(to->ops + at, from->ops + after, (from->count - after) * sizeof *to->ops);
    to->count = from->count - count;
}

static void shrink(struct run *run) {
    struct run smaller = *run;
    unsigned trials = 0;
    smaller.ops = malloc(run->count * sizeof *smaller.ops);
    if (!smaller.ops)
        abort();
    for (size_t chunk = run->count / 2; chunk > 0; chunk /= 2) {
        size_t at = 0;
        while (at + chunk <= run->count && trials++ < TRIALS_MAX) {
            leave_out(run, at, chunk, &smaller);
            if (fails(&smaller, true)) {
                memcpy(run->ops, smaller.ops, smaller.count * sizeof *run->ops);
                run->count = smaller.count;
            } else {
                at += chunk;
            }
        }
    }
    free(smaller.ops);
}

static void print_run(const struct run *run) {
    printf("%s %d %d\n", run->config.policy, (int)run->config.mode, (int)run->config.background);
    for (size_t i = 0; i < run->count; i++)
        model_print(stdout, run->ops[i]);
}

static uint64_t next_random(uint64_t *state) {
    *state += UINT64_C(0x9e3779b97f4a7c15);
    return model_mix(*state);
}

static void make_ops(struct run *run, uint64_t seed) {
    for (size_t i = 0; i < run->count; i++) {
        uint64_t x = next_random(&seed);
        memcpy(&run->ops[i], &x, sizeof run->ops[i]);
        run->ops[i].kind = (uint8_t)(next_random(&seed) % 208);
    }
}

/* True if the run was as it should be. */
static bool try_run(struct run *run, uint64_t seed) {
    size_t count = run->count;
    make_ops(run, seed);
    if (!fails(run, false))
        return true;
    printf("FAILED: policy %s, mode %d, background %d, seed %" PRIu64 "; shrunk:\n",
           run->config.policy, (int)run->config.mode, (int)run->config.background, seed);
    shrink(run);
    print_run(run);
    (void)fails(run, false);
    run->count = count;
    return false;
}

static int replay(const char *path) {
    char policy[32];
    int mode, background;
    FILE *file = fopen(path, "r");
    if (!file || fscanf(file, "%31s %d %d%*[^\n]", policy, &mode, &background) != 3)
        return 64;
    struct run run = {{policy, (enum model_mode)mode, background != 0}, NULL, 0};
    run.ops = calloc(REPLAY_OPS_MAX, sizeof *run.ops);
    unsigned kind, key, how, much;
    while (run.ops && run.count < REPLAY_OPS_MAX &&
           fscanf(file, " %2x%2x%4x%8x%*[^\n]", &kind, &key, &how, &much) == 4)
        run.ops[run.count++] = (struct model_op){(uint8_t)kind, (uint8_t)key, (uint16_t)how, much};
    fclose(file);
    play(&run);
    free(run.ops);
    printf("nothing wrong\n");
    return 0;
}

static uint64_t number_from(const char *name, uint64_t otherwise) {
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

int main(int argc, char **argv) {
    if (argc > 1)
        return replay(argv[1]);
    uint64_t seed = number_from("CM_MODEL_SEED", 1);
    if (seed == 0)
        seed = (uint64_t)time(NULL);
    struct run run = {.count = number_from("CM_MODEL_OPS", OPS_DEFAULT)};
    run.ops = calloc(run.count, sizeof *run.ops);
    unsigned failures = 0, runs = 0;
    printf("seed %" PRIu64 ", %zu operations a run\n", seed, run.count);
    for (size_t i = 0; run.ops && cmstore_policy_name(i, NULL); i++) {
        for (unsigned kind = 0; kind < 2 * MODEL_MODES; kind++) {
            run.config =
                (struct model_config){cmstore_policy_name(i, NULL),
                                      (enum model_mode)(kind % MODEL_MODES), kind >= MODEL_MODES};
            failures += !try_run(&run, model_mix(seed) + runs++);
        }
    }
    printf("%u runs, %u failed\n", runs, failures);
    free(run.ops);
    return failures || runs == 0;
}
