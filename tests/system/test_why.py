# SPDX-License-Identifier: BSD-3-Clause
"""Why a key is not there: as the console says it, as the counters count it, in a cache that is too
small."""

import random

import pytest

import cachemand
from admin import metrics, port_of
from console import Console, Terminal

USAGE, UNAVAILABLE = 64, 69
NEVER = b"never there, or gone for longer than the server remembers\n"


@pytest.fixture
def console(serve):
    """With a server whose clock stands still."""
    program = cachemand.test_program()
    if program is None:
        pytest.skip("cachemand-test is not built")
    server = serve("-t", "1", "-m", "1", "-I", "256k", "--policy", "fifo", program=program,
                   env={"CACHEMAN_TEST_DEBUG_TIME": "1"})
    server.connect().ask(b"debugtime p\r\n", b"OK\r\n")
    console = Console(f"127.0.0.1:{server.port}")
    console.server = server
    return console


def pass_time(console, seconds):
    console.server.connect().ask(b"debugtime +%d\r\n" % seconds, b"OK\r\n")


def test_never_there(console):
    assert console.good("why", "k") == NEVER
    assert console.good("why", "k", "l") == b"k: " + NEVER + b"l: " + NEVER


def test_here(console):
    console.good("set", "k", "v", "--ttl", "10m")
    console.good("set", "f", "v" * 2000)
    pass_time(console, 62)
    assert console.good("why", "k") == (
        b"here: 20 B, lives another 8 min 58 s, stored 1 min 2 s ago, never read\n")
    console.good("get", "f")
    pass_time(console, 5)
    for _ in range(2):  # asking is no use
        assert console.good("why", "f") == b"here: 1.97 KiB, lives forever, last used 5 s ago\n"
    assert console.server.connect().stats()["cmd_get"] == "1"


def test_expired(console):
    console.good("set", "k", "v", "--ttl", "30s")
    console.good("set", "read", "v", "--ttl", "30s")
    pass_time(console, 20)
    console.good("get", "read")
    pass_time(console, 100)
    assert console.good("why", "k") == (
        b"expired 1 min 30 s ago, 30 s after it was stored, never read: its time to live was over\n")
    assert console.good("why", "read") == (
        b"expired 1 min 30 s ago, 10 s after its last use: its time to live was over\n")


def test_deleted_and_flushed(console):
    console.good("set", "k", "v")
    console.good("set", "l", "v")
    pass_time(console, 7200)
    console.good("delete", "k")
    assert console.good("why", "k") == (
        b"deleted by a client just now, 2 h after it was stored, never read\n")
    console.good("flush")
    pass_time(console, 3)
    assert console.good("why", "l") == (
        b"flushed, with all that was there, 3 s ago, 2 h after it was stored, never read\n")
    assert console.good("why", "k").startswith(b"deleted by a client 3 s ago, ")
    console.good("set", "l", "v")  # back again
    assert console.good("why", "l").startswith(b"here: ")


def test_evicted(console):
    console.good("set", "k", "v" * 3000)
    console.good("get", "k")
    pass_time(console, 300)
    for number in range(8):
        console.good("set", f"f{number}", stdin=b"x" * 200000)
    pass_time(console, 12)
    assert console.good("why", "k") == (
        b"evicted 12 s ago, 5 min after its last use: the cache is too small to keep it longer\n")
    assert console("get", "k")[0] == 1
    stats = console.server.connect().stats()
    assert (stats["miss_evicted"], stats["miss_never_seen"]) == ("1", "0")


def test_json(console):
    console.good("set", "k", "v")
    console.good("get", "k")
    console.good("delete", "k")
    pass_time(console, 9)
    answer, rows = console.json("why", "k", "nobody")
    assert rows == [] and answer["ok"]
    assert answer["keys"] == [
        {"key": "k", "server": console.servers, "state": "gone", "reason": "deleted",
         "gone_seconds_ago": 9, "unused_seconds": 0, "fetched": "yes"},
        {"key": "nobody", "server": console.servers, "state": "unknown"}]
    console.good("set", "k", "v", "--flags", "7")
    item = console.json("why", "k")[0]["keys"][0]
    assert (item["state"], item["size"], item["ttl"], item["flags"]) == ("here", 20, -1, 7)


