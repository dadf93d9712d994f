# SPDX-License-Identifier: BSD-3-Clause
"""--join: a server registers itself in etcd, and stays whatever becomes of it. How clients follow is
in tests/cluster/etcd.c."""

import os
import re
import shutil
import signal

import pytest

import cachemand
import tls
from etcd import Etcd, Liar

pytestmark = pytest.mark.skipif(not shutil.which("etcd"), reason="needs etcd-server")

LEASE_DEADLINE_S = 120


@pytest.fixture
def etcd():
    """Starts one, plain or with a certificate."""
    started = []

    def start(**how):
        started.append(Etcd(**how))
        return started[-1]

    yield start
    for one in started:
        one.finish()


def settings(server):
    values = server.connect().stats(b"settings")
    return {name: values.get(name) for name in ("join", "joined", "join_members", "advertise",
                                                "weight")}


def wait_for_members(etcd, expected, cluster="c"):
    cachemand.wait_until(lambda: etcd.members(cluster) == expected, f"{expected}",
                         LEASE_DEADLINE_S)


def lines(server):
    return [line for line in server.error_text().splitlines()
            if not re.search("runs as root|listening on|without a sandbox", line)]


def test_life_of_a_member(etcd, serve):
    one = etcd()
    server = serve("--join", f"{one.where}/c?etcd_user=", "--weight", "3")
    name = f"127.0.0.1:{server.port}"
    wait_for_members(one, {name: {"weight": 3}})
    cachemand.wait_until(lambda: settings(server)["join_members"] == "1", "its own entry")
    assert settings(server) == {"join": f"{one.where}/c", "joined": "yes", "join_members": "1",
                                "advertise": name, "weight": "3"}

    def takes_itself_back():
        """Tried again where etcd took long, which nobody who stops waits for."""
        other = serve("--join", f"{one.where}/c", "-l", "127.0.0.2")
        wait_for_members(one, {name: {"weight": 3}, f"127.0.0.2:{other.port}": {"weight": 1}})
        cachemand.wait_until(lambda: settings(server)["join_members"] == "2", "the other's")
        other.signal(signal.SIGTERM)
        assert other.wait() == 0
        return one.members("c") == {name: {"weight": 3}}

    cachemand.wait_until(takes_itself_back, "an end after which no lease had to end")
    assert lines(server) == [f"cachemand: joined the cluster as {name}"]


def test_leases_end_with_those_who_crash(etcd, serve):
    one = etcd()
    server = serve("--join", f"{one.where}/c")
    wait_for_members(one, {f"127.0.0.1:{server.port}": {"weight": 1}})
    server.process.kill()
    server.process.wait()
    assert len(one.members("c")) == 1
    wait_for_members(one, {})


def test_etcd_comes_later(etcd, serve):
    one = etcd()
    one.kill()
    server = serve("--join", f"{one.where}/c")
    client = server.connect()
    client.set(b"k", b"v")
    cachemand.wait_until(lambda: lines(server), "a word of it")
    assert settings(server)["joined"] == "no"
    one.start()
    wait_for_members(one, {f"127.0.0.1:{server.port}": {"weight": 1}})
    cachemand.wait_until(lambda: len(lines(server)) == 2, "the good news")
    told = lines(server)
    assert told[0].startswith(f"cachemand: etcd at 127.0.0.1:{one.port}: ")
    assert told[0].endswith("; it is tried again"), "once, however often it was tried"
    assert told[1] == f"cachemand: joined the cluster as 127.0.0.1:{server.port}"
    assert client.get(b"k") == b"v"


def test_etcd_goes_and_comes_back(etcd, serve):
    one = etcd()
    server = serve("--join", f"{one.where}/c")
    cachemand.wait_until(lambda: len(lines(server)) == 1, "the entry")
    one.kill()
    cachemand.wait_until(lambda: len(lines(server)) == 2, "a word of it")
    assert lines(server)[1].endswith("; it is tried again")
    one.start()
    cachemand.wait_until(lambda: len(lines(server)) == 3, "the good news")
    assert lines(server)[2] == "cachemand: etcd is as it should be again"
    assert settings(server)["joined"] == "yes"


