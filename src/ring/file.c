/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/buf.h"
#include "base/os/os.h"
#include "ring/cluster.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FILE_BYTES_MAX ((size_t)1 << 20)

static enum cm_status fail(struct cm_cluster_error *error, const char *path, const char *why) {
    *error = (struct cm_cluster_error){0};
    snprintf(error->text, sizeof error->text, "cannot read the cluster file %.160s: %s", path, why);
    return CM_SYSTEM;
}

static enum cm_status refuse_size(struct cm_cluster_error *error, const char *path) {
    *error = (struct cm_cluster_error){0};
    snprintf(error->text, sizeof error->text,
             "there is a megabyte or more in the cluster file %.200s", path);
    return CM_INVALID;
}

static enum cm_status read_file(const char *path, struct cm_buf *text,
                                struct cm_cluster_error *error) {
    const char *why;
    FILE *file = cm_os_open_regular(path, &why); /* whoever looks again and again cannot wait */
    if (file == NULL)
        return fail(error, path, why);
    enum cm_status status = cm_buf_reserve(text, FILE_BYTES_MAX);
    if (status == CM_OK) {
        cm_buf_wrote(text, fread(cm_buf_tail(text), 1, FILE_BYTES_MAX, file));
        if (ferror(file))
            status = fail(error, path, strerror(errno));
        else if (cm_buf_len(text) == FILE_BYTES_MAX)
            status = refuse_size(error, path);
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
