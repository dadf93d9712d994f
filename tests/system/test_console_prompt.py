# SPDX-License-Identifier: BSD-3-Clause
"""The console at a terminal: the prompt, its keys, what a person is shown."""

import os
import re
import signal
import stat

import pytest

from cachemand import wait_until
from console import CACHEMAN, Console, Terminal, patient

CTRL_C, CTRL_D, CTRL_Z, TAB, UP = "\x03", "\x04", "\x1a", "\t", "\x1b[A"


@pytest.fixture
def console(server):
    return Console(f"127.0.0.1:{server.port}")


@pytest.fixture
def prompt(console, tmp_path):
    """A console at its first prompt."""
    with Terminal("-s", console.servers, env={"XDG_STATE_HOME": str(tmp_path)},
                  cwd=tmp_path) as terminal:
        terminal.expect(r"cacheman \S+; 'help' lists the commands")
        terminal.prompt()
        terminal.servers = console.servers
        yield terminal


def history(tmp_path):
    return tmp_path / "cacheman/history"


# ---- what is shown ----


TIME = r" ?\([\d.]+ [num]?s\)"


def test_answers_say_how_long_they_took(prompt):
    assert re.fullmatch("stored" + TIME, prompt.do("set k 'hello, world' --ttl 1d"))
    shown = prompt.do("get k")
    assert re.fullmatch(r"hello, world\n12 B, flags 0, cas \d+, lives \d+ (d|h).*" + TIME, shown)
    assert re.fullmatch(r"none: there is no such item" + TIME, prompt.do("get none"))
    assert re.fullmatch(r"lives another .*" + TIME, prompt.do("ttl k"))
    assert prompt.do("gte k") == "there is no command gte; 'get' is one"
    assert prompt.do("help").endswith("'help COMMAND' says more."), "nobody was asked"
    assert prompt.do("time off") == ""
    assert prompt.do("set k v") == "stored"


def test_values_cannot_reach_the_terminal(prompt, console):
    console.good("set", "evil", stdin=b"\x1b]0;owned\x07\x9b31m")
    shown = prompt.do("get evil")
    assert "1b 5d 30 3b 6f 77" in shown and "|.]0;owned..31m|" in shown
    assert b"\x1b]0" not in prompt.all and b"\x9b" not in prompt.all
    console.good("set", "evil\u202egpj", "v")
    prompt.do("keys")
    assert "\u202e".encode() not in prompt.all


def test_large_values_are_cut(prompt, console, tmp_path):
    value = os.urandom(100_000)
    console.good("set", "big", stdin=value)
    shown = prompt.do("get big")
    assert "the first 256 of 100000 bytes" in shown and "all of it: get big > FILE" in shown
    prompt.do("get big > back")
    assert (tmp_path / "back").read_bytes() == value
    assert "stored" in prompt.do("set again < back")
    assert console.good("get", "again") == value
    console.good("set", "text", stdin=b"line\n" * 1000)
    shown = prompt.do("get text")
    assert shown.count("line\n") == 26 and "the first 130 of 5000 bytes" in shown
    console.good("set", "empty", "")
    assert prompt.do("get empty").startswith('""\n0 B')


def test_text_is_shown_as_it_is(prompt, console):
    console.good("set", "text", "K\u00f6ln\\ \u6f22\ttab")
    assert prompt.do("get text").startswith("K\u00f6ln\\ \u6f22\ttab\n")


def test_stats_have_units(prompt):
    shown = prompt.do("stats")
    assert re.search(r"^limit_maxbytes +\d+ MiB$", shown, re.M)
    assert re.search(r"^uptime +\d+ (s|min).*$", shown, re.M)
    assert re.search(r"^max_connections +1,024$", shown, re.M)
    lines = shown.splitlines()[:-1]
    assert {len(line) for line in lines} == {len(lines[1])}, "aligned"


def test_tables_fit_the_screen(prompt):
    prompt.resize(60, 20)
    lines = prompt.do("servers").splitlines()
    assert re.match(r"SERVER +UP +ITEMS +STORED +HITS +EVICTED +VERSION", lines[0])
    assert lines[1].startswith(prompt.servers + " "), "which server it is must be seen"
    prompt.resize(100, 20)
    assert re.match(r"SERVER +UP +ITEMS +STORED +LIMIT +HITS +EVICTED +CONNS +VERSION",
                    prompt.do("servers"))
    prompt.resize(80, 20)
    shown = prompt.do("config")
    assert max(map(len, shown.splitlines())) <= 80
    assert "how long after a change of servers misses ask th..." in shown
    prompt.resize(120, 20)
    assert "how long after a change of servers misses ask the old ones" in prompt.do("config")


def test_colours(prompt, console, tmp_path):
    prompt.do("get none")
    assert b"\x1b[33mnone: there is no such item\x1b[0m" in prompt.all
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        with Terminal("-s", console.servers, "get", "none", env=env) as terminal:
            assert terminal.exit_status() == 1
            assert "cacheman: none: there is no such item (" in terminal.plain()
            assert b"\x1b[3" not in terminal.all and b"\x1b[2" not in terminal.all


