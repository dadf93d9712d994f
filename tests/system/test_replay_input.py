# SPDX-License-Identifier: BSD-3-Clause
"""`cacheman replay` and what it cannot use: options, traces, servers, files."""

import gzip
import json
import socket
import threading

import pytest

from cachemand import PROGRAM, run
from console import patient

CACHEMAN = PROGRAM.parent / "cacheman"
HINT = "Try 'cacheman replay --help'.\n"


def replay(*options):
    """Its exit status, standard output and error; with a busy machine's timeouts."""
    return run("replay", *map(patient, options), program=CACHEMAN)


@pytest.mark.parametrize("options, message", [
    ((), "TRACE is missing"),
    (("t", "a:1"), "several operands need --compare: TRACE SERVER..."),
    (("t", "--compare"), "--compare needs servers: TRACE SERVER..."),
    (("t", "--compare", *["h:1"] * 17), "there are more than 16 servers"),
    (("t", "-s", "h:1", "--compare", *["h:1"] * 16), "there are more than 16 servers"),
    (("t", "--json", "--interval=5"), "--json has the miss ratio over time: leave out --interval"),
    (("t", "--window=0"), "--window=0: must be a number from 1 to 4096"),
    (("t", "--window=4097"), "--window=4097: must be a number from 1 to 4096"),
    (("t", "--limit=0"), "--limit=0: must be a number from 1 to 9223372036854775807"),
    (("t", "--keys=bend"), "--keys=bend: must be one of: refuse hash"),
    (("t", "--value-size=x"), "--value-size=x: must be bytes, or with k, m or g, from 0 to "
                              "1073741824"),
    (("t", "--value-size=1-"), "--value-size=1-: must be bytes, or with k, m or g, from 0 to "
                               "1073741824"),
    (("t", "--value-size=-1"), "--value-size=-1: must be bytes, or with k, m or g, from 0 to "
                               "1073741824"),
    (("t", "--value-size=2g"), "--value-size=2g: must be bytes, or with k, m or g, from 0 to "
                               "1073741824"),
    (("t", "--value-size=9-8"), "--value-size=9-8: must be a range whose first number is not above "
                                "its second"),
    (("t", "--frobnicate"), "unknown option --frobnicate"),
])
def test_wrong_options(options, message):
    assert replay(*options) == (64, "", f"cacheman replay: {message}\n{HINT}")


def test_after_two_dashes_there_are_operands(tmp_path):
    assert replay("--", "--json") == (
        66, "", "cacheman replay: --json: No such file or directory\n")


def test_help_names_every_option():
    status, output, errors = replay("--help")
    assert (status, errors) == (0, "")
    for name in ("servers", "compare", "value-size", "window", "limit", "skip", "keys", "verify",
                 "interval", "json", "plot", "timeout"):
        assert f"--{name}" in output


def test_traces_that_cannot_be_read(tmp_path):
    assert replay(tmp_path / "none") == (
        66, "", f"cacheman replay: {tmp_path}/none: No such file or directory\n")
    assert replay(tmp_path) == (66, "", f"cacheman replay: {tmp_path}: Is a directory\n")


@pytest.mark.parametrize("line, message", [
    ("", "the key is missing: a line is KEY or KEY BYTES"),
    ("k", "the size is missing: a line is KEY BYTES unless there is --value-size"),
    ("k 12x", "\"12x\" is no size: a number from 0 to 1073741824 is allowed"),
    ("k 1 2", "there is more than a key and a size: a line is KEY or KEY BYTES"),
    ("k" * 251, "the key has 251 bytes: 1 to 250 are allowed, more with --keys=hash only"),
    ("k\x02", "byte 2 of the key is 0x02: control characters are allowed with --keys=hash only"),
])
def test_malformed_lines(serve, tmp_path, line, message):
    """What stands before is replayed, and told."""
    trace = tmp_path / "trace"
    trace.write_text(f"a 1\nb 1\na 1\n{line}\nc 1\n")
    status, output, errors = replay("-s", f"127.0.0.1:{serve('-t', '1').port}",
                                    "--json", trace)
    assert (status, errors) == (66, f"cacheman replay: {trace}:4: {message}\n")
    result = json.loads(output)
    assert result["input_error"] == f"{trace}:4: {message}"
    assert (result["requests"], result["targets"][0]["misses"]) == (3, 2)


def test_gzip_that_ends_too_early(serve, tmp_path):
    trace = tmp_path / "trace.gz"
    trace.write_bytes(gzip.compress(b"a 1\n" * 1000)[:-12])
    status, _, errors = replay("-s", f"127.0.0.1:{serve('-t', '1').port}", trace)
    assert status == 66
    assert errors.startswith(f"cacheman replay: {trace}:")
    assert errors.endswith(": cannot be read on: the gzip data ends too early\n")


