# SPDX-License-Identifier: BSD-3-Clause
"""--slow-ms: which requests are told of, and what is told."""

import json
import re
import signal
import socket
import struct

import pytest

import cachemand

PHASES = ["waiting_ms", "executing_ms", "sending_ms"]


def slow_requests(server):
    """The fields of each line, in order."""
    lines = re.findall(r"^cachemand: slow request(?: \(\d+ more of these left out\))?: (.*)$",
                       server.error_text(), re.M)
    return [dict(field.split("=", 1) for field in line.split(" ")) for line in lines]


def wait_for(server, command, **fields):
    """The first line about a command, with these fields."""
    def find():
        for line in slow_requests(server):
            if line["command"] == command and fields.items() <= line.items():
                return line
        return None

    return cachemand.wait_until(find, f"a line about {command}")


def let_pass(server, seconds):
    """Waits until the server has seen so many."""
    client = server.connect()
    begin = int(client.stats()["uptime"])
    cachemand.wait_until(lambda: int(client.stats()["uptime"]) >= begin + seconds, "time to pass")


@pytest.fixture
def slow(serve):
    """No request takes less than a microsecond."""
    return serve("-t", "1", "--slow-ms", "0.001")


@pytest.fixture
def later_slow(serve, tmp_path):
    """Starts a server for which none is slow, and gives what changes that: lines are limited."""
    path = tmp_path / "some.conf"
    path.write_text("slow-ms = 0\n")

    def start(*options):
        server = serve("-t", "1", "--config", str(path), *options)

        def change(before, after):
            path.write_text(f"slow-ms = {after}\n")
            server.signal(signal.SIGHUP)
            cachemand.wait_until(lambda: f"slow-ms: {before} -> {after}" in server.error_text(),
                                 "the reload")

        return server, change

    return start


def test_off_unless_asked_for(serve):
    server = serve("-t", "1")
    client = server.connect()
    client.set(b"k", b"v")
    client.ask(b"mn\r\n", b"MN\r\n")
    assert client.stats(b"settings")["slow_ms"] == "0"
    assert "slow request" not in server.error_text()


def test_fields(slow):
    client = slow.connect()
    client.set(b"some key\x01\"".replace(b" ", b"/"), b"v" * 1000)
    line = wait_for(slow, "set")
    assert list(line) == ["command", "key", "value_bytes", "client", "took_ms", *PHASES,
                          "requests"]
    assert line["key"] == "some%2Fkey%01%22"
    assert line["value_bytes"] == "1000"
    assert line["client"] == "tcp:%s:%d" % client.socket.getsockname()
    assert line["requests"] == "1"
    assert all(re.fullmatch(r"\d+\.\d{3}", line[name]) for name in ["took_ms", *PHASES])
    assert abs(float(line["took_ms"]) - sum(float(line[name]) for name in PHASES)) < 0.004


def test_what_has_no_key(slow):
    slow.connect().stats()
    line = wait_for(slow, "stats")
    assert "key" not in line
    assert line["value_bytes"] == "0"


def test_as_json(serve):
    server = serve("-t", "1", "--slow-ms", "0.001", "--log-format", "json")
    client = server.connect()
    client.set(b"k", b"value")
    client.get(b"k")

    def find():
        lines = [json.loads(line) for line in server.error_text().splitlines()]
        return next((line for line in lines if line.get("command") == "get"), None)

    line = cachemand.wait_until(find, "a line")
    assert (line["level"], line["message"]) == ("warning", "slow request")
    assert (line["key"], line["value_bytes"], line["requests"]) == ("k", 5, 1)
    assert isinstance(line["took_ms"], float)


def test_the_slow_one_is_found_among_others(later_slow):
    """Appending to a large value copies all of it: no get takes as long."""
    server, change = later_slow("-m", "256", "-I", "64m")
    client = server.connect(timeout=60)
    size = 32 << 20
    client.set(b"large", b"v" * size)
    for number in range(20):
        client.set(b"k%d" % number, b"v")
    change("0", "0.001")
    gets = b"".join(b"get k%d\r\n" % number for number in range(20))
    answers = b"".join(b"VALUE k%d 0 1\r\nv\r\nEND\r\n" % number for number in range(20))

    def is_found():
        """Tried again where a get had to wait for a processor."""
        client.ask(gets + b"append large 0 0 1\r\nx\r\n" + gets, answers + b"STORED\r\n" + answers)
        return [line for line in slow_requests(server) if line["command"] == "append"]

    line = cachemand.wait_until(is_found, "a line about append")[0]
    assert (line["key"], line["value_bytes"], line["requests"]) == ("large", "1", "41")


def test_other_protocols_and_sockets(serve, tmp_path):
    server = serve("-t", "1", "-U", "-1", "--slow-ms", "0.001")
    port = int(server.connect().stats(b"settings")["udpport"])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.connect(("127.0.0.1", port))
        datagrams.send(struct.pack("!HHHH", 1, 0, 1, 0) + b"delete u\r\n")
        datagrams.settimeout(cachemand.DEADLINE_S)
        assert datagrams.recv(100)[8:] == b"NOT_FOUND\r\n"
        assert wait_for(server, "delete")["client"] == "udp:%s:%d" % datagrams.getsockname()
    client = server.connect()
    client.ask(b"*2\r\n$4\r\nINCR\r\n$1\r\nr\r\n", b":1\r\n")
    assert wait_for(server, "incr")["key"] == "r"
    local = serve("-t", "1", "--slow-ms", "0.001", unix=tmp_path / "socket")
    local.connect().get(b"k")
    assert wait_for(local, "get")["client"] == "unix"


def test_a_value_that_is_slow_to_come_is_not_slow(later_slow):
    server, change = later_slow()
    client = server.connect()
    client.send(b"set k 0 0 100000\r\n" + b"v" * 50000)
    let_pass(server, 3)
    change("0", "0.001")
    client.send(b"v" * 50000 + b"\r\n")
    assert client.line() == b"STORED\r\n"
    assert float(wait_for(server, "set")["took_ms"]) < 3000


def test_an_answer_that_is_slow_to_be_read_is_not_slow(later_slow):
    """Nor is what had to wait behind it."""
    server, change = later_slow()
    client = server.connect(receive_buffer=4096, timeout=60)
    client.set(b"large", b"v" * 1000000)
    client.send(b"get large\r\n" * 20 + b"delete k\r\n")
    let_pass(server, 3)
    change("0", "0.001")
    client.until(b"NOT_FOUND\r\n")
    assert float(wait_for(server, "delete")["took_ms"]) < 3000


def test_many_are_counted(slow):
    client = slow.connect()

    def has_left_out():
        for _ in range(100):
            client.get(b"k")
        return "more of these left out" in slow.error_text()

    cachemand.wait_until(has_left_out, "another second")


def test_changed_while_it_runs(later_slow):
    server, change = later_slow()
    client = server.connect()
    client.set(b"k", b"v")
    change("0", "0.001")
    client.get(b"k")
    wait_for(server, "get")
    assert client.stats(b"settings")["slow_ms"] == "0.001"
    change("0.001", "3600000")
    client.ask(b"mn\r\n", b"MN\r\n")
    before = server.error_text().count("slow request")
    client.get(b"k")
    client.ask(b"mn\r\n", b"MN\r\n")
    assert server.error_text().count("slow request") == before
