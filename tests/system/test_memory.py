# SPDX-License-Identifier: BSD-3-Clause
"""Resident memory stays under -m N + 8 MB + 1 KB a connection, whatever is stored and whoever is
slow; and no set fails while eviction is allowed."""

import random
import threading

import pytest

from cachemand import Client, wait_until

SLACK = 8 << 20
PER_CONNECTION = 1 << 10


class Watch:
    """Samples resident memory; the highest reading counts."""

    def __init__(self, server, memory_mb, connections=1):
        self.server = server
        self.limit = (memory_mb << 20) + SLACK + connections * PER_CONNECTION
        self.highest = 0

    def check(self, what):
        now = self.server.rss_bytes()
        self.highest = max(self.highest, now)
        assert now < self.limit, f"{what}: {now} bytes resident, {self.limit} allowed"


def store(client, items, size, watch, what, exptime=0, keep=lambda number: b"k%d" % number):
    """Sets pipelined in batches; every one must be stored."""
    batch_count = max(1, min(500, (1 << 20) // (size + 60)))
    value = random.Random(size).randbytes(size)
    number = 0
    while number < items:
        count = min(batch_count, items - number)
        batch = b"".join(b"set %s 0 %d %d\r\n%s\r\n" % (keep(number + i), exptime, size, value)
                         for i in range(count))
        client.ask(batch, b"STORED\r\n" * count)
        number += count
        watch.check(what)


def test_at_rest(serve):
    server = serve("-t", "2")
    server.connect().ask(b"mn\r\n", b"MN\r\n")
    assert server.rss_bytes() < 6 << 20


@pytest.mark.parametrize("policy", ["fifo", "lru", "lfu", "s3fifo", "duel"])
def test_shifting_sizes(serve, policy):
    memory_mb = 64
    server = serve("-m", str(memory_mb), "-t", "2", "--policy", policy)
    client = server.connect(timeout=60)
    watch = Watch(server, memory_mb)
    volume = 3 * memory_mb << 19
    sizes = {"one byte": 1, "hundred": 100, "4 KB": 4 << 10, "100 KB": 100 << 10, "1 MB": 1000000}
    for what, size in sizes.items():
        store(client, min(300000, volume // (size + 30)), size, watch, what)
    store(client, 100000, 100, watch, "small again")
    store(client, 60, 1000000, watch, "large again")
    store(client, 200000, 200, watch, "overwrites", keep=lambda number: b"o%d" % (number % 50000))
    store(client, 2000, 50000, watch, "growing overwrites",
          keep=lambda number: b"o%d" % (number % 500))
    store(client, 200000, 150, watch, "expiring", exptime=1)
    choose = random.Random(policy)
    for step in range(300):
        size = choose.choice((1, 100, 1000, 20000, 300000))
        store(client, 5, size, watch, "mixed", keep=lambda number, s=step: b"m%d-%d" % (s, number))
    stats = client.stats()
    assert stats["store_no_memory"] == "0"
    assert int(stats["evictions"]) > 0
    print("highest", watch.highest >> 20, "MB")


def test_up_to_the_largest_item(serve):
    memory_mb = 128
    server = serve("-m", str(memory_mb), "-I", "64m", "-t", "1")
    client = server.connect(timeout=60)
    watch = Watch(server, memory_mb)
    for size in (60 << 20, 1000, 30 << 20, 5 << 20, 60 << 20, 100):
        store(client, max(2, (40 << 20) // size), size, watch, f"{size} bytes")
    assert client.stats()["store_no_memory"] == "0"


def test_five_hundred_that_never_read(serve):
    memory_mb = 64
    count = 500
    server = serve("-m", str(memory_mb), "-t", "2")
    client = server.connect(timeout=60)
    watch = Watch(server, memory_mb, count + 1)
    names = [b"v%d" % number for number in range(1000)]
    for name in names:
        client.set(name, b"v" * 10000)
    request = b"get " + b" ".join(names[:200]) + b"\r\n"
    deaf = []
    for number in range(count):
        one = server.connect(receive_buffer=4096)
        one.socket.setblocking(False)
        try:
            one.send(request * 20)
        except BlockingIOError:
            pass
        deaf.append(one)
        if number % 10 == 0:
            watch.check(f"{number} that do not read")
            client.set(b"witness", b"w" * 1000)
            assert client.get(b"witness") == b"w" * 1000
    for _ in range(200):
        client.set(b"witness", b"w" * 100000)
        assert client.get(b"witness") == b"w" * 100000
        watch.check("all that do not read")
    assert client.stats()["store_no_memory"] == "0"
    for one in deaf:
        one.close()
    wait_until(lambda: client.stats()["curr_connections"] == "1", "their end")
    store(client, 100000, 500, watch, "afterwards")


def test_given_back_when_many_have_gone(serve):
    server = serve("-m", "64", "-t", "2")
    client = server.connect(timeout=60)
    names = [b"v%d" % number for number in range(200)]
    for name in names:
        client.set(name, b"v" * 10000)
    request = b"get " + b" ".join(names) + b"\r\n"
    client.ask(b"mn\r\n", b"MN\r\n")
    before = server.rss_bytes()
    crowd = []
    for _ in range(500):
        one = server.connect(receive_buffer=4096)
        one.socket.setblocking(False)
        try:
            one.send(request * 20)
        except BlockingIOError:
            pass
        crowd.append(one)
    wait_until(lambda: server.rss_bytes() > before + (5 << 20), "their answers")
    for one in crowd:
        one.close()
    wait_until(lambda: client.stats()["curr_connections"] == "1", "their end")
    wait_until(lambda: server.rss_bytes() < before + (5 << 18), "their memory to be given back")


def test_never_readers_of_large_values(serve):
    """Values held back in the store for slow clients do not keep others from storing."""
    memory_mb = 64
    server = serve("-m", str(memory_mb), "-t", "2")
    client = server.connect(timeout=60)
    watch = Watch(server, memory_mb, 301)
    for number in range(40):
        client.set(b"big%d" % number, b"v" * 1000000)
    for number in range(300):
        one = server.connect(receive_buffer=4096)
        one.send(b"get big%d\r\n" % (number % 40) * 8)
        if number % 10 == 0:
            watch.check(f"{number} that do not read")
            store(client, 5, 200000, watch, "meanwhile")
    store(client, 500, 200000, watch, "all that do not read")
    assert client.stats()["store_no_memory"] == "0"


def test_requests_that_never_end(serve):
    """Thousands of half lines and half values."""
    memory_mb = 64
    count = 2000
    server = serve("-m", str(memory_mb), "-t", "2", "-c", "3000")
    watch = Watch(server, memory_mb, count + 1)
    client = server.connect(timeout=60)
    for number in range(count):
        one = server.connect()
        one.send(b"get " + b"k" * 1900 if number % 2 else b"set half%d 0 0 30000\r\n%s"
                 % (number, b"x" * 20000))
        if number % 100 == 0:
            watch.check(f"{number} half requests")
    store(client, 50000, 1000, watch, "meanwhile")


def test_live_resize(serve):
    server = serve("-m", "64", "-t", "2")
    client = server.connect(timeout=60)
    watch = Watch(server, 64)
    store(client, 100000, 1000, watch, "full")
    client.ask(b"cache_memlimit 16\r\n", b"OK\r\n")
    wait_until(lambda: server.rss_bytes() < (16 << 20) + SLACK, "the memory to be given back")
    store(client, 50000, 1000, Watch(server, 16), "small")
    client.ask(b"cache_memlimit 128\r\n", b"OK\r\n")
    store(client, 200000, 1000, Watch(server, 128), "large")
    assert server.rss_bytes() > 100 << 20
    client.ask(b"cache_memlimit 1\r\n",
               b"MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m\r\n")
    assert client.stats()["limit_maxbytes"] == str(128 << 20)


def test_no_evict(serve):
    client = serve("-M", "-m", "8").connect()
    stored = 0
    while True:
        client.send(b"set k%d 0 0 10000\r\n%s\r\n" % (stored, b"v" * 10000))
        answer = client.line()
        if answer != b"STORED\r\n":
            break
        stored += 1
    assert answer == b"SERVER_ERROR out of memory storing object\r\n"
    assert stored > 400
    assert client.get(b"k0") == b"v" * 10000
    client.ask(b"delete k0\r\nmn\r\n", b"DELETED\r\nMN\r\n")
    assert client.stats()["evictions"] == "0"


def test_many_clients_at_once(serve):
    """Four writers with sizes of their own, each finding its latest value whole or not at all."""
    memory_mb = 32
    server = serve("-m", str(memory_mb), "-t", "2")
    watch = Watch(server, memory_mb, 5)
    failures = []

    def work(size):
        try:
            with Client(server.port, timeout=60) as client:
                for step in range(600):
                    value = b"%07d" % step * (size // 7)
                    client.set(b"s%d-%d" % (size, step % 50), value)
                    got = client.get(b"s%d-%d" % (size, step % 50))
                    assert got in (None, value)
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=work, args=(size,)) for size in (70, 4000, 60000, 400000)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        watch.check("four writers")
        threads[-1].join(0.05)
    assert not failures
