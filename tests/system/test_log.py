# SPDX-License-Identifier: BSD-3-Clause
"""Messages: their levels and formats, whole lines, and not too many of them."""

import json
import os
import re
import subprocess
import threading

import pytest

import cachemand
from cachemand import run, wait_until

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def lines(server):
    return server.error_text().splitlines()


def test_json(serve):
    server = serve("--log-format", "json", "--log-level=debug")
    server.connect().ask(b"mn\r\n", b"MN\r\n")
    wait_until(lambda: "connection opened" in server.error_text(), "the log of a connection")
    entries = [json.loads(line) for line in lines(server)]
    members = ["time", "level", "program", "message"]
    assert all(list(entry) in (members, [*members, "client"]) for entry in entries)
    assert all(TIME.fullmatch(entry["time"]) for entry in entries)
    levels = {entry["message"].split(" on ")[0]: entry["level"] for entry in entries}
    assert levels["listening"] == "info" and levels["connection opened"] == "debug"
    assert {entry["program"] for entry in entries} == {"cachemand"}


@pytest.mark.parametrize("options,there,absent", [
    (["--log-level=error"], [], ["listening", "runs as root", "connection opened"]),
    (["--log-level=warning"], [], ["listening", "connection opened"]),
    ([], ["listening"], ["connection opened"]),
    (["--log-level=debug"], ["listening", "connection opened"], ["read 4 bytes"]),
    (["--log-level=trace"], ["listening", "connection opened", "read 4 bytes"], []),
    (["--log-level=error", "-vv"], ["listening", "connection opened"], ["read 4 bytes"])])
def test_levels(serve, options, there, absent):
    server = serve(*options, announces="listening" in there)
    server.connect().ask(b"mn\r\n", b"MN\r\n")
    server.connect().ask(b"mn\r\n", b"MN\r\n")
    for text in there:
        wait_until(lambda text=text: text in server.error_text(), text)
    assert not [text for text in absent if text in server.error_text()]


def test_errors_are_always_said():
    code, _, err = run("-p", "-1", "--log-level=error", "-P", "/dev/null/pid")
    assert code == 73
    assert err == 'cachemand: cannot write the pid file "/dev/null/pid": Not a directory\n'


def test_wrong_values():
    assert run("--log-level=loud") == (
        64, "", 'cachemand: option --log-level: "loud" is not one of error, warning, info, debug, '
        "trace\n")
    assert run("--log-format=xml") == (
        64, "", 'cachemand: option --log-format: "xml" is not one of text, json\n')


def test_journal(tmp_path):
    """With the variable that systemd sets, if it means standard error."""
    path = tmp_path / "stderr"
    for told, prefix in ((True, b"<3>"), (False, b"")):
        with open(path, "wb") as errors:
            there = os.fstat(errors.fileno())
            stream = f"{there.st_dev}:{there.st_ino + (0 if told else 1)}"
            done = subprocess.run([str(cachemand.PROGRAM), "-t", "0"], stderr=errors, timeout=cachemand.DEADLINE_S,
                                  env={**os.environ, "JOURNAL_STREAM": stream}, check=False)
        assert done.returncode == 64
        assert path.read_bytes() == prefix + (
            b'cachemand: option -t (--threads): "0" is not a number from 1 to 64\n')


def test_not_too_many(serve):
    """What clients cause is counted beyond some lines a second."""
    server = serve("-c", "1")
    client = server.connect()
    client.ask(b"mn\r\n", b"MN\r\n")
    refused = 0

    def said():
        """Of each line, how many were left out before it."""
        return [int(left_out or 0) for left_out in
                re.findall(r"^cachemand: too many open connections(?: \((\d+) more of these left out\))?$",
                           server.error_text(), re.M)]

    def has_left_out():
        nonlocal refused
        for _ in range(100):
            with cachemand.Client(server.port) as one:
                one.rest()
        refused += 100
        return any(said())

    wait_until(has_left_out, "another second")
    assert client.stats()["rejected_connections"] == str(refused)
    assert 20 <= len(said()) < len(said()) + sum(said()) <= refused


def test_lines_are_whole(serve):
    """Workers and the accepting thread speak at once."""
    server = serve("-t", "4", "--log-level=trace", "--log-format=json")

    def talk():
        for _ in range(40):
            with cachemand.Client(server.port) as client:
                client.ask(b"mn\r\n", b"MN\r\n")

    threads = [threading.Thread(target=talk) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_until(lambda: server.error_text().count("connection closed") == 320, "all lines")
    messages = [json.loads(line)["message"] for line in lines(server)]
    assert messages.count("connection opened") == 320
    assert messages.count("read 4 bytes") == 320


def test_who_connects(serve):
    """Who has gone when the end is seen is no longer known."""
    server = serve("--log-level=debug")
    with server.connect() as client:
        host, port = client.socket.getsockname()
        client.ask(b"mn\r\n", b"MN\r\n")
    who = f": client=tcp:{host}:{port}\n"
    wait_until(lambda: f"cachemand: connection opened{who}" in server.error_text(), "its beginning")
    wait_until(lambda: f"cachemand: connection closed{who}" in server.error_text(), "its end")


def test_who_has_flushed(server):
    client = server.connect()
    host, port = client.socket.getsockname()
    client.ask(b"flush_all\r\n", b"OK\r\n")
    wait_until(lambda: f"cachemand: flush_all by tcp:{host}:{port}\n" in server.error_text(), "the log")


def test_who_has_flushed_by_another_way(serve, tmp_path):
    server = serve(unix=str(tmp_path / "socket"))
    cachemand.Client(tmp_path / "socket").ask(b"flush_all\r\n", b"OK\r\n")
    wait_until(lambda: "cachemand: flush_all by unix\n" in server.error_text(), "the log")


def test_flushes_that_are_refused_are_not_said(serve):
    server = serve("-F")
    server.connect().ask(b"flush_all\r\nflush_all 10\r\n", b"CLIENT_ERROR flush_all not allowed\r\n" * 2)
    assert "flush_all" not in server.error_text()


def test_full_memory(serve):
    server = serve("-M", "-m", "8", "-I", "1m")
    client = server.connect()
    value = b"v" * 1000000
    answers = set()
    for number in range(40):
        client.send(b"set k%d 0 0 %d\r\n%s\r\n" % (number, len(value), value))
        answers.add(client.line())
    assert answers == {b"STORED\r\n", b"SERVER_ERROR out of memory storing object\r\n"}
    said = [re.sub(r" \(\d+ more of these left out\)$", "", line)
            for line in wait_until(lambda: [line for line in lines(server) if "refused" in line], "a line")]
    assert set(said) == {"cachemand: refused to store an item: memory is full, and -M evicts nothing"}
