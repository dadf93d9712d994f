/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "base/check.h"
#include "replay/trace.h"
#include "replay/window.h"
#include <sys/mman.h>
#include <unistd.h>

/* A trace of any bytes, plain or gzip: every request has a key that the protocol allows and a size
 * within bounds, windows hold no key twice, and what is wrong is told. The first byte chooses the
 * options. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_request(const struct cm_trace_request *request, bool needs_size) {
    CM_CHECK(request->key.len >= 1 && request->key.len <= CM_TRACE_KEY_BYTES_MAX);
    CM_CHECK(request->value_bytes <= CM_TRACE_VALUE_BYTES_MAX);
    CM_CHECK(request->has_size || (request->value_bytes == 0 && !needs_size));
    for (size_t i = 0; i < request->key.len; i++)
        CM_CHECK((unsigned char)request->key.data[i] > ' ' && request->key.data[i] != 0x7f);
}

static bool has(const struct cm_window *window, struct cm_slice key) {
    for (size_t i = 0; i < window->count; i++) {
        if (cm_slice_equal(window->requests[i].key, key))
            return true;
    }
    return false;
}

static void take(struct cm_window *window, const struct cm_trace_request *request) {
    bool fits = window->count < window->room && !has(window, request->key);
    CM_CHECK(cm_window_add(window, request) == fits);
    if (fits)
        return;
    cm_window_clear(window);
    CM_CHECK(cm_window_add(window, request));
}

static void read_all(struct cm_trace *trace, struct cm_window *window, bool needs_sizes) {
    struct cm_trace_request request;
    enum cm_trace_step step;
    while ((step = cm_trace_next(trace, &request)) == CM_TRACE_REQUEST) {
        check_request(&request, needs_sizes);
        take(window, &request);
    }
    CM_CHECK((step == CM_TRACE_BAD) == (*cm_trace_why(trace) != '\0'));
    CM_CHECK(cm_trace_next(trace, &request) == CM_TRACE_END);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    struct cm_trace *trace = NULL;
    struct cm_window window;
    const struct cm_trace_options options = {
        .hash_keys = (data[0] & 1) != 0,
        .needs_sizes = (data[0] & 2) != 0,
    };
    int file = memfd_create("trace", MFD_CLOEXEC);
    CM_CHECK(file >= 0 && write(file, data + 1, size - 1) == (ssize_t)(size - 1));
    CM_CHECK(lseek(file, 0, SEEK_SET) == 0);
    CM_CHECK(cm_trace_open_file(file, "trace", &options, &trace) == CM_OK);
    CM_CHECK(cm_window_init(&window, 1 + data[0] / 16) == CM_OK);
    read_all(trace, &window, options.needs_sizes);
    cm_window_deinit(&window);
    cm_trace_close(trace);
    return 0;
}
