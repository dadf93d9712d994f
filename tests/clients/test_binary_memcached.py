# SPDX-License-Identifier: BSD-3-Clause
"""Python's bmemcached, a client of the binary protocol that stands on no library of another."""

import pytest
from cachemand import DEADLINE_S

bmemcached = pytest.importorskip("bmemcached")

BIG = "0123456789" * 90000


@pytest.fixture
def client(server):
    client = bmemcached.Client((f"127.0.0.1:{server.port}",), compression=None,
                               socket_timeout=DEADLINE_S)
    yield client
    client.disconnect_all()


def test_storage(client):
    assert client.set("a", "one")
    assert client.get("a") == "one"
    assert client.get("none") is None
    assert not client.add("a", "x")
    assert client.add("b", {"some": ["structure"]})
    assert client.get("b") == {"some": ["structure"]}
    assert client.replace("b", 2)
    assert not client.replace("none", "x")
    assert client.get("b") == 2
    assert client.delete("a")
    assert client.get("a") is None


def test_many(client):
    values = {f"key-{number}": f"value {number}" for number in range(300)}
    assert not client.set_multi(values)
    assert client.get_multi([*values, "none"]) == values
    assert client.delete_multi(list(values))
    assert client.get_multi(list(values)) == {}


def test_cas(client):
    client.set("a", "one")
    value, cas = client.gets("a")
    assert value == "one"
    assert client.cas("a", "two", cas)
    assert not client.cas("a", "three", cas)
    assert client.get("a") == "two"


def test_numbers(client):
    assert client.incr("n", 5, default=40) == 40
    assert client.incr("n", 2) == 42
    assert client.decr("n", 100) == 0


def test_big_and_administration(client, server):
    assert client.set("big", BIG)
    assert client.get("big") == BIG
    (stats,) = client.stats().values()
    assert stats["curr_items"] in ("1", b"1")
    (settings,) = client.stats("settings").values()
    assert settings["binding_protocol"] in ("auto-negotiate", b"auto-negotiate")
    assert server.connect().stats(b"settings")["binding_protocol"] == "auto-negotiate"
    assert client.flush_all()
    assert client.get("big") is None
