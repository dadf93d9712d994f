# SPDX-License-Identifier: BSD-3-Clause
"""Watchers, over real connections."""

import re
import signal
import socket
import threading

import pytest
from cachemand import Client, wait_until

LINE = re.compile(rb"ts=\d+\.\d{6} gid=(\d+) (type=.*)\n|skipped=(\d+)\n")
LIMIT = 20


class Watcher:
    """A connection that watches, and the lines it has got."""

    def __init__(self, server, streams=b"fetchers", **how):
        self.server = server
        self.client = server.connect(**how)
        self.client.ask(b"watch " + streams + b"\r\n", b"OK\r\n")
        self.numbers = []
        self.lines = []
        self.skipped = 0

    def take(self):
        """The next line; those that were skipped before it are counted."""
        while True:
            line = self.client.until(b"\n")
            match = LINE.fullmatch(line)
            assert match, line
            if not match[3]:
                break
            self.skipped += int(match[3])
        self.numbers.append(int(match[1]))
        self.lines.append(match[2])
        return match[2]

    def take_until(self, end):
        """Up to a line that holds this, which is dropped like all before it."""
        while end not in self.take():
            pass

    def port(self):
        return self.client.socket.getsockname()[1]


def stat(client, name):
    return int(client.stats()[name])


@pytest.fixture
def lossless(serve):
    """One thread, which need not leave out a line because another one looks after the watcher."""
    return serve("-t", "1")


def test_streams_are_kept_apart(lossless):
    server = lossless
    fetches = Watcher(server)
    changes = Watcher(server, b"mutations deletions")
    client = server.connect()
    client.set(b"a", b"abc", 100)
    assert client.get(b"a") == b"abc"
    client.ask(b"delete a\r\n", b"DELETED\r\n")
    assert [re.sub(rb"cfd=\d+", b"cfd=N", fetches.take()) for _ in range(3)] == [
        b"type=item_get key=a status=not_found clsid=0 cfd=N size=0",
        b"type=item_get key=a status=found clsid=1 cfd=N size=3",
        b"type=item_get key=a status=found clsid=1 cfd=N size=3"]
    assert [re.sub(rb"cfd=\d+", b"cfd=N", changes.take()) for _ in range(2)] == [
        b"type=item_store key=a status=stored cmd=set ttl=100 clsid=1 cfd=N size=3",
        b"type=deleted key=a cmd=delete clsid=1 size=3"]
    assert sorted(fetches.numbers + changes.numbers) == [1, 2, 3, 4, 5]
    assert stat(client, "log_watchers") == 2
    assert stat(client, "log_worker_written") == stat(client, "log_watcher_sent") == 5


def test_connections_come_and_go(lossless):
    watcher = Watcher(lossless, b"connevents")
    end_of_next(watcher, lambda client: client.send(b"quit\r\n"), b"normal")
    end_of_next(watcher, Client.close, b"normal")
    end_of_next(watcher, lambda client: client.send(b"GET / HTTP/1.1\r\n"), b"error")


def test_idle_connections(serve):
    """They go, but never those who watch."""
    watcher = Watcher(serve("-t", "1", "-o", "idle_timeout=1"), b"connevents")
    for _ in range(2):
        end_of_next(watcher, Client.is_closed, b"idle_timeout")


def end_of_next(watcher, end, reason):
    """A client that connects, and goes as `end` has it go: both are told."""
    client = watcher.server.connect()
    port = client.socket.getsockname()[1]

    def told(what):
        while True:
            line = watcher.take()
            if b"rport=%d " % port in line:
                assert re.fullmatch(rb"type=conn_%s cfd=\d+" % what, line), line
                return

    told(b"new rip=127.0.0.1 rport=%d transport=tcp" % port)
    end(client)
    told(b"close rip=127.0.0.1 rport=%d transport=tcp reason=%s" % (port, reason))


def test_ipv6(serve):
    server = serve("-t", "1", "-l", "::1")
    watcher = Watcher(server, b"connevents", host="::1")
    server.connect(host="::1")
    assert watcher.take().startswith(b"type=conn_new rip=::1 rport=")


def test_evictions(serve):
    server = serve("-t", "2", "-m", "8")
    watcher = Watcher(server, b"evictions")
    client = server.connect()
    for i in range(4000):
        client.send(b"set e%d 0 %d 5000 noreply\r\n%s\r\n" % (i, 1000 * (i % 2), b"x" * 5000))
    keys = set()
    for _ in range(50):
        line = watcher.take()
        match = re.fullmatch(rb"type=eviction key=e(\d+) fetch=no ttl=(-1|\d+) la=\d+ clsid=\d+ "
                             rb"size=5000", line)
        assert match, line
        assert (match[2] == b"-1") == (int(match[1]) % 2 == 0)
        keys.add(match[1])
    assert len(keys) == 50
    for key in keys:
        assert client.get(b"e" + key) is None


