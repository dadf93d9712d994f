/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/check.h"
#include "ring/cluster.h"
#include <stdlib.h>

/* Connection strings and cluster files; the first byte says which. What is accepted must make a
 * ring, and a server's name must be accepted again and mean the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum cm_status parse_etcd(struct cm_cluster *cluster, const struct cm_where *where,
                                 struct cm_cluster_error *error) {
    char name[CM_CLUSTER_NAME_BYTES];
    const enum cm_status status = cm_where_name(where, name, error);
    return status == CM_OK ? cm_cluster_add_endpoints(cluster, where, error) : status;
}

static enum cm_status parse(struct cm_cluster *cluster, const char *text, bool is_file) {
    struct cm_cluster_error error = {0};
    struct cm_where where;
    enum cm_status status;
    cm_cluster_init(cluster);
    cm_where_split(text, &where);
    if (is_file)
        status = cm_cluster_add_file(cluster, cm_slice(text, strlen(text)), &error);
    else if (where.kind == CM_WHERE_ETCD)
        status = parse_etcd(cluster, &where, &error);
    else
        status = cm_cluster_add_servers(cluster, &where, &error);
    if (status == CM_OK && !is_file)
        status = cm_cluster_add_options(cluster, &where, &error);
    if (status == CM_OK)
        status = cm_cluster_settle(cluster, &error);
    CM_CHECK((status == CM_OK) == (error.text[0] == '\0'));
    return status;
}

static void check_name(const struct cm_member *member) {
    struct cm_cluster again;
    if (strpbrk(member->name, ",;?%#") != NULL || strncmp(member->name, "file:", 5) == 0)
        return;
    CM_CHECK(parse(&again, member->name, false) == CM_OK);
    CM_CHECK(again.count == 1 && strcmp(again.members[0].name, member->name) == 0);
    cm_cluster_deinit(&again);
}

static struct cm_ring *make_ring(const struct cm_cluster *cluster) {
    const enum cm_distribution distribution = (enum cm_distribution)cluster->settings.distribution;
    struct cm_ring_member *members = calloc(cluster->count, sizeof *members);
    struct cm_ring *ring;
    CM_CHECK(members != NULL);
    for (size_t i = 0; i < cluster->count; i++) {
        const struct cm_member *from = &cluster->members[i];
        members[i] = (struct cm_ring_member){from->name, from->host, from->port, from->weight};
    }
    CM_CHECK(cm_ring_create(distribution, members, cluster->count, &ring) == CM_OK);
    free(members);
    return ring;
}

static void check(const struct cm_cluster *cluster) {
    uint32_t order[8];
    for (size_t i = 0; i < cluster->count; i++)
        check_name(&cluster->members[i]);
    struct cm_ring *ring = make_ring(cluster);
    const size_t count = cm_ring_order(ring, CM_SLICE("key"), order, 8);
    CM_CHECK(count >= 1 && order[0] == cm_ring_pick(ring, CM_SLICE("key")));
    cm_ring_destroy(ring);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct cm_cluster cluster;
    if (size == 0)
        return 0;
    char *text = malloc(size);
    CM_CHECK(text != NULL);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    if (parse(&cluster, text, data[0] % 2 == 1) == CM_OK)
        check(&cluster);
    cm_cluster_deinit(&cluster);
    free(text);
    return 0;
}
