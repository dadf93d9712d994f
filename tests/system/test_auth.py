# SPDX-License-Identifier: BSD-3-Clause
"""Users: the file, who gets in, who does not, and what changes while the server runs."""

import os
import pty
import select
import shutil
import signal
import subprocess
import threading

import pytest

import cachemand
from cachemand import Client, run, wait_until
from console import read_terminal

CONFIG = 78
USAGE = 64
MEMCACHED = shutil.which("memcached")
UNAUTHENTICATED = b"CLIENT_ERROR unauthenticated\r\n"
FAILURE = b"CLIENT_ERROR authentication failure\r\n"


def login(user, password):
    token = user + b" " + password
    return b"set k 0 0 %d\r\n%s\r\n" % (len(token), token)


ALICE = login(b"alice", b"secret")
WRONG = login(b"alice", b"wrong")


@pytest.fixture
def users(tmp_path):
    """A file of users; writes it anew, whole."""
    path = tmp_path / "users"

    def write(text):
        part = tmp_path / "users.part"
        part.write_text(text)
        part.rename(path)
        return str(path)

    write("alice:secret\n")
    write.path = path
    return write


def reload(server, marker):
    """SIGHUP, and waits until the server has said so; it must have been started with -v."""
    before = server.error_text().count(marker)
    server.signal(signal.SIGHUP)
    wait_until(lambda: server.error_text().count(marker) > before, marker)


READ_AGAIN = "users read again"
KEPT = "the users stay as they were"


# ---- the file ----

BAD_FILES = [
    ("alice\n", ":1: there is no colon; a line is USER:PASSWORD or USER:HASH"),
    ("alice:secret\n:x\n", ":2: the user is empty"),
    ("alice:\n", ":1: the password is empty"),
    ("alice:a\nalice:b\n", ':2: the user "alice" is in line 1 already'),
    ("a" * 257 + ":x\n", ":1: the user is longer than 256 bytes"),
    ("a:" + "x" * 257 + "\n", ":1: the password is longer than 256 bytes"),
    ("a:SCRAM-SHA-256$1:AAAA$AAAA:AAAA\n",
     ":1: the hash is not SCRAM-SHA-256$ITERATIONS:SALT$STOREDKEY:SERVERKEY with 4096 to 32768 "
     "iterations"),
    ("# nobody\n", ": there is no user in it: nobody could log in"),
    ("#" * (1 << 20) + "\n", ": larger than 1 MB"),
]


@pytest.mark.parametrize("option", ["-Y", "--auth-file"])
@pytest.mark.parametrize("text,why", BAD_FILES, ids=range(len(BAD_FILES)))
def test_bad_file(users, option, text, why):
    path = users(text)
    assert run("-p", "-1", option, path) == (CONFIG, "", f"cachemand: option -Y (--auth-file): {path}{why}\n")


def test_file_that_is_not_there():
    assert run("-p", "-1", "-Y", "/nonexistent/users") == (
        CONFIG, "", "cachemand: option -Y (--auth-file): /nonexistent/users: No such file or "
        "directory\n")


def test_file_that_another_names(tmp_path):
    conf = tmp_path / "cachemand.conf"
    conf.write_text("port = 0\nauth-file = /nonexistent/users\n")
    for option in (["-p", "-1"], ["-p", "-1", "--check-config"]):
        assert run("--config", str(conf), *option) == (
            CONFIG, "", f"cachemand: {conf}:2: auth-file: /nonexistent/users: No such file or directory\n")


def test_file_of_memcached(serve, users):
    """Every line that memcached's documentation shows is taken as it is there."""
    server = serve("-Y", users("user:pass\nuser2:pass2\n"))
    for user, password in ((b"user", b"pass"), (b"user2", b"pass2")):
        with Client(server.port) as client:
            client.ask(login(user, password), b"STORED\r\n")


def test_sasl_needs_users():
    assert run("-p", "-1", "-S") == (
        USAGE, "", "cachemand: option -S (--enable-sasl): nobody could log in: give "
                   "--auth-file FILE\n")
    assert run("-p", "-1", "-S", "-B", "ascii") == (
        USAGE, "", "cachemand: option -S (--enable-sasl): SASL is for the binary protocol, and "
                   "-B ascii (--protocol) excludes it\n")


def test_sasl_is_binary_alone(serve, users):
    server = serve("-S", "-Y", users("alice:secret\n"))
    client = server.connect()
    client.send(ALICE)
    assert client.rest() == b""


