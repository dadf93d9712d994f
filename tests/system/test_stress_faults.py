# SPDX-License-Identifier: BSD-3-Clause
"""`cacheman stress` when something is wrong: with its options, with the values, with the server."""

import json
import socket
import subprocess
import threading

import pytest

from cachemand import DEADLINE_S, PROGRAM, wait_until

CACHEMAN = PROGRAM.parent / "cacheman"


def stress(*options):
    """Its exit status, standard output and error."""
    done = subprocess.run([str(CACHEMAN), "stress", *map(str, options)], capture_output=True,
                          text=True, timeout=6 * DEADLINE_S, check=False)
    return done.returncode, done.stdout, done.stderr


# ---- options ----

BAD_OPTIONS = [
    (["--threads=0"], "--threads=0: must be a number from 1 to 256"),
    (["--connections=x"], "--connections=x: must be a number from 1 to 100000"),
    (["--depth=10001"], "--depth=10001: must be a number from 1 to 10000"),
    (["--keys=0"], "--keys=0: must be a number, or with k (1000), m or g, from 1 to 4000000000"),
    (["--keys=5g"], "--keys=5g: must be a number, or with k (1000), m or g, from 1 to 4000000000"),
    (["--requests=1kk"],
     "--requests=1kk: must be a number, or with k (1000), m or g, from 0 to 1000000000000000"),
    (["--threads=1k"], "--threads=1k: must be a number from 1 to 256"),
    (["--key-bytes=251"], "--key-bytes=251: must be a number from 2 to 250"),
    (["--key-bytes=6"], "--key-bytes=6: so many keys need 7: a letter and the key's number"),
    (["--protocol=http"], "--protocol=http: must be one of: text meta binary resp"),
    (["--distribution=normal"],
     "--distribution=normal: must be one of: uniform zipf sequential hot"),
    (["--zipf=11"], "--zipf=11: must be a number from 0 to 10"),
    (["--hot-share=101"], "--hot-share=101: must be a number from 0 to 100"),
    (["--hot-keys=11", "--keys=10", "--distribution=hot"], "--hot-keys=11: there are 10 keys"),
    (["--value-bytes=2-1"], "--value-bytes=2-1: must be N or N-M, to 1g, or lognormal:MEDIAN:SIGMA, "
                            "to 1000k and 10"),
    (["--ratio=get=0"], "--ratio=get=0: must be KIND=N,... of get, set, add, delete, touch, incr, not "
                        "all of them 0"),
    (["--multiget=1001"], "--multiget=1001: must be a number from 1 to 1000"),
    (["--ttl=31d"], "--ttl=31d: must be a time with us, ms, s, m or h, from 0us to 2592000s"),
    (["--rate=-1"], "--rate=-1: must be a number, or with k (1000), m or g, from 0 to 1000000000"),
    (["--duration=0"], "--duration=0: only with --load or --requests"),
    (["--on-error=panic"], "--on-error=panic: must be one of: continue stop"),
    (["--threads=3", "--connections=2"],
     "--threads=3: every thread needs a connection, there are 2"),
    (["--scenario=none"], "--scenario=none: there is none of that name; see --scenario=list"),
    (["now"], "takes no operand: now"),
    (["--faster"], "unknown option --faster"),
]


@pytest.mark.parametrize("options, message", BAD_OPTIONS)
def test_bad_options(options, message):
    assert stress(*options) == (
        64, "", f"cacheman stress: {message}\nTry 'cacheman stress --help'.\n")


def test_prefix_that_leaves_no_room():
    assert stress("-s", "127.0.0.1:1?prefix=" + "p" * 200, "--key-bytes=51") == (
        64, "", "cacheman stress: prefix and --key-bytes together exceed a key's 250 bytes\n"
        "Try 'cacheman stress --help'.\n")


# ---- servers that are not there ----


@pytest.fixture
def closed_port(hold_port):
    """One that nobody listens on."""
    return hold_port()


def test_nobody_listens(closed_port):
    where = f"127.0.0.1:{closed_port}"
    assert stress("-s", where, "-c", 3) == (
        69, "", f"cacheman stress: 3 of 3 connections failed: {where}: Connection refused\n")


def test_nobody_listens_as_json(closed_port):
    where = f"127.0.0.1:{closed_port}"
    code, output, errors = stress("-s", where, "-c", 3, "--json")
    message = f"3 of 3 connections failed: {where}: Connection refused"
    assert (code, errors) == (69, f"cacheman stress: {message}\n")
    assert json.loads(output) == {"error": message, "status": 69}
    code, output, errors = stress("-s", "file:/nonexistent", "--json")
    assert code == 66
    assert json.loads(output) == {"error": errors[len("cacheman stress: "):-1], "status": 66}


