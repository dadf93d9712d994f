# SPDX-License-Identifier: BSD-3-Clause
"""The sandbox: on unless told otherwise, for every thread, and no obstacle. What it forbids is
tested in tests/unit/base/sandbox_test.c; that the server works in it, by all other tests."""

import pathlib
import signal
import sys

import pytest

from cachemand import ROOT


def states(server, field):
    """Of every thread."""
    found = set()
    for status in pathlib.Path(f"/proc/{server.pid}/task").glob("*/status"):
        for row in status.read_text().splitlines():
            if row.startswith(field + ":"):
                found.add(row.split()[1])
    return found


def need_sandbox(server):
    if "goes on without a sandbox" in server.error_text():
        pytest.skip("not in this build or on this system")


def settings(server):
    return server.connect().stats(b"settings")["drop_privileges"]


def test_every_thread_is_in_it(serve):
    server = serve("-t", "3")
    server.connect().ask(b"mn\r\n", b"MN\r\n")
    need_sandbox(server)
    assert states(server, "Seccomp") == {"2"}
    assert states(server, "NoNewPrivs") == {"1"}
    assert settings(server) == "yes"


@pytest.mark.parametrize("options", [["--no-sandbox"], ["-o", "no_drop_privileges"],
                                     ["-o", "drop_privileges,no_drop_privileges"]])
def test_off(serve, options):
    server = serve(*options)
    assert settings(server) == "no"
    assert states(server, "NoNewPrivs") == {"0"}
    assert "sandbox" not in server.error_text()


def test_memcacheds_name_for_on(serve):
    server = serve("--no-sandbox", "-o", "drop_privileges")
    server.connect().ask(b"mn\r\n", b"MN\r\n")
    need_sandbox(server)
    assert settings(server) == "yes"


def test_system_that_grants_none(serve):
    wrapper = (sys.executable, str(ROOT / "tests/support/no_seccomp.py"))
    server = serve(wrapper=wrapper)
    client = server.connect()
    client.set(b"k", b"v")
    assert client.get(b"k") == b"v"
    assert "cachemand: goes on without a sandbox: " in server.error_text()
    assert settings(server) == "no"


def test_whole_life_in_it(serve, tmp_path):
    """Growth, eviction, a changed limit, large values, many connections, files removed."""
    pid_file = tmp_path / "pid"
    server = serve("-t", "2", "-m", "32", "-I", "4m", "-P", str(pid_file))
    client = server.connect()
    client.set(b"big", b"b" * 3000000)
    assert client.get(b"big") == b"b" * 3000000
    for number in range(40000):
        client.send(b"set k%d 0 0 1000 noreply\r\n%s\r\n" % (number, b"v" * 1000))
    assert int(client.stats()["evictions"]) > 0
    client.ask(b"cache_memlimit 48\r\n", b"OK\r\n")
    client.ask(b"cache_memlimit 8\r\n", b"OK\r\n")
    client.ask(b"verbosity 2\r\n", b"OK\r\n")
    others = [server.connect() for _ in range(200)]
    for other in others:
        other.ask(b"mn\r\n", b"MN\r\n")
    assert int(client.stats()["curr_connections"]) >= 200
    server.signal(signal.SIGHUP)
    client.ask(b"mn\r\n", b"MN\r\n")
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    assert not pid_file.exists()