def test_settings(serve, users):
    path = users("alice:secret\n")
    client = serve("-Y", path).connect()
    client.ask(ALICE, b"STORED\r\n")
    settings = client.stats(b"settings")
    assert settings["auth_enabled_ascii"] == path
    assert settings["auth_enabled_sasl"] == "yes"
    settings = serve().connect().stats(b"settings")
    assert settings["auth_enabled_ascii"] == settings["auth_enabled_sasl"] == "no"


# ---- beside memcached ----

# Sent one by one, so that what memcached leaves lying in its buffer does not matter.
CONVERSATIONS = [
    [b"get a\r\n", ALICE, b"get a\r\n"],
    [b"mn\r\n", b"quit\r\n", b"stats\r\n", b"\r\n", b"x\r\n", ALICE, b"mn\r\n"],
    [b"GET / HTTP/1.0\r\n", b"delete a noreply\r\n", b"set a 0 0 1 noreply\r\nx\r\n", b"mn\r\n"],
    [b"set k 0 0\r\n", b"set k 0 0 x\r\n", b"set k 0 0 -1\r\n", ALICE],
    [b"add k 0 0 12\r\n", b"alice secret\r\n", ALICE],
    [b"set k 0 0 10\r\nnospacehe1\r\n", b"set k 0 0 0\r\n\r\n", b"set k 0 0 1\r\n \r\n", ALICE],
    [b"set k 0 0 6\r\nalice \r\n", b"set k 0 0 6\r\n secre\r\n", b"set k 0 0 12\r\nalice secretXX",
     b"set k 0 0 12\r\nalice secret\n\n", ALICE],
    [b"set k 0 0 2048\r\n" + b"x" * 2048 + b"\r\n", ALICE, b"mn\r\n"],
    [b"set k x y 12\r\nalice secret\r\n", b"mn\r\n"],
    [b"set k 0 0 12\nalice secret\r\n", b"mn\r\n"],
    [b"set k 0 0 12 noreply\r\nalice secret\r\n", b"mn\r\n"],
    [b"  set  " + b"k" * 300 + b" 0 0 18 more\r\n alice  secret abc\r\n", b"mn\r\n"],
    [WRONG, b"get a\r\n", ALICE, WRONG, b"get k\r\n"],
    [login(b"nobody", b"secret"), login(b"Alice", b"secret"), ALICE],
    [login(b"alice", b"secrets"), login(b"alice", b"secre"), ALICE],
]


def answer_to(client, request):
    """All lines that are answered up to now; a client that waits for more of it gets none."""
    client.send(request)
    lines = [client.line()]
    while lines[-1].startswith(b"VALUE"):
        lines += [client.line(), client.line()]
    return lines


@pytest.mark.skipif(not MEMCACHED, reason="no memcached")
def test_text_login_as_memcached(serve, users):
    path = users("alice:secret\nbob:builder\n")
    ours = serve("-Y", path)
    theirs = serve("-u", "root", "-l", "127.0.0.1", "-Y", path, program=MEMCACHED, announces=False)
    for requests in CONVERSATIONS:
        with Client(ours.port) as us, Client(theirs.port) as them:
            for request in requests:
                assert answer_to(us, request) == answer_to(them, request), (requests, request)


# ---- getting in, and not ----

def test_nothing_before_a_login(serve, users):
    server = serve("-A", "-Y", users("alice:secret\n"))
    client = server.connect()
    client.send(b"version\r\n")
    assert client.line().startswith(b"VERSION ")
    for request in (b"get a\r\n", b"shutdown\r\n", b"flush_all\r\n", b"stats settings\r\n"):
        client.ask(request, UNAUTHENTICATED)
    client.ask(ALICE, b"STORED\r\n")
    client.set(b"a", b"1")
    assert client.get(b"a") == b"1"


def test_guessing_ends_the_connection(serve, users):
    server = serve("-Y", users("alice:secret\n"))
    client = server.connect()
    client.send(WRONG * 3 + ALICE + b"get a\r\n")
    assert client.rest() == FAILURE * 3
    witness = server.connect()
    witness.ask(ALICE, b"STORED\r\n")
    stats = witness.stats()
    assert (stats["auth_cmds"], stats["auth_errors"]) == ("4", "3")


