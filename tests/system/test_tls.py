# SPDX-License-Identifier: BSD-3-Clause
"""TLS: who is let in, what is refused, and that nothing is lost on the way."""

import contextlib
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import threading
import urllib.request
import warnings

import pytest

import tls
from cachemand import DEADLINE_S, Client, refuses, run, wait_until, wait_until_received
from rekeying import RekeyingClient

V1_1, V1_2, V1_3 = ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
CONFIG = 78


def is_refused(server, context):
    """Whether the handshake fails, in TLS 1.3 perhaps only with the first answer."""
    try:
        with Client(server.port, tls=context) as client:
            client.ask(b"mn\r\n", b"MN\r\n")
    except (ssl.SSLError, EOFError, ConnectionResetError, BrokenPipeError):
        return True
    return False


def errors_counted(server, context=None):
    with Client(server.port, tls=context or server.tls) as client:
        return int(client.stats()["ssl_handshake_errors"])


# ---- versions --------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [V1_2, V1_3])
def test_versions_spoken(serve_tls, authority, version):
    server = serve_tls(tls_client=tls.client_context(authority, low=version, high=version))
    client = server.connect()
    assert client.socket.tls.version() == {V1_2: "TLSv1.2", V1_3: "TLSv1.3"}[version]
    client.set(b"k", b"v" * 100)
    assert client.get(b"k") == b"v" * 100
    stats = client.stats()
    assert (stats["ssl_new_sessions"], stats["ssl_handshake_errors"]) == ("1", "0")


def old_client(authority, version):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context = tls.client_context(authority, low=version, high=version)
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    return context


def test_1_1_is_refused(serve_tls, authority):
    server = serve_tls("-v", "-o", "ssl_min_version=0")
    assert is_refused(server, old_client(authority, V1_1))
    assert errors_counted(server) == 1
    text = server.error_text()
    assert "option -o (--extended): ssl_min_version: versions before TLS 1.2 are not spoken" in text
    assert "TLS handshake failed: unsupported protocol" in text


@pytest.mark.parametrize("option", [["--tls-min-version", "1.3"], ["-o", "ssl_min_version=3"]])
def test_min_version(serve_tls, authority, option):
    server = serve_tls(*option)
    assert is_refused(server, tls.client_context(authority, high=V1_2))
    assert not is_refused(server, server.tls)


def test_ciphers(serve_tls, authority):
    server = serve_tls("--tls-ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256:TLS_AES_128_GCM_SHA256")
    assert server.connect().socket.tls.cipher()[0] == "TLS_AES_128_GCM_SHA256"
    context = tls.client_context(authority, high=V1_2)
    assert server.connect(tls=context).socket.tls.cipher()[0] == "ECDHE-ECDSA-AES128-GCM-SHA256"
    context.set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384")
    assert is_refused(server, context)


# ---- certificates ----------------------------------------------------------------------------


def test_client_of_another_authority_refuses_the_server(serve_tls, tmp_path):
    server = serve_tls("-v")
    stranger = tls.client_context(tls.Authority(tmp_path, "stranger"))
    with pytest.raises(ssl.SSLCertVerificationError):
        server.connect(tls=stranger)
    wait_until(lambda: errors_counted(server) == 1, "the error's count")
    wait_until(lambda: "TLS handshake failed: tlsv1 alert unknown ca" in server.error_text(), "the line")


@pytest.fixture(scope="module")
def client_certs(authority, tmp_path_factory):
    return {"good": authority.sign("client"), "expired": authority.sign("expired", days=-1),
            "wrong": tls.Authority(tmp_path_factory.mktemp("wrong")).sign("wrong"), "none": None}