def test_keys_as_the_client_makes_them(console):
    plain = console.servers
    for options in ("keys=base64", "keys=hash", "prefix=p:", "keys=base64&prefix=p:"):
        console.servers = f"{plain}?{options}"
        key = "two words" if "keys" in options else "word"
        console.good("set", key, "v")
        assert console.good("why", key).startswith(b"here: ")
        console.good("delete", key)
        assert console.good("why", key).startswith(b"deleted by a client ")
    console.servers = plain
    assert console("why", "two words")[0] == USAGE
    assert console.good("why", "word") == NEVER
    assert console.good("why", "p:word").startswith(b"deleted by a client ")


def test_at_a_prompt(console):
    with Terminal("-s", console.servers) as terminal:
        terminal.prompt()
        terminal.do("set k v")
        assert terminal.do("why k").startswith("here: 16 B, lives forever, stored 0 s ago")


def test_the_server_that_has_the_key(serve):
    servers = [serve("-t", "1") for _ in range(3)]
    names = [f"127.0.0.1:{server.port}" for server in servers]
    console = Console(",".join(names))
    seen = set()
    for number in range(20):
        key = f"k{number}"
        console.good("set", key, "v")
        console.good("delete", key)
        where = console.good("where", key).decode().split()[1]
        answer = console.good("why", key).decode()
        assert answer.startswith("deleted by a client") and answer.endswith(f" ({where})\n")
        seen.add(where)
    assert seen == set(names)
    other = next(name for name in names if name != where)
    assert console.good("why", key, "--server", other).decode() == (
        f"never there, or gone for longer than the server remembers ({other})\n")
    assert console("why", key, "--server", "x")[0] == USAGE


def test_a_server_that_is_down(hold_port):
    console = Console(f"127.0.0.1:{hold_port()}")
    status, out, err = console("why", "k")
    assert (status, out) == (UNAVAILABLE, b"") and b"cannot be reached" in err


def test_login(serve, tmp_path):
    path = tmp_path / "users"
    path.write_text("u:a long password\n")
    server = serve("-t", "1", "--auth-file", str(path))
    client = server.connect()
    client.ask(b"stats why k\r\n", b"CLIENT_ERROR unauthenticated\r\n")


def test_its_memory_follows_the_limit(serve):
    server = serve("-t", "1", "-m", "64", "--admin", "127.0.0.1:0")
    client, port = server.connect(), port_of(server)
    client.set(b"k", b"v")
    client.ask(b"delete k\r\n", b"DELETED\r\n")
    for limit in (64, 256, 16, 64):
        client.ask(b"cache_memlimit %d\r\n" % limit, b"OK\r\n")
        assert metrics(port)['cacheman_memory_bytes{use="gone"}'] == limit << 20 >> 7
        assert client.stats(b"why k")["reason"] == "deleted"


def test_every_miss_is_counted_once(serve):
    """Of a loop over more than the cache holds, by get, gat, mg, the binary protocol and Redis's."""
    server = serve("-t", "2", "-m", "8")
    client = server.connect(timeout=60)
    count = 12000
    choose = random.Random(1)
    asked = dict.fromkeys(("get", "gat"), 0)
    for step in range(3):
        for start in range(0, count, 100):
            keys = [b"k%d" % number for number in range(start, start + 100)]
            values = b"".join(b"set %s 0 0 1000\r\n%s\r\n" % (key, b"v" * 1000) for key in keys)
            client.ask(values, b"STORED\r\n" * 100)
        for start in range(0, count, 500):
            verb = choose.choice(("get", "gat"))
            words = b" ".join(b"k%d" % number for number in range(start, start + 100))
            client.send((b"get " if verb == "get" else b"gat 0 ") + words + b"\r\nmn\r\n")
            text = client.until(b"MN\r\n")
            asked[verb] += 100 - text.count(b"VALUE ")
    resp = server.connect()
    resp.ask(b"*2\r\n$3\r\nGET\r\n$4\r\nnone\r\n", b"$-1\r\n")
    client.ask(b"mg none2\r\n", b"EN\r\n")
    stats = client.stats()
    reasons = {name: int(stats[f"miss_{name}"])
               for name in ("evicted", "expired", "deleted", "flushed", "never_seen")}
    assert sum(reasons.values()) == sum(asked.values()) + 2
    assert int(stats["get_misses"]) == asked["get"] + 2
    assert int(stats["touch_misses"]) == asked["gat"]
    assert reasons["evicted"] > sum(asked.values()) // 2
    assert reasons["expired"] == reasons["deleted"] == reasons["flushed"] == 0
