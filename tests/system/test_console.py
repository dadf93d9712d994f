# SPDX-License-Identifier: BSD-3-Clause
"""The console through pipes: one command, scripts, JSON; every command, and what it refuses."""

import base64
import json
import os
import re
import subprocess

import pytest

from cachemand import ROOT
from console import CACHEMAN, Console, WAIT_S, environment, patient, run

USAGE, INPUT, UNAVAILABLE, OUTPUT, PROTOCOL = 64, 66, 69, 73, 76


@pytest.fixture(scope="module")
def console(serve_module):
    server = serve_module("-t", "1")
    console = Console(f"127.0.0.1:{server.port}")
    console.server = server
    return console


@pytest.fixture(autouse=True)
def empty(console):
    console.good("flush")


# ---- one command ----


def test_value_is_written_as_it_is(console):
    assert console.good("set", "k", "hello") == b"stored\n"
    assert console.good("get", "k") == b"hello"
    assert console.good("get", "--raw", "k") == b"hello"


def test_megabyte_comes_back_byte_for_byte(console, tmp_path):
    value = os.urandom(1_000_000)
    assert console.good("set", "big", stdin=value) == b"stored\n"
    assert console.good("get", "big") == value
    back = tmp_path / "back"
    assert console.script(f"get big > {back}")[0] == 0
    assert back.read_bytes() == value
    assert console.script(f"set again < {back}\nappend again < {back}\n")[0] == 1
    assert console.good("get", "again") == value


def test_escape_sequences_stay_harmless_in_rows(console):
    console.good("set", "evil", stdin=b"\x1b]0;owned\x07\xff")
    console.good("set", "tab", stdin=b"a\tb")
    assert console.good("get", "evil", "tab") == (b'evil\t"\\x1b]0;owned\\x07\\xff"\n'
                                                  b'tab\t"a\\tb"\n')


def test_all_that_is_wrong_is_told_in_json(console):
    errors = [f"{key}: there is no such item" for key in ("a", "b", "c")]
    answer = console.json("get", "a", "b", "c")[0]
    assert (answer["error"], answer["errors"]) == (errors[0], errors)
    answer = console.json("get", "a")[0]
    assert answer["error"] == errors[0] and "errors" not in answer


def test_miss(console):
    assert console("get", "none") == (1, b"", b"cacheman: none: there is no such item\n")
    console.good("set", "k", "v")
    assert console("get", "none", "k") == (1, b"k\tv\n",
                                           b"cacheman: none: there is no such item\n")


def test_storing(console):
    assert console("replace", "k", "v") == (
        1, b"", b"cacheman: k: not stored: there is no such item; 'set' and 'add' store one\n")
    assert console("append", "k", "v") == (
        1, b"", b"cacheman: k: not stored: there is no such item, or it would become too large\n")
    assert console("prepend", "k", "v") == (
        1, b"", b"cacheman: k: not stored: there is no such item, or it would become too large\n")
    assert console.good("add", "k", "b") == b"stored\n"
    assert console("add", "k", "v") == (
        1, b"", b"cacheman: k: not stored: there is such an item already; 'set' replaces it\n")
    assert console.good("append", "k", "c") == b"stored\n"
    assert console.good("prepend", "k", "a") == b"stored\n"
    assert console.good("get", "k") == b"abc"
    assert console.good("replace", "k", "") == b"stored\n"
    assert console.good("get", "k") == b""


def test_cas(console):
    console.good("set", "k", "one")
    cas = console.json("get", "k")[0]["items"][0]["cas"]
    assert console.good("cas", "k", str(cas), "two") == b"stored\n"
    changed = b"cacheman: k: not stored: it was changed since; 'get' shows its cas\n"
    assert console("cas", "k", str(cas), "three") == (1, b"", changed)
    assert console("set", "k", "three", "--cas", str(cas)) == (1, b"", changed)
    assert console("cas", "none", "1", "v") == (1, b"", b"cacheman: none: there is no such item\n")
    assert console.good("get", "k") == b"two"


