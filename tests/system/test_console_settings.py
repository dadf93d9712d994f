# SPDX-License-Identifier: BSD-3-Clause
"""The console's config get, set and reset, which ask a server's --admin."""

import json
import random
import socket

import pytest

from admin import TOKEN, port_of
from console import run


@pytest.fixture
def config(serve, token_file):
    """Runs the command on a server of its own."""
    server = serve("--admin", "127.0.0.1:0", "--admin-token-file", str(token_file))
    options = ["--admin", f"127.0.0.1:{port_of(server)}", "--token-file", str(token_file)]

    def ask(*words, before=()):
        return run(*before, "config", *words, *options)

    ask.server, ask.options, ask.address = server, options, options[1]
    return ask


def test_get(config):
    assert config("get", "memory-limit") == (0, b"memory-limit\t100\tlive\tdefault\n", b"")
    status, out, _ = config("get")
    rows = dict(line.split("\t", 1) for line in out.decode().splitlines())
    assert status == 0 and rows["port"] == "-1\trestart\tcommand line"
    assert {"threads", "listen", "tls-cert"} < set(rows)
    assert config("get", "mem*")[1] == config("get", "--match", "mem*")[1]
    assert config("get", "x*") == (1, b"", b"cacheman: no setting is like x*\n")


def test_set_and_reset(config):
    assert config("set", "memory-limit", "64") == (
        0, b"memory-limit: 100 -> 64, by 127.0.0.1\n", b"")
    assert config("get", "memory-limit")[1] == \
        b"memory-limit\t64\tlive\tset at run time by 127.0.0.1\n"
    assert config.server.connect().stats(b"settings")["maxbytes"] == str(64 << 20)
    assert config("set", "memory-limit", "64")[:2] == (0, b"memory-limit: 64 already\n")
    config("set", "listen", "127.0.0.1, 127.0.0.2")
    assert config("reset", "memory-limit") == (
        0, b"memory-limit: 64 -> 100, by 127.0.0.1\n", b"")
    assert config("reset") == (
        0, b"listen: 127.0.0.1,127.0.0.2 -> (not set), by 127.0.0.1\n", b"")
    assert config("reset") == (0, b"nothing was set at run time\n", b"")


def test_json(config):
    _, out, _ = config("set", "conn-limit", "9", "--json")
    answer = json.loads(out)
    assert (answer["ok"], answer["status"]) == (True, 0)
    assert answer["changed"] == [{"name": "conn-limit", "from": "1024", "to": "9"}]
    _, out, _ = config("get", "conn-limit", "--json")
    assert json.loads(out)["settings"][0]["value"] == "9"
    status, out, _ = config("set", "threads", "9", "--json")
    answer = json.loads(out)
    assert (status, answer["ok"], answer["restart"]) == (1, False, ["threads"])
    assert answer["error"] == "not changed: threads"


NOTHING = "cacheman: nothing has changed\n"


@pytest.mark.parametrize("words,status,out,errors", [
    (["set", "threads", "63"], 1, "threads: changes with a restart only\n",
     "cacheman: not changed: threads\n"),
    (["set", "threads", "x"], 64, "", 'cacheman: threads: "x" is not a number from 1 to 64\n'
     + NOTHING),
    (["set", "foo", "x"], 64, "", 'cacheman: unknown key "foo"; keys are the long names of '
                                  "the options that --help lists\n" + NOTHING),
    (["set", "foo\nbar", "x"], 64, "", "cacheman: config set: a setting is one line\n"),
    (["set", "verbose", "1\nthreads = 2"], 64, "", "cacheman: config set: a setting is one line\n"),
    (["set", "threads"], 64, "", "cacheman: config set: usage: config set NAME VALUE\n"),
    (["get", "a", "b"], 64, "", "cacheman: config get: usage: config get [PATTERN]\n"),
    (["reset", "a", "b"], 64, "", "cacheman: config reset: usage: config reset [NAME]\n"),
    (["reset", "threads"], 64, "", "cacheman: threads: it was not set at run time\n" + NOTHING),
    (["reset", "../metrics"], 64, "", "cacheman: config reset: no setting is called ../metrics\n"),
    (["reset", ""], 64, "", "cacheman: config reset: the name is empty\n"),
    (["reset", "a?b"], 64, "", "cacheman: config reset: no setting is called a?b\n"),
], ids=lambda value: " ".join(value)[:20] if isinstance(value, list) else "")
def test_what_is_wrong(config, words, status, out, errors):
    got = config(*words)
    assert (got[0], got[1].decode(), got[2].decode()) == (status, out, errors)


