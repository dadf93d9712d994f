/* SPDX-License-Identifier: BSD-3-Clause */
#include "command/requests.h"

/* What is not named is CM_COMMAND_other. */
const uint8_t cm_command_of_kind[CM_OP_KINDS] = {
    [CM_OP_DELETE] = CM_COMMAND_delete,
    [CM_OP_TOUCH] = CM_COMMAND_touch,
    [CM_OP_INSPECT] = CM_COMMAND_inspect,
    [CM_OP_FLUSH] = CM_COMMAND_flush,
};

_Static_assert(CM_COMMAND_other == 0, "what the tables leave out");

const uint8_t cm_command_of_mode[] = {
    [CM_MODE_SET] = CM_COMMAND_set,         [CM_MODE_ADD] = CM_COMMAND_add,
    [CM_MODE_REPLACE] = CM_COMMAND_replace, [CM_MODE_APPEND] = CM_COMMAND_append,
    [CM_MODE_PREPEND] = CM_COMMAND_prepend,
};

const uint8_t cm_request_counters[CM_COMMANDS][CM_OUTCOMES] = {
#define CM_REQUEST(command, outcome, outcomes)                                                     \
    [CM_COMMAND_##command][CM_OUTCOME_##outcomes] =                                                \
        CM_METRIC_request_##command##_##outcome - CM_METRIC_request_other_error,
#include "tables/requests.def"
};

_Static_assert(CM_METRIC_COUNT - CM_METRIC_request_other_error <= UINT8_MAX, "a byte is enough");