def test_flags_and_ttl(console):
    console.good("set", "k", "v", "--flags", "4294967295", "--ttl=1d")
    item = console.json("get", "k")[0]["items"][0]
    assert item["flags"] == 4294967295 and 86000 < item["ttl"] <= 86400
    assert console.good("touch", "k", "2h") == b"touched\n"
    assert 7000 < int(console.good("ttl", "k")) <= 7200
    assert console.good("touch", "k", "0") == b"touched\n"
    assert console.good("ttl", "k") == b"-1\n"
    console.good("set", "l", "v")
    assert console.good("ttl", "k", "l") == b"k\t-1\nl\t-1\n"
    assert console("ttl", "none") == (1, b"", b"cacheman: none: there is no such item\n")
    assert console("touch", "none", "1m")[0] == 1
    console.good("touch", "k", "-1")
    assert console("get", "k")[0] == 1


def test_counting(console):
    assert console("incr", "n") == (
        1, b"", b"cacheman: n: there is no such item; --initial N creates it\n")
    assert console.good("incr", "n", "--initial", "5", "--ttl", "1h") == b"5\n"
    assert console.good("incr", "n") == b"6\n"
    assert console.good("incr", "n", "10") == b"16\n"
    assert console.good("decr", "n", "18446744073709551615") == b"0\n"
    assert console.good("incr", "n", "18446744073709551615") == b"18446744073709551615\n"
    assert console.json("incr", "n", "0")[0]["number"] == "18446744073709551615"
    console.good("set", "t", "text")
    assert console("incr", "t") == (PROTOCOL, b"", b"cacheman: t: the value is not a number\n")


def test_delete(console):
    console.good("set", "a", "1")
    console.good("set", "b", "1")
    assert console.good("delete", "a") == b"deleted\n"
    assert console("delete", "a", "b") == (1, b"deleted 1 of 2\n",
                                           b"cacheman: a: there is no such item\n")
    assert console("del", "a")[0] == 1


def test_keys(console):
    for key in ("user:1", "user:2", "other"):
        console.good("set", key, "v")
    assert sorted(console.good("keys").split()) == [b"other", b"user:1", b"user:2"]
    assert sorted(console.good("keys", "user:*").split()) == [b"user:1", b"user:2"]
    assert console.good("keys", "user:[2-9]") == b"user:2\n"
    assert console.good("keys", "nothing*") == b""
    assert len(console.good("keys", "--limit", "2").split()) == 2
    size, ttl, idle, key = console.good("keys", "other", "--long").rstrip().split(b"\t")
    assert (ttl, key) == (b"-1", b"other") and int(size) > 0 and int(idle) >= 0


def test_many_keys(console):
    script = "".join(f"set key:{i} {i}\n" for i in range(3000))
    assert console.script(script)[0] == 0
    listed = console.good("keys").decode().split()
    assert len(listed) == 3000 and set(listed) == {f"key:{i}" for i in range(3000)}
    assert len(console.good("keys", "--limit", "10").split()) == 10


def test_keys_that_need_quoting(console):
    console.servers += "?keys=base64"
    try:
        assert console.script('set "two words\\x00\\xff" v\nget "two words\\x00\\xff"\n') == (
            0, b"stored\nv\n", b"")
        assert console.good("keys") == b'"two words\\x00\\xff"\n'
        item = console.json("keys")[1][0]
        assert item["key_encoding"] == "base64"
        assert base64.b64decode(item["key"]) == b"two words\0\xff"
    finally:
        console.servers = console.servers.split("?")[0]


def test_stats(console):
    console.good("set", "k", "v")
    rows = dict(row.split("\t") for row in console.good("stats").decode().splitlines())
    assert int(rows["curr_items"]) > 0 and int(rows["pid"]) == console.server.pid
    assert console.good("stats", "--match", "pi[d]") == b"pid\t%d\n" % console.server.pid
    assert b"maxbytes\t" in console.good("stats", "settings")
    assert b"addr\ttcp:" in console.good("stats", "conns")
    everything = console.good("stats", "all")
    for part in (b"general\n", b"settings\n", b"conns\n", b"maxbytes\t", b"curr_items\t"):
        assert part in everything
    assert console.good("stats", "reset") == b"the counts start anew\n"
    assert console("stats", "nosuch") == (
        PROTOCOL, b"", f"cacheman: {console.servers}: knows no such group of statistics: nosuch\n"
        .encode())
    assert console("stats", "--match", "zzz*") == (1, b"", b"cacheman: no name is like zzz*\n")


