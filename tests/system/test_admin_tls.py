# SPDX-License-Identifier: BSD-3-Clause
"""--admin by TLS: certificates of the server and of clients, and those that mean no good."""

import signal
import socket
import ssl
import subprocess
import threading

import pytest

import cachemand
import tls
from admin import BEARER, TOKEN, ask, port_of
from cachemand import wait_until
from console import run as console

NEEDS = "this needs a certificate that --admin-client-ca has signed"


@pytest.fixture
def token_file(tmp_path):
    path = tmp_path / "token"
    path.write_text(TOKEN + "\n")
    return path


@pytest.fixture
def start(serve, server_cert):
    """A server whose --admin speaks TLS, and its cache does not."""
    cert, key = server_cert

    def start(*options):
        server = serve("-t", "2", "--admin", "127.0.0.1:0", "--admin-tls", "--tls-cert", str(cert),
                       "--tls-key", str(key), *options)
        return server, port_of(server)

    return start


@pytest.fixture
def trusting(authority):
    return tls.client_context(authority)


# ---- the server's certificate ----

def test_pages(start, trusting):
    server, port = start()
    assert ask(port, "/healthz", tls=trusting)[::2] == (200, "alive\n")
    assert "cacheman_items 0\n" in ask(port, "/metrics", tls=trusting)[2]
    assert f"statistics on https://127.0.0.1:{port}/metrics\n" in server.error_text()
    server.connect().ask(b"mn\r\n", b"MN\r\n")  # in the plain
    with pytest.raises(ssl.SSLCertVerificationError):
        ask(port, "/healthz", tls=ssl.create_default_context())


def test_in_the_sandbox(start, trusting):
    server, port = start()
    if "goes on without a sandbox" in server.error_text():
        pytest.skip("not in this build or on this system")
    assert ask(port, "/metrics", tls=trusting)[0] == 200
    server.signal(signal.SIGHUP)
    wait_until(lambda: "certificates of --admin read again" in server.error_text(), "the reload")
    assert ask(port, "/metrics", tls=trusting)[0] == 200


def test_by_curl_and_openssl(start, authority):
    _, port = start()
    done = subprocess.run(["curl", "-sS", "--cacert", authority.cert, f"https://localhost:{port}/readyz",
                           "--ipv4"], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "ready\n"), done.stderr
    for version, works in [("-tls1_1", False), ("-tls1_2", True), ("-tls1_3", True)]:
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", version,
                               "-cipher", "DEFAULT:@SECLEVEL=0"], input=b"", capture_output=True,
                              timeout=60, check=False)
        assert (done.returncode == 0) == works, version


def test_only_the_newest_version(start, authority):
    _, port = start("--tls-min-version", "1.3")
    assert ask(port, "/healthz", tls=tls.client_context(authority))[0] == 200
    old = tls.client_context(authority, high=ssl.TLSVersion.TLSv1_2)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        ask(port, "/healthz", tls=old)


def test_beside_the_caches_own_tls(serve_tls, trusting, server_cert):
    server = serve_tls("--admin", "127.0.0.1:0", "--admin-tls")
    assert ask(port_of(server), "/healthz", tls=trusting)[0] == 200
    server.connect().ask(b"mn\r\n", b"MN\r\n")


def test_token_beyond_loopback_is_not_warned_of(start, token_file, trusting):
    server, port = start("--admin-token-file", str(token_file))
    assert ask(port, "/metrics", tls=trusting)[0] == 401
    assert ask(port, "/metrics", tls=trusting, Authorization=BEARER)[0] == 200
    assert "can be read on the way" not in server.error_text()


# ---- certificates of clients ----

@pytest.fixture
def client_cert(authority):
    return authority.sign("operator")


