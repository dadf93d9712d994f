# SPDX-License-Identifier: BSD-3-Clause
"""The console and its servers: several, dead ones, memcached, logins, TLS."""

import os
import shutil
import signal
import socket

import pytest

from cachemand import wait_until
from console import Console, Terminal, run

UNAVAILABLE, PROTOCOL, DENIED = 69, 76, 77
MEMCACHED = shutil.which("memcached")


@pytest.fixture
def two(serve, hold_port):
    """Servers whose ports stay theirs when they have died."""
    ports = [hold_port(), hold_port()]
    servers = [serve("-t", "1", "-p", str(port), port=False) for port in ports]
    console = Console(",".join(f"127.0.0.1:{port}" for port in ports))
    console.names = console.servers.split(",")
    console.processes = servers
    return console


def test_two_servers(two):
    script = "".join(f"set key:{i} {i}\n" for i in range(200))
    assert two.script(script)[0] == 0
    assert len(set(two.good("keys").split())) == 200
    placed = dict(row.split("\t") for row in two.good("where", *(f"key:{i}" for i in range(200)))
                  .decode().splitlines())
    for name in two.names:
        here = run("keys", "--server", name, servers=two.servers)[1].decode().split()
        assert 0 < len(here) < 200 and {placed[key] for key in here} == {name}
    head = two.good("stats", "--match", "curr_items").decode().rstrip("\n").split("\t")
    assert head[0] == "curr_items" and sum(map(int, head[1:])) == 200
    assert [row.split("\t")[0] for row in two.good("servers").decode().splitlines()] == two.names
    assert [row.split("\t")[0] for row in two.good("ping").decode().splitlines()] == two.names
    assert two.good("flush", "--server", two.names[0]) == b"flushed 1 server\n"
    assert set(two.good("keys").decode().split()) == {
        key for key in placed if placed[key] == two.names[1]}
    assert two.good("flush") == b"flushed 2 servers\n"


def test_distributions(two):
    two.servers += "?distribution=ketama"
    item = two.json("where", "k")[0]["keys"][0]
    assert item["server"] == item["distributions"]["ketama"]
    assert set(item["distributions"]) == {"rendezvous", "ketama", "ketama-jenkins", "modulo-fnv1a"}
    two.servers = ",".join(two.names) + "?replicas=2"
    assert set(two.json("where", "k")[0]["keys"][0]["server"].split(",")) == set(two.names)


def test_two_servers_at_a_terminal(two):
    with Terminal("-s", two.servers, columns=120) as terminal:
        assert terminal.prompt().group(1) == "2 servers"
        shown = terminal.do("stats --match curr_items").splitlines()
        assert all(name in shown[0] for name in two.names)
        terminal.type("watch mutations\r")
        terminal.expect("Ctrl-C ends this")
        for name in two.names:
            wait_until(lambda: b"\t1\t1\n" in two.good("stats", "--match", "log_watchers"),
                       "the watchers")
        two.script("".join(f"set key:{i} {i}\n" for i in range(50)))
        for name in two.names:
            terminal.seen = 0
            terminal.expect(name + " ts=")
        terminal.type("\x03")
        terminal.expect(r"\d+ lines \(")


def test_one_of_two_is_dead(two):
    keys = [f"key:{number}" for number in range(100)]
    placed = dict(row.split("\t") for row in two.good("where", *keys).decode().splitlines())
    two.processes[1].finish()
    dead = two.names[1]
    here, there = ([key for key in keys if placed[key] == name][:4] for name in two.names)
    assert here and there
    said = (f"cacheman: {dead} cannot be reached: Connection refused\n".encode())
    for key, name in [(key, placed[key]) for key in here + there]:
        status, out, err = two("set", key, "v")
        assert (status, out, err) == ((UNAVAILABLE, b"", said) if name == dead
                                      else (0, b"stored\n", b""))
    status, out, err = two("servers")
    assert (status, err) == (UNAVAILABLE, said)
    assert out.splitlines()[1].startswith(dead.encode() + b"\tdown\t-")
    for words in (["stats"], ["ping"], ["keys"], ["flush"], ["watch", "--for", "1"]):
        status, out, err = two(*words)
        assert (status, err) == (UNAVAILABLE, said), words
    assert two.json("servers")[0]["servers"][1] == {"name": dead, "up": False}