@pytest.mark.parametrize("version", [V1_2, V1_3])
@pytest.mark.parametrize("mode,let_in", [
    (["--tls-verify", "none"], {"good", "expired", "wrong", "none"}),
    (["--tls-verify", "request"], {"good", "none"}),
    (["-o", "ssl_verify_mode=1"], {"good", "none"}),
    (["--tls-verify", "require"], {"good"}),
    (["-o", "ssl_verify_mode=2"], {"good"}),
    (["-o", "ssl_verify_mode=3"], {"good"}),
], ids=lambda value: value[1] if isinstance(value, list) else "")
def test_client_certificates(serve_tls, authority, client_certs, mode, let_in, version):
    good = tls.client_context(authority, client_certs["good"], version, version)
    server = serve_tls(*mode, "-o", f"ssl_ca_cert={authority.cert}", tls_client=good)
    for name, cert in client_certs.items():
        context = tls.client_context(authority, cert, version, version)
        assert is_refused(server, context) == (name not in let_in), name
    assert errors_counted(server) == len(client_certs) - len(let_in)


def test_rsa_and_chain(serve, authority, tmp_path):
    """The certificate, its key and the authority's certificate in one file."""
    cert, key = authority.sign("rsa", key=("rsa:2048",))
    bundle = tmp_path / "bundle.pem"
    bundle.write_text(cert.read_text() + authority.cert.read_text() + key.read_text())
    server = serve("--enable-ssl", "-o", f"ssl_chain_cert={bundle}",
                   tls=tls.client_context(authority))
    server.connect().ask(b"mn\r\n", b"MN\r\n")


def test_der_key(serve_tls, server_cert, tmp_path):
    der = tmp_path / "key.der"
    tls.openssl("pkey", "-in", server_cert[1], "-outform", "der", "-out", der)
    server = serve_tls("--tls-key", str(der), "-o", "ssl_keyformat=2")
    server.connect().ask(b"mn\r\n", b"MN\r\n")


def test_bad_files(authority, server_cert, client_certs, tmp_path):
    cert, key = map(str, server_cert)
    other = str(client_certs["good"][1])
    nothing = str(tmp_path / "nothing.pem")
    hidden = tmp_path / "hidden.key"
    hidden.write_text("secret")
    hidden.chmod(0)
    der = tmp_path / "key.der"
    tls.openssl("pkey", "-in", key, "-outform", "der", "-out", der)
    cases = [
        (["--tls-cert", nothing],
         f'option --tls-cert: cannot read the certificate "{nothing}": No such file or directory'),
        (["--tls-cert", cert, "--tls-key", str(tmp_path)],
         f'option --tls-key: cannot read the key "{tmp_path}": Is a directory'),
        (["--tls-cert", cert, "--tls-key", cert],
         f'option --tls-key: cannot use the key "{cert}": there is none in it'),
        (["--tls-cert", cert],
         f'option --tls-cert: cannot use the key "{cert}": there is none in it'),
        (["--tls-cert", key, "--tls-key", key],
         f'option --tls-cert: cannot use the certificate "{key}": there is none in it'),
        (["--tls-cert", cert, "--tls-key", other],
         f'option --tls-key: the key "{other}" does not belong to the certificate "{cert}"'),
        (["--tls-cert", cert, "--tls-key", key, "--tls-verify", "request", "--tls-ca", nothing],
         f'option --tls-ca: cannot read the authorities "{nothing}": No such file or directory'),
        (["--tls-cert", cert, "--tls-key", str(der)],
         f'option --tls-key: cannot use the key "{der}": it looks like DER (--tls-key-format der)'),
    ]
    if os.getuid() != 0:
        cases.append((["--tls-cert", cert, "--tls-key", str(hidden)],
                      f'option --tls-key: cannot read the key "{hidden}": Permission denied'))
    for options, message in cases:
        assert run("-p", "-1", "-Z", *options) == (CONFIG, "", f"cachemand: {message}\n")
    assert run("-p", "-1", "-Z", "--tls-cert", cert, "--tls-key", key, "--tls-ciphers", "XX") == (
        64, "", 'cachemand: option --tls-ciphers: OpenSSL knows no cipher of the list "XX"\n')
    conf = tmp_path / "cachemand.conf"
    conf.write_text(f"tls = yes\ntls-cert = {cert}\ntls-key = {key}\ntls-ciphers = XX\n")
    assert run("--config", str(conf), "-p", "-1") == (
        CONFIG, "", f'cachemand: {conf}:4: tls-ciphers: OpenSSL knows no cipher of the list "XX"\n')