def test_one_of_two_is_missing(server, closed_port):
    where = f"127.0.0.1:{closed_port}"
    assert stress("-s", f"127.0.0.1:{server.port},{where}", "-c", 3) == (
        69, "", f"cacheman stress: 3 of 6 connections failed: {where}: Connection refused\n")


def start(server, *options):
    """Running, when it returns."""
    process = subprocess.Popen(
        [str(CACHEMAN), "stress", "-s", f"127.0.0.1:{server.port}", "--json", "--progress",
         "--keys=100", "-c", "4", *map(str, options)], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True)
    assert process.stderr.readline().startswith("running")
    return process


def end(process):
    output, _ = process.communicate(timeout=6 * DEADLINE_S)
    return process.returncode, json.loads(output)


def test_server_dies_and_that_is_the_end(serve):
    server = serve("-t", "1")
    process = start(server, "--on-error=stop", "--duration=1h")
    server.finish()
    code, found = end(process)
    assert code == 69
    assert found["requests"] > 0
    assert any("hung up" in t["text"] or "was lost" in t["text"] for t in found["troubles"])


def test_server_dies_for_good(serve, hold_port):
    """Nobody to talk to for as long as an answer may take: the end."""
    server = serve("-t", "1", "-p", str(hold_port()), port=False)
    process = start(server, "--duration=1h", "--timeout=3s")
    server.finish()
    code, found = end(process)
    assert code == 69
    assert found["errors"]["refused"] > 0


def test_server_comes_back(serve, hold_port):
    port = hold_port()
    server = serve("-t", "1", "-p", str(port), port=False)
    process = start(server, "--duration=1h", "--timeout=60s")
    server.finish()
    again = serve("-p", str(port), port=False)
    control = again.connect()
    wait_until(lambda: int(control.stats()["cmd_get"]) > 100, "requests after the return")
    wait_until(lambda: control.stats()["curr_connections"] == "5", "the return of all")
    process.terminate()
    code, found = end(process)
    assert code == 0
    assert found["errors"]["refused"] + found["errors"]["lost"] > 0
    assert found["connections_opened"] >= 8


# ---- servers that mean ill ----


class Between:
    """Passes on what goes through, and changes what comes back."""

    def __init__(self, port, change):
        self.change = change
        self.target = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.sockets = [self.listener]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near = self.listener.accept()[0]
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self.target))
            self.sockets += [near, far]
            threading.Thread(target=self.copy, args=(near, far, bytes), daemon=True).start()
            threading.Thread(target=self.copy, args=(far, near, self.change), daemon=True).start()

    @staticmethod
    def copy(source, to, change):
        try:
            while True:
                piece = source.recv(1 << 16)
                if not piece:
                    to.shutdown(socket.SHUT_WR)
                    return
                to.sendall(change(piece))
        except OSError:
            pass

    def close(self):
        for each in self.sockets:
            each.close()


@pytest.fixture
def between(server):
    made = []

    def make(change):
        made.append(Between(server.port, change))
        return made[-1]

    yield make
    for each in made:
        each.close()


class Once:
    """Changes one piece, the first that it may."""

    def __init__(self, change):
        self.change = change
        self.lock = threading.Lock()
        self.is_done = False

    def __call__(self, piece):
        with self.lock:
            if self.is_done:
                return piece
            changed = self.change(piece)
            self.is_done = changed != piece
            return changed


def flip_a_byte(piece):
    """In the middle of a value of the text protocol."""
    at = piece.find(b"VALUE ")
    if at < 0 or len(piece) < at + 120:
        return piece
    return piece[:at + 100] + bytes([piece[at + 100] ^ 1]) + piece[at + 101:]


VERIFIED = ["--keys=50", "--load", "--requests=2000", "--ratio=get=1", "-c", 2, "--json"]


def test_changed_byte_is_found(between):
    proxy = between(Once(flip_a_byte))
    code, output, _ = stress("-s", f"127.0.0.1:{proxy.port}", "--verify", *VERIFIED)
    found = json.loads(output)
    assert code == 1
    assert found["errors"]["wrong_values"] == 1 and found["gets"]["checked"] == 2000
    assert [t["text"].split(" of ")[0] for t in found["troubles"]] == ["wrong value"]
    assert found["troubles"][0]["text"].endswith("100 bytes: from byte 70 on")


def test_changed_byte_is_not_looked_for(between):
    proxy = between(Once(flip_a_byte))
    code, output, _ = stress("-s", f"127.0.0.1:{proxy.port}", *VERIFIED)
    assert code == 0 and json.loads(output)["errors"]["wrong_values"] == 0