def test_dead_server_is_told_of_while_others_are_watched(two):
    two.processes[1].finish()
    with Terminal("-s", two.servers, "watch", "mutations") as terminal:
        terminal.expect(f"{two.names[1]} cannot be reached: Connection refused")
        terminal.type("\x03")
        assert terminal.exit_status() == -signal.SIGINT


def test_dead_server():
    for words in (["get", "k"], ["set", "k", "v"], ["delete", "k"], ["incr", "k"], ["touch", "k", "1"],
                  ["ttl", "k"], ["stats"], ["servers"], ["ping"], ["keys"], ["watch"], ["flush"],
                  ["config", "server"]):
        status, _, err = run(*words, servers="127.0.0.1:1")
        assert (status, err) == (
            UNAVAILABLE, b"cacheman: 127.0.0.1:1 cannot be reached: Connection refused\n"), words
    assert run("get", "k", env={"CACHEMAN_SERVERS": "127.0.0.1:1"}) == (
        UNAVAILABLE, b"", b"cacheman: 127.0.0.1:1 cannot be reached: Connection refused; -s HOST:PORT "
        b"names another\n")
    assert run("config", servers="127.0.0.1:1")[0] == 0


def test_etcd_that_is_not_there():
    status, out, err = run("get", "k", servers="etcd://127.0.0.1:1/c")
    assert (status, out) == (UNAVAILABLE, b"")
    assert err == b"cacheman: etcd at 127.0.0.1:1: Connection refused\n"


def test_names_of_servers_cannot_reach_the_terminal():
    servers = "unix:/nonexistent/%1b[2J"
    assert run("where", "k", servers=servers)[1] == b"k\tunix:/nonexistent/\\x1b[2J\n"
    status, out, err = run("watch", "--for=1s", servers=f"{servers},127.0.0.1:1")
    assert status == UNAVAILABLE and b"\x1b" not in out + err


def test_server_that_is_silent():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        name = f"127.0.0.1:{silent.getsockname()[1]}"
        status, _, err = run("--timeout=100ms", "get", "k", servers=name)
        assert (status, err) == (UNAVAILABLE, f"cacheman: {name} did not answer in time; the option "
                                 "timeout gives it longer\n".encode())


def test_servers_from_the_environment(serve):
    server = serve()
    env = {"CACHEMAN_SERVERS": f"127.0.0.1:{server.port}"}
    assert run("set", "k", "v", env=env) == (0, b"stored\n", b"")
    assert run("get", "k", env=env) == (0, b"v", b"")


def test_unix_socket(serve, tmp_path):
    serve(unix=tmp_path / "s")
    where = f"unix:{tmp_path}/s"
    assert run("set", "k", "v", servers=where) == (0, b"stored\n", b"")
    assert run("ping", servers=where)[1].startswith(where.encode() + b"\t4/4\t")


# ---- logins and encryption ----


