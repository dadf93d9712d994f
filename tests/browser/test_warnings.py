# SPDX-License-Identifier: BSD-3-Clause
"""What the page warns of, of servers to which it happens."""

import os
import pathlib
import signal
import socket

import pytest

import cachemand
from admin import port_of

LIBRARIES = sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
TOO_SMALL = "the cache is too small for its load."


def warned(browser, server, text):
    browser.open(server.page)
    browser.wait_for_text("#warnings", text)
    assert "Nothing to warn of" not in browser.text("#warnings")
    browser.check_said(server.page)


def test_nothing(admin, stress, browser):
    server = admin()
    stress(server, "-R", "1000", "-k", "1000", "--load")
    browser.open(server.page)
    browser.wait_for("app.servers[0].seconds.times.length > 4", "figures")
    said = browser.eval("[...document.querySelectorAll('#warnings li span')].map((e) => e.innerText)")
    assert [text for text in said if "late on average" not in text] in ([], ["Nothing to warn of."])
    browser.check_said(server.page)


def test_young_items_evicted(admin, stress, browser):
    server = admin("-m", "8")
    stress(server, "-R", "5000", "-v", "2000", "-r", "set=1,get=1")
    warned(browser, server, TOO_SMALL)
    text = browser.text("#warnings")
    assert "of sets are evicting items younger than a minute" in text or \
        "items younger than a minute: " in text and "Each set is evicting" in text


def test_no_room(admin, browser):
    server = admin("-m", "8", "-M")
    client = server.connect()
    refused = 0
    for number in range(12000):
        client.send(b"set k%d 0 0 1000\r\n%s\r\n" % (number, b"v" * 1000))
        refused += client.line() != b"STORED\r\n"
    assert refused > 0
    warned(browser, server, "refused within a minute: memory is full, and no-evict forbids to make "
                            "room.")


def test_too_large(admin, browser):
    server = admin()
    client = server.connect()
    wait_for_first_second(browser, server)
    client.send(b"set k 0 0 2000000\r\n%s\r\n" % (b"v" * 2000000))
    assert client.line() == b"SERVER_ERROR object too large for cache\r\n"
    browser.wait_for_text("#warnings", "1 set was refused within a minute: items are larger than "
                                       "max-item-size allows.")


@pytest.mark.skipif(not LIBRARIES, reason="libfaketime is not installed")
def test_clocks_that_differ(admin, browser):
    one = admin()
    two = admin(env={"LD_PRELOAD": str(LIBRARIES[0]), "FAKETIME": "+120s", "DONT_FAKE_MONOTONIC": "1",
                     "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                     "ASAN_OPTIONS": "verify_asan_link_order=0"})
    names = [f"127.0.0.1:{server.admin_port}" for server in (one, two)]
    browser.open(f"{one.page}/?servers={','.join(names)}")
    seen = browser.wait_for_text("#warnings", f"What {names[0]} says is 2 minutes behind {names[1]}, and "
                                              "left out of sums: their clocks differ, or it answers late.")
    assert f"What {names[1]}" not in seen
    browser.check_said(one.page, two.page)


def wait_for_first_second(browser, server):
    browser.open(server.page)
    browser.wait_for("app.servers[0].seconds.times.length > 0", "figures")


def test_few_hits(admin, stress, browser):
    server = admin()
    stress(server, "-R", "1000", "-r", "get=1")
    warned(browser, server, "% of gets find something: most requests go on to what is behind the "
                            "cache.")


def test_connections_refused(admin, browser):
    server = admin("-c", "8")
    clients = [server.connect() for _ in range(8)]
    for client in clients:
        client.ask(b"mn\r\n", b"MN\r\n")
    wait_for_first_second(browser, server)
    browser.wait_for_text("#warnings", "8 of 8 connections are in use: the next clients will not be "
                                       "served.")
    for _ in range(3):
        with cachemand.Client(server.port) as one:
            one.rest()
    browser.wait_for_text("#warnings", " refused within a minute: no more than 8 are allowed by "
                                       "conn-limit.")
    assert browser.eval("document.querySelector('#warnings li').className") == "note bad"


def test_connections_wait(admin, browser):
    server = admin("-c", "4", "--connections-wait")
    clients = [server.connect() for _ in range(4)]
    for client in clients:
        client.ask(b"mn\r\n", b"MN\r\n")
    wait_for_first_second(browser, server)
    waiting = socket.create_connection(("127.0.0.1", server.port))
    browser.wait_for_text("#warnings", "New connections are not accepted now: a limit is reached")
    waiting.close()
    clients[0].close()
    browser.wait_for_text("#warnings", "New connections were kept waiting for")


def test_failed_handshakes(serve_tls, browser):
    server = serve_tls("-t", "2", "--admin", "127.0.0.1:0")
    server.page = f"http://127.0.0.1:{port_of(server)}"
    wait_for_first_second(browser, server)
    for _ in range(2):
        with cachemand.Client(server.port) as one:
            one.send(b"get greeting\r\n")
            one.rest()
    browser.wait_for_text("#warnings", " failed within a minute: clients do not accept the certificate")


def test_failed_logins(admin, tmp_path, browser):
    users = tmp_path / "users"
    users.write_text("joe:secret\n")
    server = admin("-Y", str(users))
    wait_for_first_second(browser, server)
    client = server.connect()
    client.ask(b"set x 0 0 9\r\njoe wrong\r\n", b"CLIENT_ERROR authentication failure\r\n")
    browser.wait_for_text("#warnings", "1 login failed within a minute: a client has an old password, "
                                       "or somebody is guessing.")


def test_late_workers(admin, browser):
    """A server that is stopped for a while looks at its clock late."""
    server = admin()
    wait_for_first_second(browser, server)
    os.kill(server.pid, signal.SIGSTOP)
    try:
        browser.wait_for("app.servers[0].now() / 1000 - app.servers[0].seconds.times.at(-1) > 3",
                         "three seconds")
    finally:
        os.kill(server.pid, signal.SIGCONT)
    browser.wait_for_text("#warnings", "ms late on average: the processor has too much to do")
