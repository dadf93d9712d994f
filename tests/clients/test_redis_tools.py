# SPDX-License-Identifier: BSD-3-Clause
"""redis-cli, in RESP2 and RESP3, and redis-benchmark."""

import shutil
import subprocess

import pytest

pytestmark = pytest.mark.skipif(not shutil.which("redis-cli"), reason="no redis-tools")


def run(*words, stdin=""):
    done = subprocess.run(words, input=stdin, capture_output=True, text=True, timeout=300,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(params=["-2", "-3"])
def cli(request, server):
    def call(*words, stdin=""):
        return run("redis-cli", "-p", str(server.port), request.param, "--no-raw", *words,
                   stdin=stdin)
    return call


def test_cli(cli):
    assert cli("ping") == "PONG\n"
    assert cli("set", "k", "some value") == "OK\n"
    assert cli("get", "k") == '"some value"\n'
    assert cli("get", "missing") == "(nil)\n"
    assert cli("mget", "k", "missing") == '1) "some value"\n2) (nil)\n'
    assert cli("incrby", "n", "-5") == "(integer) -5\n"
    assert cli("ttl", "k") == "(integer) -1\n"
    assert cli("del", "k", "n", "missing") == "(integer) 2\n"
    assert "unknown command 'LPUSH'" in cli("LPUSH", "a", "b")
    assert "redis_version:7.0.0" in cli("info", "server")
    assert "standalone" in cli("hello")
    assert cli("config", "get", "appendonly").count("appendonly") == 1


def test_cli_reads_many_commands(cli):
    lines = "".join(f"set k{number} {number}\n" for number in range(500))
    assert cli(stdin=lines) == "OK\n" * 500
    assert cli("-x", "set", "big", stdin="x" * 300000) == "OK\n"
    assert cli("strlen", "big") == "(integer) 300000\n"


def test_cli_pipe(server):
    words = [["SET", f"k{number}", "v" * number] for number in range(1000)]
    sent = "".join(f"*{len(some)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in some)
                   for some in words)
    assert "errors: 0, replies: 1000" in run("redis-cli", "-p", str(server.port), "--pipe",
                                             stdin=sent)


@pytest.mark.skipif(not shutil.which("redis-benchmark"), reason="no redis-tools")
@pytest.mark.parametrize("options", [("-P", "16"), ("-P", "1", "-3"), ("-d", "20000")], ids=" ".join)
def test_benchmark(server, options):
    tests = "ping_mbulk,set,get,incr,mset"
    out = run("redis-benchmark", "-p", str(server.port), "-t", tests, "-n", "2000", "-c", "8", "-q",
              *options)
    for name in ("PING_MBULK", "SET", "GET", "INCR", "MSET"):
        assert f"{name}" in out and "requests per second" in out, out
    assert "rror" not in out, out
