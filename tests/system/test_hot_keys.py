# SPDX-License-Identifier: BSD-3-Clause
"""Hot keys: what `stats hotkeys`, /stats.json and the console tell of real traffic, and to whom."""

import json
import shutil
import socket
import subprocess
import threading
import urllib.parse

import pytest

import cachemand
from console import CACHEMAN, Console, Terminal
from test_admin import TOKEN, ask, port_of

MEMCACHED = shutil.which("memcached")
ON = ("-t", "2", "--admin", "127.0.0.1:0")


def at(*servers):
    return ",".join(f"127.0.0.1:{server.port}" for server in servers)


def stress(server, *options):
    subprocess.run([str(CACHEMAN), "stress", "--timeout=60s", "--json", "-s",
                    at(server), *map(str, options)],
                   capture_output=True, timeout=180, check=True)


def hot_keys(server, number=b""):
    """The lines of all, and a dictionary a key, the hottest first."""
    stats = server.connect().stats(b" ".join([b"hotkeys", number]).strip())
    keys = [{} for _ in range(int(stats["keys"]))]
    for name, value in list(stats.items()):
        rank, colon, what = name.partition(":")
        if colon:
            keys[int(rank) - 1][what] = urllib.parse.unquote(value) if what == "key" else float(
                value)
            del stats[name]
    return {name: float(value) for name, value in stats.items()}, keys


def hot_in_json(server, **headers):
    status, _, text = ask(port_of(server), "/stats.json", **headers)
    assert status == 200
    return json.loads(text).get("hot_keys")


def shares(server, number):
    stats, keys = hot_keys(server, number)
    assert stats["requests"] > 1000 and 0 < stats["seconds"] < 44
    assert {key["key"] for key in keys[:3]} <= {key["key"] for key in hot_in_json(server)}
    found = [key["share"] for key in keys]
    assert found == sorted(found, reverse=True)
    return found


def test_zipf(serve):
    server = serve(*ON)
    stress(server, "--distribution=zipf", "--keys=20000", "--requests=300000", "-c4", "-d20")
    found = shares(server, b"20")
    assert len(found) == 20
    assert found[0] == pytest.approx(0.095, abs=0.02)  # 1 of 10.5
    assert sum(found) == pytest.approx(0.34, abs=0.05)


def test_ten_keys_of_twenty_thousand(serve):
    server = serve(*ON)
    stress(server, "--distribution=hot", "--hot-keys=10", "--keys=20000", "--requests=300000",
           "-c4", "-d20")
    assert shares(server, b"1000") == pytest.approx([0.09] * 10, abs=0.02)


def test_a_storm_over_a_quiet_key(serve):
    """All keys are asked for once by some, one again and again by others."""
    server = serve(*ON)
    quiet, loud = server.connect(), server.connect()
    for start in range(0, 40000, 1000):
        quiet.send(b"mn\r\n".join(b"mg q%d s\r\n" % number for number in range(start, start + 1000))
                   + b"mn\r\n")
        loud.send(b"mg loud\r\n" * 100 + b"mn\r\n")
        quiet_answers = quiet.take(len(b"EN\r\n") * 1000 + len(b"MN\r\n") * 1000)
        assert quiet_answers.count(b"EN\r\n") == 1000
        loud.take(len(b"EN\r\n") * 100 + len(b"MN\r\n"))
    _, keys = hot_keys(server)
    assert [key["key"] for key in keys] == ["loud"]
    assert keys[0]["misses"] == pytest.approx(keys[0]["requests"], rel=0.01)
    assert keys[0]["writes"] == 0


def test_keys_in_json(serve):
    server = serve(*ON)
    client = server.connect()
    for key in [b'plain:%1', b'a"b\\c<d>', "grün".encode()]:
        client.ask(b"mg %s\r\nmg %s\r\n" % (key, key), b"EN\r\nEN\r\n")
    shown = hot_in_json(server)
    assert {key["key"] for key in shown} == {"plain:%251", "a%22b%5Cc<d>", "gr%C3%BCn"}
    assert set(shown[0]) == {"key", "requests", "error", "share", "requests_per_second", "writes",
                             "misses", "value_bytes_per_second"}
    assert all(key["share"] == pytest.approx(1 / 3, abs=0.1) for key in shown)


def ask_twice(server):
    server.connect().ask(b"mg k\r\nmg k\r\n", b"EN\r\nEN\r\n")


@pytest.mark.parametrize("options", [["--hot-keys", "0"], ["-X"]])
def test_hidden(serve, options):
    server = serve(*ON, *options)
    ask_twice(server)
    server.connect().ask(b"stats hotkeys\r\n", b"CLIENT_ERROR stats hotkeys not allowed\r\n")
    assert hot_in_json(server) is None
    assert server.connect().stats(b"settings")["hot_keys"] == ("0" if "0" in options else "128")


def test_only_who_may_log_in_sees_keys(serve, tmp_path):
    users, token = tmp_path / "users", tmp_path / "token"
    users.write_text("alice:secret\n")
    token.write_text(TOKEN + "\n")
    server = serve(*ON, "--auth-file", str(users))
    client = server.connect()
    client.ask(b"stats hotkeys\r\n", b"CLIENT_ERROR unauthenticated\r\n")
    client.ask(b"set a 0 0 12\r\nalice secret\r\n", b"STORED\r\n")
    client.ask(b"mg k\r\nmg k\r\n", b"EN\r\nEN\r\n")
    assert client.stats(b"hotkeys")["1:key"] == "k"
    assert hot_in_json(server) is None  # anybody on this machine may ask
    server = serve(*ON, "--auth-file", str(users), "--admin-token-file", str(token))
    client = server.connect()
    client.ask(b"set a 0 0 12\r\nalice secret\r\nmg k\r\nmg k\r\n", b"STORED\r\nEN\r\nEN\r\n")
    assert [key["key"] for key in hot_in_json(server, Authorization=f"Bearer {TOKEN}")] == ["k"]


