/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/check.h"
#include "stress/reader.h"
#include <stdlib.h>

/* A hostile server: its bytes as the answers to requests of every kind. The first byte chooses the
 * protocol and into which pieces the bytes are cut: the counts must not depend on it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DEPTH    16
#define MULTIGET 3

struct scene {
    struct cm_stress_script script;
    struct cm_stress_tally tally;
    struct cm_stress_reader reader;
};

static void ask_all(struct cm_stress_reader *reader) {
    for (uint32_t i = 0; i < DEPTH; i++) {
        const enum cm_stress_kind kind = (enum cm_stress_kind)(i % (CM_STRESS_LOGIN + 1));
        const uint32_t keys = kind == CM_STRESS_LOGIN                   ? 0
                              : i >= DEPTH / 2 && kind == CM_STRESS_GET ? MULTIGET
                                                                        : 1;
        cm_stress_reader_ask(reader, kind, 1);
        for (uint32_t k = 0; k < keys; k++)
            cm_stress_reader_key(reader, k);
    }
}

/* Hands the bytes over in pieces, each copied to memory of just its size. */
static void play(struct scene *scene, struct cm_slice bytes, size_t piece) {
    size_t kept = 0;
    for (size_t end = 0; end < bytes.len;) {
        end = bytes.len - end < piece ? bytes.len : end + piece;
        const size_t have = end - kept;
        char *copy = malloc(have);
        size_t used = 0;
        CM_CHECK(copy != NULL);
        memcpy(copy, bytes.data + kept, have);
        const bool taken = cm_stress_reader_take(&scene->reader, cm_slice(copy, have), 2, &used);
        free(copy);
        CM_CHECK(used <= have);
        kept += used;
        if (!taken)
            break;
    }
}

static struct scene *run(const struct cm_stress_block *block, struct cm_slice in, size_t piece) {
    struct scene *scene = calloc(1, sizeof *scene);
    CM_CHECK(scene != NULL);
    scene->script = (struct cm_stress_script){
        .dialect = cm_stress_dialect((enum cm_stress_protocol)((unsigned char)in.data[0] % 4)),
        .block = block,
        .depth = DEPTH,
        .multiget = MULTIGET,
        .verify = true,
        .fill = true};
    CM_CHECK(cm_stress_names_init(&scene->script.names, "", 2));
    CM_CHECK(cm_stress_reader_init(&scene->reader, &scene->script, &scene->tally) == CM_OK);
    ask_all(&scene->reader);
    play(scene, cm_slice(in.data + 1, in.len - 1), piece);
    CM_CHECK(scene->reader.answered <= DEPTH && scene->tally.hits <= scene->tally.keys);
    CM_CHECK(scene->reader.missed_count <= DEPTH * MULTIGET);
    cm_stress_reader_deinit(&scene->reader);
    return scene;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct cm_stress_block block;
    if (size == 0)
        return 0;
    cm_stress_block_init(&block);
    const struct cm_slice in = cm_slice(data, size);
    struct scene *whole = run(&block, in, size);
    struct scene *cut = run(&block, in, (size_t)data[0] / 4 % 16 + 1);
    CM_CHECK(whole->tally.hits == cut->tally.hits && whole->tally.errors == cut->tally.errors);
    CM_CHECK(whole->tally.bad == cut->tally.bad && whole->tally.wrong == cut->tally.wrong);
    CM_CHECK(cm_stress_tally_requests(&whole->tally) == cm_stress_tally_requests(&cut->tally));
    free(whole);
    free(cut);
    return 0;
}
