# SPDX-License-Identifier: BSD-3-Clause
"""no_seccomp.py PROGRAM [ARGUMENT...]: runs it where the system grants no further sandbox, as some
containers do not."""

import ctypes
import errno
import os
import sys

ALLOW = 0x7FFF0000
ERRNO = 0x00050000
PR_SET_SECCOMP = 22


class Compare(ctypes.Structure):
    _fields_ = [("argument", ctypes.c_uint), ("how", ctypes.c_int), ("a", ctypes.c_uint64),
                ("b", ctypes.c_uint64)]


def main():
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_rule_add_array.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int,
                                               ctypes.c_uint, ctypes.POINTER(Compare)]
    context = library.seccomp_init(ctypes.c_uint32(ALLOW))
    refuse = ERRNO | errno.EINVAL
    seccomp = library.seccomp_syscall_resolve_name(b"seccomp")
    prctl = library.seccomp_syscall_resolve_name(b"prctl")
    equal = 4
    only_set = Compare(0, equal, PR_SET_SECCOMP, 0)
    failed = (library.seccomp_rule_add_array(context, refuse, seccomp, 0, None)
              or library.seccomp_rule_add_array(context, refuse, prctl, 1, only_set)
              or library.seccomp_load(ctypes.c_void_p(context)))
    if failed:
        sys.exit(f"no_seccomp: {os.strerror(-failed)}")
    os.execvp(sys.argv[1], sys.argv[1:])


main()