def test_at_rest(serve):
    """Lists nobody has filled cost no memory worth speaking of."""
    server = serve("-t", "64", "--hot-keys", "1024")
    ask_twice(server)
    assert server.connect().stats(b"hotkeys")["1:key"] == "k"
    assert server.rss_bytes() < 12 << 20


def test_too_many():
    code, _, errors = cachemand.run("--hot-keys", "1025")
    assert code == 64
    assert errors == 'cachemand: option --hot-keys: "1025" is not a number from 0 to 1024\n'


# ---- the console ----

def rows(console, *words):
    return [row.split("\t") for row in console.good("hot", *words).decode().splitlines()]


@pytest.fixture
def two(serve):
    servers = [serve("-t", "1"), serve("-t", "1")]
    console = Console(at(*servers))
    console.processes = servers
    return console


def test_console_merges_servers(two):
    names = two.servers.split(",")
    for number, server in enumerate(two.processes):
        client = server.connect()
        for rank, count in enumerate([400, 100, 40]):
            client.ask(b"mg s%dk%d\r\n" % (number, rank) * count, b"EN\r\n" * count)
        client.ask(b"set s%dk0 0 0 5\r\nhello\r\n" % number, b"STORED\r\n")
    shown = rows(two)
    for number, name in enumerate(names):
        assert [row[0] for row in shown if row[-1] == name] == [
            f"s{number}k{rank}" for rank in range(3)]
    rates = [float(row[1]) for row in shown]
    assert rates == sorted(rates, reverse=True) and len(rates) == 6
    (row,) = [row for row in shown if row[0] == "s0k1"]
    assert row[3:5] == ["0.0 %", "100.0 %"] and len(row) == 7
    assert [row[0] for row in rows(two, "2", "--server", names[1])] == ["s1k0", "s1k1"]
    answer, _ = two.json("hot", "1")
    (key,) = answer["keys"]
    assert (key["key"], key["server"]) in [("s0k0", names[0]), ("s1k0", names[1])]
    assert key["share"] == pytest.approx(key["requests_per_second"] /
                                         answer["requests_per_second"])
    assert key["writes"] <= 1 and abs(key["requests"] - key["misses"]) <= 2 and key["error"] == 0


def test_console_at_a_terminal(two):
    two.processes[0].connect().ask(b"mg k\xc3\xbc\x1b[31m\r\n" * 3, b"EN\r\n" * 3)
    with Terminal("-s", two.servers, columns=120) as terminal:
        terminal.prompt()
        shown = terminal.do("hot").splitlines()
        assert shown[0].split() == ["KEY", "REQUESTS/S", "SHARE", "WRITES", "MISSES", "VALUES/S",
                                    "SERVER"]
        assert shown[1].startswith("kü\\x1b[31m ") and "100.0 %" in shown[1]
        terminal.do("flush --yes")
        assert "k" in terminal.do("hot 1 --server " + two.servers.split(",")[0])
        assert "no key is hot" in terminal.do("hot --server " + two.servers.split(",")[1])


@pytest.mark.parametrize("word", ["0", "1001", "x", "-1", ""])
def test_console_refuses(two, word):
    status, out, err = two("hot", "--", word) if word.startswith("-") else two("hot", word)
    assert (status, out) == (64, b"")
    assert err.decode() == f"cacheman: hot: {word}: must be a number from 1 to 1000\n"


def test_console_asks_who_does_not_tell(serve):
    server = serve("-X")
    name = at(server)
    status, out, err = Console(name)("hot")
    assert (status, out) == (76, b"")
    assert err.decode() == f"cacheman: {name}: CLIENT_ERROR stats hotkeys not allowed\n"


@pytest.mark.skipif(not MEMCACHED, reason="no memcached")
def test_console_asks_memcached(memcached):
    status, out, err = Console(memcached())("hot")
    assert (status, out) == (76, b"")
    assert err.endswith(b": does not count hot keys; cachemand does\n")


class Liar:
    """A server that answers whatever it is asked with the same, once it was greeted."""

    def __init__(self, answer):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.name = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.answer = answer
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                with client, client.makefile("rb") as lines:
                    for line in lines:
                        client.sendall(b"MN\r\n" if line == b"mn\r\n" else self.answer)
            except OSError:
                pass  # it has heard enough


def test_console_believes_no_nonsense():
    lines = [b"seconds nan", b"requests 1e400", b"1:requests 5", b"1:key " + b"%41" * 250,
             b"1:requests_per_second inf", b"1:requests -3", b"2:key " + b"x" * 400,
             b"2:value_bytes_per_second 1e300", b"2:error " + b"9" * 300, b":key", b"3:key",
             b"3:requests_per_second 0x10", b"4:key %zz%00%0a", b"4:unheard 1", b":", b"::key 7"]
    liar = Liar(b"".join(b"STAT " + line + b"\r\n" for line in lines) + b"END\r\n")
    answer, _ = Console(liar.name).json("hot")
    assert answer["requests_per_second"] == 0
    keys = answer["keys"]
    assert sorted(key["key"] for key in keys) == ["", "", "", "%zz\x00\n", "A" * 250]
    assert all(key["requests"] == key["share"] == 0 for key in keys)
    assert [key["requests_per_second"] for key in keys] == [16, 0, 0, 0, 0]
    liar.listener.close()