def test_certificate_goes_for_the_token(start, authority, client_cert, trusting):
    server, port = start("--admin-client-ca", str(authority.cert))
    shown = tls.client_context(authority, cert=client_cert)
    assert ask(port, "/metrics", tls=shown)[0] == 200
    assert ask(port, "/healthz", tls=trusting)[0] == 200
    assert ask(port, "/metrics", tls=trusting)[::2] == (401, NEEDS + "\n")
    status, _, text = ask(port, "/config", "POST", "memory-limit = 64", tls=shown)
    assert (status, text) == (200, "memory-limit: 100 -> 64, by 127.0.0.1\n")
    assert ask(port, "/config", "POST", "memory-limit = 32", tls=trusting)[0] == 401
    assert server.connect().stats(b"settings")["maxbytes"] == str(64 << 20)


def test_pages_of_browsers_cannot_use_it(start, authority, client_cert):
    _, port = start("--admin-client-ca", str(authority.cert))
    shown = tls.client_context(authority, cert=client_cert)
    for origin in ["https://evil.example", "null", f"https://localhost:{port}"]:
        status, _, text = ask(port, "/config", "POST", "memory-limit = 1", tls=shown, Origin=origin)
        assert (status, text) == (403, "pages can change settings only with the token: a browser "
                                       "shows its certificate for any of them\n")
        headers = ask(port, "/metrics", tls=shown, Origin=origin)[1]
        assert "Access-Control-Allow-Origin" not in headers


def test_either_is_enough(start, authority, client_cert, token_file, trusting):
    _, port = start("--admin-client-ca", str(authority.cert), "--admin-token-file", str(token_file))
    shown = tls.client_context(authority, cert=client_cert)
    assert ask(port, "/metrics", tls=shown)[0] == 200
    assert ask(port, "/metrics", tls=trusting, Authorization=BEARER)[0] == 200
    assert ask(port, "/metrics", tls=shown, Authorization="Bearer " + "x" * 20)[0] == 200
    assert ask(port, "/metrics", tls=trusting)[::2] == (
        401, NEEDS + ", or the token of --admin-token-file: Authorization: Bearer TOKEN\n")


def test_a_token_that_only_reads_beside_a_certificate(start, authority, client_cert, trusting, tmp_path):
    """The certificate goes for who shows it, but for no page."""
    tokens = tmp_path / "tokens"
    tokens.write_text("read a-token-that-only-reads\n")
    server, port = start("--admin-client-ca", str(authority.cert), "--admin-token-file", str(tokens))
    shown = tls.client_context(authority, cert=client_cert)

    def change(context, **headers):
        return ask(port, "/config", "POST", "memory-limit = 64", tls=context,
                   Authorization="Bearer a-token-that-only-reads", **headers)[0]

    assert change(trusting) == change(shown, Origin="https://evil.example") == 403
    assert server.connect().stats(b"settings")["maxbytes"] == str(100 << 20)
    assert change(shown) == 200


def test_certificates_of_others(start, authority, tmp_path):
    _, port = start("--admin-client-ca", str(authority.cert))
    other = tls.Authority(tmp_path, "other")
    for bad in [other.sign("stranger"), authority.sign("late", days=-1)]:
        context = tls.client_context(authority, cert=bad)
        try:
            assert ask(port, "/metrics", tls=context)[0] == 401
        except (ssl.SSLError, ConnectionError):
            pass  # refused with the handshake
        assert ask(port, "/metrics", tls=tls.client_context(authority))[0] == 401


def test_beyond_loopback_with_client_certificates(serve, server_cert, authority, client_cert):
    cert, key = server_cert
    server = serve("--admin", "0.0.0.0:0", "--admin-tls", "--tls-cert", str(cert), "--tls-key",
                   str(key), "--admin-client-ca", str(authority.cert))
    shown = tls.client_context(authority, cert=client_cert)
    assert ask(port_of(server), "/metrics", tls=shown)[0] == 200
    assert "can be read on the way" not in server.error_text()