def test_servers_ping_where_config(console):
    name = console.servers.encode()
    console.good("set", "k", "v")
    row = console.good("servers").rstrip(b"\n").split(b"\t")
    assert row[0] == name and int(row[2]) > 0 and b"cacheman" in row[8]
    assert console.good("version").split(b"\t")[0] == name
    row = console.good("ping", "--count", "2").rstrip(b"\n").split(b"\t")
    assert row[:2] == [name, b"2/2"] and float(row[2]) <= float(row[3]) <= float(row[4])
    assert console.good("where", "k", "l") == b"k\t%s\nl\t%s\n" % (name, name)
    assert console.good("config", "--match", "dist*").startswith(b"distribution\trendezvous\t")
    assert console.good("config", "server", "--match", "maxbytes").startswith(b"maxbytes\t")


def test_watch(console):
    process = subprocess.Popen([str(CACHEMAN), "-s", patient(console.servers), "watch", "mutations",
                                "--limit", "2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=environment())
    try:
        while process.poll() is None and b"log_watchers\t1" not in console.good(
                "stats", "--match", "log_watchers"):
            pass
        console.good("set", "seen", "v")
        console.good("set", "more", "v")
        out, err = process.communicate(timeout=WAIT_S)
    finally:
        process.kill()
    assert (process.returncode, err) == (0, b"")
    assert b"key=seen" in out.splitlines()[0] and b"key=more" in out.splitlines()[1]
    assert console.good("watch", "evictions", "--for", "1") == b""
    assert console("watch", "nonsense") == (
        PROTOCOL, b"", f"cacheman: {console.servers}: knows no such stream, or does not let "
        "anybody watch\n".encode())


def test_send(console):
    console.good("set", "k", "a\r\nEND\n\x1b\r\nEND\r\n")
    shown = b"a\nEND\n\\x1b\nEND\n\n"
    assert console.good("send", "mn") == b"MN\n"
    assert console.good("send", "mg", "k", "v") == b"VA 15\n" + shown
    assert console.good("send", "get k none") == b"VALUE k 0 15\n" + shown + b"END\n"
    assert console.good("send", "mg", "none", "v") == b"EN\n"
    assert b"key=k " in console.good("send", "lru_crawler metadump all")
    assert console.good("send", "verbosity", "1") == b"OK\n"
    assert console("send", "nonsense") == (PROTOCOL, b"ERROR\n", b"")
    answer, rows = console.json("send", "nonsense")
    assert rows == [{"server": console.servers, "line": "ERROR"}]
    assert (answer["status"], answer["error"]) == (PROTOCOL, f"{console.servers}: ERROR")
    assert console("--timeout=100ms", "send", "mg none v q")[0] == 69, "nothing is answered"
    assert console.good("get", "k") == b"a\r\nEND\n\x1b\r\nEND\r\n", "nobody met the rest of it"


def test_send_what_a_server_does_not_answer(serve, hold_port):
    port = hold_port()  # which stays its own when it has ended
    with_leave, without = serve("-A", "-p", str(port), port=False), serve()
    both = Console(f"127.0.0.1:{port},127.0.0.1:{without.port}")
    assert both("send", "refresh_certs", "--server", f"127.0.0.1:{without.port}") == (
        PROTOCOL, b"Error TLS not enabled\n", b"")
    assert both.good("send", "quit") == b""
    status, out, err = both("send", "shutdown graceful")
    assert (status, out, err) == (
        PROTOCOL, b"127.0.0.1:%d SERVER_ERROR: shutdown not enabled\n" % without.port, b"")
    gone = Console(f"127.0.0.1:{port}")
    with_leave.process.wait(WAIT_S)
    assert gone("send", "shutdown") == (
        UNAVAILABLE, b"", f"cacheman: {gone.servers} cannot be reached: Connection refused\n".encode())
    other = Console(f"127.0.0.1:{serve('-A').port}")
    assert other.json("send", "shutdown")[0]["ok"] is True


def test_flush(console):
    console.good("set", "k", "v")
    assert console.good("flush") == b"flushed 1 server\n"
    assert console("get", "k")[0] == 1
    console.good("set", "k", "v")
    assert console.good("flush", "--delay", "1d", "--yes") == b"flushed 1 server\n"
    assert console.good("get", "k") == b"v"


def test_help(console):
    out = console.good("help").decode()
    for name in ("get KEY...", "set KEY [VALUE]", "watch [STREAM...]", "quit"):
        assert f"  {name}" in out
    assert console.good("help", "touch").startswith(b"touch KEY TTL\n\nsay anew")
    assert console("help", "frobnicate") == (
        USAGE, b"", b"cacheman: there is no command frobnicate; 'help' lists them\n")
    assert run("help", servers="127.0.0.1:1")[0] == 0, "needs no server"


def test_time_goes_to_standard_error(console):
    status, out, err = console("--time", "set", "k", "v")
    assert (status, out) == (0, b"stored\n") and re.fullmatch(rb"time: [\d.]+ [num]?s\n", err)
    _, out, err = console.script("time on\nset k v\ntime off\nset k v\n")
    assert out == b"stored\nstored\n" and err.count(b"time: ") == 1


# ---- what is refused ----

REFUSED = [
    (["gte", "k"], "there is no command gte; 'get' is one"),
    (["STATS"], "there is no command STATS; 'stats' is one"),
    (["user"], "there is no command user; 'help' lists them"),
    (["top"], "top is a program of its own: 'cacheman top --help' in the shell"),
    (["help", "stress"], "stress is a program of its own: 'cacheman stress --help' in the shell"),
    (["help", "gte"], "there is no command gte; 'get' is one"),
    ([""], "the command is empty; 'help' lists them"),
    (["frobnicate"], "there is no command frobnicate; 'help' lists them"),
    (["\x1b[31m"], "there is no command \\x1b[31m; 'help' lists them"),
    (["get"], "get: something is missing; usage: get KEY... [--raw]"),
    (["get", "k", "--nosuch"], "get: unknown option --nosuch; usage: get KEY... [--raw]"),
    (["get", "k", "--raw=1"], "get: no value belongs to --raw; usage: get KEY... [--raw]"),
    (["get", "two words"], "\"two words\" cannot be a key: 1 to 250 bytes without spaces and control "
     "characters, or connect with '?keys=base64' or '?keys=hash'"),
    (["get", ""], "\"\" cannot be a key: 1 to 250 bytes without spaces and control characters, or "
     "connect with '?keys=base64' or '?keys=hash'"),
    (["set"], "set: something is missing; usage: set KEY [VALUE] [--ttl TIME] [--flags N] "
     "[--cas N]"),
    (["get", "k", "--ca=x"], "get: --ca belongs before the command, among cacheman's own options"),
    (["config", "get", "--cert", "x"],
     "config: --cert belongs before the command, among cacheman's own options"),
    (["hot", "3", "-s", "x"], "hot: -s belongs before the command, among cacheman's own options"),
    (["hot", "-sx", "3"], "hot: -sx belongs before the command, among cacheman's own options"),
    (["set", "k", "v", "w"], "set: too much: w; usage: set KEY [VALUE] [--ttl TIME] [--flags N] "
     "[--cas N]"),
    (["set", "k", "v", "--ttl"], "set: a value is missing after --ttl; usage: set KEY [VALUE] "
     "[--ttl TIME] [--flags N] [--cas N]"),
    (["set", "k", "v", "--ttl", "soon"], "set: --ttl=soon: must be a time with s, m, h or d, from "
     "-1s to 315360000s"),
    (["set", "k", "v", "--ttl=11y"], "set: --ttl=11y: must be a time with s, m, h or d, from -1s to "
     "315360000s"),
    (["set", "k", "v", "--flags", "4294967296"], "set: --flags=4294967296: must be a number from 0 "
     "to 4294967295"),
    (["set", "k", "v", "--cas", "x"], "set: --cas x: must be a number from 0 to "
     "18446744073709551615"),
    (["add", "k", "v", "--cas", "1"], "add: unknown option --cas; usage: add KEY [VALUE] "
     "[--ttl TIME] [--flags N]"),
    (["append", "k", "v", "--ttl", "1"], "append: unknown option --ttl; usage: append KEY [VALUE]"),
    (["replace"], "replace: something is missing; usage: replace KEY [VALUE] [--ttl TIME] "
     "[--flags N]"),
    (["prepend"], "prepend: something is missing; usage: prepend KEY [VALUE]"),
    (["cas", "k"], "cas: something is missing; usage: cas KEY CAS [VALUE] [--ttl TIME] [--flags N]"),
    (["cas", "k", "-1", "v"], "cas: CAS -1: must be a number from 0 to 18446744073709551615"),
    (["delete"], "delete: something is missing; usage: delete KEY..."),
    (["incr", "k", "x"], "incr: N x: must be a number from 0 to 18446744073709551615"),
    (["incr", "k", "18446744073709551616"], "incr: N 18446744073709551616: must be a number from 0 "
     "to 18446744073709551615"),
    (["decr", "k", "1", "--initial", "-1"], "decr: --initial -1: must be a number from 0 to "
     "18446744073709551615"),
    (["decr", "k", "--ttl", "5"], "decr: --ttl is for an item that --initial creates; 'touch' "
     "changes one"),
    (["touch", "k"], "touch: something is missing; usage: touch KEY TTL"),
    (["touch", "k", "1y"], "touch: TTL 1y: must be a time with s, m, h or d, from -1s to 315360000s"),
    (["ttl"], "ttl: something is missing; usage: ttl KEY..."),
    (["flush", "now"], "flush: too much: now; usage: flush [--server NAME] [--delay TIME] [--yes]"),
    (["flush", "--server", "x:1"], "there is no server x:1 here; 'servers' lists them"),
    (["keys", "a", "b"], "keys: too much: b; usage: keys [PATTERN] [--server NAME] [--limit N] "
     "[--long]"),
    (["keys", "--limit", "0"], "keys: --limit=0: must be a number from 1 to 9223372036854775807"),
    (["keys", "--server", "x"], "there is no server x here; 'servers' lists them"),
    (["where"], "where: something is missing; usage: where KEY..."),
    (["why"], "why: something is missing; usage: why KEY... [--server NAME]"),
    (["stats", "a", "b"], "stats: too much: b; usage: stats [GROUP] [--server NAME] "
     "[--match PATTERN]"),
    (["stats", "a b"], "stats: a b is no name of a group"),
    (["stats", "a\r\nflush_all"], "stats: a\\r\\nflush_all is no name of a group"),
    (["stats", "--server", "x"], "there is no server x here; 'servers' lists them"),
    (["hot", "all"], "hot: all: must be a number from 1 to 1000"),
    (["servers", "x"], "servers: too much: x; usage: servers"),
    (["ping", "--count", "0"], "ping: --count=0: must be a number from 1 to 1000000"),
    (["watch", "a b"], "watch: that is no name of a stream"),
    (["watch", "--for", "x"], "watch: --for=x: must be a time with s, m, h or d, from 1s to 2592000s"),
    (["send"], "send: something is missing; usage: send WORD... [--server NAME]"),
    (["send", "a\r\nb"], "send: one line of less than 500 bytes can be sent, without zero bytes"),
    (["send", "a" * 500], "send: one line of less than 500 bytes can be sent, without zero bytes"),
    (["config", "client"], "config: client: must be 'server', 'get', 'set' or 'reset', or nothing for the client's own "
     "options"),
    (["connect"], "connect: something is missing; usage: connect ADDRESS..."),
    (["connect", "a:b"], "\"b\" is not a port from 1 to 65535"),
    (["connect", "a?nonsense=1"], "there is no option \"nonsense\""),
    (["time"], "time: something is missing; usage: time on|off"),
    (["time", "maybe"], "time: maybe: must be on or off"),
    (["history"], "history: only the prompt has one"),
    (["history", "x"], "history: x: must be a number from 1 to 1000000"),
    (["help", "a", "b"], "help: too much: b; usage: help [COMMAND]"),
    (["quit", "now"], "quit: too much: now; usage: quit"),
]


@pytest.mark.parametrize("words, message", REFUSED, ids=[" ".join(row[0])[:40] for row in REFUSED])
def test_bad_input(console, words, message):
    assert console(*words) == (USAGE, b"", f"cacheman: {message}\n".encode())


def test_every_command_is_refused_something():
    names = set(re.findall(r"^X\((\w+),", (ROOT / "src/console/commands.def").read_text(), re.M))
    assert names - {row[0][0] for row in REFUSED} == set()


LINES = [
    ("get 'k", "a ' is never closed (column 5)"),
    ("get k >", "'>' needs a file behind it; to mean the character, quote it (column 7)"),
    ("get k < x", "get takes nothing from a file"),
    ("stats | less", "pipes are for the shell, as in: cacheman stats | less; to mean the character, "
     "quote it (column 7)"),
    ("set k", "set: the value is missing; give it behind the key, or '< FILE'"),
    ("set k v < x", "set: there is both a value and '< x'"),
    ("> x", "there is a file, but no command"),
    ("set k v --flags \"1\\x00\"", "set: --flags=1\\x00: must be a text without zero bytes"),
    ("touch k \"1\\x00\"", "touch: TTL 1\\x00: must be a time"),
]


@pytest.mark.parametrize("line, message", LINES, ids=[row[0] for row in LINES])
def test_bad_line(console, line, message):
    assert console.script(f"\n{line}\n") == (USAGE, b"", f"cacheman: line 2: {message}\n".encode())


def test_files_that_cannot_be_used(console, tmp_path):
    assert console.script("set k < /nonexistent/x") == (
        INPUT, b"", b"cacheman: line 1: cannot open /nonexistent/x: No such file or directory\n")
    assert console.script(f"set k < {tmp_path}") == (
        INPUT, b"", f"cacheman: line 1: cannot read {tmp_path}: Is a directory\n".encode())
    console.good("set", "k", "v")
    assert console.script("get k > /nonexistent/x") == (
        OUTPUT, b"", b"cacheman: line 1: cannot write /nonexistent/x: No such file or directory\n")
    assert console.script("get k > /dev/full")[0] == OUTPUT
    with open("/dev/full", "wb") as full:
        done = subprocess.run([str(CACHEMAN), "-s", patient(console.servers), "get", "k"], stdout=full,
                              stderr=subprocess.PIPE, timeout=WAIT_S, check=False)
    assert (done.returncode, done.stderr) == (
        OUTPUT, b"cacheman: cannot write the answer: No space left on device\n")


def test_value_too_large(console):
    assert console("set", "k", stdin=bytes(2 << 20)) == (
        PROTOCOL, b"", b"cacheman: k: the value is larger than the server takes; its option -I says "
        b"how large\n")


OPTIONS = [
    (["--nosuch"], "cacheman: unknown option --nosuch\n"),
    (["--admin", "x"], "cacheman: --admin belongs behind the command\n"),
    (["--token-file=x"], "cacheman: --token-file belongs behind the command\n"),
    (["-s"], "cacheman: --servers needs a value: WHERE\n"),
    (["--timeout=0"], "cacheman: --timeout=0: must be a time with us, ms, s, m or h, from 1000us to "
     "3600s\n"),
]


@pytest.mark.parametrize("words, message", OPTIONS)
def test_bad_options(words, message):
    assert run(*words) == (USAGE, b"", f"{message}Try 'cacheman --help'.\n".encode())


def test_servers_that_make_no_sense():
    assert run("get", "k", servers="a:99999") == (
        USAGE, b"", b"cacheman: \"99999\" is not a port from 1 to 65535\n")
    assert run("get", "k", servers="a?etcd_user=x") == (
        USAGE, b"", b"cacheman: an option of etcd is given, and the servers are not in etcd: write "
        b"etcd://HOST:PORT/CLUSTER\n")
    assert run("get", "k", servers="file:/nonexistent") == (
        INPUT, b"", b"cacheman: cannot read the cluster file /nonexistent: No such file or directory\n")
    assert run("--ca=/nonexistent", "get", "k") == (
        INPUT, b"", b"cacheman: cannot use the authorities \"/nonexistent\": No such file or "
        b"directory\n")
    assert run("--ca=/dev/null", "get", "k")[0] == USAGE
    assert run("--password-file=/nonexistent", "-u", "me", "get", "k") == (
        INPUT, b"", b"cacheman: cannot read the password file /nonexistent: No such file or "
        b"directory\n")


# ---- scripts ----


def test_script(console):
    assert console.script("""
# a comment
   # another
set greeting "hello, world"
get greeting
append greeting '!'
get greeting
incr n --initial 7
""") == (0, b"stored\nhello, world\nstored\nhello, world!\n7\n", b"")


def test_script_without_a_last_newline(console):
    assert console.script("set k v\nget k") == (0, b"stored\nv\n", b"")
    assert console.script("") == (0, b"", b"")


@pytest.mark.parametrize("script, status", [
    ("set k v\nget none\nget k\n", 1),
    ("get none\nfrobnicate\nset k < /nonexistent/x\nget k\n", USAGE),
    ("set k v\nset k < /nonexistent/x\nfrobnicate\n", INPUT),
])
def test_status_of_a_script(console, script, status):
    assert console.script(script)[0] == status


def test_exit_on_error(console):
    status, out, _ = console.script("set k v\nget none\nincr k\nset k w\n", "-e")
    assert (status, out) == (PROTOCOL, b"stored\n")
    assert console.good("get", "k") == b"v"


def test_quit_ends_a_script(console):
    assert console.script("set k v\nquit\nset k w\n") == (0, b"stored\n", b"")
    assert console.good("get", "k") == b"v"


def test_output_is_appended(console, tmp_path):
    log = tmp_path / "a file"
    console.script(f"set k one\nget k > '{log}'\nset k two\nget k >> '{log}'\n")
    assert log.read_bytes() == b"onetwo"


def test_binary_through_a_script(console):
    value = bytes(range(256))
    escaped = "".join(f"\\x{byte:02x}" for byte in value)
    assert console.script(f'set k "{escaped}"\n')[0] == 0
    assert console.good("get", "k") == value


def test_connect_in_a_script(console):
    script = f"connect 127.0.0.1:1\nget k\nconnect {console.servers}\nset k v\nget k\n"
    status, out, err = console.script(script)
    assert (status, out) == (UNAVAILABLE, b"connected to %s\nstored\nv\n" % console.servers.encode())
    assert err == (b"cacheman: line 1: 127.0.0.1:1 cannot be reached: Connection refused\n"
                   b"cacheman: line 2: 127.0.0.1:1 cannot be reached: Connection refused\n")


# ---- JSON ----


def test_json_of_values(console):
    console.good("set", "text", "K\u00f6ln \x1b[31m")
    console.good("set", "binary", stdin=b"\xff\x00")
    answer, rows = console.json("get", "text", "binary", "none")
    assert rows == []
    text, binary, none = answer["items"]
    assert text["value"] == "K\u00f6ln \x1b[31m" and "value_encoding" not in text
    assert binary["value_encoding"] == "base64"
    assert base64.b64decode(binary["value"]) == b"\xff\x00"
    assert none == {"key": "none", "found": False}
    assert (answer["ok"], answer["status"], answer["command"]) == (False, 1, "get")
    assert answer["error"] == "none: there is no such item" and answer["ms"] >= 0


@pytest.mark.parametrize("words", [
    ["set", "k", "1"], ["add", "k", "1"], ["replace", "k", "1"], ["append", "k", "1"],
    ["prepend", "k", "1"], ["cas", "k", "1", "2"], ["incr", "k"], ["decr", "k"], ["touch", "k", "5"],
    ["ttl", "k"], ["delete", "k"], ["flush"], ["keys"], ["where", "k"], ["why", "k"], ["stats"], ["stats", "all"],
    ["stats", "reset"], ["servers"], ["ping"], ["watch", "--for", "1"], ["config"],
    ["send", "mn"], ["send", "nonsense"], ["config", "server"], ["help"], ["help", "get"], ["time", "on"], ["history"], ["quit"],
    ["nosuch"], ["get"], ["connect", "127.0.0.1:1"],
])
def test_json_of_every_command(console, words):
    status, out, err = console("--json", *words)
    answer = json.loads(out.decode("ascii").splitlines()[-1])
    assert err == b"" and answer["status"] == status and answer["ok"] == (status == 0)
    assert answer["command"] == words[0] and ("error" in answer) == (status != 0)


def test_json_for_one_command_of_a_script(console):
    _, out, _ = console.script("set k v\nget k --json\nget k\n")
    rows = out.splitlines()
    assert rows[0] == b"stored" and rows[2] == b"v"
    assert json.loads(rows[1])["items"][0]["value"] == "v"


def test_json_of_stats_keys_and_events(console):
    console.good("set", "k", "v")
    groups = console.json("stats")[0]["groups"]
    assert groups["general"][console.servers]["curr_items"] > 0
    answer, keys = console.json("keys")
    assert answer["count"] == 1 and keys[0]["key"] == "k" and keys[0]["ttl"] == -1
    assert console.json("where", "k")[0]["keys"][0]["server"] == console.servers
    servers = console.json("servers")[0]["servers"]
    assert servers[0]["up"] and servers[0]["curr_items"] > 0
    assert console.json("config")[0]["options"]["distribution"] == "rendezvous"
    assert console.json("ping")[0]["servers"][0]["answered"] == 4


def test_json_of_a_line_that_makes_no_sense(console):
    status, out, err = console.script("get 'k\n", "--json")
    answer = json.loads(out)
    assert (status, err) == (USAGE, b"") and answer["error"] == "a ' is never closed (column 5)"
