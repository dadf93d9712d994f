# SPDX-License-Identifier: BSD-3-Clause
"""Tests that run the real program; each owns its server."""

import functools
import os
import pathlib
import signal
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent / "support"))

os.environ.setdefault("CACHEMAN_CONFIG", "")  # not the file of a server that runs here
# A shell's background job ignores Ctrl-C, and so would all that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

import admin  # noqa: E402
import cachemand  # noqa: E402
import tls  # noqa: E402

MEMCACHED = "/usr/bin/memcached"


def _serving():
    servers = []

    def start(*options, **how):
        server = cachemand.Server(*options, **how)
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.finish()


@pytest.fixture
def serve():
    """Starts servers with the options given; they are stopped, gracefully, at the end."""
    yield from _serving()


@pytest.fixture(scope="module")
def serve_module():
    """The same for all tests of a file, which then see each other's items."""
    yield from _serving()


@pytest.fixture
def hold_port():
    """Gives out ports on which servers may listen, or nobody does, until the test ends."""
    held = []

    def hold(*host):
        held.append(cachemand.HeldPort(*host))
        return held[-1].number

    yield hold
    for port in held:
        port.close()


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return tls.Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def server_cert(authority):
    """The paths of a server's certificate and its key."""
    return authority.sign("server")


@pytest.fixture
def serve_patient(serve):
    """As serve(), with a server that waits longer than any machine stalls, once told to stop, for
    clients to do what they have to."""
    program = cachemand.test_program()
    if program is None:
        pytest.skip("cachemand-test is not built")
    return functools.partial(serve, program=program, env={"CACHEMAN_TEST_STOP_MS": "600000"})


def _with_tls(serve, authority, pair):
    def start(*options, tls_client=None, **how):
        cert, key = pair
        return serve("-Z", "--tls-cert", str(cert), "--tls-key", str(key), *options,
                     tls=tls_client or tls.client_context(authority), **how)

    return start


@pytest.fixture
def serve_tls(serve, authority, server_cert):
    """As serve(), over TLS; its clients trust the authority unless told otherwise."""
    return _with_tls(serve, authority, server_cert)


@pytest.fixture
def serve_patient_tls(serve_patient, authority, server_cert):
    return _with_tls(serve_patient, authority, server_cert)


@pytest.fixture
def token_file(tmp_path):
    """A file for --admin-token-file."""
    path = tmp_path / "token"
    path.write_text(admin.TOKEN + "\n")
    return path


@pytest.fixture
def server(serve):
    return serve("-t", "2")


@pytest.fixture
def memcached(tmp_path):
    """memcached itself on a Unix socket, with the options given; where it is, as the client wants
    it."""
    started = []

    def start(*options):
        path = tmp_path / f"{len(started)}.sock"
        user = ["-u", "nobody"] if os.getuid() == 0 else []
        tmp_path.chmod(0o777)
        for parent in tmp_path.parents[:3]:
            parent.chmod(parent.stat().st_mode | 0o055)
        process = subprocess.Popen([MEMCACHED, "-s", str(path), "-a", "0777", *user, *options],
                                   stdin=subprocess.DEVNULL)
        started.append(process)
        cachemand.wait_until(lambda: cachemand.listens(path), "memcached")
        return f"unix:{path}"

    yield start
    for process in started:
        process.kill()
        process.wait()
