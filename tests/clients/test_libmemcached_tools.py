# SPDX-License-Identifier: BSD-3-Clause
"""libmemcached's command-line tools."""

import shutil

import pytest

import libmemcached
from cachemand import wait_until

pytestmark = pytest.mark.skipif(not shutil.which("memcping"), reason="no libmemcached-tools")


@pytest.fixture
def tool(server):
    return libmemcached.tools(server)


def test_ping(tool):
    tool("memcping")


def test_files(tool, tmp_path):
    for path in libmemcached.write_files(tmp_path):
        libmemcached.check_file(tool, path)


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