def test_a_pause_delays_nobody_else(serve, users):
    """On the one worker there is: requests are answered while the answer to a guess is held back.
    Tried again in case all of this took longer than the pause."""
    server = serve("-t", "1", "-Y", users("alice:secret\n"))
    witness = server.connect()
    witness.ask(ALICE, b"STORED\r\n")

    def is_served_meanwhile():
        errors = witness.stats()["auth_errors"]
        with Client(server.port) as guesser:
            guesser.send(WRONG)
            wait_until(lambda: witness.stats()["auth_errors"] != errors, "the guess to fail")
            for _ in range(20):
                witness.set(b"a", b"v")
            answered = select.select([guesser.socket], [], [], 0)[0]
            guesser.ask(b"", FAILURE)
        return not answered

    wait_until(is_served_meanwhile, "requests answered during a pause")


def test_a_client_that_leaves_in_a_pause(serve, users):
    server = serve("-Y", users("alice:secret\n"))
    witness = server.connect()
    witness.ask(ALICE, b"STORED\r\n")
    for _ in range(10):
        with Client(server.port) as guesser:
            guesser.send(WRONG)
    wait_until(lambda: witness.stats()["curr_connections"] == "1", "the guessers to be gone")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopping_waits_for_no_pause(serve, users, number):
    server = serve("-Y", users("alice:secret\n"))
    witness = server.connect()
    witness.ask(ALICE, b"STORED\r\n")
    guesser = server.connect()
    guesser.send(WRONG + WRONG + WRONG)
    wait_until(lambda: int(witness.stats()["auth_errors"]) > 0, "a guess to fail")
    server.signal(number)
    assert server.wait() == 0
    assert guesser.rest().startswith(FAILURE)


# ---- SIGHUP ----

def test_reload_adds_and_removes(serve, users):
    server = serve("-v", "-Y", users("alice:secret\n"))
    old = server.connect()
    old.ask(ALICE, b"STORED\r\n")
    users("bob:builder\n")
    reload(server, READ_AGAIN)
    with Client(server.port) as client:
        client.ask(ALICE, FAILURE)
        client.ask(login(b"bob", b"builder"), b"STORED\r\n")
    old.set(b"a", b"who is in stays in")


@pytest.mark.parametrize("spoil", ["malformed", "empty", "missing", "unreadable"])
def test_bad_file_at_reload_changes_nothing(serve, users, spoil):
    path = str(users.path)
    server = serve("-v", "-Y", path)
    if spoil == "malformed":
        users("bob:builder\nalice\n")
        why = ":2: there is no colon; a line is USER:PASSWORD or USER:HASH"
    elif spoil == "empty":
        users("")
        why = ": there is no user in it: nobody could log in"
    elif spoil == "missing":
        users.path.unlink()
        why = ": No such file or directory"
    elif os.geteuid() == 0:
        users.path.unlink()
        users.path.mkdir()  # root may read anything else
        why = ": Is a directory"
    else:
        users.path.chmod(0)
        why = ": Permission denied"
    reload(server, KEPT)
    assert f"cachemand: option -Y (--auth-file): {path}{why}; {KEPT}\n" in server.error_text()
    with Client(server.port) as client:
        client.ask(ALICE, b"STORED\r\n")


def test_a_hundred_reloads_under_load(serve, users):
    """Users come and go while others log in and work; none of those who stay is ever refused."""
    server = serve("-v", "-t", "2", "-Y", users("alice:secret\n"))
    over = threading.Event()
    done = []
    failed = []

    def work(number):
        count = 0
        try:
            while not over.is_set() or count == 0:
                with Client(server.port) as client:
                    client.ask(ALICE, b"STORED\r\n")
                    for item in range(20):
                        client.set(b"k%d-%d" % (number, item), b"v")
                count += 1
            done.append(count)
        except Exception as error:  # pylint: disable=broad-except
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    try:
        for turn in range(100):
            others = "".join(f"user{number}:p{turn}\n" for number in range(turn % 7))
            users(f"{others}alice:secret\n")
            reload(server, READ_AGAIN)
            assert f"{READ_AGAIN}: {turn % 7 + 1}\n" in server.error_text()
    finally:
        over.set()
        for thread in threads:
            thread.join(60)
    assert not failed and len(done) == 3


# ---- --hash-password ----

