# SPDX-License-Identifier: BSD-3-Clause
"""/history.json, and what keeps pages of strangers from reading what --admin serves."""

import json
import time

import pytest

import cachemand
from admin import TOKEN, ask, port_of
from test_admin import PAGES

PREFLIGHT = {"Access_Control_Request_Method": "GET",
             "Access_Control_Request_Headers": "authorization"}


@pytest.fixture
def admin(serve):
    server = serve("-t", "2", "--admin", "127.0.0.1:0")
    return server, port_of(server)


def history(port, query="", **headers):
    status, answer, text = ask(port, "/history.json" + query, **headers)
    assert (status, answer["Content-Type"]) == (200, "application/json"), text
    return json.loads(text)


def column(port, name, query=""):
    return history(port, query)["series"][name]


# ---- what is remembered ----

def test_seconds(admin):
    """Every second is there, and what was asked for is in one of them."""
    server, port = admin
    began = time.time()
    cachemand.wait_until(lambda: history(port)["times"], "the first second")
    client = server.connect()
    for _ in range(50):
        client.set(b"k", b"v" * 1000)
        assert client.get(b"k")
        assert client.get(b"none") is None
    names = ("get_hits", "get_misses", "stores")
    seen = cachemand.wait_until(lambda: all(sum(column(port, name)) > 0 for name in names) and
                                len(history(port)["times"]) > 3 and history(port), "the traffic")
    assert (seen["step"], seen["more"]) == (1, False)
    times = seen["times"]
    assert times == sorted(set(times))
    assert began - 60 <= times[0] and times[-1] <= seen["now"] + 1
    assert all(len(values) == len(times) for values in seen["series"].values())
    for name in names:  # 50; fewer a second where a reading came late, at most double behind it
        assert 0 < sum(seen["series"][name]) < 101, (name, seen["series"][name])
    assert max(seen["series"]["received_bytes"]) > 0
    assert seen["series"]["connections"][-1] == 1
    assert set(seen["series"]["memory_limit"]) == {100 << 20}
    assert seen["series"]["memory_resident"][-1] > 1 << 20
    assert seen["series"]["items"][-1] == 1


def test_only_what_is_new(admin):
    _, port = admin
    cachemand.wait_until(lambda: len(history(port)["times"]) > 2, "three seconds")
    times = history(port)["times"]
    assert history(port, f"?since={times[1]}")["times"][:len(times) - 2] == times[2:]
    recent = history(port, "?since=-3&step=1")
    known = [time for time in history(port)["times"] if time > recent["now"] - 3]
    assert known[:len(recent["times"])] == recent["times"]
    assert history(port, f"?since={times[-1] + 10000}")["times"] == []
    assert history(port, "?since=-100000")["times"][:len(times)] == times


def test_minutes(serve):
    """One that began at the server's start is there once it is over."""
    began = time.time()
    port = port_of(serve("--admin", "127.0.0.1:0"))
    seen = history(port, "?step=60")
    assert seen["step"] == 60
    assert list(seen["series"]) == list(history(port)["series"])
    seen = cachemand.wait_until(lambda: history(port, "?step=60")["times"] and
                                history(port, "?step=60"), "the minute's end", 180)
    assert all(start % 60 == 0 for start in seen["times"])
    assert began - 61 < seen["times"][0] and seen["times"][-1] + 60 <= time.time() + 1
    assert set(seen["series"]["memory_limit"]) == {100 << 20}


def test_reset_counts_nothing_back(admin):
    server, port = admin
    client = server.connect()

    def busy():
        for _ in range(100):
            client.set(b"k", b"v")
        return sum(column(port, "stores")) > 200

    cachemand.wait_until(busy, "traffic")
    client.ask(b"stats reset\r\n", b"RESET\r\n")
    seconds = len(history(port)["times"])
    cachemand.wait_until(lambda: len(history(port)["times"]) > seconds + 1, "two seconds")
    for name, values in history(port)["series"].items():
        assert all(value is None or 0 <= value < 1e15 for value in values), name
    assert max(column(port, "received_bytes")) < 1e8


@pytest.mark.parametrize("query,text", [
    ("?step=0", "step is 1 or 60, seconds\n"),
    ("?step=01", "step is 1 or 60, seconds\n"),
    ("?step=", "step is 1 or 60, seconds\n"),
    ("?step=60&since=now", "since is a Unix time in seconds, or, below 0, how many seconds ago\n"),
    ("?since=", "since is a Unix time in seconds, or, below 0, how many seconds ago\n"),
    ("?since=1.5", "since is a Unix time in seconds, or, below 0, how many seconds ago\n"),
    ("?since=99999999999999999999",
     "since is a Unix time in seconds, or, below 0, how many seconds ago\n"),
    ("?since=-9223372036854775808",
     "since is a Unix time in seconds, or, below 0, how many seconds ago\n"),
])
def test_bad_parameters(admin, query, text):
    status, headers, answer = ask(admin[1], "/history.json" + query)
    assert (status, answer) == (400, text)
    assert headers["Content-Type"] == "text/plain; charset=utf-8"


# ---- who may read ----