def test_no_colours_into_a_file(prompt, tmp_path):
    prompt.do("stats > rows")
    rows = (tmp_path / "rows").read_text()
    assert "\x1b" not in rows and re.search(r"^limit_maxbytes\t\d+$", rows, re.M)
    assert "(" not in rows


# ---- keys ----


def test_completion(prompt, console):
    console.good("set", "user:alpha", "v")
    console.good("set", "user:beta", "v")
    prompt.do("keys")
    prompt.type("pin" + TAB + "\r")
    prompt.expect("4/4")
    prompt.prompt()
    prompt.type("get us" + TAB + TAB)
    prompt.expect(r"\nuser:alpha +user:beta\n")
    prompt.type("a" + TAB + "\r")
    prompt.expect(r"\nv\n1 B")
    prompt.prompt()
    prompt.type("stats --server 127" + TAB + "se" + TAB + "\r")
    prompt.expect(r"\nmaxbytes +")
    prompt.prompt()
    prompt.type("set k v --t" + TAB + "5m\r")
    prompt.expect("stored")
    prompt.prompt()
    assert "lives another" in prompt.do("ttl k")
    prompt.type("help fl" + TAB + "\r")
    prompt.expect("forget all items")
    prompt.prompt()
    prompt.type("nosuch us" + TAB + "'quoted us" + TAB + "\r")
    prompt.expect("a ' is never closed")


def test_history(prompt, console, tmp_path):
    prompt.do("set k one")
    prompt.do("get k")
    prompt.type(UP + UP + "\r")
    prompt.expect("set k one\n?.*stored")
    prompt.prompt()
    assert prompt.do("history 3").startswith("set k one\nget k\nhistory 3") or \
        prompt.do("history 3").startswith("get k\nset k one\nhistory 3")
    prompt.do(" set secret 1")
    prompt.do("connect 'a?user=eve&password=pssst'")
    prompt.type("quit\r")
    assert prompt.exit_status() == 0
    text = history(tmp_path).read_text()
    assert text.startswith("set k one\nget k\n") and "secret" not in text and "pssst" not in text
    assert stat.S_IMODE(history(tmp_path).stat().st_mode) == 0o600
    with Terminal("-s", console.servers, env={"XDG_STATE_HOME": str(tmp_path)}) as again:
        again.prompt()
        again.type(UP)
        again.expect("quit")
        again.type("\x12get")  # Ctrl-R
        again.expect("get k")


def test_history_is_kept_short(console, tmp_path):
    history(tmp_path).parent.mkdir()
    history(tmp_path).write_text("".join(f"get {i}\n" for i in range(2500)))
    with Terminal("-s", console.servers, env={"XDG_STATE_HOME": str(tmp_path)}) as terminal:
        terminal.prompt()
        terminal.type(CTRL_D)
        assert terminal.exit_status() == 0
    lines = history(tmp_path).read_text().splitlines()
    assert len(lines) == 1000 and lines[-1] == "get 2499"


def test_ctrl_c_begins_a_new_line(prompt):
    prompt.type("set k wrong" + CTRL_C)
    prompt.expect(r"\^C")
    prompt.prompt()
    assert "there is no such item" in prompt.do("get k")


def test_ctrl_d_leaves(prompt):
    prompt.type(CTRL_D)
    assert prompt.exit_status() == 0


def test_ctrl_c_ends_a_watch(prompt, console):
    prompt.type("watch mutations\r")
    prompt.expect("Ctrl-C ends this")
    wait_until(lambda: b"\t1\n" in console.good("stats", "--match", "log_watchers"), "the watcher")
    console.good("set", "seen", "v")
    prompt.expect("key=seen")
    prompt.type(CTRL_C)
    prompt.expect(r"\^C\n\d+ lines? \(")
    prompt.prompt()
    assert "stored" in prompt.do("set k v")


def test_pages(prompt, console):
    console.script("".join(f"set key:{i} v\n" for i in range(100)))
    prompt.resize(80, 20)
    prompt.type("keys\r")
    page = prompt.expect(r"keys\n(.*)-- more: space a page, enter a line, q the end --").group(1)
    assert page.count("key:") == 19
    prompt.type("\r")
    assert prompt.expect(r"(.*)-- more").group(1).count("key:") == 1
    prompt.type(" ")
    assert prompt.expect(r"(.*)-- more").group(1).count("key:") == 19
    prompt.type("q")
    prompt.expect(r"39 keys \(")
    prompt.prompt()
    for interrupt in (lambda: prompt.type(CTRL_C), lambda: os.kill(prompt.pid, signal.SIGINT)):
        prompt.type("keys\r")
        prompt.expect("-- more")
        interrupt()
        prompt.expect(r"ended after 19 keys \(")
        prompt.prompt()
    prompt.type("keys key:1?\r")
    prompt.expect(r"10 keys \(")


