# SPDX-License-Identifier: BSD-3-Clause
"""Perl's Cache::Memcached::Fast, from Debian's package."""

import pathlib

from cachemand import run

SCRIPT = pathlib.Path(__file__).parent / "perl" / "fast.pl"


def fast(server, namespace=""):
    return run(str(SCRIPT), str(server), namespace, program="perl")


def test_fast(server):
    assert fast(f"127.0.0.1:{server.port}") == (0, "ok\n", "")


def test_fast_in_a_namespace(server):
    assert fast(f"127.0.0.1:{server.port}", "space:") == (0, "ok\n", "")


def test_fast_over_a_unix_socket(serve, tmp_path):
    path = tmp_path / "socket"
    serve("-s", str(path), port=False, unix=path)
    assert fast(path) == (0, "ok\n", "")
