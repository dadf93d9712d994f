/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/check.h"
#include "etcd/answer.h"
#include <stdlib.h>

/* What etcd, or whoever pretends to be it, may answer; the first byte says to what. Members that are
 * read must be such that they are accepted again, by their name. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PREFIX "/cacheman/c/members/"

static void check_range(struct cm_slice json) {
    struct cm_etcd_range range;
    const enum cm_status status = cm_etcd_read_range(json, CM_SLICE(PREFIX), &range);
    CM_CHECK(status == CM_OK || status == CM_BAD_ANSWER || status == CM_INVALID);
    CM_CHECK(range.cluster.count <= CM_RING_MEMBERS_MAX);
    for (size_t i = 0; i < range.cluster.count; i++) {
        const struct cm_member *member = &range.cluster.members[i];
        const struct cm_slice name = cm_slice(member->name, strlen(member->name));
        struct cm_cluster again = {0};
        struct cm_cluster_error error;
        if (strchr(member->name, '%') == NULL) {
            CM_CHECK(cm_cluster_add_member(&again, name, member->weight, &error) == CM_OK);
            CM_CHECK(strcmp(again.members[0].name, member->name) == 0);
        }
        cm_cluster_deinit(&again);
    }
    cm_etcd_range_deinit(&range);
}

static void check_text(const char *text, size_t room) {
    const char *end = memchr(text, '\0', room);
    CM_CHECK(end != NULL && end != text);
    for (; *text != '\0'; text++)
        CM_CHECK(*text >= ' ' && *text < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char token[CM_ETCD_TOKEN_BYTES], text[64];
    int64_t number;
    if (size == 0)
        return 0;
    const struct cm_slice json = cm_slice(data + 1, size - 1);
    switch (data[0] % 6) {
    case 0:
        check_range(json);
        break;
    case 1:
        CM_CHECK(cm_etcd_read_lease(json, &number) != CM_OK || number > 0);
        break;
    case 2:
        CM_CHECK(cm_etcd_read_ttl(json, &number) != CM_OK || number >= 0);
        break;
    case 3:
        if (cm_etcd_read_token(json, token) == CM_OK)
            check_text(token, sizeof token);
        break;
    case 4:
        (void)!cm_etcd_read_watch(json);
        break;
    default:
        cm_etcd_read_error(json, text, sizeof text);
        check_text(text, sizeof text);
    }
    return 0;
}