def test_what_is_taken_away_is_put_back(etcd, serve):
    one = etcd()
    server = serve("--join", f"{one.where}/c")
    name = f"127.0.0.1:{server.port}"
    wait_for_members(one, {name: {"weight": 1}})
    one.delete("c", name)
    wait_for_members(one, {name: {"weight": 1}})
    for lease in one.leases():
        one.ask("/v3/lease/revoke", {"ID": lease})
    wait_for_members(one, {name: {"weight": 1}})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop_without_etcd(etcd, serve, number):
    one = etcd()
    server = serve("--join", f"{one.where}/c")
    cachemand.wait_until(lambda: settings(server)["joined"] == "yes", "the entry")
    one.kill()
    server.signal(number)
    assert server.wait() == 0


def test_second_signal_does_not_wait(etcd, serve):
    one = etcd()
    server = serve("--join", f"{one.where}/c")
    cachemand.wait_until(lambda: settings(server)["joined"] == "yes", "the entry")
    one.process.send_signal(signal.SIGSTOP)
    server.signal(signal.SIGTERM)
    server.signal(signal.SIGINT)
    assert server.wait() == 0
    one.process.send_signal(signal.SIGCONT)


def test_advertised_address(etcd, serve):
    one = etcd()
    cases = {"cache-1.example": "cache-1.example:{}", "cache-2.example:77": "cache-2.example:77",
             "::1": "[::1]:{}", "[::2]": "[::2]:{}", "[::3]:5": "[::3]:5",
             "unix:/run/a": "unix:/run/a"}
    for number, (given, expected) in enumerate(cases.items()):
        server = serve("--join", f"{one.where}/c{number}", "--advertise", given, "-l", "0.0.0.0")
        wait_for_members(one, {expected.format(server.port): {"weight": 1}}, f"c{number}")


def test_unix_socket(etcd, serve, tmp_path):
    one = etcd()
    path = tmp_path / "socket"
    serve("--join", f"{one.where}/c", unix=path)
    wait_for_members(one, {f"unix:{path}": {"weight": 1}})


def test_logging_in(etcd, serve):
    one = etcd()
    one.want_logins("me", "secret\"\\")
    server = serve("--join", f"{one.where}/c?etcd_user=me&etcd_password=secret\"\\")
    wait_for_members(one, {f"127.0.0.1:{server.port}": {"weight": 1}})
    assert settings(server)["join"] == f"{one.where}/c"
    for options in ("", "?etcd_user=me&etcd_password=wrong"):
        stranger = serve("--join", f"{one.where}/c{options}")
        cachemand.wait_until(lambda server=stranger: lines(server), "a word of it")
        assert settings(stranger)["joined"] == "no"
        assert "etcdserver: " in lines(stranger)[0]


def test_over_tls(etcd, serve, authority, server_cert, tmp_path):
    one = etcd(cert=server_cert, authority=authority)
    server = serve("--join", f"{one.where}/c?etcd_ca={authority.cert}")
    wait_for_members(one, {f"127.0.0.1:{server.port}": {"weight": 1}})
    other = tls.Authority(tmp_path, "stranger")
    stranger = serve("--join", f"{one.where}/c?etcd_ca={other.cert}")
    cachemand.wait_until(lambda: lines(stranger), "a word of it")
    assert "certificate" in lines(stranger)[0]
    assert len(one.members("c")) == 1


