/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/server.h"

#include <stddef.h>

int main(int argc, char **argv) {
    return cm_server_main(argc, argv, NULL);
}
