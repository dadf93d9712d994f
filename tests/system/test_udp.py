# SPDX-License-Identifier: BSD-3-Clause
"""UDP: requests and answers as datagrams, and what is dropped."""

import contextlib
import os
import signal
import socket
import struct

import pytest

from cachemand import DEADLINE_S, run, wait_until

HEADER = struct.Struct(">HHHH")
DATAGRAM = 1400


class Udp:
    """A client of memcached's framing, with a socket of its own."""

    def __init__(self, port, host="127.0.0.1"):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.settimeout(DEADLINE_S)
        self.socket.connect((host, port))
        self.next = 100

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, request, sequence=0, count=1, reserved=0):
        """Returns the request's id."""
        self.next += 1
        self.socket.send(HEADER.pack(self.next, sequence, count, reserved) + request)
        return self.next

    def receive(self, number):
        """The whole answer to the request of that id, put together."""
        parts = {}
        while True:
            data = self.socket.recv(1 << 16)
            got, sequence, count, reserved = HEADER.unpack(data[:HEADER.size])
            assert (got, reserved) == (number, 0)
            assert 0 <= sequence < count and sequence not in parts
            assert len(data) == DATAGRAM or sequence == count - 1 and len(data) < DATAGRAM
            parts[sequence] = data[HEADER.size:]
            if len(parts) == count:
                return b"".join(parts[index] for index in range(count))

    def ask(self, request):
        return self.receive(self.send(request))

    def is_silent(self):
        """Whether nothing was answered to all before. Answers come in order: whatever was answered
        would arrive before the next one's."""
        return self.ask(b"mn\r\n") == b"MN\r\n"


@pytest.fixture
def start_udp(serve):
    """Starts a server with both, and gives a client of either."""
    with contextlib.ExitStack() as clients:
        def start(*options):
            server = serve("-U", "-1", *options)
            port = next(int(row[2]) for row in server.ports if row[0] == "UDP")
            client = clients.enter_context(Udp(port))
            client.server = server
            client.tcp = server.connect()
            return client

        yield start


@pytest.fixture
def udp(start_udp):
    return start_udp("-t", "2")


def test_requests(udp):
    assert udp.ask(b"set a 7 0 5\r\nhello\r\n") == b"STORED\r\n"
    assert udp.ask(b"get a\r\n") == b"VALUE a 7 5\r\nhello\r\nEND\r\n"
    assert udp.ask(b"get b\r\n") == b"END\r\n"
    assert udp.ask(b"incr a 1\r\n").startswith(b"CLIENT_ERROR cannot increment")
    assert udp.ask(b"mg a v f\r\n") == b"VA 5 f7\r\nhello\r\n"
    assert udp.ask(b"delete a\r\nget a\r\n") == b"DELETED\r\nEND\r\n"
    assert udp.tcp.stats()["cmd_get"] == "4"


def test_is_off_by_default(serve):
    server = serve()
    assert {row[0] for row in server.ports} == {"TCP"}
    assert server.connect().stats(b"settings")["udpport"] == "0"
    server = serve("-U", "0")
    assert {row[0] for row in server.ports} == {"TCP"}


def test_alone(serve, tmp_path):
    server = serve("-p", "0", "-U", "-1", port=False)
    assert {row[0] for row in server.ports} == {"UDP"}
    assert len({row[2] for row in server.ports}) == 1, "one port for both families"
    with Udp(server.port) as client:
        assert client.ask(b"mn\r\n") == b"MN\r\n"
    if any(row[1] == "INET6:" for row in server.ports):
        with Udp(server.port, "::1") as client:
            assert client.ask(b"mn\r\n") == b"MN\r\n"


def test_settings_and_announcement(udp):
    port = udp.socket.getpeername()[1]
    assert udp.tcp.stats(b"settings")["udpport"] == str(port)
    wait_until(lambda: f", udp:127.0.0.1:{port}" in udp.server.error_text(), "the line")
    assert "is not loopback" not in udp.server.error_text()


