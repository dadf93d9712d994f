# SPDX-License-Identifier: BSD-3-Clause
"""redis-py, which speaks RESP2."""

import concurrent.futures
import time

import pytest

import cachemand

redis = pytest.importorskip("redis")

BIG = b"0123456789" * 100000


@pytest.fixture
def client(server):
    connection = redis.Redis(port=server.port, socket_timeout=cachemand.DEADLINE_S)
    yield connection
    connection.close()


def still(seconds, begin):
    """What may be left of so many seconds that were given after `begin`; clocks tick in seconds."""
    return range(seconds - int(time.monotonic() - begin) - 1, seconds + 1)


def test_strings(client):
    assert client.ping()
    assert client.echo("some message") == b"some message"
    assert client.set("a", "one")
    assert client.get("a") == b"one"
    assert client.get("missing") is None
    assert not client.set("a", "x", nx=True)
    assert client.set("a", "two", xx=True)
    assert client.set("a", "three", get=True) == b"two"
    assert client.setnx("n", "1") and not client.setnx("n", "2")
    assert client.append("a", "-end") == 9
    assert client.strlen("a") == 9
    assert client.getset("a", b"\x00\xff\r\n") == b"three-end"
    assert client.getdel("a") == b"\x00\xff\r\n"
    assert client.getdel("a") is None
    assert client.type("n") == b"string"
    begin = time.monotonic()
    assert client.set("big", BIG, ex=1000, nx=True)
    assert client.get("big") == BIG
    assert client.ttl("big") in still(1000, begin)
    assert client.set("big", BIG[1:], keepttl=True, get=True) == BIG
    assert client.get("big") == BIG[1:]


def test_decoded(server):
    client = redis.Redis(port=server.port, decode_responses=True, client_name="some-name")
    assert client.set("k", "möglich")
    assert client.get("k") == "möglich"
    client.close()


def test_many_keys(client):
    values = {f"k{number}": b"%d" % number for number in range(20000)}
    assert client.mset(values)
    assert client.mget([*values, "missing"]) == [*values.values(), None]
    assert client.exists(*values, "missing", "k0") == 20001
    assert client.touch("k1", "missing") == 1
    assert client.delete(*list(values)[:1000], "missing") == 1000
    assert client.unlink("k1000") == 1
    assert client.dbsize() == 18999
    assert client.mset({"a": b"x", "big": BIG[:500000], "c": b"z"})
    assert client.mget("a", "big", "none", "c") == [b"x", BIG[:500000], None, b"z"]


def test_pipeline(client):
    with client.pipeline(transaction=False) as pipe:
        for number in range(2000):
            pipe.set(f"k{number}", number)
            pipe.get(f"k{number}")
            pipe.incr("count")
        answers = pipe.execute()
    assert answers[-3:] == [True, b"1999", 2000]
    assert len(answers) == 6000
    with client.pipeline(transaction=False) as pipe:
        for number in range(50):
            pipe.set(f"big{number}", BIG[:20000 + number])
            pipe.get(f"big{number}")
        answers = pipe.execute()
    assert answers[1::2] == [BIG[:20000 + number] for number in range(50)]


def test_numbers(client):
    assert client.incr("n") == 1
    assert client.incrby("n", 41) == 42
    assert client.decr("n", 50) == -8
    assert client.get("n") == b"-8"
    client.set("n", 2**63 - 1)
    with pytest.raises(redis.ResponseError, match="would overflow"):
        client.incr("n")
    client.set("n", "text")
    with pytest.raises(redis.ResponseError, match="not an integer"):
        client.incr("n")


def test_expiry(client):
    begin = time.monotonic()
    client.set("k", "v", ex=100)
    assert client.ttl("k") in still(100, begin)
    assert client.pttl("k") in [1000 * left for left in still(100, begin)]
    assert client.getex("k", px=500000) == b"v"
    assert client.ttl("k") in still(500, begin)
    assert client.persist("k")
    assert client.ttl("k") == -1
    assert client.ttl("missing") == -2
    assert client.expire("k", 1)
    cachemand.wait_until(lambda: client.get("k") is None, "the item to expire")
    client.setex("k", 100, "w")
    assert client.expire("k", -1)
    assert not client.exists("k")


def test_server(client, server):
    client.set("k", "v")
    client.get("k")
    info = client.info()
    assert info["redis_version"] == "7.0.0"
    assert info["db0"]["keys"] == 1
    assert info["keyspace_hits"] == 1
    assert info["connected_clients"] >= 1
    assert info["maxmemory"] > 0
    assert client.info("replication") == {"role": "master", "connected_slaves": 0}
    assert client.config_get("save") == {"save": ""}
    assert client.command_count() > 30
    with server.connect() as other:
        assert other.get(b"k") == b"v"
    assert client.flushall() and client.flushdb(asynchronous=True)
    assert client.get("k") is None
    with pytest.raises(redis.ResponseError, match="unknown command 'LPUSH'"):
        client.lpush("list", 1)
    with pytest.raises(redis.ResponseError, match="DB index is out of range"):
        redis.Redis(port=server.port, db=1).ping()


# Of many who take one value, one gets it; of many who swap it, each gets another's.
def test_taking_and_swapping_is_atomic(server):
    def take(number):
        client = redis.Redis(port=server.port)
        taken = [client.getdel(f"k{key}") for key in range(300)]
        swapped = [client.getset("swap", f"{number}-{turn}") for turn in range(300)]
        client.close()
        return taken, swapped

    client = redis.Redis(port=server.port)
    client.mset({f"k{key}": key for key in range(300)})
    client.set("swap", "first")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        both = list(pool.map(take, range(4)))
    taken = [value for values, _ in both for value in values if value is not None]
    assert sorted(map(int, taken)) == list(range(300))
    swapped = [value for _, values in both for value in values] + [client.get("swap")]
    assert len(swapped) == len(set(swapped)) == 1201


def test_login(serve, tmp_path):
    users = tmp_path / "users"
    users.write_text("default:sesame\nalice:secret\n")
    users.chmod(0o600)
    server = serve("--auth-file", str(users))
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=server.port).ping()
    assert redis.Redis(port=server.port, password="sesame").set("k", "v")
    assert redis.Redis(port=server.port, username="alice", password="secret").get("k") == b"v"
    with pytest.raises(redis.ResponseError, match="invalid username-password pair"):
        redis.Redis(port=server.port, username="alice", password="wrong").ping()


def test_login_where_nobody_needs_to(server):
    with pytest.raises(redis.ResponseError, match="without any password configured"):
        redis.Redis(port=server.port, password="secret").ping()