def test_authorities_without_verification_are_told_of(serve_tls, authority):
    server = serve_tls("--tls-ca", str(authority.cert))
    assert server.error_text().startswith(
        "cachemand: option --tls-ca has no effect: without --tls-verify clients are not asked for "
        "certificates\n")
    server = serve_tls("--tls-ca", str(authority.cert), "--tls-verify", "request")
    assert "has no effect" not in server.error_text()


def test_tells_which_listeners_speak_tls(serve_tls):
    server = serve_tls("-l", "127.0.0.1,::1,notls:127.0.0.2")
    port = server.port
    line = f"listening on tls:127.0.0.1:{port}, tls6:[::1]:{port}, tcp:127.0.0.2:{port}"
    wait_until(lambda: f"cachemand: {line}\n" in server.error_text(), "the line")


def test_expired_certificate_is_warned_of(serve, authority):
    cert, key = authority.sign("late", days=-1)
    server = serve("-Z", "--tls-cert", str(cert), "--tls-key", str(key))
    assert f'cachemand: the certificate "{cert}" has expired\n' in server.error_text()


def test_settings_and_notes(serve_tls, server_cert):
    server = serve_tls("-o", "ssl_wbuf_size=32", "-o", "ssl_wbuf_size=32")
    settings = server.connect().stats(b"settings")
    wanted = {"ssl_enabled": "yes", "ssl_chain_cert": str(server_cert[0]),
              "ssl_key": str(server_cert[1]), "ssl_verify_mode": "0", "ssl_keyformat": "1",
              "ssl_ciphers": "NULL", "ssl_ca_cert": "NULL", "ssl_session_cache": "no",
              "ssl_kernel_tls": "no", "ssl_min_version": "tlsv1.2"}
    assert {name: settings[name] for name in wanted} == wanted
    note = "ssl_wbuf_size has no effect: answers are encrypted as they are sent"
    assert server.error_text().count(f"cachemand: option -o (--extended): {note}\n") == 1


# ---- sessions --------------------------------------------------------------------------------


def with_session(server, context, session=None):
    """A connection's session, once the server's ticket has come, and whether it was resumed."""
    with Client(server.port) as plain:
        secured = tls.TlsSocket(plain.socket, context, session)
        secured.sendall(b"mn\r\n")
        assert secured.recv(4) == b"MN\r\n"
        secured.say_end()
        return secured.tls.session, secured.tls.session_reused


@pytest.mark.parametrize("version", [V1_2, V1_3])
@pytest.mark.parametrize("reload", [False, True])
def test_resumption(serve_tls, authority, version, reload):
    server = serve_tls("-v", "--admin", "127.0.0.1:0",
                       tls_client=tls.client_context(authority, low=version, high=version))
    session, reused = with_session(server, server.tls)
    assert not reused
    if reload:
        server.signal(signal.SIGHUP)
        wait_until(lambda: "certificates read again" in server.error_text(), "the reload")
    for _ in range(5):
        session, reused = with_session(server, server.tls, session)
        assert reused
    assert server.connect().stats()["ssl_new_sessions"] == "2"  # the first and this
    page = re.search(r"statistics on (\S+)", server.error_text())[1]
    with urllib.request.urlopen(page, timeout=30) as answer:
        assert b'cacheman_tls_handshakes_total{outcome="resumed"} 5\n' in answer.read()