def test_tokens(config, serve, tmp_path):
    bare = config.options[:2]
    assert run("config", "get", *bare) == (
        77, b"", b"cacheman: %s wants a token; --token-file names the file with it\n"
        % config.address.encode())
    wrong = tmp_path / "wrong"
    wrong.write_text("wrong-horse-battery-staple")
    assert run("config", "set", "threads", "1", *bare, "--token-file", wrong) == (
        77, b"", b"cacheman: %s did not accept the token\n" % config.address.encode())
    assert run("config", "get", *bare, "--token-file", "/nowhere/token") == (
        66, b"", b"cacheman: cannot read the token file /nowhere/token: No such file or directory\n")
    for text, why in [("", "it is empty"), ("\nx\n", "its first line is empty"),
                      (" \t\n", "its first line is empty")]:
        wrong.write_text(text)
        assert run("config", "get", *bare, "--token-file", wrong) == (
            66, b"", f"cacheman: cannot read the token file {wrong}: {why}\n".encode())
    blank = tmp_path / "blank"
    for text in [TOKEN + " \t\n", f"read \t{TOKEN}\n{TOKEN}\n"]:  # and as the server's file has it
        blank.write_text(text)
        assert run("config", "get", "threads", *bare, "--token-file", blank)[0] == 0
    blank.write_text("read" + TOKEN)
    assert run("config", "get", "threads", *bare, "--token-file", blank)[0] == 77
    open_to_all = f"127.0.0.1:{port_of(serve('--admin', '127.0.0.1:0'))}"
    assert run("config", "get", "threads", "--admin", open_to_all)[0] == 0
    assert run("config", "set", "verbose", "1", "--admin", open_to_all) == (
        77, b"", b"cacheman: %s: settings can be changed only with a token, and this server has "
        b"none: start it with --admin-token-file FILE\n" % open_to_all.encode())


def test_addresses(config):
    for address in ["127.0.0.1:1/x", "", "http://", "user@host", "a b", "x" * 300]:
        status, _, errors = run("config", "get", "--admin", address)
        assert status == 64
        assert errors.endswith(b": must be HOST, HOST:PORT or [IPV6]:PORT, behind https:// if it is "
                               b"by TLS\n")
    assert run("config", "get", "threads", "--admin", "http://" + config.address,
               *config.options[2:])[0] == 0
    status, _, errors = run("config", "get", "--admin", "127.0.0.1:1")
    assert (status, errors) == (69, b"cacheman: 127.0.0.1:1 cannot be reached: Connection refused\n")


SAYS = b"--admin ADDRESS says where the server's --admin is"
TWO = "127.9.8.7:1,127.9.8.8:1"


@pytest.mark.parametrize("servers,words,address", [
    ("127.9.8.7:1", [], b"127.9.8.7"),
    ("[::1]:1", [], b"[::1]"),
    (TWO, ["--server", "127.9.8.8:1"], b"127.9.8.8"),
], ids=["one", "IPv6", "of two"])
@pytest.mark.parametrize("command", [["get"], ["set", "threads", "1"], ["reset"]], ids=lambda c: c[0])
def test_the_server_says_where_its_admin_is(command, servers, words, address):
    for options, env in [(["-s", servers], {}), ([], {"CACHEMAN_SERVERS": servers})]:
        status, out, errors = run(*options, "config", *command, *words, env=env)
        assert (status, out) == (69, b"")
        assert errors.startswith(b"cacheman: %s:16181 cannot be reached: " % address)
        assert errors.endswith(b"; " + SAYS + b"\n")


@pytest.fixture
def own_host():
    """--admin's usual port is another test's too, and another address's is free."""
    return f"127.{random.randint(1, 254)}.{random.randint(0, 254)}.{random.randint(1, 254)}"


def test_server_alone_is_enough(serve, own_host, token_file):
    server = serve("--admin", f"{own_host}:16181", "--admin-token-file", str(token_file),
                   "-l", f"127.0.0.1,{own_host}")
    servers = f"{own_host}:{server.port}"
    token = ["--token-file", str(token_file)]
    assert run("-s", servers, "config", "set", "memory-limit", "64", *token) == (
        0, b"memory-limit: 100 -> 64, by 127.0.0.1\n", b"")
    both = f"{servers},127.9.8.7:1"
    assert run("-s", both, "config", "get", "memory-limit", "--server", servers, *token) == (
        0, b"memory-limit\t64\tlive\tset at run time by 127.0.0.1\n", b"")
    assert run("config", "reset", *token, env={"CACHEMAN_SERVERS": servers})[:2] == (
        0, b"memory-limit: 64 -> 100, by 127.0.0.1\n")
    script = b"config get memory-limit --token-file %s\n" % str(token_file).encode()
    assert run("-s", servers, stdin=script)[1] == b"memory-limit\t100\tlive\tdefault\n"
    address = f"{own_host}:16181"
    for options in [["-s", servers + "?tls=on"], ["--tls", "-s", servers]]:
        assert run(*options, "config", "get", *token) == no_protocol("TLS", address, "http")


