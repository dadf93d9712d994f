# SPDX-License-Identifier: BSD-3-Clause
"""libmemcached over the binary protocol: its command-line tools, and Python's pylibmc."""

import shutil
import subprocess

import pytest

from cachemand import wait_until

pylibmc = pytest.importorskip("pylibmc")

BIG = b"0123456789" * 100000
needs_tools = pytest.mark.skipif(not shutil.which("memccat"), reason="no libmemcached-tools")


@pytest.fixture
def server(serve):
    return serve("-t", "2", "-B", "binary")


@pytest.fixture
def tool(server):
    def call(name, *arguments, status=0):
        done = subprocess.run([name, f"--servers=127.0.0.1:{server.port}", "--binary", *arguments],
                              capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout
    return call


@pytest.fixture
def client(server):
    return pylibmc.Client([f"127.0.0.1:{server.port}"], binary=True,
                          behaviors={"tcp_nodelay": True, "cas": True})


@needs_tools
def test_copy_cat_remove(tool, tmp_path):
    path = tmp_path / "some-file"
    path.write_text("what is in the file\n")
    tool("memccp", str(path))
    assert tool("memccat", "some-file").strip() == "what is in the file"
    tool("memcexist", "some-file")
    tool("memctouch", "--expire=100", "some-file")
    tool("memcrm", "some-file")
    tool("memcexist", "some-file", status=1)


@needs_tools
def test_copy_large(tool, tmp_path):
    path = tmp_path / "large"
    path.write_bytes(b"0123456789abcdef" * 60000)
    tool("memccp", str(path))
    assert tool("memccat", "large").strip() == path.read_text()


@needs_tools
def test_stat(tool):
    text = tool("memcstat")
    for name in ("curr_items:", "limit_maxbytes:", "threads:"):
        assert name in text


@needs_tools
def test_flush(tool, client):
    client.set("k", "v")
    tool("memcflush")
    assert client.get("k") is None


@needs_tools
@pytest.mark.parametrize("test", ["set", "get", "mget"])
def test_slap(tool, client, test):
    tool("memcslap", "--concurrency=4", "--execute-number=500", "--initial-load=500",
         f"--test={test}")
    wait_until(lambda: int(client.get_stats()[0][1]["cmd_set"]) >= 500, "the load")


def test_pylibmc(client):
    assert client.set("a", "one")
    assert client.get("a") == "one"
    assert not client.add("a", "x")
    assert client.add("b", {"some": ["structure"]})
    assert client.get("b") == {"some": ["structure"]}
    assert client.set_multi({f"m{number}": number for number in range(200)}) == []
    assert client.get_multi([f"m{number}" for number in range(300)]) == {
        f"m{number}": number for number in range(200)}
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
    with pytest.raises(pylibmc.TooBig):
        client.set("big", b"x" * (2 << 20))
    assert client.get("big") is None
    assert client.get_stats()[0][1]["curr_items"] == b"202"
    assert client.flush_all()
    assert client.get("n") is None


def test_pylibmc_buffered_and_quiet(server):
    client = pylibmc.Client([f"127.0.0.1:{server.port}"], binary=True,
                            behaviors={"no_block": True, "_noreply": True, "tcp_nodelay": True})
    for number in range(1000):
        client.set(f"k{number}", number)
    wait_until(lambda: client.get("k999") == 999, "the last set")
    assert client.get_multi(["k0", "k500"]) == {"k0": 0, "k500": 500}