def test_resumption_needs_the_same_authorities(serve, authority, server_cert, client_certs,
                                               tmp_path):
    """A ticket is no way around the authorities of today."""
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(authority.cert.read_bytes())
    context = tls.client_context(authority, client_certs["good"])
    server = serve("-Z", "-v", "--tls-cert", str(server_cert[0]), "--tls-key", str(server_cert[1]),
                   "--tls-verify", "require", "--tls-ca", str(trusted), tls=context)
    session, _ = with_session(server, context)
    other = tls.Authority(tmp_path, "other")
    trusted.write_bytes(other.cert.read_bytes())
    server.signal(signal.SIGHUP)
    wait_until(lambda: "certificates read again" in server.error_text(), "the reload")
    with pytest.raises((ssl.SSLError, EOFError, ConnectionResetError, AssertionError)):
        with_session(server, context, session)
    assert not is_refused(server, tls.client_context(authority, other.sign("new")))


@pytest.mark.parametrize("cached", [False, True])
def test_session_cache(serve_tls, authority, cached):
    context = tls.client_context(authority, high=V1_2)
    context.options |= ssl.OP_NO_TICKET
    server = serve_tls(*(["-o", "ssl_session_cache"] if cached else []), tls_client=context)
    session, _ = with_session(server, context)
    assert with_session(server, context, session)[1] == cached


# ---- the other way of speaking ---------------------------------------------------------------


def test_notls_listener(serve_tls):
    server = serve_tls("-l", "127.0.0.1,notls:127.0.0.2")
    server.connect().set(b"k", b"secret")
    plain = server.connect(host="127.0.0.2", tls=None)
    assert plain.get(b"k") == b"secret"
    assert int(plain.stats()["ssl_new_sessions"]) == 1


@pytest.mark.parametrize("addresses, refused", [("127.0.0.1,notls:127.0.0.1", "127.0.0.1"),
                                                ("notls:localhost,127.0.0.1", "127.0.0.1"),
                                                ("[::1],notls:::1", "::1")])
def test_address_with_and_without_tls(server_cert, addresses, refused):
    """One of the two would get something else than it was promised."""
    cert, key = server_cert
    assert run("-p", "-1", "-Z", "--tls-cert", cert, "--tls-key", key, "-l", addresses) == (
        71, "", f"cachemand: cannot listen on {refused}: it is named with \"notls:\" and without\n")


def test_notls_beyond_loopback_is_told_of(serve_tls, tmp_path):
    users = tmp_path / "users"
    users.write_text("alice:secret\n")
    everything = "can read and change everything: there are no users (--auth-file), and notls: " \
                 "leaves out TLS\n"
    text = serve_tls("-l", "::1,notls:0.0.0.0").error_text()
    assert re.search(r"cachemand: whoever reaches tcp:0\.0\.0\.0:\d+ " + re.escape(everything), text)
    assert text.count(everything) == 1
    for options in (["-l", "0.0.0.0,notls:::1"], ["-l", "0.0.0.0"],
                    ["-l", "notls:0.0.0.0", "-Y", str(users)]):
        assert "whoever reaches" not in serve_tls(*options).error_text()


@pytest.mark.parametrize("text", [b"get a\r\n", b"\x80\x0b" + bytes(22), b"\r\n", b"\x16\x03",
                                  b"GET / HTTP/1.1\r\n\r\n", bytes(70000)],
                         ids=["text", "binary", "newline", "two bytes", "http", "zeros"])
def test_plain_text_to_a_tls_port(serve_tls, text):
    server = serve_tls("-t", "1")
    with Client(server.port) as plain:
        with contextlib.suppress(OSError):  # it may have hung up already
            plain.send(text)
            plain.socket.shutdown(socket.SHUT_WR)
        rest = plain.rest()
        assert rest == b"" or rest[0] == 21, "an alert or nothing"
    errors = errors_counted(server)
    assert errors == (0 if text in (b"\r\n", b"\x16\x03") else 1)  # too short to be wrong


def test_tls_to_a_plain_port(server, authority):
    with pytest.raises((ssl.SSLError, EOFError, ConnectionResetError)):
        server.connect(tls=tls.client_context(authority))
    server.connect().ask(b"mn\r\n", b"MN\r\n")