def test_login(serve, tmp_path):
    users = tmp_path / "users"
    users.write_text("alice:s3cret&\n")
    password = tmp_path / "password"
    password.write_text("s3cret&\n")
    name = f"127.0.0.1:{serve('-Y', str(users)).port}"
    login = ["-u", "alice", "--password-file", str(password)]
    assert run(*login, "set", "k", "v", servers=name) == (0, b"stored\n", b"")
    assert run(*login, "config", "--match", "password", servers=name)[1].startswith(
        b"password\t***\t")
    denied = (f"cacheman: {name} did not accept the login; --user and --password-file say who you "
              "are\n".encode())
    for words in (["get", "k"], ["stats"], ["keys"], ["servers"]):
        status, _, err = run(*words, servers=name)
        assert (status, err) == (DENIED, denied), words
    status, _, err = run(stdin=b"get k\nget k\nstats\n", servers=name)
    assert (status, err.splitlines(keepends=True)) == (
        DENIED, [denied.replace(b" ", b" line %d: " % line, 1) for line in (1, 2, 3)])
    password.write_text("wrong")
    assert run(*login, "get", "k", servers=name) == (DENIED, b"", denied)
    with Terminal("-s", name, "-u", "alice", "get", "k") as terminal:
        terminal.expect("Password of alice: ")
        terminal.type("s3cret&\r")
        terminal.expect(r"v\n1 B")
        assert "cret" not in terminal.plain() and terminal.exit_status() == 0


def test_tls(serve_tls, authority):
    server = serve_tls()
    name = f"127.0.0.1:{server.port}"
    assert run("--ca", str(authority.cert), "set", "k", "v", servers=name) == (0, b"stored\n", b"")
    status, _, err = run("--tls", "get", "k", servers=name)
    assert status == UNAVAILABLE and b"TLS" in err
    assert run("get", "k", servers=name + "?tls=any") == (0, b"v", b"")


# ---- memcached ----


@pytest.mark.skipif(not MEMCACHED, reason="no memcached")
def test_memcached(memcached):
    console = Console(memcached())
    assert console("hot") == (
        76, b"", f"cacheman: {console.servers}: does not count hot keys; cachemand does\n".encode())
    value = os.urandom(900_000)
    assert console.good("set", "big", stdin=value) == b"stored\n"
    assert console.good("get", "big") == value
    assert console.good("set", "n", "1", "--ttl", "1h", "--flags", "5") == b"stored\n"
    assert console("add", "n", "1")[0] == 1
    assert console.good("replace", "n", "2") == b"stored\n"
    assert console.good("append", "n", "0") == b"stored\n"
    assert console.good("prepend", "n", "1") == b"stored\n"
    assert console.good("incr", "n") == b"121\n"
    assert console.good("decr", "n", "21") == b"100\n"
    cas = console.json("get", "n")[0]["items"][0]["cas"]
    assert console.good("cas", "n", str(cas), "x") == b"stored\n"
    assert console("cas", "n", str(cas), "y")[0] == 1
    assert console.good("touch", "n", "1d") == b"touched\n"
    assert 86000 < int(console.good("ttl", "n")) <= 86400
    wait_until(lambda: sorted(console("keys")[1].split()) == [b"big", b"n"], "a whole dump")
    assert console.good("servers").split(b"\t")[2] == b"2"
    assert b"curr_items\t2\n" in console.good("stats")
    assert b"maxbytes\t" in console.good("config", "server")
    for group in ("items", "slabs", "sizes", "conns", "settings", "all"):
        assert console.good("stats", group)
    assert console("stats", "nosuch")[0] == PROTOCOL
    status, out, err = console("why", "n")
    assert (status, out) == (PROTOCOL, b"")
    assert err.endswith(b": does not remember keys; cachemand does\n")
    assert console.good("watch", "fetchers", "--for", "1") == b""
    assert console.good("delete", "n") == b"deleted\n"
    assert console.good("flush") == b"flushed 1 server\n"
    assert console("get", "big")[0] == 1


@pytest.mark.skipif(not MEMCACHED, reason="no memcached")
def test_memcached_in_classic_text(memcached):
    console = Console(memcached())
    console.servers += "?protocol=text"
    assert console.good("set", "k", "v") == b"stored\n"
    assert console.good("get", "k") == b"v"
    assert console("ttl", "k") == (
        PROTOCOL, b"", b"cacheman: k: the server does not tell; only those do that speak the meta "
        b"protocol\n")