def hash_password(*options, text):
    done = subprocess.run([str(cachemand.PROGRAM), "--hash-password", *options], input=text,
                          capture_output=True, timeout=cachemand.DEADLINE_S, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_hash_password_round_trip(serve, users):
    code, line, error = hash_password("carol", text=b"correct horse\n")
    assert (code, error) == (0, "") and line.startswith("carol:SCRAM-SHA-256$4096:")
    code, bare, error = hash_password(text=b"staple\r\n")
    assert (code, error) == (0, "") and bare.startswith("SCRAM-SHA-256$4096:")
    assert hash_password(text=b"staple")[1] != bare, "salted"
    server = serve("-Y", users(f"{line}dave:{bare}"))
    with Client(server.port) as client:
        client.ask(login(b"dave", b"staple"), b"STORED\r\n")
    with Client(server.port) as client:
        client.ask(login(b"carol", b"correct"), FAILURE)


@pytest.mark.parametrize("arguments,text,why", [
    (["a b"], b"x\n", "the user contains a space"),
    (["a:b"], b"x\n", "the user contains a colon"),
    (["#a"], b"x\n", "the user begins with #"),
    (["a" * 257], b"x\n", "the user is longer than 256 bytes"),
    (["a"], b"", "the password is empty"),
    (["a"], b"\n", "the password is empty"),
    (["a"], b"x" * 257 + b"\n", "the password is longer than 256 bytes"),
    (["a"], b"x" * 5000, "the password is longer than 256 bytes"),
    (["a"], b"a\tb\n", "the password contains a control character"),
    (["a", "b"], b"x\n", '"b" is one argument too many'),
])
def test_hash_password_refuses(arguments, text, why):
    assert hash_password(*arguments, text=text) == (
        USAGE, "", f"cachemand: option --hash-password: {why}\n")


class Terminal:
    """The program in front of a terminal of its own."""

    def __init__(self, *options):
        self.seen = b""
        self.pid, self.end = pty.fork()
        if self.pid == 0:
            os.execv(str(cachemand.PROGRAM), [str(cachemand.PROGRAM), *options])

    def until(self, text):
        def look():
            self.seen += read_terminal(self.end)
            return text in self.seen
        wait_until(look, text)

    def type(self, text):
        os.write(self.end, text)

    def finish(self):
        while piece := read_terminal(self.end):
            self.seen += piece
        os.close(self.end)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def test_hash_password_on_a_terminal(serve, users):
    terminal = Terminal("--hash-password", "carol")
    terminal.until(b"Password: ")
    terminal.type(b"staple\n")
    terminal.until(b"The same again: ")
    terminal.type(b"staple\n")
    terminal.until(b"carol:SCRAM-SHA-256$")
    assert terminal.finish() == 0
    assert b"staple" not in terminal.seen, "the password is not shown"
    line = next(row for row in terminal.seen.decode().splitlines() if row.startswith("carol:"))
    server = serve("-Y", users(line + "\n"))
    with Client(server.port) as client:
        client.ask(login(b"carol", b"staple"), b"STORED\r\n")


def test_hash_password_mistyped():
    terminal = Terminal("--hash-password")
    terminal.until(b"Password: ")
    terminal.type(b"staple\n")
    terminal.until(b"The same again: ")
    terminal.type(b"stable\n")
    assert terminal.finish() == USAGE
    assert b"option --hash-password: the passwords differ" in terminal.seen


def test_hash_password_interrupted():
    terminal = Terminal("--hash-password")
    terminal.until(b"Password: ")
    terminal.type(b"stap\x03")
    assert terminal.finish() == USAGE
    assert b"option --hash-password: interrupted" in terminal.seen


# ---- beyond loopback ----

OPEN = "can read and change everything: there are neither users (--auth-file) nor TLS (-Z)"


def test_open_server_is_told_of_once(serve, users):
    server = serve("-l", "0.0.0.0")
    assert server.error_text().count(OPEN) == 1
    assert f"cachemand: whoever reaches tcp:0.0.0.0:{server.port} {OPEN}\n" in server.error_text()
    assert OPEN not in serve("-l", "0.0.0.0", "-Y", users("alice:secret\n")).error_text()
    assert OPEN not in serve("-l", "127.0.0.2,::1,127.0.0.1").error_text()
    assert OPEN not in serve().error_text()
    assert OPEN not in serve("-p", "0", "-U", "-1", "-l", "127.0.0.1").error_text()


def test_passwords_in_the_clear_are_told_of_once(serve, users):
    path = users("alice:secret\n")
    server = serve("-l", "0.0.0.0", "-Y", path)
    line = f"passwords sent to tcp:0.0.0.0:{server.port} can be read on the way: there is no TLS (-Z)"
    assert server.error_text().count(f"cachemand: {line}\n") == 1
    assert "passwords" not in serve("-Y", path).error_text()