def test_what_a_watcher_sends_is_dropped(lossless):
    server = lossless
    watcher = Watcher(server)
    watcher.client.send(b"set a 0 0 1\r\nx\r\nquit\r\nversion\r\n" + b"x" * 100000 + b"\r\n")
    client = server.connect()
    assert client.get(b"a") is None
    assert b"key=a status=not_found" in watcher.take()
    states = client.stats(b"conns").values()
    assert "conn_watch" in states
    watcher.client.socket.shutdown(socket.SHUT_WR)
    assert watcher.client.rest() == b""
    wait_until(lambda: stat(client, "log_watchers") == 0, "the watcher to be gone")


def test_pipelined(server):
    client = server.connect()
    client.ask(b"mn\r\nversion\r\nwatch\r\n", b"MN\r\n" + b"VERSION " + version(server) + b"\r\n"
               b"ERROR cannot pipeline other commands before watch\r\n")


def version(server):
    client = server.connect()
    client.send(b"version\r\n")
    return client.line().split()[1]


def test_limit(lossless):
    """A hundred would like to; as many as memcached allows are let."""
    clients = [lossless.connect() for _ in range(100)]
    answers = []
    for client in clients:
        client.send(b"watch\r\n")
        answers.append(client.line())
    assert answers[:LIMIT] == [b"OK\r\n"] * LIMIT
    assert answers[LIMIT:] == [b"WATCHER_TOO_MANY log watcher limit reached\r\n"] * (100 - LIMIT)
    assert stat(clients[-1], "log_watchers") == LIMIT
    assert clients[-1].get(b"a") is None
    for client in clients[:LIMIT]:
        assert b"key=a status=not_found" in client.until(b"\n")
    clients[0].close()
    wait_until(lambda: stat(clients[-1], "log_watchers") == LIMIT - 1, "a place to be free")
    clients[-2].ask(b"watch\r\n", b"OK\r\n")


def ask_many(client, count):
    """Multigets of missing keys, answered one by one."""
    request = b"get" + b"".join(b" some-key-of-forty-bytes-or-so-%010d" % i for i in range(100))
    for _ in range(count):
        client.ask(request + b"\r\n", b"END\r\n")


def test_who_does_not_read_loses_lines_and_nothing_else(serve):
    server = serve("-t", "1", "-o", "watcher_logbuf_size=16")
    watcher = Watcher(server, receive_buffer=4096)
    client = server.connect()
    asked = 0
    while stat(client, "log_watcher_skipped") < 5000:
        ask_many(client, 50)
        asked += 5000
    assert stat(client, "log_worker_written") == asked
    client.get(b"the-last")
    # Now it reads: what is missing is told where it is missing, and all adds up.
    watcher_asks = threading.Thread(target=ask_until_seen, args=(server, watcher))
    watcher_asks.start()
    watcher.take_until(b"key=seen ")
    watcher.seen = True
    watcher_asks.join()
    assert watcher.skipped > 0
    assert watcher.numbers == sorted(watcher.numbers)
    assert len(watcher.numbers) + watcher.skipped == watcher.numbers[-1]


def ask_until_seen(server, watcher):
    """A line behind what is stuck may be lost too: asks until one gets through."""
    client = server.connect()
    wait_until(lambda: client.get(b"seen") is not None or getattr(watcher, "seen", False),
               "a line to get through")


def test_under_load(serve):
    """Four clients at work, one that watches them: every line is told or counted."""
    server = serve("-t", "2", "-m", "64")
    watcher = Watcher(server, b"fetchers mutations")
    control = server.connect()
    workers = [threading.Thread(target=ask_many, args=(server.connect(), 100)) for _ in range(4)]
    for worker in workers:
        worker.start()
    done = threading.Event()
    reader = threading.Thread(target=lambda: (watcher.take_until(b"key=last "), done.set()))
    reader.start()
    for worker in workers:
        worker.join()
    wait_until(lambda: control.get(b"last") is not None or done.is_set(), "the last line")
    reader.join()
    counts = control.stats()
    assert int(counts["get_misses"]) == int(counts["log_worker_written"])
    assert len(watcher.numbers) + watcher.skipped <= int(counts["log_worker_written"])
    assert len(watcher.numbers) + watcher.skipped >= 40000
    assert len(set(watcher.numbers)) == len(watcher.numbers)


def test_stopping_with_watchers(serve):
    server = serve("-t", "2")
    watchers = [Watcher(server, b"connevents") for _ in range(4)]
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    for watcher in watchers:
        lines = watcher.client.rest()
        assert lines == b"".join(match[0] for match in LINE.finditer(lines))


@pytest.mark.parametrize("streams", [b"watch", b"watch fetchers", b"watch foo"])
def test_disabled(serve, streams):
    client = serve("-W").connect()
    client.ask(streams + b"\r\n", b"CLIENT_ERROR watch commands not allowed\r\n")
