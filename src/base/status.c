/* SPDX-License-Identifier: BSD-3-Clause */
#include <cacheman/status.h>

const char *cm_status_text(enum cm_status status) {
    switch (status) {
#define STATUS_CASE(name, value, text)                                                             \
    case CM_##name:                                                                                \
        return text;
        CM_STATUS_TABLE(STATUS_CASE)
#undef STATUS_CASE
    }
    return "unknown status";
}