def test_wrong_value_in_words(between):
    proxy = between(Once(flip_a_byte))
    code, output, errors = stress("-s", f"127.0.0.1:{proxy.port}", "--verify", *VERIFIED[:-1])
    assert (code, errors) == (1, "")
    assert "verified  2000 values, 1 wrong\n" in output
    assert "           1 values were wrong\n" in output


def test_value_of_somebody_else(server):
    """A value that another program has stored under one of the keys."""
    server.connect().set(b"k000000000000003", b"x" * 100)
    code, output, _ = stress("-s", f"127.0.0.1:{server.port}", "--verify", "--keys=10",
                             "--ratio=get=1", "--requests=100", "--json",
                             "--distribution=sequential")
    assert code == 1
    assert json.loads(output)["errors"]["wrong_values"] == 10


def test_nonsense(between):
    """The connection is given up, and another one made."""
    proxy = between(Once(lambda piece: b"\x1b[31mHELLO\r\n" if piece.startswith(b"VALUE") else piece))
    code, output, errors = stress("-s", f"127.0.0.1:{proxy.port}", *VERIFIED[:-1])
    assert (code, errors) == (76, "")
    assert "           1 answers made no sense\n" in output
    assert "           1  makes no sense: \\x1b[31mHELLO" in output and "\x1b" not in output


def test_error_answers_are_counted_by_text(serve):
    server = serve("-t", "1", "-I", "2k")
    code, output, _ = stress("-s", f"127.0.0.1:{server.port}", "--keys=10", "--requests=100",
                             "--ratio=set=1", "--value-bytes=100-20000", "--json")
    found = json.loads(output)
    assert code == 0
    assert found["errors"]["answers"] > 0
    assert found["troubles"] == [{"text": "SERVER_ERROR object too large for cache",
                                  "count": found["errors"]["answers"]}]
    assert found["requests"] == 100


def test_sets_that_are_all_refused(serve):
    """The gets are answered, but nothing has ever been stored."""
    server = serve("-t", "1", "-I", "2k")
    code, output, _ = stress("-s", f"127.0.0.1:{server.port}", "--keys=10", "--requests=400",
                             "--value-bytes=10k", "--json")
    found = json.loads(output)
    assert code == 76
    assert found["errors"]["answers"] == found["kinds"]["set"]["requests"] > 0
    assert found["kinds"]["get"]["requests"] > 0


def test_load_that_is_all_refused(serve):
    server = serve("-t", "1", "-I", "2k")
    code, output, _ = stress("-s", f"127.0.0.1:{server.port}", "--keys=10", "--load", "--duration=0",
                             "--value-bytes=10k", "--json")
    assert code == 76 and json.loads(output)["load"] == {"sets": 10, "not_stored": 10}


def test_process_that_is_not_there(server):
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    assert stress("-s", f"127.0.0.1:{server.port}", "--pid", gone.pid) == (
        64, "", f"cacheman stress: --pid={gone.pid}: there is no such process\n"
        "Try 'cacheman stress --help'.\n")


@pytest.mark.parametrize("protocol", ["text", "meta", "binary", "resp"])
@pytest.mark.parametrize("load", [[], ["--load"]])
def test_login_is_missing(serve, tmp_path, protocol, load):
    """It ends at the first answer that says so."""
    users = tmp_path / "users"
    users.write_text("alice:secret\n")
    users.chmod(0o600)
    server = serve("--auth-file", str(users))
    code, output, errors = stress("-s", f"127.0.0.1:{server.port}", "--duration=1h", "--json", *load,
                                  "--protocol", protocol, "--ratio=get=1")
    found = json.loads(output)
    assert (code, errors) == (77, "") and found["gets"]["hits"] == 0
    assert found["troubles"][0]["text"] in (
        "CLIENT_ERROR unauthenticated", "CLIENT_ERROR authentication failure",
        "CLIENT_ERROR bad authentication token format", "Auth failure.",
        "NOAUTH Authentication required.")


def test_server_that_never_answers():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        where = f"127.0.0.1:{listener.getsockname()[1]}"
        code, output, errors = stress("-s", where, "--timeout=3s", "-c", 2, "--json", "-D", "1s")
        found = json.loads(output)
        assert (code, errors) == (69, "")
        assert found["errors"]["timeouts"] >= 2 and found["requests"] == 0
        assert {"text": f"{where}: no answer in time"}.items() <= found["troubles"][0].items()


def test_tls_with_a_plain_server(server, authority):
    code, output, errors = stress("-s", f"127.0.0.1:{server.port}", "--ca", authority.cert, "-c", 1,
                                  "--timeout=1s")
    assert (code, output) == (69, "")
    assert errors.startswith(f"cacheman stress: 1 of 1 connections failed: 127.0.0.1:{server.port}: ")
