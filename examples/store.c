/* SPDX-License-Identifier: BSD-3-Clause */
#include <cacheman/store.h>
#include <stdio.h>

int main(void) {
    struct cmstore_options options = {.memory_bytes = 16 << 20};
    struct cmstore_value value = {"world", 5};
    struct cmstore_item item;
    cmstore *store;
    cmstore_thread *thread;
    char text[32];
    if (cmstore_create(&options, &store) || cmstore_attach(store, &thread))
        return 1;
    struct cmstore_key key = cmstore_key(store, "hello", 5);
    if (cmstore_store(thread, &key, value, NULL, NULL))
        return 1;
    if (cmstore_get(thread, &key, NULL, text, sizeof text, &item) || item.outcome != CMSTORE_HIT)
        return 1;
    printf("hello = %.*s\n", (int)item.value.bytes, text);
    cmstore_detach(thread);
    cmstore_destroy(store);
    return 0;
}
