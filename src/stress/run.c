/* SPDX-License-Identifier: BSD-3-Clause */
#include "stress/run.h"

#include "cli/exit.h"
#include "client/internal.h"
#include <stdio.h>
#include <stdlib.h>

void cm_stress_run_end(struct cm_stress_run *run, enum cm_stress_ending ending) {
    int now = atomic_load_explicit(&run->ending, memory_order_relaxed);
    while (now < (int)ending &&
           !atomic_compare_exchange_weak_explicit(&run->ending, &now, (int)ending,
                                                  memory_order_relaxed, memory_order_relaxed))
        ;
}

int cm_stress_target_open(struct cm_stress_target *target, const struct cm_cli_where *where,
                          char why_not[CM_STRESS_ERROR_BYTES]) {
    struct cacheman_error error = {.text = ""};
    char *text = NULL, *why = NULL;
    *target = (struct cm_stress_target){0};
    int exit_status = cm_cli_where_make(where, &text, &why);
    if (exit_status == CM_EXIT_OK) {
        enum cm_status status = cacheman_open(text, &target->client, &error);
        if (status != CM_OK) {
            exit_status = cm_cli_where_exit(status);
            if (error.text[0] == '\0')
                snprintf(error.text, sizeof error.text, "%s", cm_status_text(status));
        }
    }
    if (exit_status != CM_EXIT_OK) {
        snprintf(why_not, CM_STRESS_ERROR_BYTES, "%s", why == NULL ? error.text : why);
    } else {
        target->view = cm_client_view(target->client);
        target->tls = target->client->tls;
        target->count = target->view->member_count;
    }
    free(text);
    free(why);
    return exit_status;
}

void cm_stress_target_close(struct cm_stress_target *target) {
    cm_view_release(target->view);
    cacheman_close(target->client);
}
