# SPDX-License-Identifier: BSD-3-Clause
"""libmemcached's command-line tools."""

import shutil
import subprocess

import pytest

from cachemand import wait_until

pytestmark = pytest.mark.skipif(not shutil.which("memcping"), reason="no libmemcached-tools")


@pytest.fixture
def tool(server):
    def call(name, *arguments, status=0):
        done = subprocess.run([name, f"--servers=127.0.0.1:{server.port}", *arguments],
                              capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout
    return call


def test_ping(tool):
    tool("memcping")


def test_copy_cat_remove(tool, tmp_path):
    path = tmp_path / "some-file"
    path.write_text("what is in the file\n")
    tool("memccp", str(path))
    assert tool("memccat", "some-file").strip() == "what is in the file"
    tool("memcexist", "some-file")
    tool("memctouch", "--expire=100", "some-file")
    tool("memcrm", "some-file")
    tool("memcexist", "some-file", status=1)


def test_copy_large(tool, tmp_path):
    path = tmp_path / "large"
    path.write_bytes(b"0123456789abcdef" * 60000)
    tool("memccp", str(path))
    assert tool("memccat", "large").strip() == path.read_text()


def test_dump_lists_every_key(tool, server):
    client = server.connect()
    names = {f"key-{number}" for number in range(100)}
    for name in names:
        client.set(name.encode(), b"v")
    assert set(tool("memcdump").split()) == names


def test_stat(tool):
    text = tool("memcstat")
    for name in ("curr_items:", "limit_maxbytes:", "threads:"):
        assert name in text


def test_flush(tool, server):
    client = server.connect()
    client.set(b"k", b"v")
    tool("memcflush")
    assert client.get(b"k") is None


@pytest.mark.parametrize("test", ["set", "get", "mget"])
def test_slap(tool, server, test):
    tool("memcslap", "--concurrency=4", "--execute-number=500", "--initial-load=500",
         f"--test={test}")
    wait_until(lambda: int(server.connect().stats()["cmd_set"]) >= 500, "the load")
