# SPDX-License-Identifier: BSD-3-Clause
"""Requests in bulk, in pieces, and large."""

import os
import random
import threading

import pytest

CONVERSATION = (
    (b"set a 5 0 10\r\n0123456789\r\n", b"STORED\r\n"),
    (b"get a\r\n", b"VALUE a 5 10\r\n0123456789\r\nEND\r\n"),
    (b"set quiet 0 0 2 noreply\r\nqq\r\n", b""),
    (b"mg quiet v\r\n", b"VA 2\r\nqq\r\n"),
    (b"add a 0 0 1\r\nx\r\n", b"NOT_STORED\r\n"),
    (b"append a 0 0 3\r\n\r\n\r\r\n", b"STORED\r\n"),
    (b"get a missing\r\n", b"VALUE a 5 13\r\n0123456789\r\n\r\r\nEND\r\n"),
    (b"nonsense\r\n", b"ERROR\r\n"),
    (b"set n 0 0 2\r\n41\r\nincr n 1\r\n", b"STORED\r\n42\r\n"),
    (b"ms m 3 T0 F7\r\nabc\r\nmg m v f t\r\n", b"HD\r\nVA 3 f7 t-1\r\nabc\r\n"),
    (b"delete a\r\ndelete a\r\n", b"DELETED\r\nNOT_FOUND\r\n"),
    (b"mn\r\n", b"MN\r\n"),
)
REQUESTS = b"".join(request for request, _ in CONVERSATION)
ANSWERS = b"".join(answer for _, answer in CONVERSATION)


def test_split_at_any_byte(server):
    client = server.connect()
    for at in range(1, len(REQUESTS)):
        client.send(REQUESTS[:at])
        client.send(REQUESTS[at:])
        assert client.take(len(ANSWERS)) == ANSWERS, f"split at {at}"


def test_byte_by_byte(server):
    client = server.connect()
    for byte in REQUESTS:
        client.send(bytes([byte]))
    assert client.take(len(ANSWERS)) == ANSWERS


def test_random_pieces(server):
    seed = int(os.environ.get("CACHEMAN_TEST_SEED", random.randrange(1 << 32)))
    print("seed", seed)
    choose = random.Random(seed)
    client = server.connect()
    for _ in range(100):
        at = 0
        while at < len(REQUESTS):
            size = choose.choice((1, 2, 3, 10, 50))
            client.send(REQUESTS[at:at + size])
            at += size
        assert client.take(len(ANSWERS)) == ANSWERS


@pytest.mark.parametrize("limit", ["1", "7", "1000"])
def test_ten_thousand_pipelined(serve, limit):
    client = serve("-t", "1", "-R", limit).connect()
    count = 10000
    sets = b"".join(b"set k%d 0 0 %d\r\n%d\r\n" % (i, len(str(i)), i) for i in range(count))
    client.ask(sets, b"STORED\r\n" * count)
    gets = b"".join(b"get k%d\r\n" % i for i in range(count))
    values = b"".join(b"VALUE k%d 0 %d\r\n%d\r\nEND\r\n" % (i, len(str(i)), i)
                      for i in range(count))
    client.ask(gets, values)
    assert int(client.stats()["conn_yields"]) >= (20 if limit != "1000" else 0)


def test_pipelining_while_reading_late(server):
    """The sender is ahead of its reader by more than any buffer: both sides go on."""
    client = server.connect(receive_buffer=8192)
    client.set(b"k", b"x" * 1000)
    answer = b"VALUE k 0 1000\r\n" + b"x" * 1000 + b"\r\nEND\r\n"
    sender = threading.Thread(target=lambda: client.send(b"get k\r\n" * 50000))
    sender.start()
    for _ in range(50000):
        assert client.take(len(answer)) == answer
    sender.join(20)


def test_multiget_of_tens_of_thousands(serve):
    server = serve("-t", "1", "-m", "64")
    client = server.connect()
    count = 50000
    for start in range(0, count, 1000):
        client.ask(b"".join(b"set key-%05d 0 0 5\r\n%05d\r\n" % (i, i)
                            for i in range(start, start + 1000)), b"STORED\r\n" * 1000)
    before = server.rss_bytes()
    sender = threading.Thread(target=lambda: client.send(
        b"get " + b" ".join(b"key-%05d" % i for i in range(count)) + b"\r\n"))
    sender.start()
    for i in range(count):
        wanted = b"VALUE key-%05d 0 5\r\n%05d\r\n" % (i, i)
        assert client.take(len(wanted)) == wanted
    assert client.take(5) == b"END\r\n"
    sender.join(20)
    assert server.rss_bytes() - before < 4 << 20


def pattern(size, seed):
    return random.Random(seed).randbytes(size)


@pytest.mark.parametrize("size", [16383, 16384, 16385, 65536, 262144, 500000, 1040000])
def test_large_values(server, size):
    client = server.connect()
    value = pattern(size, size)
    client.set(b"big", value)
    assert client.get(b"big") == value
    client.ask(b"append big 0 0 3\r\nend\r\n", b"STORED\r\n")
    assert client.get(b"big") == value + b"end"


def test_too_large(server):
    client = server.connect()
    client.set(b"big", b"old")
    client.send(b"set big 0 0 %d\r\n%s\r\nmn\r\n" % (1 << 20, b"x" * (1 << 20)))
    assert client.line() == b"SERVER_ERROR object too large for cache\r\n"
    assert client.line() == b"MN\r\n"
    assert client.get(b"big") is None


def test_sixty_megabytes(serve):
    client = serve("-m", "256", "-I", "64m", "-t", "1").connect()
    value = pattern(60 << 20, 1)
    client.set(b"huge", value)
    assert client.get(b"huge") == value
    client.set(b"huge", value[::-1])
    assert client.get(b"huge") == value[::-1]


def test_large_values_between_small_ones(server):
    """Pinned values keep their place in the stream."""
    client = server.connect()
    big = pattern(300000, 2)
    client.set(b"big", big)
    client.set(b"small", b"s")
    small_answer = b"VALUE small 0 1\r\ns\r\n"
    big_answer = b"VALUE big 0 300000\r\n" + big + b"\r\n"
    client.send(b"get small big small\r\nget big small big\r\nmn\r\n" * 20)
    for _ in range(20):
        wanted = (small_answer + big_answer + small_answer + b"END\r\n"
                  + big_answer + small_answer + big_answer + b"END\r\nMN\r\n")
        assert client.take(len(wanted)) == wanted


def test_value_overwritten_while_it_is_sent(serve):
    """A reader gets one whole value, however often it is replaced meanwhile."""
    server = serve("-t", "2", "-m", "64")
    reader, writer = server.connect(receive_buffer=4096), server.connect()
    size = 900000
    writer.set(b"v", b"a" * size)
    reader.send(b"get v\r\n" * 10)
    for round_number in range(200):
        writer.set(b"v", bytes([97 + round_number % 26]) * size)
    head = b"VALUE v 0 %d\r\n" % size
    for _ in range(10):
        assert reader.take(len(head)) == head
        value = reader.take(size)
        assert value == value[:1] * size
        assert reader.take(7) == b"\r\nEND\r\n"
