# SPDX-License-Identifier: BSD-3-Clause
"""Dumps of all keys while others go on."""

import re
import threading

import pytest

STAYING = 3000
LINE = re.compile(rb"key=(\S+) exp=(-1|\d+) la=\d+ cas=\d+ fetch=(yes|no) cls=\d+ size=\d+ flags=(\d+)")


class Noise:
    """Clients that store, overwrite and delete other keys until told to stop."""

    def __init__(self, server, count, act):
        self.stop = threading.Event()
        self.rounds = [0] * count
        self.threads = [threading.Thread(target=self._run, args=(server.connect(), i, act))
                        for i in range(count)]

    def _run(self, client, number, act):
        while not self.stop.is_set() or self.rounds[number] == 0:
            act(client, number, self.rounds[number])
            self.rounds[number] += 1

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()


def store_many(client, keys, value):
    client.send(b"".join(b"set %s 7 0 %d noreply\r\n%s\r\n" % (key, len(value), value)
                         for key in keys))
    client.ask(b"mn\r\n", b"MN\r\n")


def read_all(client, keys):
    for at in range(0, len(keys), 500):
        client.send(b"get " + b" ".join(keys[at:at + 500]) + b"\r\n")
        client.until(b"END\r\n")


def dump(client, request):
    client.send(b"lru_crawler %s\r\n" % request)
    meta = request.startswith(b"metadump")
    end = b"END\r\n" if meta else b"EN\r\n"
    text = client.until(b"\n" + end if meta else b"\r\n" + end)
    lines = text[:-len(end)].splitlines()
    if not meta:
        assert all(line.startswith(b"mg ") for line in lines)
        return [line[3:] for line in lines]
    keys = []
    for line in lines:
        match = LINE.fullmatch(line)
        assert match, line
        keys.append(match[1])
    return keys


@pytest.mark.parametrize("request_line", [b"metadump all", b"metadump hash", b"mgdump all"])
def test_what_stays_is_dumped_once_while_the_index_grows(serve, request_line):
    server = serve("-t", "2", "-m", "256")
    client = server.connect()
    staying = [b"staying%d" % i for i in range(STAYING)]
    store_many(client, staying, b"x")

    def act(other, number, round_):
        base = round_ % 40 * 1000
        keys = [b"n%d:%d" % (number, base + i) for i in range(1000)]
        if round_ // 40 % 2 == 0:
            store_many(other, keys, b"y" * 20)
        else:
            other.send(b"".join(b"delete %s noreply\r\n" % key for key in keys))
            other.ask(b"mn\r\n", b"MN\r\n")

    before = int(client.stats()["hash_power_level"])
    with Noise(server, 2, act) as noise:
        while int(client.stats()["hash_power_level"]) < before + 2 or noise.rounds[0] < 60:
            keys = dump(client, request_line)
            assert len(keys) == len(set(keys))
            assert sorted(key for key in keys if key.startswith(b"staying")) == sorted(staying)


def test_what_stays_is_dumped_once_while_others_are_evicted(serve):
    server = serve("-t", "2", "-m", "16")
    client = server.connect()
    staying = [b"staying%d" % i for i in range(100)]
    store_many(client, staying, b"x")

    def act(other, number, round_):
        store_many(other, [b"n%d:%d" % (number, round_ * 100 + i) for i in range(100)], b"y" * 1000)

    with Noise(server, 2, act):
        while int(client.stats()["evictions"]) < 20000:
            read_all(client, staying)
            before = {key for key in staying if client.get(key) is not None}
            keys = dump(client, b"metadump all")
            after = {key for key in staying if client.get(key) is not None}
            assert len(keys) == len(set(keys))
            assert before & after <= set(keys)
            store_many(client, sorted(set(staying) - after), b"x")


def test_memory_of_a_dump_nobody_reads(serve):
    """It stops where it is, and takes no memory for what is to come."""
    server = serve("-t", "1", "-m", "64")
    client = server.connect()
    for at in range(0, 200000, 1000):
        store_many(client, [b"some-key-of-a-certain-length-%d" % i for i in range(at, at + 1000)], b"")
    before = server.rss_bytes()
    stuck = server.connect(receive_buffer=4096)
    stuck.send(b"lru_crawler metadump all\r\n")
    assert stuck.take(1) == b"k"
    for _ in range(20):
        assert client.get(b"some-key-of-a-certain-length-77777") == b""
        client.set(b"another", b"v")
    assert server.rss_bytes() - before < 8 << 20
    client.ask(b"lru_crawler metadump all\r\n", b"BUSY currently processing crawler request\r\n")
    assert stuck.until(b"\nEND\r\n").count(b"\n") >= 200000
    assert len(dump(client, b"mgdump all")) == 200001


def test_a_dump_ends_with_its_client(server):
    client = server.connect()
    store_many(client, [b"key%d" % i for i in range(100000)], b"")
    stuck = server.connect(receive_buffer=4096)
    stuck.send(b"lru_crawler metadump all\r\n")
    stuck.take(1)
    stuck.close()
    while True:
        client.send(b"lru_crawler mgdump all\r\n")
        if client.line().startswith(b"mg "):
            break
    client.until(b"\r\nEN\r\n")
    client.ask(b"mn\r\n", b"MN\r\n")
