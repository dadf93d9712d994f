# SPDX-License-Identifier: BSD-3-Clause
"""Settings changed while the server runs, through --admin: who may, what becomes of them."""

import contextlib
import http.client
import json
import re
import signal
import socket
import threading

import pytest

import cachemand
from admin import BEARER, TOKEN, ask, port_of
from cachemand import wait_until

JSON = {"Authorization": BEARER, "Accept": "application/json"}
NOTHING = "nothing has changed that 127.0.0.1 wanted changed\n"


class Admin:
    """A server with a token and a configuration's file."""

    def __init__(self, serve, folder, text="memory-limit = 100\n", **how):
        self.path, token = folder / "cachemand.conf", folder / "token"
        self.path.write_text(text)
        token.write_text(TOKEN)
        self.server = serve("--config", str(self.path), "-t", "2", "--admin", "127.0.0.1:0",
                            "--admin-token-file", str(token), **how)
        self.port = port_of(self.server)
        self.client = self.server.connect()

    def ask(self, method, path, body=None):
        status, _, text = ask(self.port, path, method, body, Authorization=BEARER)
        return status, text

    def set(self, *lines):
        return self.ask("POST", "/config", "\n".join(lines))

    def set_json(self, *lines):
        status, headers, text = ask(self.port, "/config", "POST", "\n".join(lines), **JSON)
        assert headers["Content-Type"] == "application/json"
        return status, json.loads(text)

    def take_back(self, name=None):
        return self.ask("DELETE", "/config" if name is None else f"/config/{name}")

    def rows(self):
        text = self.ask("GET", "/config.json")[1]
        return {row["name"]: (row["value"], row["from"]) for row in json.loads(text)}

    def setting(self, name):
        return self.client.stats(b"settings")[name]

    def reload(self):
        """What the server said."""
        before = len(self.server.error_text())
        self.server.signal(signal.SIGHUP)
        wait_until(lambda: "configuration read again" in self.server.error_text()[before:],
                   "the reload")
        return self.server.error_text()[before:]


@pytest.fixture
def admin(serve, tmp_path):
    return Admin(serve, tmp_path)


# ---- what changes ----

def test_set(admin):
    assert admin.set("memory-limit=64") == (200, "memory-limit: 100 -> 64, by 127.0.0.1\n")
    assert "\ncachemand: memory-limit: 100 -> 64, by 127.0.0.1\n" in admin.server.error_text()
    assert admin.setting("maxbytes") == str(64 << 20)
    assert admin.rows()["memory-limit"] == ("64", "set at run time by 127.0.0.1")
    assert "\n# set at run time by 127.0.0.1\nmemory-limit = 64\n" in admin.ask("GET", "/config")[1]


def test_several_with_comments_and_blanks(admin):
    status, text = admin.set("# for the sale", "", "conn-limit = 77 ; more", "idle-timeout = 9",
                             "policy = fifo")
    assert (status, text) == (200, "policy: duel -> fifo, by 127.0.0.1\n"
                                   "conn-limit: 1024 -> 77, by 127.0.0.1\n"
                                   "idle-timeout: 0 -> 9, by 127.0.0.1\n")
    assert (admin.setting("policy"), admin.setting("maxconns"), admin.setting("idle_timeout")) == \
        ("fifo", "77", "9")


@pytest.fixture
def admin_everywhere(serve, tmp_path, hold_port):
    """With a port that is nobody else's on any address, so that its listeners may come and go."""
    return Admin(serve, tmp_path, f"port = {hold_port('0.0.0.0')}\n", port=False)


def test_listeners(admin_everywhere):
    admin = admin_everywhere
    assert admin.set("listen = 127.0.0.1, 127.0.0.2")[0] == 200
    admin.server.connect(host="127.0.0.2").ask(b"mn\r\n", b"MN\r\n")
    assert admin.set("listen = 127.0.0.1") == (
        200, "listen: 127.0.0.1,127.0.0.2 -> 127.0.0.1, by 127.0.0.1\n")
    admin.server.connect().ask(b"mn\r\n", b"MN\r\n")


