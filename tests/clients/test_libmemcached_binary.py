# SPDX-License-Identifier: BSD-3-Clause
"""libmemcached over the binary protocol: its command-line tools, and Python's pylibmc."""

import shutil

import pytest

import libmemcached
from cachemand import wait_until

needs_tools = pytest.mark.skipif(not shutil.which("memccat"), reason="no libmemcached-tools")


@pytest.fixture
def server(serve):
    return serve("-t", "2", "-B", "binary")


@pytest.fixture
def tool(server):
    return libmemcached.tools(server, "--binary")


@pytest.fixture
def client(server):
    return libmemcached.connect(server, True, cas=True)


@needs_tools
def test_files(tool, tmp_path):
    for path in libmemcached.write_files(tmp_path):
        libmemcached.check_file(tool, path)


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
    libmemcached.check_calls(client)
    with pytest.raises(libmemcached.pylibmc.TooBig):
        client.set("big", b"x" * (2 << 20))
    assert client.get("big") is None
    libmemcached.check_flush(client)


def test_pylibmc_buffered_and_quiet(server):
    libmemcached.check_buffered_and_quiet(server, True)