# ---- bytes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [V1_2, V1_3])
def test_values_of_every_size(serve_tls, authority, version):
    server = serve_tls("-I", "32m", "-t", "1",
                       tls_client=tls.client_context(authority, low=version, high=version))
    client = server.connect()
    for size in (0, 1, 100, 16383, 16384, 16385, 49152, 65536, 262144, 1 << 20, 30 << 20):
        value = os.urandom(size)
        client.set(b"k", value)
        assert client.get(b"k") == value


def test_deep_pipelines(serve_tls):
    """More answers than fit anywhere, so that everything has to wait for everything."""
    server = serve_tls("-t", "1")
    client = server.connect()
    values = {b"s": os.urandom(100), b"m": os.urandom(30000), b"l": os.urandom(500000)}
    for key, value in values.items():
        client.set(key, value)
    keys = [b"s", b"m", b"s", b"s", b"l", b"m"] * 40
    wanted = b"".join(b"VALUE %s 0 %d\r\n%s\r\nEND\r\n" % (key, len(values[key]), values[key])
                      for key in keys)
    client.ask(b"".join(b"get %s\r\n" % key for key in keys), wanted)
    client.ask(b"get s\r\n" * 50000, b"VALUE s 0 100\r\n%s\r\nEND\r\n" % values[b"s"] * 50000)


def read_to_goodbye(secured):
    """Everything up to close_notify; EOFError if the connection ends without."""
    received = bytearray()
    try:
        while True:
            piece = secured.until_read(1 << 18)
            if not piece:
                return received
            received += piece
    except ssl.SSLZeroReturnError:
        return received


def test_end_of_tls(serve_tls):
    """Everything before close_notify is answered, and answered with close_notify; a connection
    that is cut off ends too."""
    server = serve_tls("-t", "1")
    client = server.connect()
    client.set(b"k", b"v" * 30000)
    client.send(b"get k\r\n" * 300)
    client.socket.say_end()
    answer = b"VALUE k 0 30000\r\n" + b"v" * 30000 + b"\r\nEND\r\n"
    assert read_to_goodbye(client.socket) == answer * 300
    cut = server.connect()
    cut.send(b"get k\r\n")
    cut.socket.shutdown(socket.SHUT_WR)
    assert cut.rest() == answer
    witness = server.connect()
    wait_until(lambda: witness.stats()["curr_connections"] == "1", "the others' end")



def test_quit_says_goodbye(serve_tls):
    client = serve_tls().connect()
    client.send(b"mn\r\nquit\r\n")
    assert read_to_goodbye(client.socket) == b"MN\r\n"


def test_graceful_stop(serve_tls):
    server = serve_tls("-t", "1")
    clients = [server.connect() for _ in range(10)]
    clients[0].set(b"k", b"v" * 100)
    answer = b"VALUE k 0 100\r\n" + b"v" * 100 + b"\r\nEND\r\n"
    for client in clients:
        client.send(b"get k\r\n" * 2000)
    for client in clients:
        wait_until_received(client.socket)
    server.signal(signal.SIGTERM)
    for client in clients:
        assert client.take(2000 * len(answer)) == 2000 * answer
        assert client.rest() == b""
    assert server.wait() == 0


@pytest.mark.parametrize("cut", [1, 5, 12])
def test_graceful_stop_waits_for_the_rest_of_a_record(serve_patient_tls, cut):
    server = serve_patient_tls("-t", "1")
    client = server.connect()
    client.ask(b"mn\r\n", b"MN\r\n")
    secured = client.socket
    secured.tls.write(b"mn\r\n")
    record = secured.outgoing.read()
    secured.raw.sendall(record[:cut])
    wait_until_received(secured)
    witness = server.connect()
    witness.ask(b"mn\r\n", b"MN\r\n")  # the server has read so far
    server.signal(signal.SIGTERM)
    wait_until(lambda: refuses(server.port), "the listener's end")
    secured.raw.sendall(record[cut:])
    assert client.take(4) == b"MN\r\n"
    assert server.wait() == 0