@pytest.mark.parametrize("options, message", [
    (["--join", "etcd://a"],
     "option --join: the name of a cluster is missing: write etcd://HOST:PORT/CLUSTER"),
    (["--join", "a:1/c"], "option --join: write etcd://HOST:PORT/CLUSTER"),
    (["--join", "etcd://a:0/c"], "option --join: \"0\" is not a port from 1 to 65535"),
    (["--join", "etcd://a/c?timeout=1s"],
     "option --join: only options that begin with etcd_ are for it"),
    (["--join", "etcd://a/c?etcd_no=1"], "option --join: there is no option \"etcd_no\""),
    (["--join", "etcd://a/c?etcd_password=x"],
     "option --join: etcd_password is given without etcd_user"),
    (["--join", "etcds://a/c?etcd_key=x"], "option --join: etcd_key is given without etcd_cert"),
    (["--join", "etcd://a/c?etcd_ca=x"],
     "option --join: etcd_ca and etcd_cert are given without TLS: write etcds://"),
    (["--join", "etcd://a/c", "-l", "0.0.0.0"],
     "option --join: which of the addresses clients are to use is not clear; give --advertise "
     "HOST:PORT"),
    (["--join", "etcd://a/c", "-l", "*"],
     "option --join: which of the addresses clients are to use is not clear; give --advertise "
     "HOST:PORT"),
    (["--join", "etcd://a/c", "--advertise", "a b"],
     "option --advertise: \"a b\" is not HOST, HOST:PORT, [IPV6]:PORT or unix:PATH"),
    (["--join", "etcd://a/c", "--advertise", "a:0"],
     "option --advertise: \"a:0\" is not HOST, HOST:PORT, [IPV6]:PORT or unix:PATH"),
])
def test_refusals(options, message):
    status, _, errors = cachemand.run("-p", "-1", *options)
    assert (status, errors.splitlines()[-1]) == (64, f"cachemand: {message}")


@pytest.mark.parametrize("text, line, message", [
    ("join = etcd://a/c\nlisten = 0.0.0.0\n", 1,
     "join: which of the addresses clients are to use is not clear; give --advertise HOST:PORT"),
    ("# ours\njoin = etcd://a/c\nadvertise = a b\n", 3,
     'advertise: "a b" is not HOST, HOST:PORT, [IPV6]:PORT or unix:PATH'),
    ("\n\ncluster = /nowhere/cluster\n", 3,
     "cluster: cannot read the cluster file /nowhere/cluster: No such file or directory"),
])
def test_refusals_say_the_line(tmp_path, text, line, message):
    path = tmp_path / "cachemand.conf"
    path.write_text(text)
    status, _, errors = cachemand.run("--config", str(path), "-p", "-1")
    assert (status, errors.splitlines()[-1]) == (78, f"cachemand: {path}:{line}: {message}")


def test_refusals_say_the_variable():
    status, _, errors = cachemand.run("-p", "-1", "-l", "0.0.0.0",
                                      env={**os.environ, "CACHEMAN_JOIN": "etcd://a/c"})
    assert (status, errors.splitlines()[-1]) == (
        64, "cachemand: CACHEMAN_JOIN: which of the addresses clients are to use is not clear; give "
            "--advertise HOST:PORT")


HEADER = b'"header":{"cluster_id":"1","revision":"5"}'


@pytest.mark.parametrize("body, code", [
    ([b""], 200), ([b"{"], 200), ([b"[" * (1 << 20)], 200), ([b"<html>"], 200), ([b"<html>"], 404),
    ([b'{"error":"\\u001b[2J"}'], 500), ([b'{"token":1,"ID":1,' + HEADER + b'}'], 200),
    ([b'{"ID":"1","result":{"ID":"1","TTL":"-1"},' + HEADER + b',"kvs":[1,{"key":2}]}'], 200),
    ([b"x" * (1 << 20)] * 16, 200), ([b'{"ID":"1",' + HEADER + b'}\n'] * 1000, 200)])
def test_answers_of_a_liar(serve, body, code):
    """Whatever it says, the server serves, and goes on asking."""
    liar = Liar(body, code)
    try:
        server = serve("--join", f"{liar.where}/c")
        cachemand.wait_until(lambda: liar.asked >= 6, "questions")
        client = server.connect()
        client.set(b"k", b"v")
        assert client.get(b"k") == b"v"
        assert "\x1b" not in server.error_text()
        server.finish()
    finally:
        liar.finish()
