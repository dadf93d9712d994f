# SPDX-License-Identifier: BSD-3-Clause
"""Signals, and the graceful stop: what was received is answered."""

import signal
import socket
import time

import pytest

from cachemand import refuses, wait_until, wait_until_received

# Less than a server waits for clients that do not let it go, CM_NET_STOP_MS.
STOP_S = 2.5


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_signal_stops(serve, number):
    """Tried again if it took long, as it may on a busy machine: who waits for something that is not
    there does so every time."""
    def stops_at_once():
        server = serve()
        client = server.connect()
        client.ask(b"mn\r\n", b"MN\r\n")
        begin = time.monotonic()
        server.signal(number)
        assert server.wait() == 0
        assert client.is_closed()
        return time.monotonic() - begin < STOP_S

    wait_until(stops_at_once, "a stop with nothing to wait for")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_signal_is_said(serve, number):
    server = serve()
    server.signal(number)
    assert server.wait() == 0
    assert server.error_text().splitlines()[-2:] == [
        f"cachemand: stopping: {signal.Signals(number).name}", "cachemand: stopped"]


def test_command_is_said(serve, tmp_path):
    server = serve("-A")
    client = server.connect()
    host, port = client.socket.getsockname()
    client.send(b"shutdown\r\n")
    assert server.wait() == 0
    assert server.error_text().splitlines()[-2:] == [
        f"cachemand: stopping: shutdown by tcp:{host}:{port}", "cachemand: stopped"]


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_signals_to_the_very_end(serve, number):
    """Not so many that the server has no time but for them."""
    for _ in range(20):
        server = serve("-t", "1")
        server.signal(signal.SIGTERM)
        while server.process.poll() is None:
            server.signal(number)
            time.sleep(0.0001)
        assert server.process.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGPIPE])
def test_signal_is_ignored(server, number):
    client = server.connect()
    server.signal(number)
    client.ask(b"mn\r\n", b"MN\r\n")
    server.connect().ask(b"mn\r\n", b"MN\r\n")


def test_stop_answers_what_was_received(serve):
    """Requests that lie in the socket when the signal comes are all answered, then the end."""
    server = serve("-t", "1")
    clients = [server.connect() for _ in range(20)]
    clients[0].set(b"k", b"v" * 100)
    answer = b"VALUE k 0 100\r\n" + b"v" * 100 + b"\r\nEND\r\n"
    for client in clients:
        client.send(b"get k\r\n" * 2000)
    for client in clients:
        wait_until_received(client.socket)
    server.signal(signal.SIGTERM)
    for client in clients:
        assert client.take(2000 * len(answer)) == 2000 * answer
        assert client.rest() == b""
    assert server.wait() == 0


def test_stop_answers_who_waited_to_be_accepted(serve):
    """More than are accepted at a time."""
    server = serve("-t", "1")
    server.signal(signal.SIGSTOP)
    try:
        clients = [server.connect() for _ in range(200)]
        for client in clients:
            client.send(b"mn\r\n")
        for client in clients:
            wait_until_received(client.socket)
        server.signal(signal.SIGTERM)
    finally:
        server.signal(signal.SIGCONT)
    for client in clients:
        assert client.rest() == b"MN\r\n"
    assert server.wait() == 0


def test_stop_reads_what_waited_for_answers_to_leave(serve_patient):
    """Requests that were not read because earlier answers could not be sent are answered too. Of
    8 bytes each, they leave no half a request that would have to be waited for."""
    server = serve_patient("-t", "1")
    client = server.connect(receive_buffer=4096)
    client.set(b"kk", b"v" * 4000)
    answer = b"VALUE kk 0 4000\r\n" + b"v" * 4000 + b"\r\nEND\r\n"
    client.send(b"get kk\r\n" * 6000)
    wait_until_received(client.socket)
    server.signal(signal.SIGTERM)
    wait_until(lambda: refuses(server.port), "the listener's end")
    assert len(client.rest()) == 6000 * len(answer)
    assert server.wait() == 0


def test_stop_sends_what_the_client_has_yet_to_read(serve_patient):
    server = serve_patient("-t", "1", "-I", "16m")
    client = server.connect(receive_buffer=4096)
    value = bytes(range(256)) * 4096 * 12
    client.set(b"big", value)
    client.send(b"get big\r\nmn\r\n")
    wait_until_received(client.socket)
    head = client.line()
    server.signal(signal.SIGTERM)
    assert head == b"VALUE big 0 %d\r\n" % len(value)
    assert client.take(len(value)) == value
    assert client.rest() == b"\r\nEND\r\nMN\r\n"
    assert server.wait() == 0


def test_stop_lets_a_begun_request_finish(serve_patient):
    server = serve_patient("-t", "1")
    client = server.connect()
    client.ask(b"mn\r\nset k 0 0 10\r\n12345", b"MN\r\n")
    server.signal(signal.SIGTERM)
    wait_until(lambda: refuses(server.port), "the listener's end")
    client.send(b"67890\r\n")
    assert client.rest() == b"STORED\r\n"
    assert server.wait() == 0


def test_stop_has_a_deadline(serve):
    """A client that never finishes its request and one that never reads do not hold the stop."""
    server = serve("-t", "1", "-m", "64")
    unfinished, deaf = server.connect(), server.connect(receive_buffer=4096)
    unfinished.ask(b"mn\r\nset k 0 0 10\r\n123", b"MN\r\n")
    server.connect().set(b"v", b"v" * 1000000)
    deaf.send(b"get v\r\n" * 100)
    wait_until(lambda: int(server.connect().stats()["get_hits"]) > 0, "the first answer")
    server.signal(signal.SIGTERM)
    assert server.wait() == 0


def test_second_signal_stops_at_once(serve):
    """Tried again as above."""
    def stops_at_once():
        server = serve("-t", "2")
        client = server.connect()
        client.ask(b"mn\r\nset k 0 0 10\r\n123", b"MN\r\n")
        begin = time.monotonic()
        server.signal(signal.SIGTERM)
        wait_until(lambda: refuses(server.port), "the listener's end")
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
        said = server.error_text().splitlines()[-3:]
        return time.monotonic() - begin < STOP_S and said == [
            "cachemand: stopping: SIGTERM", "cachemand: stopping: SIGTERM once more",
            "cachemand: stopped"]

    wait_until(stops_at_once, "a stop that does not wait")


def test_stop_under_load(serve):
    """A client that keeps sending sees whole answers, an end, and no garbage."""
    server = serve("-t", "2")
    client = server.connect()
    client.set(b"k", b"v")
    server.signal(signal.SIGTERM)
    received = b""
    try:
        while True:
            client.send(b"get k\r\n" * 10)
            received += client.socket.recv(1 << 16)
    except (ConnectionResetError, BrokenPipeError, socket.timeout):
        pass
    received += client.rest() if client.socket.fileno() >= 0 else b""
    answer = b"VALUE k 0 1\r\nv\r\nEND\r\n"
    assert (answer * (len(received) // len(answer) + 1)).startswith(received)
    assert server.wait() == 0


def test_starts_again_on_the_same_port(serve, hold_port):
    """Connections of the last server that the system still remembers are no obstacle."""
    port = hold_port()
    server = serve("-p", str(port), port=False)
    server.connect().ask(b"mn\r\n", b"MN\r\n")
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    again = serve("-p", str(port), port=False)
    again.connect().ask(b"mn\r\n", b"MN\r\n")
