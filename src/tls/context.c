/* SPDX-License-Identifier: BSD-3-Clause */
#include "tls/internal.h"

#include <stdlib.h>

/* Its locks, the keys of its tickets and how OpenSSL reads; all but the files. */
static enum cm_status init(struct cm_tls_context *context) {
    enum cm_status status = cm_os_mutex_init(&context->reloading);
    if (status != CM_OK)
        return status;
    status = cm_os_mutex_init(&context->lock);
    if (status == CM_OK)
        status = cm_os_random(context->ticket_keys, sizeof context->ticket_keys);
    if (status != CM_OK)
        return status;
    context->memory = cm_tls_memory_create();
    return context->memory == NULL ? CM_NO_MEMORY : CM_OK;
}

enum cm_status cm_tls_context_create(const struct cm_tls_options *options,
                                     struct cm_tls_context **out, struct cm_tls_report *report) {
    struct cm_tls_context *context = calloc(1, sizeof *context);
    *report = (struct cm_tls_report){0};
    if (context == NULL)
        return CM_NO_MEMORY;
    context->options = *options;
    enum cm_status status = init(context);
    if (status == CM_OK)
        status = cm_tls_load(context, &context->current, report);
    if (status != CM_OK) {
        cm_tls_context_destroy(context);
        return status;
    }
    *out = context;
    return CM_OK;
}

/* Caller holds `reloading`. */
static enum cm_status load_locked(struct cm_tls_context *context, struct cm_tls_report *report) {
    SSL_CTX *loaded;
    *report = (struct cm_tls_report){0};
    enum cm_status status = cm_tls_load(context, &loaded, report);
    if (status == CM_OK) {
        cm_os_mutex_lock(&context->lock);
        SSL_CTX *old = context->current;
        context->current = loaded;
        cm_os_mutex_unlock(&context->lock);
        SSL_CTX_free(old);
    }
    return status;
}

enum cm_status cm_tls_context_reload(struct cm_tls_context *context, struct cm_tls_report *report) {
    cm_os_mutex_lock(&context->reloading);
    enum cm_status status = load_locked(context, report);
    cm_os_mutex_unlock(&context->reloading);
    return status;
}

enum cm_status cm_tls_context_change(struct cm_tls_context *context,
                                     const struct cm_tls_options *options,
                                     struct cm_tls_report *report) {
    cm_os_mutex_lock(&context->reloading);
    const struct cm_tls_options before = context->options;
    context->options = *options;
    enum cm_status status = load_locked(context, report);
    if (status != CM_OK)
        context->options = before;
    cm_os_mutex_unlock(&context->reloading);
    return status;
}

bool cm_tls_knows_kernel(void) {
#ifdef OPENSSL_NO_KTLS
    return false;
#else
    return true;
#endif
}

void cm_tls_context_destroy(struct cm_tls_context *context) {
    if (context == NULL)
        return;
    SSL_CTX_free(context->current);
    cm_tls_memory_destroy(context->memory);
    cm_os_mutex_deinit(&context->lock);
    cm_os_mutex_deinit(&context->reloading);
    free(context);
}