def test_watching(serve_tls):
    """Lines that nobody asked for at that moment."""
    server = serve_tls("-t", "1")
    watcher, client = server.connect(), server.connect()
    watcher.ask(b"watch mutations\r\n", b"OK\r\n")
    for number in range(500):
        client.set(b"k%d" % number, b"v")
    for number in range(500):
        assert b" key=k%d " % number in watcher.until(b"\n")


def test_unix_socket_stays_plain(serve, server_cert, tmp_path):
    path = tmp_path / "socket"
    cert, key = map(str, server_cert)
    server = serve("-Z", "--tls-cert", cert, "--tls-key", key, "-s", str(path), port=False,
                   unix=path)
    server.connect().ask(b"mn\r\n", b"MN\r\n")
    lines = server.error_text().splitlines()
    assert lines[0] == ("cachemand: option -Z (--tls) has no effect: TLS is never spoken on the Unix "
                        "socket of -s")
    assert lines[-1] == f"cachemand: listening on unix:{path}"


def test_never_reading_clients_are_bounded(serve_tls):
    memory_mb = 64
    server = serve_tls("-m", str(memory_mb), "-t", "2")
    client = server.connect()
    for number in range(200):
        client.set(b"v%d" % number, b"v" * 10000)
    client.set(b"big", b"b" * 900000)
    request = b"get " + b" ".join(b"v%d" % number for number in range(200)) + b" big\r\n"
    deaf = [server.connect(receive_buffer=4096) for _ in range(200)]
    for one in deaf:
        one.send(request * 20)
    for _ in range(50):
        client.set(b"witness", b"w" * 100000)
        assert client.get(b"witness") == b"w" * 100000
        # 24 KB a connection for TLS
        assert server.rss_bytes() < (memory_mb << 20) + (12 << 20) + len(deaf) * (24 << 10)
    for one in deaf:
        one.close()
    wait_until(lambda: client.stats()["curr_connections"] == "1", "their end")


# ---- handshakes ------------------------------------------------------------------------------


def client_hello(context):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    shaking = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        shaking.do_handshake()
    return outgoing.read()


def descriptors(server):
    return len(list(pathlib.Path(f"/proc/{server.pid}/fd").iterdir()))


def test_ten_thousand_dropped_handshakes(serve_tls):
    """Dropped after the server's part, or before it is read, or half way through the hello."""
    server = serve_tls("-t", "2", "-c", "4096")
    witness = server.connect()

    def connections():
        return int(witness.stats()["curr_connections"])

    hello = client_hello(server.tls)
    pieces = [hello, hello[:100], hello[:5]]

    def drop(count):
        for number in range(count):
            with socket.create_connection(("127.0.0.1", server.port)) as raw:
                raw.sendall(pieces[number % 3])
                if number % 300 == 0:
                    assert raw.recv(5)[0] == 22, "a handshake's record"
            if number % 100 == 0:
                wait_until(lambda: connections() < 2000, "the server to keep up")
        wait_until(lambda: connections() == 1, "the others' end")

    drop(2000)
    memory, opened = server.rss_bytes(), descriptors(server)
    drop(10000)
    assert descriptors(server) == opened
    assert server.rss_bytes() < memory + (4 << 20)


def test_unfinished_handshakes_are_given_up(serve_tls):
    server = serve_tls("-t", "1")
    witness = server.connect()
    hello = client_hello(server.tls)
    waiting = [Client(server.port) for _ in range(5)]
    for number, client in enumerate(waiting):
        client.send(hello[:(0, 1, 5, 100, len(hello))[number]])
    witness.ask(b"mn\r\n", b"MN\r\n")
    for client in waiting:
        client.rest()
        client.close()
    assert int(witness.stats()["ssl_handshake_errors"]) == 5