def test_console_without_either(start, authority, tmp_path, token_file):
    """The server says what it wants."""
    where = ["--ca", authority.cert, "config", "get", "--admin"]
    wrong = tmp_path / "wrong"
    wrong.write_text("wrong-horse-battery-staple")
    _, port = start("--admin-client-ca", str(authority.cert))
    refused = (77, b"", f"cacheman: localhost:{port}: {NEEDS}\n".encode())
    assert console(*where, f"localhost:{port}") == refused
    assert console(*where, f"localhost:{port}", "--token-file", wrong) == refused
    _, port = start("--admin-client-ca", str(authority.cert), "--admin-token-file", str(token_file))
    assert console(*where, f"localhost:{port}") == (
        77, b"", f"cacheman: localhost:{port}: {NEEDS}, or the token of --admin-token-file: "
                 "Authorization: Bearer TOKEN\n".encode())
    assert console(*where, f"localhost:{port}", "--token-file", wrong) == (
        77, b"", f"cacheman: localhost:{port} did not accept the token\n".encode())


def test_console_with_a_certificate_of_others(start, authority, tmp_path):
    """Refused with the handshake, or behind it: the server does speak TLS."""
    _, port = start("--admin-client-ca", str(authority.cert))
    cert, key = tls.Authority(tmp_path, "other").sign("stranger")
    status, _, errors = console("--ca", authority.cert, "--cert", cert, "--key", key, "config", "get",
                                "--admin", f"localhost:{port}")
    assert status in (69, 77) and b"speaks no" not in errors, errors


def test_console(start, authority, client_cert):
    _, port = start("--admin-client-ca", str(authority.cert))
    where = ["--admin", f"localhost:{port}"]
    options = ["--ca", authority.cert, "--cert", client_cert[0], "--key", client_cert[1]]
    status, out, errors = console(*options, "config", "set", "conn-limit", "9", *where)
    assert (status, out, errors) == (0, b"conn-limit: 1024 -> 9, by 127.0.0.1\n", b"")
    status, _, errors = console("config", "get", "--admin", f"https://localhost:{port}")
    assert status == 69 and b"certificate" in errors
    status, _, errors = console("--ca", authority.cert, "config", "get", *where)
    assert status == 77


# ---- read again ----

def served(port, context):
    """The name in the server's certificate."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as raw, \
            context.wrap_socket(raw, server_hostname="localhost") as secure:
        return dict(pair[0] for pair in secure.getpeercert()["subject"])["commonName"]


def test_certificates_are_read_again(serve, authority, tmp_path, trusting):
    """Without a moment in which nobody listens; who is connected stays."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    pairs = [authority.sign("first"), authority.sign("second")]

    def install(pair):
        cert.write_bytes(pair[0].read_bytes())
        key.write_bytes(pair[1].read_bytes())

    install(pairs[0])
    server = serve("--admin", "127.0.0.1:0", "--admin-tls", "--tls-cert", str(cert), "--tls-key",
                   str(key))
    port = port_of(server)
    assert served(port, trusting) == "first"
    stop, wrong, count = threading.Event(), [], [0]

    def scrape():
        while not stop.is_set():
            try:
                wrong.extend({ask(port, "/metrics", tls=trusting)[0]} - {200})
                count[0] += 1
            except OSError as error:
                wrong.append(repr(error))

    scraper = threading.Thread(target=scrape)
    scraper.start()

    def reload(said):
        before = server.error_text()
        server.signal(signal.SIGHUP)
        wait_until(lambda: said in server.error_text()[len(before):], said)

    for number in range(1, 7):
        install(pairs[number % 2])
        reload("certificates of --admin read again\n")
        assert served(port, trusting) == ("first", "second")[number % 2]
    stop.set()
    scraper.join()
    assert wrong == [] and count[0] > 0
    key.write_bytes(pairs[1][1].read_bytes())
    reload(f'the key "{key}" does not belong to the certificate "{cert}"; the certificates of '
           "--admin stay as they were\n")
    cert.write_text("nonsense")
    reload("; the certificates of --admin stay as they were\n")
    assert served(port, trusting) == "first"


