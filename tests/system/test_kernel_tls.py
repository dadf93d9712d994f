# SPDX-License-Identifier: BSD-3-Clause
"""TLS of which the kernel encrypts what is sent: in a machine of its own where this one's kernel
cannot, and without it there."""

import os
import pathlib
import platform
import shutil
import signal
import socket
import ssl

import pytest

import machine
import tls
from cachemand import Client, wait_until
from rekeying import RekeyingClient
from test_tls import read_to_goodbye

NAMES = pathlib.Path("/proc/sys/net/ipv4/tcp_available_ulp")
BUFFERS = pathlib.Path("/proc/sys/net/ipv4/tcp_wmem")
COUNTERS = pathlib.Path("/proc/net/tls_stat")
IS_THERE = NAMES.exists() and "tls" in NAMES.read_text().split()
IN_MACHINE = "CACHEMAN_MACHINE" in os.environ

MODULES = ("tls", "gcm", "ctr", "ghash_generic", "ghash_clmulni_intel", "aesni_intel",
           "chacha20poly1305", "chacha_generic", "poly1305_generic")
# Tests that know nothing of the kernel, with a server that lets it encrypt.
OTHERS = ("test_resumption or test_values_of_every_size or test_deep_pipelines or test_end_of_tls or "
          "test_quit_says_goodbye or test_graceful_stop or test_watching or "
          "test_renegotiation_is_refused or test_certificates_are_read_again")

needs_kernel = pytest.mark.skipif(not IS_THERE, reason="tried in a machine of its own, below")

V1_2, V1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


def counted(name):
    rows = (row.split() for row in COUNTERS.read_text().splitlines())
    return {row[0]: int(row[1]) for row in rows}[name]


def kernel_sessions(client):
    return int(client.stats()["ssl_kernel_sessions"])


# ---- what it cannot do here ------------------------------------------------------------------


@pytest.mark.skipif(IS_THERE, reason="this kernel has TLS")
@pytest.mark.parametrize("option", [["--tls-kernel"], ["-o", "ssl_kernel_tls"]])
def test_without_the_kernel(serve_tls, option):
    server = serve_tls(*option)
    client = server.connect()
    client.set(b"k", b"v" * 100000)
    assert client.get(b"k") == b"v" * 100000
    assert kernel_sessions(client) == 0
    assert client.stats(b"settings")["ssl_kernel_tls"] == "no"
    assert server.error_text().count(
        "cachemand: option --tls-kernel has no effect: the kernel has no module \"tls\", or has "
        "not loaded it\n") == 1


@pytest.mark.skipif(IS_THERE, reason="the tests below have just done it")
@pytest.mark.skipif(platform.machine() != "x86_64" or not shutil.which("qemu-system-x86_64"),
                    reason="no machine to be had (script/bootstrap)")
def test_in_a_machine_whose_kernel_can():
    status, text = machine.run(
        ["-q", "--color=no", "--durations=5", "tests/system/test_kernel_tls.py",
         "tests/system/test_tls.py", "-k", f"test_kernel_tls or {OTHERS}"],
        MODULES, {"CACHEMAND_OPTIONS": "--tls-kernel"})
    print(text)
    assert status == 0
    assert " passed" in text


# ---- what it does ----------------------------------------------------------------------------


@needs_kernel
@pytest.mark.parametrize("cipher", [
    "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305", "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256"])
def test_the_kernel_encrypts(serve_tls, authority, cipher):
    version = V1_3 if cipher.startswith("TLS_") else V1_2
    server = serve_tls("-I", "2m", "--tls-kernel", "--tls-ciphers", cipher,
                       tls_client=tls.client_context(authority, low=version, high=version))
    before, now = counted("TlsTxSw"), counted("TlsCurrTxSw")
    client = server.connect()
    assert client.socket.tls.cipher()[0] == cipher
    for size in (0, 1, 100, 16384, 16385, 1 << 20):
        value = os.urandom(size)
        client.set(b"k", value)
        assert client.get(b"k") == value
    assert (kernel_sessions(client), counted("TlsTxSw")) == (1, before + 1)
    assert client.stats(b"settings")["ssl_kernel_tls"] == "yes"
    client.send(b"quit\r\n")
    assert read_to_goodbye(client.socket) == b""
    wait_until(lambda: counted("TlsCurrTxSw") <= now, "the kernel's end of it")
    assert counted("TlsRxSw") == 0


@needs_kernel
@pytest.mark.parametrize("cipher", ["ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-CCM"])
def test_ciphers_that_stay_here(serve_tls, authority, cipher):
    context = tls.client_context(authority, high=V1_2)
    context.set_ciphers(cipher)
    server = serve_tls("--tls-kernel", "--tls-ciphers", cipher, tls_client=context)
    before = counted("TlsTxSw")
    client = server.connect()
    client.set(b"k", b"v" * 100000)
    assert client.get(b"k") == b"v" * 100000
    assert (kernel_sessions(client), counted("TlsTxSw")) == (0, before)