def test_many_handshakes_at_once(serve_tls):
    """All their first flights are there before the server looks at any."""
    server = serve_tls("-t", "1")
    context = server.tls
    waiting = []
    os.kill(server.pid, signal.SIGSTOP)
    try:
        for _ in range(200):
            raw = socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE_S)
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            shaking = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
            with pytest.raises(ssl.SSLWantReadError):
                shaking.do_handshake()
            raw.sendall(outgoing.read())
            waiting.append((raw, shaking, incoming, outgoing))
    finally:
        os.kill(server.pid, signal.SIGCONT)
    for raw, shaking, incoming, outgoing in waiting:
        while True:
            try:
                shaking.do_handshake()
                break
            except ssl.SSLWantReadError:
                incoming.write(raw.recv(65536))
        shaking.write(b"mn\r\n")
        raw.sendall(outgoing.read())
    for raw, shaking, incoming, _ in waiting:
        while True:
            try:
                assert shaking.read(100) == b"MN\r\n"
                break
            except ssl.SSLWantReadError:
                incoming.write(raw.recv(65536))
        raw.close()


def s_client(server, *options):
    return subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}",
                             *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)


def await_text(process, wanted):
    seen = b""
    while wanted not in seen:
        byte = os.read(process.stdout.fileno(), 1)
        assert byte, f"{wanted} not in {seen}"
        seen += byte


def test_renegotiation_is_refused(serve_tls):
    server = serve_tls("-t", "1")
    with s_client(server, "-tls1_2", "-crlf") as process:
        process.stdin.write(b"mn\n")
        process.stdin.flush()
        await_text(process, b"MN\r\n")
        process.stdin.write(b"R\n")
        process.stdin.flush()
        await_text(process, b"no renegotiation")
        process.kill()
    server.connect().ask(b"mn\r\n", b"MN\r\n")


def test_key_update(serve_tls):
    server = serve_tls("-t", "1")
    with s_client(server, "-tls1_3", "-crlf") as process:
        for what in (b"mn\n", b"K\n", b"mn\n", b"k\n", b"mn\n"):
            process.stdin.write(what)
            process.stdin.flush()
            await_text(process, b"MN\r\n" if what == b"mn\n" else b"KEYUPDATE")
        process.kill()


def test_flood_of_key_updates(serve_tls):
    """What TLS itself answers is bounded, too, and who watches goes on once it has been read."""
    server = serve_tls("-t", "1")
    witness = server.connect()
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1000)  # for which the server's system holds less
    raw.settimeout(DEADLINE_S)
    raw.connect(("127.0.0.1", server.port))
    with RekeyingClient(raw) as flood:
        flood.write(b"watch fetchers\r\n")
        flood.until(b"OK\r\n")

        def is_stalled():
            for _ in range(0 if flood.unsent else 5000):
                flood.ask_for_keys()
            flood.send()
            return int(witness.stats()["read_buf_bytes"]) > 0

        wait_until(is_stalled, "the server's output to wait")
        witness.ask(b"get k\r\n", b"END\r\n")
        assert b" key=k status=not_found " in flood.until(b"\n")


def test_connections_past_the_limit(serve_tls):
    server = serve_tls("-c", "1", "-t", "1")
    first = server.connect()
    first.ask(b"mn\r\n", b"MN\r\n")
    with pytest.raises((EOFError, ConnectionResetError)):
        server.connect()
    assert first.stats()["rejected_connections"] == "1"


def test_memory_of_an_idle_connection(serve_tls):
    server = serve_tls("-t", "1", "-c", "2000")
    witness = server.connect()
    warm = [server.connect() for _ in range(50)]
    before = server.rss_bytes()
    idle = [server.connect() for _ in range(500)]
    for client in idle:
        client.ask(b"mn\r\n", b"MN\r\n")
    each = (server.rss_bytes() - before) / len(idle)
    print("bytes a connection:", each)
    assert each < 24 << 10
    assert len(warm) == 50 and witness.stats()["curr_connections"] == "551"


