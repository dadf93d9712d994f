/* SPDX-License-Identifier: BSD-3-Clause */

/* A value that is expensive to compute: over all processes that run this, one computes it while the
 * others wait or are served the old one.
 *
 *     client_fetch CONNECTION-STRING */

#include <cacheman/client.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum cm_status compute(void *context, struct cacheman_bytes key,
                              struct cacheman_loaded *loaded) {
    int *computed = context;
    const char answer[] = "42";
    (void)key;
    ++*computed;
    loaded->value = malloc(sizeof answer - 1);
    if (loaded->value == NULL)
        return CM_NO_MEMORY;
    loaded->bytes = sizeof answer - 1;
    memcpy(loaded->value, answer, loaded->bytes);
    loaded->ttl_s = 60;
    return CM_OK;
}

int main(int argc, char **argv) {
    cacheman *client;
    struct cacheman_error error;
    int computed = 0;
    const struct cacheman_fetch how = {.load = compute, .context = &computed, .refresh_s = 5};
    if (cacheman_open(argc > 1 ? argv[1] : "127.0.0.1", &client, &error)) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    for (int i = 0; i < 1000; i++) {
        struct cacheman_result result;
        enum cm_status status = cacheman_fetch(client, cacheman_text("the-answer"), &how, &result);
        if (status) {
            fprintf(stderr, "%s\n", cm_status_text(status));
            cacheman_close(client);
            return 1;
        }
        cacheman_release(&result, 1);
    }
    printf("fetched 1000 times, computed %d times\n", computed);
    cacheman_close(client);
    return 0;
}
