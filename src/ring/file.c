/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/buf.h"
#include "ring/cluster.h"

#include <stdio.h>

#define FILE_BYTES_MAX ((size_t)1 << 20)

static enum cm_status fail(struct cm_cluster_error *error, enum cm_status status, const char *what,
                           const char *path) {
    *error = (struct cm_cluster_error){0};
    snprintf(error->text, sizeof error->text, "%s %.200s", what, path);
    return status;
}

static enum cm_status read_file(const char *path, struct cm_buf *text,
                                struct cm_cluster_error *error) {
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return fail(error, CM_SYSTEM, "cannot open the cluster file", path);
    enum cm_status status = cm_buf_reserve(text, FILE_BYTES_MAX);
    if (status == CM_OK) {
        cm_buf_wrote(text, fread(cm_buf_tail(text), 1, FILE_BYTES_MAX, file));
        if (ferror(file))
            status = fail(error, CM_SYSTEM, "cannot read the cluster file", path);
        else if (cm_buf_len(text) == FILE_BYTES_MAX)
            status =
                fail(error, CM_INVALID, "there is a megabyte or more in the cluster file", path);
    }
    fclose(file);
    return status;
}

enum cm_status cm_cluster_read_file(struct cm_cluster *cluster, const char *path,
                                    struct cm_cluster_error *error) {
    struct cm_buf text = {0};
    enum cm_status status = read_file(path, &text, error);
    if (status == CM_OK)
        status = cm_cluster_add_file(cluster, cm_buf_slice(&text), error);
    cm_buf_deinit(&text);
    return status;
}