# ---- certificates read again -----------------------------------------------------------------


class Renewable:
    """A server whose certificate can be replaced, with its key, in one go: they are in one file."""

    def __init__(self, serve, authority, folder, *options):
        self.authority = authority
        self.cert = folder / "cert.pem"
        self.pairs = [authority.sign("one"), authority.sign("two")]
        self.install(0)
        self.server = serve("-Z", "--tls-cert", str(self.cert), *options,
                            tls=tls.client_context(authority))

    def install(self, number):
        part = self.cert.with_suffix(".part")
        part.write_bytes(b"".join(path.read_bytes() for path in self.pairs[number]))
        part.rename(self.cert)

    def name(self):
        """Whom a new connection's certificate names."""
        client = Client(self.server.port, tls=self.server.tls)
        with client:
            subject = dict(pair[0] for pair in client.socket.tls.getpeercert()["subject"])
        return subject["commonName"]


@pytest.mark.parametrize("how", ["signal", "command"])
def test_certificates_are_read_again(serve, authority, tmp_path, how):
    renewable = Renewable(serve, authority, tmp_path, "-v")
    server = renewable.server
    old = server.connect()
    assert renewable.name() == "one"
    renewable.install(1)
    if how == "signal":
        server.signal(signal.SIGHUP)
        wait_until(lambda: "certificates read again" in server.error_text(), "the reload")
    else:
        old.ask(b"refresh_certs\r\n", b"OK\r\n")
    assert renewable.name() == "two"
    old.ask(b"mn\r\n", b"MN\r\n")
    assert int(old.stats()["time_since_server_cert_refresh"]) <= 20


@pytest.mark.parametrize("how", ["signal", "command"])
def test_bad_certificates_change_nothing(serve, authority, tmp_path, how):
    renewable = Renewable(serve, authority, tmp_path)
    server = renewable.server
    client = server.connect()
    renewable.cert.write_text("nonsense\n")
    if how == "signal":
        server.signal(signal.SIGHUP)
    else:
        client.ask(b"refresh_certs\r\n", b"SERVER_ERROR certificates could not be reloaded\r\n")
    message = (f'cachemand: option --tls-cert: cannot use the certificate "{renewable.cert}": there '
               "is none in it; the certificates stay as they were\n")
    wait_until(lambda: message in server.error_text(), "the message")
    assert renewable.name() == "one"
    client.ask(b"mn\r\n", b"MN\r\n")


def test_refresh_without_tls(server):
    server.connect().ask(b"refresh_certs\r\n", b"Error TLS not enabled\r\n")


def test_a_hundred_reloads_under_load(serve, authority, tmp_path):
    """Old connections and new ones, none of whose requests fails."""
    renewable = Renewable(serve, authority, tmp_path, "-t", "2", "-v")
    server = renewable.server
    done = threading.Event()
    failures, served = [], [0] * 4

    def work(number):
        try:
            steady = Client(server.port, tls=server.tls)
            while not done.is_set():
                steady.set(b"k%d" % number, b"v" * 1000)
                with Client(server.port, tls=server.tls) as new:
                    assert new.get(b"k%d" % number) == b"v" * 1000
                served[number] += 1
            steady.close()
        except Exception as error:  # whatever it is, the test shall fail
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(served))]
    for thread in threads:
        thread.start()
    control = server.connect()
    for number in range(100):
        renewable.install(1 - number % 2)
        before = min(served)
        if number % 2:
            control.ask(b"refresh_certs\r\n", b"OK\r\n")
        else:
            count = server.error_text().count("certificates read again")
            server.signal(signal.SIGHUP)
            wait_until(lambda seen=count: server.error_text().count("certificates read again") >
                       seen, "the reload")
        wait_until(lambda seen=before: min(served) > seen or failures, "requests between reloads")
    done.set()
    for thread in threads:
        thread.join()
    assert not failures
    assert control.stats()["ssl_handshake_errors"] == "0"
    assert renewable.name() == "one"