def own_name(server, context):
    """Whom the certificate of the cache's port names."""
    with cachemand.Client(server.port, tls=context) as client:
        subject = dict(pair[0] for pair in client.socket.tls.getpeercert()["subject"])
    return subject["commonName"]


@pytest.fixture
def both(serve, authority, token_file, trusting):
    """A server with TLS at both ports, and other files than its own: of two pairs the first."""
    pairs = [tuple(map(str, authority.sign(name))) for name in ("first", "second")]
    server = serve("-Z", "--tls-cert", pairs[0][0], "--tls-key", pairs[0][1], "--admin",
                   "127.0.0.1:0", "--admin-tls", "--admin-token-file", str(token_file), tls=trusting)
    return server, port_of(server), pairs


@pytest.mark.parametrize("options", [["-Z"], []], ids=["both", "admin"])
def test_command_reads_them_again(serve, authority, tmp_path, trusting, options):
    one = tmp_path / "both.pem"
    pairs = [authority.sign(name) for name in ("first", "second")]
    one.write_bytes(b"".join(path.read_bytes() for path in pairs[0]))
    server = serve("--admin", "127.0.0.1:0", "--admin-tls", "--tls-cert", str(one), *options,
                   tls=trusting if options else None)
    client, port = server.connect(), port_of(server)
    one.write_bytes(b"".join(path.read_bytes() for path in pairs[1]))
    client.ask(b"refresh_certs\r\n", b"OK\r\n")
    assert served(port, trusting) == "second"
    assert not options or own_name(server, trusting) == "second"
    one.write_text("nonsense")
    client.ask(b"refresh_certs\r\n", b"SERVER_ERROR certificates could not be reloaded\r\n")
    assert "; the certificates of --admin stay as they were\n" in server.error_text()
    assert served(port, trusting) == "second"


def test_command_beside_reloads(both, trusting):
    """Whoever asks, and however many at once, one set of certificates is in force after the other."""
    server, port, _ = both
    clients = [server.connect() for _ in range(4)]
    for _ in range(10):
        for client in clients:
            client.send(b"refresh_certs\r\n")
        server.signal(signal.SIGHUP)
        for client in clients:
            assert client.line() == b"OK\r\n"
    assert served(port, trusting) == "first"


def test_other_files_are_of_both_ports(both, trusting):
    server, port, ((cert, key), (other_cert, other_key)) = both

    def change(*lines):
        return ask(port, "/config", "POST", "\n".join(lines), tls=trusting,
                   Authorization=BEARER)[::2]

    status, said = change(f"tls-cert = {other_cert}", f"tls-key = {other_key}")
    assert (status, said.splitlines()) == (200, [
        "certificates of --admin read again", "certificates read again",
        f"tls-cert: {cert} -> {other_cert}, by 127.0.0.1",
        f"tls-key: {key} -> {other_key}, by 127.0.0.1"])
    assert served(port, trusting) == own_name(server, trusting) == "second"
    status, said = change(f"tls-cert = {cert}")
    assert status == 409 and said.endswith("; the certificates stay as they were\n")
    assert len(said.splitlines()) == 1
    assert served(port, trusting) == own_name(server, trusting) == "second"
    status, _, said = ask(port, "/config", "DELETE", tls=trusting, Authorization=BEARER)
    assert status == 200, said
    assert served(port, trusting) == own_name(server, trusting) == "first"


