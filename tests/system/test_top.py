# SPDX-License-Identifier: BSD-3-Clause
"""cacheman top, on a terminal that is emulated and without one, against real servers."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading

import pytest
from cachemand import DEADLINE_S, PROGRAM, run, wait_until
from console import patient
from screen import Screen, environment

CACHEMAN = PROGRAM.parent / "cacheman"
MEMCACHED = shutil.which("memcached")
FAST = "--interval=100ms"
BLOCKS = "▁▂▃▄▅▆▇█"


@pytest.fixture
def top():
    """Starts `cacheman top` on a screen."""
    screens = []

    def start(*options, command=CACHEMAN, **how):
        screen = Screen(command, "top", *options, **how)
        screens.append(screen)
        return screen

    yield start
    for screen in screens:
        screen.finish()


@pytest.fixture
def memcached(serve):
    return serve("-U", "0", "-u", "root", program=MEMCACHED, announces=False)


def where(*servers):
    return ",".join(f"127.0.0.1:{getattr(server, 'port', server)}" for server in servers)


class Load:
    """Gets and sets without end, a third of the gets missing."""

    def __init__(self, server):
        self.client = server.connect()
        self.over = threading.Event()
        self.client.set(b"a", b"value")
        self.client.set(b"b", b"value")
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        batch = b"get a\r\nget b\r\nget none\r\nset a 0 0 1\r\nx\r\ndelete none\r\n"
        while not self.over.is_set():
            self.client.send(batch)
            self.client.until(b"NOT_FOUND\r\n")

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


# ---- on a screen -----------------------------------------------------------------------------


def test_a_load_is_seen(top, serve, memcached):
    server = serve()
    screen = top(FAST, where(server, memcached))
    screen.wait("cacheman top  2 servers ")
    with Load(server):
        screen.wait(lambda s: re.search(r" get +[0-9.]+[kM]? +66\.[67] +.*█", s.text()))
        screen.wait(lambda s: re.search(r" delete +[0-9.]+[kM]? +0\.0 ", s.text()))
        # the other one has nothing to do
        screen.wait(lambda s: re.search(rf" 1 {where(server)} +[0-9.]+[kM]? +100! +66\.[67] ",
                                        s.text()))
        screen.wait(lambda s: re.search(rf" 2 {where(memcached)} +0 +0 +- ", s.text()))
        screen.wait(lambda s: re.search(r" set +[0-9.]+[kM]? ", s.text()))
        assert len(screen.rows) == 24 and max(map(len, screen.rows)) <= 80
    screen.wait(" 2 items ")
    screen.wait(lambda s: re.search(r" get +0 ", s.text()))  # the load has ended


def test_a_server_alone_tells_what_it_has_done(top, serve, memcached):
    server = serve()
    for port in (server, memcached):
        client = port.connect()
        for number in range(7):
            client.set(b"k%d" % number, b"v" * 100)
        for number in range(8):
            client.get(b"k%d" % number)
    screen = top(FAST, where(server, memcached))
    screen.wait(" 14 items ")
    for key, port, version in ((b"1", server, "-cacheman-"), (b"2", memcached, "1.6.")):
        screen.press(key)
        screen.wait(lambda s, port=port: s.rows[0].startswith(f" {where(port)}  "))
        screen.wait(lambda s, version=version: version in s.rows[0] and "up " in s.rows[0])
        screen.wait(" 7 items ")
        screen.wait(lambda s: re.search(r"found since start +87\.5 % +items stored +7$", s.text(),
                                        re.MULTILINE))
        screen.press(b"0")
        screen.wait("cacheman top  2 servers ")


def test_a_server_dies_and_comes_back(top, serve, hold_port):
    stays = serve()
    port = hold_port()
    goes = serve("-p", str(port), port=False)
    screen = top(FAST, where(stays, port))
    screen.wait("2 servers ")
    screen.row(f" 2 {where(port)} ")
    goes.finish()
    screen.wait("2 servers, 1 down")
    screen.wait(lambda s: re.search(rf" 2 {where(port)} +down \d+ s: Connection refused", s.text()))
    again = serve("-p", str(port), port=False)
    screen.wait(lambda s: "1 down" not in s.rows[0] and "Connection refused" not in s.text())
    assert again.process.poll() is None


def test_a_server_that_does_not_answer_holds_up_nobody(top, serve):
    frozen, stays = serve(), serve()
    screen = top(FAST, "--timeout=30s", where(frozen, stays))
    screen.wait(lambda s: re.search(r" 3 conns|[1-9]\d* conns", s.text()))
    frozen.signal(signal.SIGSTOP)
    try:
        screen.press(b"?")
        screen.wait("200 % are two processors")
        screen.press(b"q")
        assert screen.wait_end() == 0
        assert screen.is_restored()
    finally:
        frozen.signal(signal.SIGCONT)


def test_a_server_that_does_not_answer_is_down(top, serve):
    frozen, stays = serve(), serve()
    screen = top(FAST, "--timeout=200ms", where(frozen, stays))
    screen.wait("2 servers ")
    frozen.signal(signal.SIGSTOP)
    try:
        screen.wait(lambda s: re.search(rf" 1 {where(frozen)} +down .*: did not answer in time", s.text()))
    finally:
        frozen.signal(signal.SIGCONT)
    screen.wait(lambda s: "1 down" not in s.rows[0])


def test_any_size(top, server):
    screen = top(FAST, where(server))
    screen.wait(lambda s: "ohmecn sort" in s.text() and
                re.search(r"requests +/s +found %", s.text()))
    screen.resize(40, 10)
    screen.wait(lambda s: s.rows[9] == " q quit  ? help  Enter server  p pause" and
                s.rows[0] == " cacheman top  1 server")
    screen.row(f" 1 {where(server)}")
    screen.resize(39, 9)
    screen.wait(lambda s: s.rows[:2] == ["too small: 39x9", "at least 40x10"])
    screen.resize(200, 60)
    screen.wait("ping     in/s    out/s  ops/s")
    screen.wait(lambda s: s.rows[59] == " q quit  ? help  Enter server  p pause  +- interval  ohmecn sort"
                "  k keys  l time")
    screen.resize(80, 24)
    screen.wait(lambda s: s.rows[23].endswith("l time"))


def test_begins_small(top, server):
    screen = top(FAST, where(server), columns=20, rows=5)
    screen.wait("too small: 20x5")


def test_keys(top, server):
    screen = top(where(server))
    screen.wait("every 1 s")
    screen.row(f" 1 {where(server)} ")  # there is something to select
    screen.press(b"+")
    screen.wait("every 2 s")
    screen.press(b"---")
    screen.wait("every 200 ms")
    screen.press(b"p")
    screen.wait("PAUSED")
    server.connect().set(b"a", b"b")
    screen.press(b"\x1bOB\r")  # down, Enter
    screen.wait(lambda s: s.rows[0].startswith(f" {where(server)} "))
    screen.wait(" 0 items ")
    screen.press(b"p")
    screen.wait(" 1 items ")
    screen.press(b"\x1b")
    screen.wait("cacheman top  1 server ")
    screen.press(b"?")
    screen.wait("this; any key leaves it")
    screen.resize(81, 25)
    screen.wait(lambda s: s.rows[24].startswith(" q quit") and "any key leaves it" in s.text())
    screen.press(b"x")
    screen.wait("mem%")


@pytest.mark.parametrize("how, status", [(b"q", 0), (b"\x03", -signal.SIGINT),
                                         (signal.SIGTERM, -signal.SIGTERM),
                                         (signal.SIGHUP, -signal.SIGHUP)])
def test_the_terminal_is_as_before(top, server, how, status):
    screen = top(FAST, where(server))
    screen.wait("mem%")
    assert not screen.is_restored()
    if isinstance(how, bytes):
        screen.press(how)
    else:
        screen.process.send_signal(how)
    assert screen.wait_end() == status
    assert screen.is_restored()


def test_count_ends_a_screen(top, server):
    screen = top(FAST, "--count=2", patient(where(server)))
    assert screen.wait_end() == 0
    assert screen.is_restored()


def is_stopped(process):
    return os.waitpid(process.pid, os.WUNTRACED | os.WNOHANG)[1] & 0xff == 0x7f


def test_stops_and_goes_on(top, server):
    screen = top(FAST, where(server))
    screen.wait("mem%")
    screen.process.send_signal(signal.SIGTSTP)
    wait_until(lambda: is_stopped(screen.process), "the stop")
    screen.read_all()
    assert screen.is_restored()
    screen.emulated.reset()
    screen.process.send_signal(signal.SIGCONT)
    screen.wait("mem%")
    screen.press(b"q")
    assert screen.wait_end() == 0
    assert screen.is_restored()


def test_colours(top, server):
    screen = top(FAST, where(server))
    screen.wait("mem%")
    assert re.search(rb"\x1b\[[0-9;]*3[0-7]m", screen.raw)
    screen = top(FAST, where(server), env={"NO_COLOR": "1"})
    screen.wait("mem%")
    assert not re.search(rb"\x1b\[([0-9]+;)*[34][0-8](;[0-9]+)*m", screen.raw)


def test_without_utf8_ascii_will_do(top, server):
    for options, env in (((), {"LANG": "C"}), (("--ascii",), {})):
        screen = top(FAST, *options, where(server), env=env)
        with Load(server):
            screen.wait(lambda s: re.search(r" get .*#", s.text()))
        assert all(byte < 0x80 for byte in screen.raw)


@pytest.mark.parametrize("name", ["dumb", "nonsense"])
def test_a_dumb_terminal_gets_text(top, server, name):
    screen = top(FAST, patient(where(server)), env={"TERM": name})
    assert screen.wait_end() == 0
    assert b"\x1b" not in screen.raw and b"mem%" in screen.raw


class Hostile:
    """Answers `stats` and everything else with escape sequences and nonsense."""

    ANSWER = (b"STAT version 1\x1b]0;owned\x07\x1b[2J\x9b\r\nSTAT curr_items 18446744073709551615\r\n"
              b"STAT bytes 18446744073709551615\r\nSTAT limit_maxbytes 1\r\nSTAT cmd_get -1\r\n"
              b"STAT uptime 18446744073709551615\r\nSTAT rusage_user \x1b[31m\r\n"
              b"STAT \x1b[5n 1\r\nEND\r\n")

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client, client.makefile("rb") as lines:
            for line in lines:
                if line.startswith(b"stats"):
                    client.sendall(self.ANSWER)
                elif line.startswith(b"version"):
                    client.sendall(b"VERSION \x1b[2J\r\n")
                elif line == b"mn\r\n":
                    client.sendall(b"MN\r\n")
                else:
                    client.sendall(b"ERROR \x1b[2J\r\n")


def test_a_hostile_server_cannot_write_to_the_terminal(top):
    hostile = Hostile()
    screen = top(FAST, where(hostile), columns=132)
    screen.wait(" 18446744T items ")
    screen.press(b"1")
    screen.wait(r"1\x1b]0;owned\x07\x1b[2J\x9b")
    assert b"owned\x07" not in screen.raw and b"\x1b[5n" not in screen.raw
    screen.press(b"q")
    assert screen.wait_end() == 0
    hostile.listener.close()


def test_times_and_hot_keys(top, serve, memcached):
    server = serve("--hot-keys=16")
    with Load(server):
        screen = top(FAST, where(server, memcached))
        screen.press(b"l")
        screen.wait("get p99")
        screen.wait(lambda s: re.search(rf" 1 {where(server)}( +[\d.]+ .s){{4}} ", s.text()))
        screen.wait(lambda s: re.search(rf" 2 {where(memcached)}( +-){{4}} ", s.text()))
        screen.press(b"k")
        screen.wait("miss%")
        screen.wait(lambda s: re.search(rf" 100 +{where(server)} +none$", s.text(), re.MULTILINE))
        screen.press(b"k")
        screen.wait("mem%")
        screen.press(b"1")
        screen.wait("99 % of gets took ")
        screen.press(b"2")
        screen.wait(lambda s: s.rows[0].startswith(f" {where(memcached)} "))
        screen.wait(lambda s: "found since start" in s.text() and "99 % of gets took" not in s.text())
    screen.press(b"q")
    assert screen.wait_end() == 0


# ---- without one -----------------------------------------------------------------------------


def run_top(*options):
    return run("top", *map(patient, options), program=CACHEMAN, env=environment())


def test_once(server, memcached, hold_port):
    client = server.connect()
    client.set(b"a", b"b")
    dead = hold_port()
    status, out, err = run_top("--once", FAST, where(server, memcached, dead))
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert re.fullmatch(r" cacheman top  3 servers, 1 down +every 100 ms  \d\d:\d\d:\d\d", lines[0])
    assert lines[1] == " 0 ops/s   - % hits   1 items   6 conns   0 evicted/s" or " 1 items " in lines[1]
    assert re.search(rf" 3 {where(dead)} +down \d+ s: Connection refused$", out, re.MULTILINE)
    assert re.search(rf" 1 {where(server)} +0 +- +- +0 +0 +\d+ +\d+ ", out)
    assert not set(BLOCKS[:7]) & set(out) and "\x1b" not in out and "quit" not in out


def test_json_adds_up(server, memcached):
    """What the lines tell is what was asked, to a request."""
    process = subprocess.Popen([CACHEMAN, "top", "--json", FAST, patient(where(server, memcached))],
                               stdout=subprocess.PIPE, text=True, env=environment())
    try:
        first = json.loads(process.stdout.readline())
        assert first["total"]["per_second"]["ops"] == 0
        assert [one["up"] for one in first["servers"]] == [True, True]
        assert "-cacheman-" in first["servers"][0]["version"]
        clients = [server.connect(), memcached.connect()]
        for number in range(200):
            clients[0].set(b"k%d" % number, b"v")
            clients[number % 2].get(b"k%d" % number)
        done = {"get": 0, "set": 0, "ops": 0}
        shares = 0
        while round(done["ops"]) < 400:
            line = json.loads(process.stdout.readline())
            for one in line["servers"]:
                for kind in done:
                    done[kind] += one["per_second"][kind] * one["interval"]
            shares += sum(one["share"] or 0 for one in line["servers"])
            assert line["interval"] > 0.099
        assert done == pytest.approx({"get": 200, "set": 200, "ops": 400}, abs=.001)
        assert shares == pytest.approx(round(shares)) and shares >= 1
        assert line["total"]["items"] == 200
    finally:
        process.terminate()
        assert process.wait(timeout=DEADLINE_S) == -signal.SIGTERM
        process.stdout.close()


def test_json_has_the_times_that_stats_has(server):
    client = server.connect()
    for number in range(100):
        client.set(b"k%d" % number, b"v")
        client.get(b"k%d" % number)
    status, out, err = run_top("--json", "--count=1", FAST, where(server))
    assert (status, err) == (0, "")
    told = client.stats(b"latency")
    assert json.loads(out)["servers"][0]["latency_us"] == {
        kind: {part: float(told[f"{kind}:{part}_us"]) for part in ("p50", "p99")}
        for kind in ("get", "set")}


def test_count(server):
    status, out, err = run_top("--json", "--count=3", FAST, where(server))
    assert (status, err) == (0, "")
    lines = [json.loads(line) for line in out.splitlines()]
    assert len(lines) == 3 and lines[0]["servers"][0]["server"] == where(server)
    status, out, _ = run_top("--count=2", FAST, where(server))
    assert status == 0 and out.count("cacheman top  1 server ") == 2


def test_nobody_answers(hold_port):
    port = hold_port()
    status, out, err = run_top("--once", FAST, where(port))
    assert (status, err) == (69, "") and "1 server, 1 down" in out
    status, out, _ = run_top("--json", "--count=1", FAST, where(port))
    down = json.loads(out)["servers"][0]
    assert status == 69 and down["up"] is False and down["reason"] == "Connection refused"


def test_output_that_cannot_be_written(server):
    with open("/dev/full", "w") as full:
        done = subprocess.run([CACHEMAN, "top", "--once", FAST, where(server)], stdout=full,
                              stderr=subprocess.PIPE, text=True, timeout=DEADLINE_S, check=False)
    assert (done.returncode, done.stderr) == (
        73, "cacheman top: cannot write: No space left on device\n")


@pytest.mark.parametrize("options, message", [
    (["--interval=0"], "--interval=0: must be a time with us, ms, s, m or h, from 100000us to 3600s"),
    (["--interval=x"], "--interval=x: must be a time with us, ms, s, m or h, from 100000us to 3600s"),
    (["--count=0"], "--count=0: must be a number from 1 to 2147483647"),
    (["--once", "--count=2"], "--once is --count=1"),
    (["a", "b"], "WHERE is one word: servers are separated by commas"),
    (["a", "--once"], "options stand before WHERE"),
    (["-s", "a", "b"], "WHERE and --servers say the same thing"),
    (["a:b"], "\"b\" is not a port from 1 to 65535"),
    (["--nonsense"], "unknown option --nonsense"),
])
def test_bad_options(options, message):
    status, out, err = run_top(*options)
    assert (status, out) == (64, "")
    assert err == f"cacheman top: {message}\nTry 'cacheman top --help'.\n"
