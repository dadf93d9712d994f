# SPDX-License-Identifier: BSD-3-Clause
"""SIGHUP: what can change while the server runs does, what cannot is said, what is wrong changes
nothing."""

import os
import re
import signal
import socket
import subprocess
import threading

import pytest

import cachemand
import tls
from cachemand import Client, refuses, wait_until

READ = "configuration read again: "
STAYS = "the configuration stays as it was\n"


class Configured:
    """A server with a configuration's file that may be rewritten."""

    def __init__(self, serve, path, text, *options, hello=True, **how):
        self.path = path
        path.write_text(text)
        self.server = serve("--config", str(path), *options, **how)
        self.client = self.server.connect()
        if hello:
            self.client.ask(b"mn\r\n", b"MN\r\n")

    def reload(self, text, end=READ):
        """What the server said to the new text."""
        self.path.write_text(text)
        before = len(self.server.error_text())
        self.server.signal(signal.SIGHUP)
        wait_until(lambda: end in self.server.error_text()[before:], "the end of the reload")
        return [line.removeprefix("cachemand: ")
                for line in self.server.error_text()[before:].splitlines()
                if not line.startswith(f"cachemand: {READ}")]

    def setting(self, name):
        return self.client.stats(b"settings")[name]


@pytest.fixture
def configured(serve, tmp_path):
    def start(text, *options, **how):
        return Configured(serve, tmp_path / "cachemand.conf", text, *options, **how)

    return start


@pytest.fixture
def configured_everywhere(configured, hold_port):
    """The same on a port that is nobody else's on any address, so that its listeners may come and
    go."""
    def start(text, *options):
        return configured(text, "-p", str(hold_port("0.0.0.0")), *options, port=False)

    return start


def test_nothing_changes_nothing(configured):
    it = configured("memory-limit = 32\nthreads = 2\n")
    assert it.reload("# moved\nthreads = 2\nmemory-limit = 32\n") == []


def test_memory(configured):
    it = configured("memory-limit = 64\n")
    for number in range(3000):
        it.client.send(b"set k%d 0 0 10000 noreply\r\n%s\r\n" % (number, b"v" * 10000))
    assert it.reload("memory-limit = 8\n") == ["memory-limit: 64 -> 8"]
    assert it.setting("maxbytes") == str(8 << 20)
    assert int(it.client.stats()["bytes"]) < 8 << 20
    assert it.reload("memory-limit = 128\n") == ["memory-limit: 8 -> 128"]
    assert it.setting("maxbytes") == str(128 << 20)
    assert it.reload("") == ["memory-limit: 128 -> 100"]
    said = it.reload("memory-limit = 1\n")
    assert len(said) == 1
    least = int(re.fullmatch(r"memory-limit: 1 is too small, the smallest is (\d+); it stays as it "
                             "was", said[0])[1])
    assert it.setting("maxbytes") == str(100 << 20)
    said = it.reload(f"memory-limit = {least - 1}\n")
    assert said == [f"memory-limit: {least - 1} is too small, the smallest is {least}; it stays as it "
                    "was"]
    assert it.reload(f"memory-limit = {least}\n") == [f"memory-limit: 100 -> {least}"]


def test_memory_that_must_hold_the_items(configured):
    it = configured("memory-limit = 64\n", "-M")
    for number in range(4000):
        it.client.send(b"set k%d 0 0 10000 noreply\r\n%s\r\n" % (number, b"v" * 10000))
    it.client.ask(b"mn\r\n", b"MN\r\n")  # they are there
    assert it.reload("memory-limit = 16\n") == [
        "memory-limit: 16 is too small for the items that there are, which -M keeps; it stays as it was"]
    assert it.setting("maxbytes") == str(64 << 20)


def test_without_a_file(server):
    before = len(server.error_text())
    server.signal(signal.SIGHUP)
    said = wait_until(lambda: server.error_text()[before:], "an answer")
    assert said == "cachemand: configuration read again: there is no file\n"


def test_policy(configured):
    it = configured("policy = lru\n")
    assert it.reload("policy = fifo\n") == ["policy: lru -> fifo"]
    assert it.setting("policy") == "fifo"
    said = it.reload("policy = random\n", STAYS)
    assert said[0].startswith(f'{it.path}:1: policy: "random" is not one of ')
    assert it.setting("policy") == "fifo"
    assert it.reload("") == ["policy: fifo -> duel"]
    assert it.setting("policy") != "fifo"


