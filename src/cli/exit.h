/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_CLI_EXIT_H
#define CM_CLI_EXIT_H

/* What cacheman's exit status says; the large ones are those of sysexits.h. */
enum cm_exit {
    CM_EXIT_OK = 0,
    CM_EXIT_NO = 1,           /* answered, but no: a miss, not stored, values that differ */
    CM_EXIT_USAGE = 64,       /* a wrong option, operand or command */
    CM_EXIT_INPUT = 66,       /* a file that cannot be read, or makes no sense */
    CM_EXIT_UNAVAILABLE = 69, /* a server that cannot be reached or gave no answer in time */
    CM_EXIT_OUTPUT = 73,      /* a file that cannot be written */
    CM_EXIT_PROTOCOL = 76,    /* an answer that is an error or makes no sense */
    CM_EXIT_DENIED = 77,      /* a login that was not accepted */
};

#endif