def key_of(place, count, tmp_path):
    """A trace of one key that modulo-fnv1a gives to one of so many servers."""
    for number in range(100):
        key = f"key{number}"
        hashed = 0x811c9dc5
        for byte in key.encode():
            hashed = (hashed ^ byte) * 0x01000193 % 2**32
        if hashed % count == place:
            break
    path = tmp_path / "one"
    path.write_text(f"{key} 1\n")
    return path


def test_servers_that_are_not_there(serve, hold_port, tmp_path):
    trace = tmp_path / "trace"
    trace.write_text("a 1\n")
    where = f"127.0.0.1:{hold_port()}"
    status, output, errors = replay("-s", where, trace)
    assert (status, errors) == (69, f"cacheman replay: {where}: server cannot be reached "
                                    "(Connection refused); ended after 0 requests\n")
    assert "trace: 1 requests in 1 windows of at most 64" in output
    two = f"{where},127.0.0.1:{serve('-t', '1').port}"
    status, _, errors = replay("-s", f"{two}?distribution=modulo-fnv1a", "-n1",
                               key_of(0, 2, tmp_path))
    assert (status, errors) == (69, f"cacheman replay: {two}: server cannot be reached ({where}: "
                                    "Connection refused); ended after 0 requests\n")
    status, output, errors = replay("-s", "a:b", trace)
    assert (status, output, errors) == (
        64, "", "cacheman replay: \"b\" is not a port from 1 to 65535\n")


def test_cluster_file_that_is_not_there(tmp_path):
    trace = tmp_path / "trace"
    trace.write_text("a 1\n")
    assert replay("-s", f"file:{tmp_path}/none", trace) == (
        66, "", f"cacheman replay: cannot read the cluster file {tmp_path}/none: No such file or directory\n")


def test_passwords_are_not_shown(serve, tmp_path):
    trace = tmp_path / "trace"
    trace.write_text("a 1\n")
    users = tmp_path / "users"
    users.write_text("bob:secret\n")
    server = serve("-t", "1", "--auth-file", str(users))
    where = f"127.0.0.1:{server.port}?user=bob&password="
    status, output, errors = replay("-s", where + "secret", trace)
    assert (status, errors) == (0, "") and "secret" not in output
    status, output, errors = replay("-s", where + "wrong", trace)
    assert status == 77 and "wrong" not in output + errors
    assert errors.startswith(f"cacheman replay: 127.0.0.1:{server.port}: server did not accept "
                             "the login")


def test_plot_that_cannot_be_written(serve, tmp_path):
    trace = tmp_path / "trace"
    trace.write_text("a 1\n")
    server = serve("-t", "1")
    status, _, errors = replay("-s", f"127.0.0.1:{server.port}", "--plot",
                               tmp_path / "none/x.svg", trace)
    assert (status, errors) == (73, f"cacheman replay: cannot write {tmp_path}/none/x.svg: No such "
                                    "file or directory\n")


def test_what_cannot_begin_as_json(tmp_path):
    status, output, errors = replay("--json", tmp_path / "none")
    message = f"{tmp_path}/none: No such file or directory"
    assert (status, errors) == (66, f"cacheman replay: {message}\n")
    assert json.loads(output) == {"error": message, "status": 66}


def test_no_table_of_nothing(serve, tmp_path):
    trace = tmp_path / "trace"
    trace.write_text("a x\n")
    server = serve("-t", "1")
    status, output, errors = replay("-s", f"127.0.0.1:{server.port}", trace)
    assert (status, output) == (66, "") and errors.startswith(f"cacheman replay: {trace}:1: ")


def test_what_was_there_before_is_told(serve, tmp_path):
    trace = tmp_path / "trace"
    trace.write_text("a 1\nb 1\n")
    where = f"127.0.0.1:{serve('-t', '1').port}"
    told = f"{where} held 2 items before, which may have been found\n"
    for expected in (False, True):
        status, output, errors = replay("-s", where, trace)
        assert (status, errors) == (0, "")
        assert output.endswith(told) == expected
    status, output, _ = replay("-s", where, "--json", trace)
    assert json.loads(output)["targets"][0]["items_before"] == 2


def test_what_a_server_says_cannot_reach_the_terminal(tmp_path):
    """A server that greets with an escape sequence: the message shows it, harmless."""
    trace = tmp_path / "trace"
    trace.write_text("a 1\n")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def answer():
            while True:
                try:
                    peer = listener.accept()[0]
                except OSError:
                    return
                with peer:
                    peer.recv(100)
                    peer.sendall(b"\x1b]0;owned\x07\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        port = listener.getsockname()[1]
        status, _, errors = replay("-s", f"127.0.0.1:{port}", trace)
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert status == 76
    assert errors == (f"cacheman replay: 127.0.0.1:{port}: server's answer makes no sense (answered "
                      "\"\\x1b]0;owned\\x07\" to a greeting); ended after 0 requests\n")