def test_warns_where_strangers_can_reach_it(serve):
    server = serve("-U", "-1", "-l", "0.0.0.0")
    port = next(row[2] for row in server.ports if row[0] == "UDP")
    assert (f"cachemand: udp:0.0.0.0:{port} is not loopback: whoever reaches it can have answers "
            "sent to others, many times the size of a request\n") in server.error_text()


def test_large_value_is_split(udp):
    for size in (1300, 1392, 1393, 20000, 60000):
        value = os.urandom(size).replace(b"\n", b"x")
        udp.tcp.set(b"k", value)
        assert udp.ask(b"get k\r\n") == b"VALUE k 0 %d\r\n%s\r\nEND\r\n" % (size, value)


def test_values_of_several_kinds_in_one_answer(udp):
    values = {b"small": b"s" * 10, b"copied": b"c" * 9000, b"held": b"h" * 30000}
    for key, value in values.items():
        udp.tcp.set(key, value)
    answer = b"".join(b"VALUE %s 0 %d\r\n%s\r\n" % (key, len(value), value)
                      for key, value in values.items()) + b"END\r\n"
    assert udp.ask(b"get small copied held\r\n") == answer


def test_large_value_is_stored(udp):
    value = b"y" * 50000
    assert udp.ask(b"set k 0 0 50000\r\n%s\r\n" % value) == b"STORED\r\n"
    assert udp.tcp.get(b"k") == value


def test_answer_that_is_too_long(udp):
    udp.tcp.set(b"k", b"z" * 900000)
    assert udp.ask(b"get k\r\n") == b"SERVER_ERROR answer too long for UDP\r\n"
    udp.tcp.set(b"k", b"z" * 20000)
    assert udp.ask(b"get k k k k k\r\n") == b"SERVER_ERROR answer too long for UDP\r\n"
    assert len(udp.ask(b"get k k k k\r\n")) > 80000


def test_stats(udp):
    answer = udp.ask(b"stats\r\n")
    assert answer.startswith(b"STAT pid ") and answer.endswith(b"END\r\n")
    assert len(answer) > DATAGRAM


def test_requests_of_several_datagrams_are_dropped(udp):
    udp.send(b"set a 0 0 2\r\n", sequence=0, count=2)
    udp.send(b"xx\r\n", sequence=1, count=2)
    udp.send(b"get a\r\n", sequence=1, count=1)
    udp.send(b"get a\r\n", sequence=5, count=3)
    udp.send(b"get a\r\n", count=0)
    udp.send(b"get a\r\n", count=65535)
    assert udp.is_silent()
    assert udp.ask(b"get a\r\n") == b"END\r\n"


def test_garbage_is_dropped(udp):
    for data in (b"", b"x", b"1234567", b"\0" * 8, b"\xff" * 8, b"\0\1\0\0\0\1\0\0",
                 b"get a\r\n", os.urandom(1000), b"\xff" * 60000):
        udp.socket.send(data)
    for request in (b"foo\r\n", b"ERROR\r\n", b"\r\n", b"get a", b"a" * 3000, b"\x80",
                    b"\x81" + b"\0" * 23, b"GET / HTTP/1.1\r\n\r\n", os.urandom(500) + b"\r\n"):
        udp.send(request)
    assert udp.is_silent()


def test_nothing_is_kept_between_datagrams(udp):
    udp.send(b"set a 0 0 10\r\nabc")
    udp.send(b"defghij\r\n")
    udp.send(b"set b 0 0 500000\r\n" + b"x" * 30000)
    udp.send(b"get ")
    assert udp.is_silent()
    assert udp.ask(b"get a b\r\n") == b"END\r\n"
    assert udp.tcp.stats()["curr_connections"] == "1"


def test_what_makes_no_sense_is_dropped(serve):
    server = serve("-U", "-1", "-A")
    port = next(int(row[2]) for row in server.ports if row[0] == "UDP")
    with Udp(port) as udp:
        for request in (b"quit\r\n", b"shutdown\r\n", b"shutdown graceful\r\n",
                        b"lru_crawler metadump all\r\n", b"lru_crawler mgdump all\r\n",
                        b"stats cachedump 1 0\r\n", b"watch fetchers mutations\r\n"):
            udp.send(request)
        assert udp.is_silent()


