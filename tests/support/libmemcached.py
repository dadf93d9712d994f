# SPDX-License-Identifier: BSD-3-Clause
"""What libmemcached, its tools and Python's pylibmc, is asked in either protocol."""

import subprocess

import pytest
from cachemand import DEADLINE_S, wait_until

pylibmc = pytest.importorskip("pylibmc")

# A busy machine's, in milliseconds.
PATIENCE = {"connect_timeout": int(1000 * DEADLINE_S), "_poll_timeout": int(1000 * DEADLINE_S)}
BIG = "0123456789" * 100000


def tools(server, *options):
    """Runs one of libmemcached's tools against the server; what it printed."""
    def call(name, *arguments, status=0):
        done = subprocess.run([name, f"--servers=127.0.0.1:{server.port}", *options, *arguments],
                              capture_output=True, text=True, timeout=DEADLINE_S, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout
    return call


def check_file(tool, path):
    tool("memccp", str(path))
    assert tool("memccat", path.name).strip() == path.read_text().strip()
    tool("memcexist", path.name)
    tool("memctouch", "--expire=100", path.name)
    tool("memcrm", path.name)
    tool("memcexist", path.name, status=1)


def write_files(folder):
    """A small one and a large one."""
    files = {"some-file": b"what is in the file\n", "large": b"0123456789abcdef" * 60000}
    for name, content in files.items():
        (folder / name).write_bytes(content)
        yield folder / name


def connect(server, binary, **behaviors):
    return pylibmc.Client([f"127.0.0.1:{server.port}"], binary=binary,
                          behaviors={"tcp_nodelay": True, **PATIENCE, **behaviors})


def check_calls(client):
    """All kinds of them; the numbers and `big` stay."""
    assert client.set("a", "one")
    assert client.get("a") == "one"
    assert not client.add("a", "x")
    assert client.add("b", {"some": ["structure"]})
    assert client.get("b") == {"some": ["structure"]}
    numbers = {f"m{number}": number for number in range(200)}
    assert client.set_multi(numbers) == []
    assert client.get_multi([f"m{number}" for number in range(300)]) == numbers
    assert client.set("n", 10)
    assert client.incr("n", 5) == 15
    assert client.decr("n", 6) == 9
    value, cas = client.gets("a")
    assert value == "one"
    assert client.cas("a", "two", cas)
    assert not client.cas("a", "three", cas)
    assert client.append("a", "-end")
    assert client.prepend("a", "start-")
    assert client.get("a") == "start-two-end"
    assert client.touch("a", 100)
    assert client.delete("a")
    assert not client.delete("a")
    assert client.get("a") is None
    assert client.set("big", BIG)
    assert client.get("big") == BIG
    assert client.get_stats()[0][1]["curr_items"] == b"203"


def check_flush(client):
    assert client.flush_all()
    assert client.get("n") is None and client.get("big") is None


def check_buffered_and_quiet(server, binary):
    client = connect(server, binary, no_block=True, _noreply=True)
    for number in range(1000):
        client.set(f"k{number}", number)
    wait_until(lambda: client.get("k999") == 999, "the last set")
    assert client.get_multi(["k0", "k500"]) == {"k0": 0, "k500": 500}
