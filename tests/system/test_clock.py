# SPDX-License-Identifier: BSD-3-Clause
"""The time of day is set while the server runs, by libfaketime: the monotonic clock goes on."""

import pathlib
import time

import pytest

from admin import metrics, port_of
from cachemand import wait_until

LIBRARIES = sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
DAY = 86400


class Clocked:
    """A server whose time of day is ahead by what a file says."""

    def __init__(self, serve, folder):
        self.file = folder / "time"
        self.file.write_text("+0")
        self.server = serve("-t", "2", "--admin", "127.0.0.1:0", env={
            "LD_PRELOAD": str(LIBRARIES[0]), "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "ASAN_OPTIONS": "verify_asan_link_order=0"})
        self.client = self.server.connect()
        self.ahead = 0

    def now(self):
        return int(time.time()) + self.ahead

    def move(self, ahead):
        """Until the server has seen it."""
        self.ahead = ahead
        new = self.file.with_suffix(".new")
        new.write_text(f"{ahead:+d}")
        new.rename(self.file)
        wait_until(lambda: abs(int(self.client.stats()["time"]) - self.now()) < 10,
                   "the time of day")

    def told(self):
        """How often the server has said that it was set, which it does once it has seen it."""
        return self.server.error_text().count("the time of day was set by ")

    def ttl(self, key):
        """In seconds, -1: for ever, None: it is not there."""
        self.client.send(b"mg %s t\r\n" % key)
        line = self.client.line()
        return None if line == b"EN\r\n" else int(line.split(b"t")[1])


@pytest.fixture
def clocked(serve, tmp_path):
    if not LIBRARIES:
        pytest.skip("libfaketime is not installed")
    return Clocked(serve, tmp_path)


@pytest.mark.parametrize("ahead", [DAY, -DAY, 400 * DAY, -400 * DAY])
def test_time_of_day_is_set(clocked, ahead):
    client = clocked.client
    uptime = int(client.stats()["uptime"])
    client.set(b"forever", b"v")
    client.set(b"relative", b"v", 1000)
    client.set(b"absolute", b"v", clocked.now() + 1000)
    clocked.move(ahead)
    assert clocked.ttl(b"forever") == -1
    assert 900 < clocked.ttl(b"relative") <= 1000  # neither early nor for ever
    assert 900 < clocked.ttl(b"absolute") <= 1001
    wait_until(lambda: clocked.told() == 1, "what is told of it")
    client.set(b"after", b"v", 1000)
    assert 900 < clocked.ttl(b"after") <= 1000
    client.set(b"later", b"v", clocked.now() + 1000)
    assert 900 < clocked.ttl(b"later") <= 1010
    client.set(b"past", b"v", clocked.now() - 100)
    assert clocked.ttl(b"past") is None
    assert uptime <= int(client.stats()["uptime"]) < 1000
    assert metrics(port_of(clocked.server))["cacheman_uptime_seconds"] < 1000


def test_to_and_fro(clocked):
    clocked.client.set(b"k", b"v", 1000)
    for ahead in [3600, -3600, 7200, 0]:
        clocked.move(ahead)
        assert 900 < clocked.ttl(b"k") <= 1000
    wait_until(lambda: clocked.told() == 4, "what is told of it")


def test_items_end_when_their_time_is_over(clocked):
    """By the clock that goes on, whatever the other says."""
    clocked.client.set(b"short", b"v", 2)
    clocked.move(-DAY)
    wait_until(lambda: clocked.ttl(b"short") is None, "its end")