def test_connections(configured):
    it = configured("conn-limit = 2\n")
    second = it.server.connect()
    second.ask(b"mn\r\n", b"MN\r\n")
    assert b"Too many open" in it.server.connect().rest()
    assert it.reload("conn-limit = 3\n") == ["conn-limit: 2 -> 3"]
    third = it.server.connect()
    third.ask(b"mn\r\n", b"MN\r\n")
    assert b"Too many open" in it.server.connect().rest()
    assert it.setting("maxconns") == "3"
    assert it.client.stats()["max_connections"] == "3"
    assert it.reload("conn-limit = 1\n") == ["conn-limit: 3 -> 1"]
    third.ask(b"mn\r\n", b"MN\r\n")  # who is in stays


def test_connections_beyond_the_descriptors(configured):
    it = configured("conn-limit = 20\n", "-t", "1", wrapper=("prlimit", "--nofile=200:200",
                    "setpriv", "--bounding-set=-sys_resource", "--inh-caps=-all"))
    said = it.reload("conn-limit = 5000\n")
    assert said[-1] == "conn-limit: 20 -> 5000"
    if os.geteuid() == 0:
        assert said[0].startswith("the system allows 200 open files, ")
        assert said[0].endswith(" are needed for -c 5000; connections beyond will wait to be "
                                "accepted")
    clients = []

    def stats_of_one_more():
        """Once it has been accepted, or none is any more."""
        clients.append(it.server.connect())
        stats = {}

        def is_seen():
            stats.update(it.client.stats())
            return int(stats["curr_connections"]) > len(clients) or stats["accepting_conns"] == "0"

        wait_until(is_seen, "the connection")
        return stats

    while stats_of_one_more()["accepting_conns"] == "1":  # until the descriptors are used up
        assert len(clients) < 200
    for client in clients:
        client.close()
    wait_until(lambda: it.client.stats()["accepting_conns"] == "1", "room")
    it.server.connect().ask(b"mn\r\n", b"MN\r\n")


def test_idle_timeout(configured):
    it = configured("idle-timeout = 0\n")
    idle = it.server.connect()
    idle.ask(b"mn\r\n", b"MN\r\n")
    assert it.reload("idle-timeout = 1\n") == ["idle-timeout: 0 -> 1"]
    assert idle.is_closed()
    assert it.reload("idle-timeout = 1000000\n") == ["idle-timeout: 1 -> 1000000"]
    client = it.server.connect()
    wait_until(lambda: int(client.stats()["idle_kicks"]) >= 1, "its count")


def test_verbosity(configured):
    it = configured("")
    assert it.reload("verbose = 2\n") == ["verbose: 0 -> 2"]
    it.server.connect().ask(b"mn\r\n", b"MN\r\n")
    wait_until(lambda: "connection opened" in it.server.error_text(), "the log of a connection")
    assert it.setting("verbosity") == "2"


def test_log(configured):
    it = configured("")
    assert it.reload("log-level = debug\n") == ["log-level: info -> debug"]
    it.server.connect().ask(b"mn\r\n", b"MN\r\n")
    wait_until(lambda: "connection opened" in it.server.error_text(), "the log of a connection")
    said = it.reload("log-level = debug\nlog-format = json\n")
    assert '"message":"log-format: text -> json"}' in said[0]
    it.client.ask(b"verbosity 0\r\n", b"OK\r\n")
    assert it.setting("verbosity") == "0"


def login(server, user, password):
    client = server.connect()
    pair = b"%s %s" % (user, password)
    client.send(b"set auth 0 0 %d\r\n%s\r\n" % (len(pair), pair))
    return client.line() == b"STORED\r\n"