def test_tls_is_that_of_the_servers(serve, own_host, server_cert, authority):
    """The certificate is trusted, but is another host's."""
    cert, key = server_cert
    server = serve("-l", f"127.0.0.1,{own_host}", "--admin", f"{own_host}:16181", "--admin-tls",
                   "--tls-cert", str(cert), "--tls-key", str(key))
    where = f"{own_host}:{server.port}"
    for options in [["-s", f"{where}?tls=on&tls_ca={authority.cert}"],
                    ["-s", where, "--ca", authority.cert]]:
        status, _, errors = run(*options, "config", "get")
        assert status == 69 and b"subject name" in errors, errors
    status, _, errors = run("-s", f"{where}?tls=on", "config", "get")
    assert status == 69 and b"certificate" in errors and b"subject name" not in errors, errors


@pytest.mark.parametrize("servers,words,errors", [
    (TWO, ["set", "threads", "1"],
     b"config set: which of the 2 servers? --server NAME or --admin ADDRESS says it"),
    (TWO, ["get"], b"config get: which of the 2 servers? --server NAME or --admin ADDRESS says it"),
    (TWO, ["reset", "--server", "127.0.0.1:1"],
     b"there is no server 127.0.0.1:1 here; 'servers' lists them"),
    ("unix:/nowhere/s", ["set", "threads", "1"],
     b"config set: unix:/nowhere/s does not tell where the server's --admin is; --admin ADDRESS does"),
    (TWO, ["get", "--server", "127.9.8.7:1", "--admin", "127.9.8.7"],
     b"config get: --admin and --server both say which server"),
], ids=["set", "get", "unknown", "unix", "both"])
def test_servers_that_do_not_say_where(servers, words, errors):
    assert run("-s", servers, "config", *words) == (64, b"", b"cacheman: " + errors + b"\n")


def test_no_answer(config):
    """One that says nothing ends by timeout."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = "127.0.0.1:%d" % silent.getsockname()[1]
        assert run("--timeout", "300ms", "config", "get", "--admin", address) == (
            69, b"", b"cacheman: %s did not answer in time; the option timeout gives it longer\n"
            % address.encode())


def no_protocol(name, address, scheme):
    return (69, b"", f"cacheman: {address} speaks no {name}; is this the port of the server's --admin? "
                     f"If so, try --admin {scheme}://{address}\n".encode())


def test_what_answers_by_other_protocols(config, serve, server_cert, authority):
    cert, key = server_cert
    server = serve("--admin", "127.0.0.1:0", "--admin-tls", "--tls-cert", str(cert), "--tls-key",
                   str(key))
    secure = f"127.0.0.1:{port_of(server)}"
    cache = f"127.0.0.1:{config.server.port}"
    for address in [secure, cache]:
        assert run("config", "get", "--admin", address) == no_protocol("HTTP", address, "https")
    for address in [config.address, cache]:
        assert run("config", "get", "--admin", "https://" + address) == \
            no_protocol("TLS", address, "http")
    assert run("--ca", authority.cert, "config", "get", "--admin", config.address) == \
        no_protocol("TLS", config.address, "http")


def test_cache_by_tls_speaks_no_http(serve_tls, authority):
    address = f"127.0.0.1:{serve_tls().port}"
    assert run("--ca", authority.cert, "config", "get", "--admin", address) == (
        69, b"", f"cacheman: {address} speaks no HTTP; is this the port of the server's --admin?\n"
        .encode())


def test_files_for_tls(config, tmp_path):
    where = ["--admin", "https://" + config.address]
    for options in [["--ca"], ["--cert"]]:
        for before, after in [(options, where), (options, [])]:
            status, out, errors = run(*before, "/nowhere/x.pem", "config", "get", *after)
            assert (status, out) == (66, b"") and b"/nowhere/x.pem" in errors, errors
            if after:
                assert errors == b"cacheman: cannot read /nowhere/x.pem: No such file or directory\n"
    wrong = tmp_path / "x.pem"
    wrong.write_text("nothing")
    for option in ["--ca", "--cert"]:
        status, _, errors = run(option, wrong, "config", "get", *where)
        assert (status, errors[:15]) == (66, b"cacheman: TLS: "), errors
