# SPDX-License-Identifier: BSD-3-Clause
"""Python's clients: pymemcache, pylibmc (on libmemcached) and python-memcached."""

import pytest

import libmemcached
from cachemand import DEADLINE_S, wait_until

memcache = pytest.importorskip("memcache")
base = pytest.importorskip("pymemcache.client.base")
hash_client = pytest.importorskip("pymemcache.client.hash")

BIG = b"0123456789" * 100000


# ---- pymemcache ----


@pytest.fixture
def pymemcache(server):
    client = base.Client(("127.0.0.1", server.port), timeout=DEADLINE_S, no_delay=True)
    yield client
    client.close()


def test_pymemcache_over_a_unix_socket(serve, tmp_path_factory):
    path = tmp_path_factory.mktemp("u") / "socket"
    serve(unix=path)
    client = base.Client(f"unix:{path}", timeout=DEADLINE_S)
    assert client.set("a", BIG[:900000], noreply=False)
    assert client.get("a") == BIG[:900000]
    assert client.get_many(["a", "b"]) == {"a": BIG[:900000]}
    assert client.stats()[b"curr_connections"] == 1
    client.close()


def test_pymemcache_storage(pymemcache):
    assert pymemcache.set("a", b"one", noreply=False)
    assert pymemcache.get("a") == b"one"
    assert pymemcache.get("missing") is None
    assert not pymemcache.add("a", b"x", noreply=False)
    assert pymemcache.add("b", b"two", noreply=False)
    assert pymemcache.replace("b", b"2", noreply=False)
    assert not pymemcache.replace("c", b"x", noreply=False)
    assert pymemcache.append("b", b"-end", noreply=False)
    assert pymemcache.prepend("b", b"start-", noreply=False)
    assert pymemcache.get_many(["a", "b", "c"]) == {"a": b"one", "b": b"start-2-end"}
    assert pymemcache.delete("a", noreply=False)
    assert not pymemcache.delete("a", noreply=False)


def test_pymemcache_noreply(pymemcache):
    for number in range(2000):
        pymemcache.set(f"k{number}", b"%d" % number, noreply=True)
    assert pymemcache.set_many({f"m{number}": b"x" * number for number in range(500)}) == []
    assert pymemcache.get("k1999") == b"1999"
    assert len(pymemcache.get_many([f"m{number}" for number in range(500)])) == 500
    assert pymemcache.delete_many(["k1", "k2"])
    assert pymemcache.get("k1") is None


def test_pymemcache_cas(pymemcache):
    pymemcache.set("a", b"one", noreply=False)
    value, cas = pymemcache.gets("a")
    assert value == b"one"
    assert pymemcache.cas("a", b"two", cas) is True
    assert pymemcache.cas("a", b"three", cas) is False
    assert pymemcache.cas("missing", b"x", cas) is None
    assert pymemcache.gets_many(["a"])["a"][0] == b"two"


def test_pymemcache_numbers(pymemcache):
    pymemcache.set("n", b"10", noreply=False)
    assert pymemcache.incr("n", 5, noreply=False) == 15
    assert pymemcache.decr("n", 6, noreply=False) == 9
    assert pymemcache.decr("n", 600, noreply=False) == 0
    assert pymemcache.incr("missing", 1, noreply=False) is None
    pymemcache.set("n", str(2**64 - 1).encode(), noreply=False)
    assert pymemcache.incr("n", 2, noreply=False) == 1


def test_pymemcache_expiry(pymemcache):
    pymemcache.set("e", b"x", expire=1, noreply=False)
    pymemcache.set("t", b"x", expire=1000, noreply=False)
    pymemcache.set("u", b"x", expire=1000, noreply=False)
    assert pymemcache.touch("t", 1, noreply=False)
    assert pymemcache.touch("u", 2000, noreply=False)
    assert not pymemcache.touch("missing", 1000, noreply=False)
    wait_until(lambda: pymemcache.get("e") is None, "the item to expire")
    wait_until(lambda: pymemcache.get("t") is None, "the item that was touched to expire")
    assert pymemcache.get("u") == b"x"
    pymemcache.set("past", b"x", expire=-1, noreply=False)
    assert pymemcache.get("past") is None


def test_pymemcache_big_and_administration(pymemcache):
    pymemcache.set("big", BIG, noreply=False)
    assert pymemcache.get("big") == BIG
    stats = pymemcache.stats()
    assert stats[b"curr_items"] == 1
    assert pymemcache.stats("settings")[b"maxconns"] in (1024, b"1024")
    assert pymemcache.version()
    assert pymemcache.flush_all(noreply=False)
    assert pymemcache.get("big") is None
    with pytest.raises(Exception, match="too large"):
        pymemcache.set("huge", b"x" * (2 << 20), noreply=False)
    pymemcache.quit()


def test_pymemcache_over_several_servers(serve):
    servers = [serve("-t", "1") for _ in range(3)]
    client = hash_client.HashClient([("127.0.0.1", one.port) for one in servers], use_pooling=True)
    values = {f"key-{number}": b"%d" % number for number in range(300)}
    assert client.set_many(values, noreply=False) == []
    assert client.get_many(list(values)) == values
    held = [int(one.connect().stats()["curr_items"]) for one in servers]
    assert sum(held) == 300 and min(held) > 0
    client.close()


# ---- pylibmc ----


def test_pylibmc(server):
    client = libmemcached.connect(server, False, cas=True)
    libmemcached.check_calls(client)
    libmemcached.check_flush(client)


def test_pylibmc_buffered_and_quiet(server):
    libmemcached.check_buffered_and_quiet(server, False)


# ---- python-memcached ----


def test_python_memcached(server):
    client = memcache.Client([f"127.0.0.1:{server.port}"], cache_cas=True,
                             socket_timeout=DEADLINE_S)
    assert client.set("a", "one")
    assert client.get("a") == "one"
    assert client.add("b", [1, 2, 3])
    assert not client.add("b", "x")
    assert client.get("b") == [1, 2, 3]
    assert client.replace("b", "two")
    assert client.append("b", "-end")
    assert client.prepend("b", "start-")
    assert client.get("b") == "start-two-end"
    assert client.set_multi({"x": 1, "y": 2}) == []
    assert client.get_multi(["x", "y", "z"]) == {"x": 1, "y": 2}
    assert client.incr("x", 41) == 42
    assert client.decr("x", 2) == 40
    client.gets("a")
    assert client.cas("a", "changed")
    assert client.touch("a", 100)
    assert client.delete("a") == 1
    assert client.get("a") is None
    assert client.set("big", BIG[:900000])
    assert client.get("big") == BIG[:900000]
    assert client.get_stats()[0][1]["curr_items"]
    assert client.get_stats("settings")[0][1]["maxconns"] == "1024"
    client.flush_all()
    assert client.get("b") is None
    client.disconnect_all()