def test_neither_changes_without_the_other(serve, authority, token_file, trusting, tmp_path):
    ca = tmp_path / "ca.pem"
    ca.write_bytes(authority.cert.read_bytes())
    pairs = [tuple(map(str, authority.sign(name))) for name in ("first", "second")]
    server = serve("-Z", "--tls-cert", pairs[0][0], "--tls-key", pairs[0][1], "--admin",
                   "127.0.0.1:0", "--admin-tls", "--admin-token-file", str(token_file),
                   "--admin-client-ca", str(ca), tls=trusting)
    port = port_of(server)
    ca.write_text("nonsense")
    status, _, said = ask(port, "/config", "POST",
                          f"tls-cert = {pairs[1][0]}\ntls-key = {pairs[1][1]}", tls=trusting,
                          Authorization=BEARER)
    assert status == 409
    assert said.splitlines()[1:] == ["the certificates of the cache's port stay as they were, too"]
    assert served(port, trusting) == own_name(server, trusting) == "first"


def test_other_files_of_the_only_port(start, authority, trusting, token_file):
    """Without -Z the options are those of --admin alone, and others have nothing to change."""
    _, port = start("--admin-token-file", str(token_file))
    cert, key = map(str, authority.sign("other"))

    def change(*lines):
        return ask(port, "/config", "POST", "\n".join(lines), tls=trusting,
                   Authorization=BEARER)[::2]

    assert change(f"tls-cert = {cert}", f"tls-key = {key}")[0] == 200
    assert served(port, trusting) == "other"
    status, said = change("tls-min-version = 1.3")
    assert (status, said.splitlines()[-1]) == (200, "tls-min-version: 1.2 -> 1.3, by 127.0.0.1")
    old = tls.client_context(authority, high=ssl.TLSVersion.TLSv1_2)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        ask(port, "/healthz", tls=old)
    assert change("tls-session-cache = yes") == (
        409, "tls-session-cache: changes with a restart only: there is no TLS now\n")


# ---- what is wrong ----

def without_root(text):
    return text.replace("cachemand: runs as root; -u NAME gives that up\n", "")


@pytest.mark.parametrize("options,status,fault", [
    (["--admin-tls"], 64, "option --admin-tls: TLS needs a certificate: give --tls-cert FILE"),
    (["--admin-client-ca", "CA"], 64,
     "option --admin-client-ca: clients show certificates by TLS alone: give --admin-tls"),
    (["--admin-tls", "--tls-cert", "CERT", "--tls-key", "KEY", "--tls-key-format", "der"], 64,
     "option --admin-tls: the key must be PEM, --tls-key-format says it is not"),
    (["--admin-tls", "--tls-cert", "/nowhere/cert"], 78, "/nowhere/cert"),
    (["--admin-tls", "--tls-cert", "CERT", "--tls-key", "CERT"], 78, "CERT"),
    (["--admin-tls", "--tls-cert", "CERT", "--tls-key", "KEY", "--admin-client-ca", "/nowhere/ca"],
     78, "/nowhere/ca"),
])
@pytest.mark.parametrize("beside", [[], ["--check-config"]])
def test_wrong_options(authority, server_cert, options, status, fault, beside):
    names = {"CA": str(authority.cert), "CERT": str(server_cert[0]), "KEY": str(server_cert[1])}
    got, _, errors = cachemand.run("-p", "-1", "--admin", "127.0.0.1:0",
                                   *(names.get(option, option) for option in options), *beside)
    assert got == status
    assert names.get(fault, fault) in without_root(errors)
    assert len(without_root(errors).splitlines()) == 1


# ---- clients that mean no good ----

def test_slow_and_wrong_handshakes(start, trusting):
    """Each ends; the cache and others are served meanwhile."""
    server, port = start()
    client = server.connect()
    hello = b"\x16\x03\x01\x02\x00\x01"
    crowd = [cachemand.Client(port) for _ in range(40)]
    for number, one in enumerate(crowd):
        one.send([b"", hello, b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 500][number % 4])
    for number in range(50):
        client.set(b"k", b"%d" % number)
        assert client.get(b"k") == b"%d" % number
    assert ask(port, "/healthz", tls=trusting)[0] == 200
    for one in crowd:
        one.socket.settimeout(60)
        one.rest()  # to its end, which comes
    assert ask(port, "/healthz", tls=trusting)[0] == 200