def test_users(configured, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("alice:secret\n")
    second.write_text("bob:hidden\ncarol:hidden\n")
    it = configured(f"auth-file = {first}\n", hello=False)
    assert login(it.server, b"alice", b"secret")
    assert it.reload(f"auth-file = {second}\n") == [
        "users read again: 2", f"auth-file: {first} -> {second}"]
    assert login(it.server, b"bob", b"hidden")
    assert not login(it.server, b"alice", b"secret")
    said = it.reload("auth-file = /nonexistent/users\n")
    assert said == [f"{it.path}:1: auth-file: /nonexistent/users: No such file or directory; the "
                    "users stay as they were"]
    assert login(it.server, b"bob", b"hidden")
    assert it.reload("") == ["auth-file: whether clients log in changes with a restart only"]
    assert login(it.server, b"bob", b"hidden")
    second.write_text("dora:hidden\n")
    assert it.reload(f"auth-file = {second}\n") == ["users read again: 1"]
    assert login(it.server, b"dora", b"hidden")


def test_certificates(serve, tmp_path, authority, server_cert):
    cert, key = server_cert
    other_cert, other_key = authority.sign("other")
    path = tmp_path / "tls.conf"
    base = "tls = yes\ntls-cert = {}\ntls-key = {}\n"
    it = Configured(serve, path, base.format(cert, key), tls=tls.client_context(authority))
    assert it.reload(base.format(other_cert, other_key)) == [
        "certificates read again", f"tls-cert: {cert} -> {other_cert}",
        f"tls-key: {key} -> {other_key}", "certificates read again"]
    assert it.setting("ssl_chain_cert") == str(other_cert)
    it.server.connect().ask(b"mn\r\n", b"MN\r\n")
    said = it.reload(base.format(cert, other_key))
    assert said[0] == (f'{path}:3: tls-key: the key "{other_key}" does not belong to the certificate "{cert}"; the '
                       "certificates stay as they were")
    assert said[1:] == ["certificates read again"]
    assert it.setting("ssl_chain_cert") == str(other_cert)
    it.server.connect().ask(b"mn\r\n", b"MN\r\n")
    it.client.ask(b"refresh_certs\r\n", b"OK\r\n")


@pytest.fixture
def odd_file(tmp_path):
    """No regular file, in the place of one: to open it would wait for whoever writes, or read for ever."""
    def make(kind, path):
        path.unlink(missing_ok=True)
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "device":
            path.symlink_to("/dev/zero")
        else:
            path.mkdir()
        return "Is a directory" if kind == "folder" else f"it is a {kind}, not a regular file"
    return make


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_files_that_are_none(configured, odd_file, tmp_path, server_cert, kind):
    """Nobody waits for them, at the start or later, and it is said where they were named."""
    users, token, pem = (tmp_path / name for name in ("users", "token", "both.pem"))
    users.write_text("alice:secret\n")
    token.write_text("correct-horse-battery-staple\n")
    pem.write_bytes(b"".join(path.read_bytes() for path in server_cert))
    text = (f"auth-file = {users}\ntls = yes\ntls-cert = {pem}\nadmin = 127.0.0.1:0\n"
            f"admin-tls = yes\nadmin-token-file = {token}\n")
    it = configured(text, hello=False)
    for path in users, token, pem:
        why = odd_file(kind, path)
    same = f'cannot read the certificate "{pem}": {why}; the certificates'
    assert sorted(it.reload("# which moves the lines\n" + text)) == sorted([
        f"{it.path}:4: tls-cert: {same} stay as they were",
        f"{it.path}:2: auth-file: {users}: {why}; the users stay as they were",
        f"{it.path}:7: admin-token-file: cannot read {token}: {why}; the token stays as it was",
        f"{it.path}:4: tls-cert: {same} of --admin stay as they were"])
    code, _, errors = cachemand.run("--config", str(it.path), "-p", "-1", "--check-config")
    assert (code, errors.splitlines()) == (78, [
        f"cachemand: {it.path}:2: auth-file: {users}: {why}",
        f'cachemand: {it.path}:4: tls-cert: cannot read the certificate "{pem}": {why}',
        f"cachemand: {it.path}:7: admin-token-file: cannot read {token}: {why}"])


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_configurations_that_are_none(configured, odd_file, kind):
    it = configured("conn-limit = 77\n")
    why = odd_file(kind, it.path)
    before = len(it.server.error_text())
    it.server.signal(signal.SIGHUP)
    wait_until(lambda: STAYS in it.server.error_text()[before:], "the refusal")
    assert it.server.error_text()[before:].splitlines() == [
        f'cachemand: cannot read the configuration "{it.path}": {why}', f"cachemand: {STAYS.strip()}"]
    assert it.setting("maxconns") == "77"


def test_configurations_that_come_but_once(tmp_path):
    """The pipe is at its end the second time, which is not to mean an empty file."""
    port, told = tmp_path / "port", tmp_path / "errors"
    with subprocess.Popen(
            [str(cachemand.PROGRAM), "--config", "/dev/stdin", "-p", "-1"], stdin=subprocess.PIPE,
            env={**os.environ, "MEMCACHED_PORT_FILENAME": str(port)},
            stderr=told.open("wb")) as server:
        try:
            server.stdin.write(b"conn-limit = 77\n")
            server.stdin.close()
            wait_until(port.exists, "the port")
            server.send_signal(signal.SIGHUP)
            wait_until(lambda: STAYS in told.read_text(), "the refusal")
            client = Client(int(port.read_text().split()[2]))
            assert client.stats(b"settings")["maxconns"] == "77"
            client.close()
        finally:
            server.kill()
    assert ('cachemand: cannot read the configuration "/dev/stdin": it is a pipe, not a regular file\n'
            in told.read_text())


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_clusters_that_are_none(serve, odd_file, tmp_path, kind):
    path = tmp_path / "cluster"
    path.write_text("10.0.0.1:5\n")
    server = serve("--cluster", str(path))
    why = odd_file(kind, path)
    wait_until(lambda: (f"cachemand: the cluster file: cannot read the cluster file {path}: {why}; the "
                        "servers listed stay as they were\n") in server.error_text(), "the refusal")
    client = server.connect()
    client.send(b"config get cluster\r\n")
    assert b"10.0.0.1|10.0.0.1|5" in client.until(b"END\r\n")


def test_listeners(configured_everywhere):
    it = configured_everywhere("listen = 127.0.0.1\n")
    port = it.server.port
    assert it.reload("listen = 127.0.0.1\nlisten = 127.0.0.2\n") == [
        "listen: 127.0.0.1 -> 127.0.0.1,127.0.0.2"]
    second = it.server.connect(host="127.0.0.2")
    second.ask(b"mn\r\n", b"MN\r\n")
    assert f"tcp:127.0.0.2:{port}" in it.client.stats(b"conns").values()
    assert it.reload("listen = 127.0.0.2\n") == ["listen: 127.0.0.1,127.0.0.2 -> 127.0.0.2"]
    wait_until(lambda: refuses(port), "the end of the first listener")
    it.client.ask(b"mn\r\n", b"MN\r\n")  # its connections stay
    it.server.connect(host="127.0.0.2").ask(b"mn\r\n", b"MN\r\n")
    assert it.setting("inter") == "127.0.0.2"
    it.client.send(b"config get cluster\r\n")
    assert f"127.0.0.2|127.0.0.2|{port}".encode() in it.client.until(b"END\r\n")
    assert it.reload("") == ["listen: 127.0.0.2 -> (not set)"]
    it.server.connect().ask(b"mn\r\n", b"MN\r\n")


def test_listeners_of_a_member(configured_everywhere):
    """Whoever is in etcd under the address it listens on keeps that."""
    def member(*options):
        it = configured_everywhere("listen = 127.0.0.1\n", "--join", "etcd://127.0.0.1:1/c", *options)
        wait_until(lambda: "; it is tried again\n" in it.server.error_text(), "its only complaint")
        return it

    it = member()
    assert it.reload("listen = 127.0.0.2\n") == [
        "listen: changes with a restart only: the cluster knows this server by it; --advertise "
        "gives a name that stays"]
    it.server.connect().ask(b"mn\r\n", b"MN\r\n")
    named = member("--advertise", "cache.example")
    assert named.reload("listen = 127.0.0.1, 127.0.0.2\n") == [
        "listen: 127.0.0.1 -> 127.0.0.1,127.0.0.2"]


def test_listener_that_cannot_be(configured_everywhere, hold_port):
    it = configured_everywhere("listen = 127.0.0.1\n")
    port = hold_port("127.0.0.2")
    with socket.create_server(("127.0.0.2", port)):
        said = it.reload(f"listen = 127.0.0.3, 127.0.0.2:{port}\n")
        assert said == [f"listen: cannot listen on 127.0.0.2:{port}: Address already in use; it "
                        "stays as it was"]
    assert it.setting("inter") == "127.0.0.1"
    it.server.connect().ask(b"mn\r\n", b"MN\r\n")
    with pytest.raises(ConnectionRefusedError):
        Client(it.server.port, host="127.0.0.3")
    assert it.reload(f"listen = 127.0.0.1, 127.0.0.2:{port}\n") == [
        f"listen: 127.0.0.1 -> 127.0.0.1,127.0.0.2:{port}"]
    Client(port, host="127.0.0.2").ask(b"mn\r\n", b"MN\r\n")


def test_what_needs_a_restart(configured):
    it = configured("threads = 63\n")
    assert it.reload("threads = 3\nmax-item-size = 2m\nno-evict = yes\nmemory-limit = 99\n") == [
        "memory-limit: 100 -> 99", "max-item-size: changes with a restart only",
        "no-evict: changes with a restart only", "threads: changes with a restart only"]
    assert it.setting("num_threads") == "63"
    assert it.setting("evictions") == "on"
    assert it.reload("") == ["memory-limit: 99 -> 100", "threads: changes with a restart only"]


def test_command_line_keeps_winning(configured):
    it = configured("memory-limit = 64\n", "-m", "32")
    assert it.reload("memory-limit = 48\nidle-timeout = 9\n") == ["idle-timeout: 0 -> 9"]
    assert it.setting("maxbytes") == str(32 << 20)


WRONG = [
    ("memory-limit = 1\nthreads = x\nfoo = 1\n",
     ['PATH:2: threads: "x" is not a number from 1 to 64',
      'PATH:3: unknown key "foo"; keys are the long names of the options that --help lists']),
    ("memory-limit = 1\ntls = yes\n",
     ["PATH:2: tls: TLS needs a certificate: give --tls-cert FILE"]),
    ("memory-limit = 1\n[cache]\n",
     ['PATH:2: "[cache]": there are no sections; write KEY = VALUE']),
    ("memory-limit = 1\nidle-timeout = 5" + "0" * 200,
     ["PATH:2: the line is 216 bytes long, at most 197 are allowed; an indented line continues a "
      "value"]),
]


@pytest.mark.parametrize("text,wanted", WRONG, ids=["values", "together", "section", "long line"])
def test_wrong_file_changes_nothing(configured, text, wanted):
    it = configured("memory-limit = 64\n")
    said = it.reload(text, STAYS)
    assert said == [line.replace("PATH", str(it.path)) for line in wanted] + [STAYS.strip()]
    assert it.setting("maxbytes") == str(64 << 20)
    assert it.reload("memory-limit = 65\n") == ["memory-limit: 64 -> 65"]


def test_missing_file_changes_nothing(configured):
    it = configured("memory-limit = 64\n")
    it.path.unlink()
    before = len(it.server.error_text())
    it.server.signal(signal.SIGHUP)
    wait_until(lambda: STAYS in it.server.error_text()[before:], "the end of the reload")
    assert "No such file or directory" in it.server.error_text()[before:]
    assert it.setting("maxbytes") == str(64 << 20)


def hammer(port, name, stop, failures):
    """Sets and gets on one connection, until told to stop; what goes wrong is kept."""
    try:
        with Client(port) as client:
            count = 0
            while not stop.is_set() or count == 0:
                key = b"%s%d" % (name, count % 100)
                client.set(key, b"value%d" % count)
                if client.get(key) != b"value%d" % count:
                    failures.append(f"{key} is lost")
                count += 1
    except Exception as error:  # pylint: disable=broad-except
        failures.append(repr(error))


def test_a_hundred_reloads_under_load(configured_everywhere):
    """No request fails, whatever changes meanwhile."""
    texts = ["memory-limit = 64\npolicy = lru\nconn-limit = 100\n",
             "memory-limit = 48\npolicy = fifo\nlisten = 127.0.0.1,127.0.0.2\nconn-limit = 200\n",
             "memory-limit = 64\nidle-timeout = 100\nverbose = 1\nlisten = 127.0.0.1\n"]
    it = configured_everywhere(texts[0], "-t", "2")
    stop, failures = threading.Event(), []
    threads = [threading.Thread(target=hammer, args=(it.server.port, name, stop, failures))
               for name in (b"a", b"b", b"c", b"d")]
    for thread in threads:
        thread.start()
    try:
        for number in range(1, 101):
            wrong = number % 10 == 0
            text = texts[number % 3] + ("threads = none\n" if wrong else "")
            said = it.reload(text, STAYS if wrong else READ)
            assert said, "something changes each time"
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert failures == []
    assert it.client.stats()["evictions"] == "0"
