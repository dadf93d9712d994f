/* SPDX-License-Identifier: BSD-3-Clause */

/* Stores and reads, one key and several at once.
 *
 *     client_basics CONNECTION-STRING */

#include <cacheman/client.h>
#include <stdio.h>

static int show(cacheman *client, const char *name) {
    struct cacheman_result result;
    enum cm_status status = cacheman_get(client, cacheman_text(name), &result);
    if (status)
        fprintf(stderr, "%s: %s\n", name, cm_status_text(status));
    else if (result.outcome == CACHEMAN_HIT)
        printf("%s = %s\n", name, (const char *)result.value.data);
    else
        printf("%s is not there\n", name);
    cacheman_release(&result, 1);
    return status != CM_OK;
}

static int several(cacheman *client) {
    struct cacheman_request requests[] = {
        {.verb = CACHEMAN_INCREMENT,
         .key = cacheman_text("visits"),
         .delta = 1,
         .create = true,
         .initial = 1},
        {.verb = CACHEMAN_GET, .key = cacheman_text("greeting"), .want_ttl = true},
        {.verb = CACHEMAN_DELETE, .key = cacheman_text("greeting")},
    };
    struct cacheman_result results[3];
    const struct cacheman_call call = {requests, 3, results, 0};
    enum cm_status status = cacheman_run(client, &call);
    if (status == CM_OK)
        printf("visit %llu, greeting had %lld s to live\n", (unsigned long long)results[0].number,
               (long long)results[1].ttl_s);
    cacheman_release(results, 3);
    return status != CM_OK;
}

int main(int argc, char **argv) {
    cacheman *client;
    struct cacheman_error error;
    const struct cacheman_how for_an_hour = {.ttl_s = 3600};
    if (cacheman_open(argc > 1 ? argv[1] : "127.0.0.1", &client, &error)) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    int failed = cacheman_set(client, cacheman_text("greeting"), cacheman_text("hello, world"),
                              &for_an_hour, NULL) != CM_OK ||
                 show(client, "greeting") || several(client) || show(client, "greeting");
    cacheman_close(client);
    return failed;
}