def test_flush_asks(prompt, console):
    console.good("set", "k", "v")
    for key in ("n", "\r", CTRL_C):
        prompt.type("flush\r")
        prompt.expect(r"Forget all items of 1 server\? \[y/N\] ")
        prompt.type(key)
        prompt.expect("nothing was forgotten")
        prompt.prompt()
    assert console.good("get", "k") == b"v"
    prompt.type("flush --delay 1h\r")
    prompt.expect(r"Forget all items of 1 server in 1 h\? \[y/N\] ")
    prompt.type("n")
    prompt.prompt()
    prompt.type("flush\r")
    prompt.expect(r"\[y/N\] ")
    prompt.type("y")
    prompt.expect("flushed 1 server")
    prompt.prompt()
    assert console("get", "k")[0] == 1
    assert "flushed 1 server" in prompt.do("flush --yes")


def test_stop_and_go_on(console, tmp_path):
    script = f"{CACHEMAN} -s '{patient(console.servers)}'; echo stopped; read; fg; echo status $?"
    with Terminal("-mc", script, program="/bin/bash",
                  env={"XDG_STATE_HOME": str(tmp_path)}) as terminal:
        terminal.prompt()
        terminal.type("set k v" + CTRL_Z)
        terminal.expect("\nstopped\n")
        terminal.type("\r")
        terminal.expect("> set k v")
        terminal.type("\r")
        terminal.expect("stored")
        terminal.prompt()
        terminal.type(CTRL_D)
        terminal.expect("status 0")


def test_end_by_a_signal(prompt):
    os.kill(prompt.pid, signal.SIGTERM)
    assert prompt.exit_status() == -signal.SIGTERM


def test_end_by_a_signal_while_it_pages(prompt, console):
    console.script("".join(f"set key:{i} v\n" for i in range(100)))
    prompt.type("keys\r")
    prompt.expect("-- more")
    os.kill(prompt.pid, signal.SIGTERM)
    assert prompt.exit_status() == -signal.SIGTERM


def test_every_command_says_something_at_a_terminal(prompt):
    for line, answer in [("set n 1", "stored"), ("incr n", "2"), ("decr n", "1"),
                         ("touch n 5m", "touched"), ("append n 0", "stored"),
                         ("prepend n 0", "stored"), ("replace n 7", "stored"),
                         ("add n 1", "there is such an item already"), ("ttl n", "lives forever"),
                         ("cas n 0 1", "it was changed since"), ("where n", "in use: rendezvous"),
                         ("ping", r"4/4 .* [um]?s"), ("config server", "maxbytes +100 MiB"),
                         ("help", "'help COMMAND' says more."), ("help get", "show values"),
                         ("stats reset", "the counts start anew"), ("delete n", "deleted"),
                         ("keys --long", "SIZE +LIVES +UNUSED +KEY"), ("watch --for 1", "0 lines"),
                         ("# nothing", ""), ("get 'k", "a ' is never closed"),
                         ("stats nosuch", "knows no such group of statistics")]:
        assert re.search(answer, prompt.do(line)), line


# ---- one command at a terminal ----


def test_one_command_at_a_terminal(console):
    console.good("set", "k", "v")
    with Terminal("-s", console.servers, "get", "k") as terminal:
        assert terminal.exit_status() == 0
        assert re.fullmatch(r"v\n1 B, flags 0, cas \d+, lives forever" + TIME + "\n",
                            terminal.plain())
    with Terminal("-s", console.servers, "set", "k") as terminal:
        assert terminal.exit_status() == 64
        assert "the value is missing" in terminal.plain()
    with Terminal("-s", console.servers, "watch") as terminal:
        terminal.expect("Ctrl-C ends this")
        terminal.type(CTRL_C)
        assert terminal.exit_status() == -signal.SIGINT


def test_server_that_is_not_there(tmp_path):
    with Terminal("-s", "127.0.0.1:1", env={"XDG_STATE_HOME": str(tmp_path)}) as terminal:
        terminal.expect("127.0.0.1:1 cannot be reached: Connection refused; 'connect HOST:PORT' "
                        "talks to another")
        terminal.prompt()
        assert "cannot be reached" in terminal.do("get k")
        assert re.search(r"127.0.0.1:1 +down", terminal.do("servers"))
    with Terminal("-s", "a:b") as terminal:
        assert terminal.exit_status() == 64
        assert '"b" is not a port from 1 to 65535' in terminal.plain()


def test_connect_changes_the_prompt(prompt, serve):
    other = serve()
    prompt.type(f"connect 127.0.0.1:{other.port}\r")
    prompt.expect(f"connected to 127.0.0.1:{other.port}")
    assert prompt.prompt().group(1) == f"127.0.0.1:{other.port}"
    first = prompt.all.decode().split("> ")[0].split()[-1]
    prompt.type(f"connect {first[-5:]} a:b\r")
    prompt.expect("is not a port")
    assert prompt.prompt().group(1) == f"127.0.0.1:{other.port}"
