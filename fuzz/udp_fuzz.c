/* SPDX-License-Identifier: BSD-3-Clause */
#include "../tests/support/session_rig.h"
#include "session/datagram.h"
#include <stdlib.h>

/* Datagrams on a real store: two bytes of length before each. However they look, an answer stays
 * within its bounds (D2 of session/datagram.h), nothing is kept (D1), and what was answered, sent to
 * another server, is not answered (D3). */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rig rig;

static void play(struct cm_slice request) {
    /* Of its own, so that reading past it is seen. */
    char *copy = malloc(request.len);
    CM_CHECK(copy != NULL);
    memcpy(copy, request.data, request.len);
    cm_buf_clear(&rig.received);
    cmstore_begin(rig.thread);
    cm_session_answer_datagram(rig.worker, cm_slice(copy, request.len), &rig.out);
    rig_drain(&rig);
    cmstore_end(rig.thread);
    free(copy);
    CM_CHECK(cm_buf_len(&rig.received) <= CM_DATAGRAM_REPLY_BYTES);
    CM_CHECK(cm_datagram_count(cm_buf_len(&rig.received)) <= CM_DATAGRAM_REPLIES);
}

/* What came of a datagram comes back. */
static void reflect(uint16_t id) {
    static char echo[CM_DATAGRAM_HEADER_BYTES + CM_DATAGRAM_REPLY_BYTES];
    struct cm_datagram datagram;
    const struct cm_slice answer = cm_buf_slice(&rig.received);
    const unsigned count = cm_datagram_count(answer.len);
    if (count == 0) {
        return;
    }
    cm_datagram_write(echo, id, 0, count);
    memcpy(echo + CM_DATAGRAM_HEADER_BYTES, answer.data, answer.len);
    const struct cm_slice whole = cm_slice(echo, CM_DATAGRAM_HEADER_BYTES + answer.len);
    CM_CHECK(cm_datagram_read(whole, &datagram) == (count == 1));
    CM_CHECK(datagram.id == id && cm_slice_equal(datagram.request, answer));
    if (count == 1) {
        play(datagram.request);
        CM_CHECK(cm_buf_len(&rig.received) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct rig_options options = {.memory_bytes = 4 << 20, .shutdown_enabled = true};
    rig_open(&rig, &options);
    while (size >= 2) {
        const size_t wanted = (size_t)data[0] << 8 | data[1];
        const size_t bytes = wanted < size - 2 ? wanted : size - 2;
        struct cm_datagram datagram;
        if (cm_datagram_read(cm_slice((const char *)data + 2, bytes), &datagram)) {
            play(datagram.request);
            reflect(datagram.id);
        }
        data += 2 + bytes;
        size -= 2 + bytes;
    }
    CM_CHECK(!rig.shut_down);
    cmstore_check(rig.thread);
    rig_close(&rig);
    return 0;
}