@pytest.mark.parametrize("host,known", [
    ("127.0.0.1", True), ("127.0.0.1:99", True), ("localhost", True), ("LocalHost:16181", True),
    ("[::1]", True), ("[::1]:99", True), ("10.1.2.3:16181", True),
    ("evil.example", False), ("evil.example:16181", False), ("localhost.evil.example", False),
    ("127.0.0.1.evil.example", False), ("", False), ("x", False), ("[::1", False),
    ("localhost:0", False), ("localhost:x", False), ("[evil.example]", False),
])
def test_names_of_others(admin, host, known):
    """A name that somebody lets point here is not ours, though its connections arrive."""
    for path in PAGES:
        status, headers, text = ask(admin[1], path, Host=host)
        if known or path in ("/healthz", "/readyz"):
            assert status == 200, path
        else:
            assert status == 421, path
            assert text == ("without --admin-token-file this answers to addresses and to localhost "
                            "alone: the name in Host could be somebody else's\n")
        assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize("origin,ours", [
    ("http://localhost", True), ("http://localhost:8080", True), ("https://127.0.0.1:9", True),
    ("http://[::1]:16181", True),
    ("http://evil.example", False), ("null", False), ("http://localhost.evil.example", False),
    ("http://127.0.0.1.evil.example:80", False), ("http://127.0.0.2", False),
    ("http://10.0.0.1", False), ("file://localhost", False), ("http://localhost:80:80", False),
    ("http://localhost/", False), ("", False),
])
def test_pages_of_others(admin, origin, ours):
    status, headers, text = ask(admin[1], "/stats.json", Origin=origin)
    assert "Origin" in headers["Vary"]
    if ours:
        assert status == 200
        assert headers["Access-Control-Allow-Origin"] == origin
    else:
        assert (status, text) == (403, "without --admin-token-file pages of other machines may not "
                                       "read this\n")
        assert "Access-Control-Allow-Origin" not in headers
    status, headers, _ = ask(admin[1], "/stats.json", "OPTIONS", Origin=origin, **PREFLIGHT)
    assert status == (204 if ours else 405)
    assert headers.get("Access-Control-Allow-Origin") == (origin if ours else None)


def test_token_in_place_of_origins(serve, token_file):
    """Who has the token may read from anywhere, and the page itself is for everybody."""
    server = serve("--admin", "127.0.0.1:0", "--admin-token-file", str(token_file))
    port = port_of(server)
    strange = {"Host": "cache1.example", "Origin": "http://other.example"}
    status, headers, text = ask(port, "/", **strange)
    assert status == 200 and text.startswith("<!DOCTYPE html>")
    status, headers, _ = ask(port, "/history.json", "OPTIONS", **strange, **PREFLIGHT)
    assert status == 204
    assert headers["Access-Control-Allow-Headers"] == "Authorization"
    assert headers["Access-Control-Allow-Methods"] == "GET, HEAD"
    for path in ("/history.json", "/stats.json", "/metrics", "/config.json"):
        status, headers, _ = ask(port, path, **strange)
        assert (status, headers["Access-Control-Allow-Origin"]) == (401, "*")
        status, headers, _ = ask(port, path, Authorization=f"Bearer {TOKEN}", **strange)
        assert (status, headers["Access-Control-Allow-Origin"]) == (200, "*")


def test_headers(admin):
    for path in PAGES:
        _, headers, _ = ask(admin[1], path)
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert ("Content-Security-Policy" in headers) == (path == "/")


# ---- what the page may ask ----

def policy(port, query=""):
    status, headers, text = ask(port, "/" + query)
    assert status == 200, text
    return dict(part.strip().split(" ", 1) for part in
                headers["Content-Security-Policy"].split(";"))


def test_nothing_from_outside(admin):
    rules = policy(admin[1])
    assert rules["default-src"] == rules["base-uri"] == rules["frame-ancestors"] == "'none'"
    assert rules["connect-src"] == "'self'"
    for kind in ("script-src", "style-src"):
        assert rules[kind].startswith("'sha256-") and " " not in rules[kind]


@pytest.mark.parametrize("servers,sources", [
    ("cache1:99", "cache1:99"),
    ("cache1,10.0.0.2:16182", "cache1:16181 10.0.0.2:16182"),
    ("cache1%3A99%2Ccache2%3a98", "cache1:99 cache2:98"),
    ("[::1]:99", "http: https:"),
    ("cache1,%20cache2:98+,", "cache1:16181 cache2:98"),
    (",".join(f"10.0.0.{i}:16181" for i in range(64)),
     " ".join(f"10.0.0.{i}:16181" for i in range(64))),
])
def test_servers(admin, servers, sources):
    assert policy(admin[1], "?servers=" + servers)["connect-src"] == "'self' " + sources


@pytest.mark.parametrize("servers", [
    "a:0", "a:65536", "a:b", "a;script-src", "a%0d%0aX:1", "a%20b", "*", "a/b",
    "'unsafe-inline'", "http://a", "[a]", "[::1", "x" * 129, "y" * 3000, ",".join(["a"] * 65)])
def test_what_is_no_server(admin, servers):
    client = cachemand.Client(admin[1])
    client.send(f"GET /?servers={servers} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    answer = client.rest()
    client.close()
    assert answer.startswith(b"HTTP/1.1 400 "), answer[:100]
    assert b"Content-Security-Policy" not in answer
    assert b"\r\n\r\nservers: " in answer


@pytest.mark.parametrize("servers", ["", ",", "%20,+"])
def test_no_servers(admin, servers):
    assert policy(admin[1], "?servers=" + servers)["connect-src"] == "'self'"


def test_says_which_is_no_server(admin):
    client = cachemand.Client(admin[1])
    client.send(b"GET /?servers=a:1,b:x,c HTTP/1.1\r\nHost: localhost\r\n\r\n")
    answer = client.rest()
    client.close()
    assert answer.endswith(b'\r\n\r\nservers: "b:x" is not HOST or HOST:PORT\n')