def test_users(serve, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("alice:secret\n")
    second.write_text("bob:hidden\n")
    admin = Admin(serve, tmp_path, f"auth-file = {first}\n")
    assert admin.set(f"auth-file = {second}") == (
        200, f"users read again: 1\nauth-file: {first} -> {second}, by 127.0.0.1\n")
    admin.client.ask(b"set auth 0 0 10\r\nbob hidden\r\n", b"STORED\r\n")
    status, text = admin.set("auth-file = /nowhere/users")
    assert (status, text) == (409, "auth-file: /nowhere/users: No such file or directory; the users "
                                   "stay as they were\n")


def test_what_is_in_force_already(admin):
    assert admin.set("conn-limit = 1024") == (200, "conn-limit: 1024 already\n")
    assert admin.rows()["conn-limit"] == ("1024", "set at run time by 127.0.0.1")


def test_passwords_are_not_told(serve, tmp_path):
    url = "etcd://127.0.0.1:1/c?etcd_user=u&etcd_password=secret"
    admin = Admin(serve, tmp_path, f"join = {url}\n")
    assert admin.set(f"join = {url}") == (200, "join: etcd://127.0.0.1:1/c already\n")
    assert admin.set(f"join = {url}2")[0] == 409
    assert "secret" not in admin.server.error_text()


COMMANDS = [(b"cache_memlimit 32\r\n", b"OK\r\n", "cache_memlimit", "memory-limit: 100 -> 32",
             "memory-limit: 32 -> 100"),
            (b"lru policy lru\r\n", b"OK\r\n", "lru policy", "policy: duel -> lru",
             "policy: lru -> duel"),
            (b"verbosity 1\r\n", b"OK\r\n", "verbosity", "verbose: 0 -> 1", "verbose: 1 -> 0")]


@pytest.mark.parametrize("request_,answer,command,change,back", COMMANDS)
def test_what_a_command_has_set(admin, request_, answer, command, change, back):
    """Is said, shown as what is in force, kept by a reload, and taken back as any other."""
    host, port = admin.client.socket.getsockname()
    by = f"{command} of tcp:{host}:{port}"
    name, value = change.split(": ")[0], change.split(" -> ")[1]
    admin.client.ask(request_, answer)
    wait_until(lambda: f"\ncachemand: {change}, by {by}\n" in admin.server.error_text(), change)
    assert admin.rows()[name] == (value, f"set at run time by {by}")
    assert f"\n# set at run time by {by}\n{name} = {value}\n" in admin.ask("GET", "/config")[1]
    assert f"cachemand: {name}: stays {value}, set at run time by {by}\n" in admin.reload()
    assert admin.take_back(name) == (200, f"{back}, by 127.0.0.1\n")


def test_goes_before_what_a_command_has_set(admin):
    admin.client.ask(b"cache_memlimit 32\r\n", b"OK\r\n")
    assert admin.set("memory-limit = 100") == (200, "memory-limit: 32 -> 100, by 127.0.0.1\n")
    assert admin.setting("maxbytes") == str(100 << 20)


def test_what_a_command_sets_to_what_it_was(admin):
    admin.client.ask(b"cache_memlimit 100\r\n", b"OK\r\n")
    assert admin.set("conn-limit = 77")[0] == 200  # and what the command did was seen before
    assert admin.rows()["memory-limit"] == ("100", f"{admin.path}:1")
    assert "memory-limit: " not in admin.server.error_text()


def test_answer_for_programs(admin):
    assert admin.set_json("memory-limit = 64", "threads = 9", "conn-limit = 1024") == (409, {
        "ok": False, "unchanged": ["conn-limit"],
        "changed": [{"name": "memory-limit", "from": "100", "to": "64"}],
        "restart": ["threads"], "refused": [],
        "messages": ["memory-limit: 100 -> 64, by 127.0.0.1",
                     "threads: changes with a restart only", "conn-limit: 1024 already"]})
    status, answer = admin.set_json("memory-limit = 48")
    assert (status, answer["ok"]) == (200, True)


# ---- what does not ----

def test_what_needs_a_restart(admin):
    assert admin.set("threads = 9") == (409, "threads: changes with a restart only\n")
    assert admin.set("threads = 2") == (200, "threads: 2 already\n")
    assert admin.set("tls-min-version = 1.3") == (
        409, "tls-min-version: changes with a restart only: there is no TLS now\n")
    assert admin.rows()["threads"] == ("2", "command line")


WRONG = [
    (["threads = x"], 'threads: "x" is not a number from 1 to 64\n'),
    (["foo = 1", "memory-limit = no"],
     'line 1: unknown key "foo"; keys are the long names of the options that --help lists\n'
     'memory-limit: "no" is not a number from 1 to 1048576\n'),
    (["policy = random"], 'policy: "random" is not one of '),
    (["verbose"], 'line 1: "verbose" is not of the form KEY = VALUE\n'),
    (["config = x"], "line 1: config: this can be given on the command line and in the "
                     "environment only\n"),
    (["x" * 300], "line 1: the line is 300 bytes long, at most 197 are allowed; an indented line "
                  "continues a value\n"),
    (["\0"], "line 1: the byte 0x00 at column 1 is no text\n"),
    (["listen ="], 'listen: "" has no address; write HOST, HOST:PORT or [IPV6]:PORT\n'),
    (["tls = yes"], "tls: TLS needs a certificate: give --tls-cert FILE\n"),
    (["auth-file ="], "auth-file: the value is empty, a FILE is needed\n"),
    ([], "nothing is to be set: lines of NAME = VALUE are wanted\n"),
    (["# only this"], "nothing is to be set: lines of NAME = VALUE are wanted\n"),
]


@pytest.mark.parametrize("lines,text", WRONG, ids=[repr(lines)[:30] for lines, _ in WRONG])
def test_what_is_wrong_changes_nothing(admin, lines, text):
    """Not even what is right beside it, but where there is nothing at all."""
    beside = ["idle-timeout = 5"] if lines and not lines[0].startswith("#") else []
    status, answer = admin.set(*lines, *beside)
    assert status == 422
    assert answer.startswith(text) and answer.endswith(NOTHING)
    assert admin.setting("idle_timeout") == "0"
    assert f"cachemand: {NOTHING}" in admin.server.error_text()


def test_what_cannot_be_taken_over_stays(admin):
    with socket.create_server(("127.0.0.2", 0)) as taken:
        port = taken.getsockname()[1]
        status, answer = admin.set_json(f"listen = 127.0.0.2:{port}", "idle-timeout = 5")
    assert (status, answer["refused"]) == (409, ["listen"])
    assert answer["changed"] == [{"name": "idle-timeout", "from": "0", "to": "5"}]
    assert f"listen: cannot listen on 127.0.0.2:{port}: Address already in use; it stays as it " \
        "was" in answer["messages"]
    assert admin.rows()["listen"] == ("", "default")


# ---- beside the file ----

def test_a_reload_keeps_what_was_set(admin):
    admin.set("memory-limit = 64")
    admin.path.write_text("memory-limit = 32\nidle-timeout = 7\n")
    said = admin.reload()
    assert "cachemand: idle-timeout: 0 -> 7\n" in said
    assert "cachemand: memory-limit: stays 64, set at run time by 127.0.0.1\n" in said
    assert admin.setting("maxbytes") == str(64 << 20)
    assert admin.take_back("memory-limit") == (200, "memory-limit: 64 -> 32, by 127.0.0.1\n")
    assert admin.rows()["memory-limit"] == ("32", f"{admin.path}:1")
    assert "stays" not in admin.reload()


def test_setting_reads_no_file(admin):
    admin.path.write_text("memory-limit = 32\nidle-timeout = 7\n")
    assert admin.set("conn-limit = 9") == (200, "conn-limit: 1024 -> 9, by 127.0.0.1\n")
    assert admin.setting("idle_timeout") == "0"


def test_taken_back(admin):
    admin.set("memory-limit = 64", "conn-limit = 9")
    assert admin.take_back() == (200, "memory-limit: 64 -> 100, by 127.0.0.1\n"
                                      "conn-limit: 9 -> 1024, by 127.0.0.1\n")
    assert admin.take_back() == (200, "nothing was set at run time\n")
    assert admin.take_back("conn-limit") == (
        422, "conn-limit: it was not set at run time\n" + NOTHING)
    assert admin.take_back("foo") == (
        422, 'unknown key "foo"; /config lists those there are\n' + NOTHING)
    admin.set("memory-limit = 64")
    admin.path.write_text("memory-limit = none\n")
    status, text = admin.take_back("memory-limit")
    assert (status, text) == (422, f'{admin.path}:1: memory-limit: "none" is not a number from 1 '
                                   "to 1048576\n" + NOTHING)
    assert admin.setting("maxbytes") == str(64 << 20)


# ---- who may ----

@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_nobody_without_a_token_file(serve, method):
    server = serve("--admin", "127.0.0.1:0")
    for headers in [{}, {"Authorization": BEARER}]:
        status, _, text = ask(port_of(server), "/config", method, "memory-limit = 1", **headers)
        assert (status, text) == (
            403, "settings can be changed only with a token, and this server has none: start it "
                 "with --admin-token-file FILE\n")
    assert server.connect().stats(b"settings")["maxbytes"] == str(100 << 20)


@pytest.mark.parametrize("headers", [
    {}, {"Authorization": "Bearer wrong-horse-battery-stapler"}, {"Authorization": f"Basic {TOKEN}"},
    {"Cookie": TOKEN, "Origin": "http://localhost", "Content-Type": "text/plain"}])
def test_nobody_who_does_not_show_it(admin, headers):
    for method, path in [("POST", "/config"), ("DELETE", "/config"),
                         ("DELETE", "/config/memory-limit")]:
        assert ask(admin.port, path, method, "memory-limit = 1", **headers)[0] == 401
    assert admin.setting("maxbytes") == str(100 << 20)


READER = "a-token-that-only-reads"
ONLY_READS = ('this token only reads: settings are changed with one that has no "read" before it in the '
              "file of --admin-token-file\n")


def test_who_may_only_read(serve, tmp_path):
    token = tmp_path / "tokens"
    token.write_text(f"{TOKEN}\nread {READER}\n")
    server = serve("--admin", "127.0.0.1:0", "--admin-token-file", str(token))
    port, reads = port_of(server), {"Authorization": f"Bearer {READER}"}
    for page in ["/metrics", "/stats.json", "/history.json", "/config", "/config.json"]:
        assert ask(port, page, **reads)[0] == 200
    for method, path in [("POST", "/config"), ("DELETE", "/config"),
                         ("DELETE", "/config/memory-limit")]:
        assert ask(port, path, method, "memory-limit = 64", **reads)[::2] == (403, ONLY_READS)
    assert ask(port, "/config", "PUT", "x", **reads)[0] == 405
    assert "cachemand: --admin refused 127.0.0.1 a change: its token only reads\n" in server.error_text()
    client = server.connect()
    assert client.stats(b"settings")["maxbytes"] == str(100 << 20)
    assert ask(port, "/config", "POST", "memory-limit = 64", Authorization=BEARER)[0] == 200
    token.write_text(f"read {TOKEN}\n{READER}\n")  # the other way round
    server.signal(signal.SIGHUP)
    wait_until(lambda: "token read again" in server.error_text(), "the reload")
    assert ask(port, "/config", "POST", "memory-limit = 32", Authorization=BEARER)[::2] == (403, ONLY_READS)
    assert ask(port, "/config", "POST", "memory-limit = 32", **reads)[0] == 200
    assert client.stats(b"settings")["maxbytes"] == str(32 << 20)


def test_other_methods(admin):
    for method in ["PUT", "PATCH", "OPTIONS"]:
        status, headers, text = ask(admin.port, "/config", method, "x", Authorization=BEARER)
        assert (status, text) == (405, "settings are read by GET, set by POST, and taken back by "
                                       "DELETE\n")
        assert headers["Allow"] == "GET, HEAD, POST, DELETE"
    for path in ["/config/memory-limit", "/config.json", "/config/"]:
        assert admin.ask("POST", path, "x")[0] == 405
    assert admin.ask("GET", "/config/memory-limit")[0] == 404


# ---- bodies that mean no good ----

def test_large_bodies(admin):
    """What fits is read whole, one byte more is not."""
    line = "idle-timeout = 5\n"
    whole = line + "#" * 99 + "\n" + ("#" * 99 + "\n") * 700
    fits = whole[:65536]
    assert admin.set(fits) == (200, "idle-timeout: 0 -> 5, by 127.0.0.1\n")
    assert admin.set(fits.replace("5", "6", 1) + "#") == (
        413, "a change is at most 65536 bytes long\n")

    with cachemand.Client(admin.port) as client:
        with contextlib.suppress(ConnectionError):  # once it has answered it need not read on
            client.send(b"POST /config HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\n"
                        b"Transfer-Encoding: chunked\r\n\r\n" % BEARER.encode())
            for _ in range(700):
                client.send(b"64\r\n" + b"#" * 99 + b"\n\r\n")
            client.send(b"0\r\n\r\n")
        assert client.rest().startswith(b"HTTP/1.1 413 ")
    assert admin.setting("idle_timeout") == "5"


def test_a_body_in_pieces(admin):
    body = b"memory-limit = 64\nidle-timeout = 5\n"
    with cachemand.Client(admin.port) as client:
        client.send(b"POST /config HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\n"
                    b"Content-Length: %d\r\n\r\n" % (BEARER.encode(), len(body)))
        for at in range(len(body)):
            assert ask(admin.port, "/healthz")[0] == 200 or at % 10 != 0
            client.send(body[at:at + 1])
        assert client.rest().endswith(b"\r\n\r\nmemory-limit: 100 -> 64, by 127.0.0.1\n"
                                      b"idle-timeout: 0 -> 5, by 127.0.0.1\n")


def test_clients_that_go_away(admin):
    head = b"POST /config HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\n" % BEARER.encode()
    for text in [b"", head, head + b"Content-Length: 30\r\n\r\nmemory-limit",
                 head + b"Content-Length: 17\r\n\r\nmemory-limit = 64"] * 20:
        client = cachemand.Client(admin.port)
        client.send(text)
        client.close()

    def has_the_last_word():
        """Once all of theirs has been carried out."""
        assert admin.set("memory-limit = 32")[0] == 200
        return admin.setting("maxbytes") == str(32 << 20)

    wait_until(has_the_last_word, "a change that stays")


def test_many_at_a_time_and_the_cache_goes_on(admin):
    """Each is carried out whole, one after the other; none is lost."""
    answers = []

    def change(number):
        for turn in range(10):
            answers.append(admin.set(f"memory-limit = {40 + number}", f"idle-timeout = {turn + 1}"))

    threads = [threading.Thread(target=change, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    turns = 0
    while any(thread.is_alive() for thread in threads):
        admin.client.set(b"k", b"%d" % turns)
        assert admin.client.get(b"k") == b"%d" % turns
        turns += 1
    for thread in threads:
        thread.join()
    assert turns > 0 and len(answers) == 80
    assert {status for status, _ in answers} == {200}
    rows = admin.rows()
    last = re.findall(r"memory-limit: \d+ -> (\d+)", admin.server.error_text())[-1]
    assert rows["memory-limit"][0] == last


def test_listeners_to_and_fro(admin_everywhere):
    """Each change finds the listeners of the one before closed."""
    admin = admin_everywhere
    answers = []

    def change(text):
        for _ in range(20):
            answers.append(admin.set(text))

    threads = [threading.Thread(target=change, args=(f"listen = 127.0.0.1{more}",))
               for more in ["", ", 127.0.0.2"] * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 120 and {status for status, _ in answers} == {200}


def test_while_it_stops(admin):
    """Whoever asks then is told, or hung up on; the server ends."""
    stop, seen = threading.Event(), set()

    def change():
        while not stop.is_set():
            try:
                seen.add(admin.set("memory-limit = 64")[0])
            except (OSError, http.client.HTTPException):
                return

    threads = [threading.Thread(target=change) for _ in range(4)]
    for thread in threads:
        thread.start()
    wait_until(lambda: seen, "a change")
    admin.server.signal(signal.SIGTERM)
    code = admin.server.wait()
    stop.set()
    for thread in threads:
        thread.join()
    assert code == 0, admin.server.error_text()
    assert seen <= {200, 503}


def test_no_listeners_while_it_stops(admin):
    """They would keep it from ending. A client that does not read has it wait."""
    client = admin.server.connect(receive_buffer=4096)
    client.set(b"big", b"b" * 1000000)
    client.send(b"get big\r\n" * 20)
    client.line()
    admin.server.signal(signal.SIGTERM)
    wait_until(lambda: cachemand.refuses(admin.server.port), "the listeners' end")
    with contextlib.suppress(OSError, http.client.HTTPException):  # it has ended already
        status, text = admin.set("listen = 127.0.0.1, 127.0.0.2")
        assert (status, text) in [
            (409, "listen: the server is stopping; it stays as it was\n"), (503, "stopping\n")]
    client.close()
    assert admin.server.wait() == 0


def test_answers_whatever_is_logged(admin):
    assert admin.set("log-level = error")[0] == 200
    assert admin.set("idle-timeout = 5") == (200, "idle-timeout: 0 -> 5, by 127.0.0.1\n")
    assert admin.set("log-level = info", "log-format = json")[0] == 200
    assert '"message":"log-format: text -> json, by 127.0.0.1"}' in admin.server.error_text()