def connect_raw(server):
    raw = socket.create_connection(("127.0.0.1", server.port), timeout=60)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return raw


@needs_kernel
def test_the_clients_own_keys_may_change(serve_tls):
    server = serve_tls("--tls-kernel", "-t", "1")
    with RekeyingClient(connect_raw(server)) as client:
        for _ in range(3):
            client.change_keys()
            client.write(b"mn\r\n")
            assert client.until(b"MN\r\n") == b"MN\r\n"


@needs_kernel
@pytest.mark.parametrize("times", [1, 2, 3])
def test_the_kernels_keys_stay(serve_tls, times):
    """Who wants others has to connect anew, but is answered and told goodbye."""
    server = serve_tls("--tls-kernel", "-v", "-t", "1")
    with RekeyingClient(connect_raw(server)) as client:
        client.write(b"mn\r\n")
        assert client.until(b"MN\r\n") == b"MN\r\n"
        for _ in range(times):
            client.ask_for_keys()
        client.write(b"mn\r\n")
        assert client.to_goodbye() == b"MN\r\n"
    wait_until(lambda: "cachemand: TLS ended: the client wants other keys, and the kernel "
               "keeps those it has\n" in server.error_text(), "the message")


@needs_kernel
@pytest.mark.parametrize("how", ["cut", "deaf"])
def test_who_never_reads_the_last_bytes(serve_tls, small_buffers, how):
    server = serve_tls("-t", "1", "--tls-kernel")
    witness = server.connect()
    # a record, and the server has no more to do with it; or several, of which it keeps some
    witness.set(b"k", b"v" * (16000 if how == "deaf" else 40000))
    client = server.connect(receive_buffer=4096)
    client.send(b"get k\r\nquit\r\n")
    wait_until(lambda: witness.stats()["cmd_get"] == "1", "the request")
    if how == "cut":
        client.close()
    wait_until(lambda: witness.stats()["curr_connections"] == "1", "its end")


def with_buffers(sizes):
    """Only where nobody else is there to be bothered."""
    before = BUFFERS.read_text()
    if IN_MACHINE:
        BUFFERS.write_text(sizes)
    yield
    if IN_MACHINE:
        BUFFERS.write_text(before)


@pytest.fixture
def small_buffers():
    """A socket takes a record and no more, so that the kernel is left with a part of most."""
    yield from with_buffers("4096 16384 16384")


@needs_kernel
@pytest.mark.parametrize("how, version", [("quit", V1_2), ("end", V1_3), ("fin", V1_3), ("stop", V1_3)])
def test_the_last_bytes_wait_for_who_reads_late(serve_patient_tls, authority, small_buffers, version,
                                                how):
    """The kernel keeps a record of which the socket did not take all, and drops it with the socket."""
    context = tls.client_context(authority, low=version, high=version)
    server = serve_patient_tls("-t", "1", "-I", "16m", "--tls-kernel", tls_client=context)
    value = os.urandom(66000)
    witness = server.connect()
    sizes = [1000, 16000, 33000, 66000]
    late = []
    for size in sizes:
        witness.set(b"k%d" % size, value[:size])
        client = server.connect(receive_buffer=4096)
        client.send(b"get k%d\r\n" % size + (b"quit\r\n" if how == "quit" else b""))
        if how == "end":
            client.socket.say_end()
        if how == "fin":
            client.socket.shutdown(socket.SHUT_WR)
        late.append(client)
    wait_until(lambda: int(witness.stats()["cmd_get"]) == len(sizes), "the requests")
    if how == "stop":
        server.signal(signal.SIGTERM)
        witness.close()
    for size, client in zip(sizes, late):
        wanted = b"VALUE k%d 0 %d\r\n%s\r\nEND\r\n" % (size, size, value[:size])
        assert read_to_goodbye(client.socket) == wanted
    if how == "stop":
        assert server.wait() == 0


@pytest.fixture
def steady_buffers():
    yield from with_buffers("4096 65536 65536")


@needs_kernel
def test_the_last_bytes_after_many_small_ones(serve_tls, steady_buffers):
    """Small records take several times their bytes of the socket's memory: it has room for fewer
    than it says. Of ten clients, some are at that edge."""
    server = serve_tls("-t", "1", "--tls-kernel")
    value = os.urandom(16000)
    witness = server.connect()
    witness.set(b"k", value)
    late = [server.connect(receive_buffer=4096) for _ in range(10)]
    each = 80
    for i in range(each * len(late)):
        for client in late[i // each:]:
            client.send(b"mn\r\n")
        for _ in range(2):  # others' records in between keep these apart
            witness.ask(b"mn\r\n", b"MN\r\n")
    for client in late:
        client.send(b"get k\r\nquit\r\n")
    for _ in range(5):
        witness.ask(b"mn\r\n", b"MN\r\n")
    for i, client in enumerate(late):
        wanted = b"MN\r\n" * each * (i + 1) + b"VALUE k 0 16000\r\n%s\r\nEND\r\n" % value
        assert read_to_goodbye(client.socket) == wanted