def test_is_watched(start_udp):
    """By who watches over TCP."""
    udp = start_udp("-t", "1")  # one thread: it leaves out no line for another one's sake
    udp.tcp.ask(b"watch fetchers mutations\r\n", b"OK\r\n")
    assert udp.ask(b"set a 0 0 1\r\nx\r\n") == b"STORED\r\n"
    assert udp.ask(b"get a\r\n").startswith(b"VALUE a")
    told = udp.tcp.until(b"type=item_get key=a status=found ")
    assert b"type=item_store key=a status=stored " in told


def test_noreply(udp):
    udp.send(b"set a 0 0 1 noreply\r\nx\r\n")
    assert udp.is_silent()
    assert udp.tcp.get(b"a") == b"x"


def binary(opcode, key=b"", extras=b"", value=b""):
    return struct.pack(">BBHBBHIIQ", 0x80, opcode, len(key), len(extras), 0, 0,
                       len(key) + len(extras) + len(value), 9, 0) + extras + key + value


def test_binary(udp):
    answer = udp.ask(binary(0x01, b"k", bytes(8), b"v" * 3000))
    assert answer[:2] == b"\x81\x01" and answer[6:8] == b"\0\0"
    answer = udp.ask(binary(0x00, b"k"))
    assert len(answer) == 24 + 4 + 3000 and answer.endswith(b"v" * 3000)
    assert udp.ask(binary(0x0b)).startswith(b"\x81\x0b")
    udp.send(binary(0x00, b"k")[:-1])
    udp.send(binary(0x17))
    assert udp.is_silent()


def test_only_the_protocol_of_the_option(serve):
    server = serve("-U", "-1", "-B", "binary")
    port = next(int(row[2]) for row in server.ports if row[0] == "UDP")
    with Udp(port) as udp:
        udp.send(b"mn\r\n")
        assert udp.ask(binary(0x0a)).startswith(b"\x81\x0a")


def test_many_clients(udp):
    """Over all workers."""
    port = udp.socket.getpeername()[1]
    clients = [Udp(port) for _ in range(50)]
    for number, client in enumerate(clients):
        assert client.ask(b"set k%d 0 0 3\r\n%03d\r\n" % (number, number)) == b"STORED\r\n"
    for number, client in enumerate(clients):
        assert client.ask(b"get k%d\r\n" % number) == b"VALUE k%d 0 3\r\n%03d\r\nEND\r\n" % (
            number, number)
        client.socket.close()


def test_answers_to_nobody(udp):
    """Clients that are gone do no harm."""
    udp.tcp.set(b"k", b"v" * 50000)
    port = udp.socket.getpeername()[1]
    for _ in range(100):
        with Udp(port) as client:
            client.send(b"get k\r\n")
    assert udp.is_silent()


def test_stops_under_load(serve):
    server = serve("-U", "-1", "-t", "2")
    port = next(int(row[2]) for row in server.ports if row[0] == "UDP")
    with Udp(port) as udp:
        for _ in range(1000):
            udp.send(b"mn\r\n" * 100)
        server.signal(signal.SIGTERM)
        assert server.wait() == 0


def test_port_taken(serve):
    """Although the workers' sockets share it."""
    server = serve("-U", "-1", "-t", "2", "-l", "127.0.0.1")
    port = next(row[2] for row in server.ports if row[0] == "UDP")
    assert run("-p", "-1", "-U", port, "-l", "127.0.0.1") == (
        71, "", f"cachemand: cannot listen on udp:127.0.0.1:{port}: Address already in use\n")


@pytest.mark.parametrize("options,message", [
    (["-U", "65536"], 'option -U (--udp-port): "65536" is not a number from -1 to 65535'),
    (["-U", "x"], 'option -U (--udp-port): "x" is not a number from -1 to 65535'),
    (["-U", "1", "-Z", "--tls-cert", "c"],
     "option -U (--udp-port): datagrams cannot be encrypted; there is no UDP with -Z (--tls)"),
    (["-U", "1", "--auth-file", "f"],
     "option -U (--udp-port): nobody can log in over UDP; leave --auth-file or -U out"),
])
def test_refused(options, message):
    assert run(*options) == (64, "", f"cachemand: {message}\n")
