# SPDX-License-Identifier: BSD-3-Clause
"""--admin: the pages, who may read them, and clients that mean no good."""

import http.client
import json
import os
import pathlib
import re
import resource
import signal
import socket
import subprocess
import threading

import pytest

import cachemand
from admin import TOKEN, ask, metrics, port_of
from cachemand import ROOT

REASONS = ["evicted", "expired", "deleted", "flushed", "never_seen"]
PAGES = ["/", "/metrics", "/stats.json", "/history.json", "/config", "/config.json", "/healthz",
         "/readyz"]


@pytest.fixture
def admin(serve):
    server = serve("-t", "2", "--admin", "127.0.0.1:0")
    return server, port_of(server)


# ---- the pages ----

@pytest.mark.parametrize("accept", ["text/plain", "*/*"])
def test_promtool_finds_nothing(admin, accept):
    _, headers, text = ask(admin[1], "/metrics", Accept=accept)
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True,
                          text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_open_metrics(admin):
    """As Prometheus asks: the same numbers, a counter's name without what its samples end with."""
    parser = pytest.importorskip("prometheus_client.openmetrics.parser")
    accept = "application/openmetrics-text; version=1.0.0,text/plain;version=0.0.4;q=0.5"
    _, headers, text = ask(admin[1], "/metrics", Accept=accept)
    assert headers["Content-Type"] == \
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    families = {family.name: family for family in parser.text_string_to_metric_families(text)}
    assert families["cacheman_requests"].type == "counter"
    assert families["cacheman_items"].type == "gauge"
    names = {sample.name for family in families.values() for sample in family.samples}
    assert names == {name.split("{")[0] for name in metrics(admin[1])}


def test_numbers_of_known_traffic(admin):
    server, port = admin
    client = server.connect()
    for number in range(10):
        client.set(b"k%d" % number, b"v" * 100)
    for _ in range(7):
        assert client.get(b"k1")
    for _ in range(3):
        assert client.get(b"none") is None
    client.ask(b"delete k9\r\n", b"DELETED\r\n")
    client.ask(b"delete k9\r\n", b"NOT_FOUND\r\n")
    client.ask(b"incr none 1\r\n", b"NOT_FOUND\r\n")
    client.ask(b"cas k1 0 0 1 9999999\r\nx\r\n", b"EXISTS\r\n")
    client.ask(b"touch k2 100\r\n", b"TOUCHED\r\n")
    client.send(b"set big 0 0 2000000\r\n%s\r\n" % (b"x" * 2000000))
    assert client.line() == b"SERVER_ERROR object too large for cache\r\n"
    client.ask(b"mn\r\n", b"MN\r\n")  # behind it: all of it has been read
    seen = metrics(port)

    def requests(command, outcome):
        return seen[f'cacheman_requests_total{{command="{command}",outcome="{outcome}"}}']

    assert requests("get", "hit") == 7
    assert requests("get", "miss") == 3
    assert {name: seen[f'cacheman_misses_total{{reason="{name}"}}'] for name in REASONS} == {
        **dict.fromkeys(REASONS, 0), "never_seen": 3}
    assert requests("delete", "hit") == requests("delete", "miss") == 1
    assert requests("incr", "miss") == 1
    assert requests("cas", "exists") == 1
    assert requests("set", "stored") == 10
    assert requests("set", "too_large") == 1
    assert requests("touch", "hit") == 1
    assert seen["cacheman_items"] == 9
    assert seen["cacheman_items_stored_total"] == 10
    assert seen['cacheman_storage_refused_total{reason="too_large"}'] == 1
    assert seen["cacheman_connections"] == 1
    assert seen["cacheman_memory_limit_bytes"] == 100 << 20
    assert seen["cacheman_workers"] == 2
    assert seen["cacheman_received_bytes_total"] > 2000000
    assert seen['cacheman_cpu_seconds_total{mode="user"}'] < 100


def test_removed_items_by_reason(serve):
    server = serve("-m", "8", "--admin", "127.0.0.1:0")
    client = server.connect()
    for number in range(20000):
        client.send(b"set k%d 0 0 1000 noreply\r\n%s\r\n" % (number, b"v" * 1000))
    client.ask(b"mn\r\n", b"MN\r\n")
    seen, stats = metrics(port_of(server)), client.stats()
    assert seen['cacheman_items_removed_total{reason="evicted"}'] > 0
    assert seen["cacheman_segments_reclaimed_total"] > 0
    assert seen['cacheman_segments{state="sealed"}'] > 0
    assert seen['cacheman_segments{state="open"}'] > 0
    assert seen["cacheman_items_stored_total"] == float(stats["total_items"]) == 20000


def settled_metrics(port, client):
    """Those of a moment in which nothing was evicted, and how much had been."""
    def look():
        before, seen = client.stats()["evictions"], metrics(port)
        return (seen, int(before)) if client.stats()["evictions"] == before else None

    return cachemand.wait_until(look, "the end of evicting")


def test_age_of_what_was_evicted(serve):
    """By a clock that the test moves: what was there before has not been used since."""
    program = cachemand.test_program()
    if program is None:
        pytest.skip("cachemand-test is not built")
    server = serve("-m", "8", "--policy", "fifo", "--admin", "127.0.0.1:0", program=program,
                   env={"CACHEMAN_TEST_DEBUG_TIME": "1"})
    client = server.connect()
    client.ask(b"debugtime p\r\n", b"OK\r\n")
    for number in range(4000):
        client.send(b"set k%d 0 0 1000 noreply\r\n%s\r\n" % (number, b"v" * 1000))
    client.ask(b"debugtime 1000\r\n", b"OK\r\n")
    for number in range(20000):
        client.send(b"set m%d 0 0 1000 noreply\r\n%s\r\n" % (number, b"v" * 1000))
    gone = sum(client.get(b"k%d" % number) is None for number in range(4000))
    assert gone > 1000
    seen, evicted = settled_metrics(port_of(server), client)
    assert seen["cacheman_items_evicted_idle_seconds_total"] == 1000 * gone

    def ages(limit):
        return seen[f'cacheman_eviction_age_seconds_bucket{{le="{limit}"}}']

    assert seen["cacheman_eviction_age_seconds_sum"] == 1000 * gone
    assert ages("900.0") == ages("1.0") == evicted - gone
    assert ages("3600.0") == ages("+Inf") == seen["cacheman_eviction_age_seconds_count"]
    assert seen["cacheman_misses_evicted_gone_seconds_total"] == 0
    client.ask(b"debugtime 10\r\n", b"OK\r\n")
    assert sum(client.get(b"k%d" % number) is None for number in range(4000)) >= gone
    later, misses = metrics(port_of(server)), 'cacheman_misses_total{reason="evicted"}'
    missed = later[misses] - seen[misses]
    assert missed > 0 and later["cacheman_misses_evicted_gone_seconds_total"] == 10 * missed


def test_lag_is_looked_at(admin):
    def looks():
        return metrics(admin[1])["cacheman_loop_lag_looks_total"]

    before = looks()
    cachemand.wait_until(lambda: looks() > before + 3, "both workers' looks")
    assert 0 <= metrics(admin[1])["cacheman_loop_lag_seconds_total"] < 1000


def test_statistics_as_json(admin):
    server, port = admin
    server.connect().set(b"k", b"v")
    status, headers, text = ask(port, "/stats.json")
    assert (status, headers["Content-Type"]) == (200, "application/json")
    answer, stats = json.loads(text), server.connect().stats()
    assert list(answer)[:len(stats)] == list(stats)
    assert answer["hot_keys"] == []  # asked for once
    assert answer["curr_items"] == 1
    assert answer["version"] == stats["version"]
    assert answer["pid"] == server.pid
    assert isinstance(answer["rusage_user"], float)


def test_configuration(serve, tmp_path):
    """As --print-config has it, and for programs; what may hold a password is cut."""
    path = tmp_path / "some.conf"
    path.write_text("memory-limit = 64\nunix-mask = 0600\n")
    options = ["--config", str(path), "-p", "-1", "--admin", "127.0.0.1:0", "--join",
               "etcd://127.0.0.1:1/c?etcd_user=u&etcd_password=secret"]
    environment = {"CACHEMAN_CONN_LIMIT": "77"}
    server = serve(*options[:2], *options[4:], env=environment)
    port = port_of(server)
    status, headers, text = ask(port, "/config")
    assert (status, headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    _, printed, _ = cachemand.run(*options, *cachemand.OPTIONS, "--print-config",
                                  env={**os.environ, **environment})
    assert text == printed
    status, headers, text = ask(port, "/config.json")
    assert (status, headers["Content-Type"]) == (200, "application/json")
    rows = {row["name"]: row for row in json.loads(text)}
    assert "secret" not in text
    assert rows["memory-limit"] == {
        "name": "memory-limit", "value": "64", "from": f"{path}:1", "scope": "live",
        "text": "memory for items, their index and bookkeeping, in megabytes",
        "allowed": "a number from 1 to 1048576"}
    assert (rows["conn-limit"]["value"], rows["conn-limit"]["from"]) == ("77",
                                                                         "CACHEMAN_CONN_LIMIT")
    assert (rows["join"]["value"], rows["join"]["from"]) == ("etcd://127.0.0.1:1/c", "command line")
    assert (rows["policy"]["value"], rows["policy"]["from"]) == ("duel", "default")
    assert rows["threads"]["scope"] == "restart"
    assert "help" not in rows and "config" not in rows


def test_configuration_of_any_bytes(serve):
    """A path is no text perhaps; JSON is."""
    server = serve("--admin", "127.0.0.1:0", "--pidfile", b"/tmp/a\"\\\x01\xff\xc3\xa4-%d" % os.getpid())
    rows = {row["name"]: row for row in json.loads(ask(port_of(server), "/config.json")[2])}
    assert rows["pidfile"]["value"] == '/tmp/a"\\??\u00e4-%d' % os.getpid()


def test_durations_of_known_traffic(admin):
    """All that a page tells of durations, of the same requests."""
    server, port = admin
    client = server.connect()
    client.set(b"k", b"v")
    for _ in range(5):
        client.get(b"k")
    client.ask(b"get k k none\r\n", b"VALUE k 0 1\r\nv\r\n" * 2 + b"END\r\n")
    client.ask(b"mn\r\n", b"MN\r\n")  # by now the answer before it is counted
    seen = metrics(port)
    base = "cacheman_request_duration_seconds"
    buckets = [value for name, value in seen.items()
               if name.startswith(base + '_bucket{command="get"')]
    assert len(buckets) == 22
    assert buckets == sorted(buckets)
    assert buckets[-1] == seen[base + '_count{command="get"}'] == 8
    assert 0 < seen[base + '_sum{command="get"}'] < 1000
    assert seen[base + '_count{command="set"}'] == 1
    assert seen[base + '_count{command="delete"}'] == 0
    latency = json.loads(ask(port, "/stats.json")[2])["latency"]
    assert latency["get"]["count"] == 8
    assert 0 < latency["get"]["p50_us"] <= latency["get"]["p90_us"] <= latency["get"]["p99_us"] \
        <= latency["get"]["p999_us"] <= latency["get"]["max_us"]
    assert latency["get"]["sum_us"] <= 8 * latency["get"]["max_us"]
    assert latency["touch"] == {"count": 0, "sum_us": 0, "p50_us": 0, "p90_us": 0, "p99_us": 0,
                                "p999_us": 0, "max_us": 0}
    lines = client.stats(b"latency")
    assert int(lines["get:count"]) == 8
    assert float(lines["get:p99_us"]) == latency["get"]["p99_us"]
    assert "touch:count" not in lines


def test_reset_starts_durations_anew(admin):
    server, port = admin
    client = server.connect()
    client.set(b"k", b"v")
    client.ask(b"stats reset\r\n", b"RESET\r\n")
    assert client.get(b"k")
    client.ask(b"mn\r\n", b"MN\r\n")
    latency = json.loads(ask(port, "/stats.json")[2])["latency"]
    assert latency["set"]["count"] == 0
    assert latency["get"]["count"] == 1
    seen = metrics(port)
    assert seen['cacheman_requests_total{command="set",outcome="stored"}'] == 0
    assert seen['cacheman_request_duration_seconds_count{command="get"}'] == 1


def test_documented_table(admin):
    """docs/metrics.md names what there is, with its type and its text."""
    _, _, text = ask(admin[1], "/metrics")
    told = dict(row[7:].split(" ", 1) for row in text.splitlines() if row.startswith("# HELP "))
    types = dict(row[7:].split(" ", 1) for row in text.splitlines() if row.startswith("# TYPE "))
    labels = {}
    for name, pairs in re.findall(r"^(\w+?)(?:_bucket)?\{([^}]*)\} ", text, re.M):
        for label, value in re.findall(r'(\w+)="([^"]*)"', pairs):
            values = labels.setdefault(name, {}).setdefault(label, [])
            if value not in values and label not in ("version", "le"):
                values.append(value)
    expected = [
        f"| `{name}` | {types[name]} | " + "; ".join(
            f"{label}: {', '.join(values)}" if values else label
            for label, values in labels.get(name, {}).items()) + f" | {told[name]} |"
        for name in told]
    page = (ROOT / "docs/metrics.md").read_text()
    rows = [" ".join(row.split()) for row in page.splitlines() if row.startswith("| `cacheman_")]
    assert rows == [" ".join(row.split()) for row in expected]


def test_probes(admin):
    for path, text in [("/healthz", "alive\n"), ("/readyz", "ready\n")]:
        status, headers, answer = ask(admin[1], path)
        assert (status, answer) == (200, text)
        assert headers["Connection"] == "close"


def test_not_ready_while_it_stops(admin):
    """A client that does not read keeps the server from ending at once."""
    server, port = admin
    client = server.connect(receive_buffer=4096)
    client.set(b"big", b"b" * 1000000)
    client.send(b"get big\r\n" * 20)
    client.line()
    server.signal(signal.SIGTERM)
    seen = set()

    def has_said_so():
        try:
            status, _, text = ask(port, "/readyz")
        except (ConnectionError, http.client.HTTPException):
            return True  # it has ended already
        seen.add((status, text))
        return status == 503

    cachemand.wait_until(has_said_so, "the end")
    client.close()
    assert seen <= {(200, "ready\n"), (503, "stopping\n")}
    assert server.wait() == 0


def test_head(admin):
    for path in PAGES:
        status, headers, text = ask(admin[1], path, "HEAD")
        assert (status, text) == (200, "")
        assert int(headers["Content-Length"]) > 0


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_nothing_can_be_changed(admin, method):
    status, headers, text = ask(admin[1], "/metrics", method, body="x" * 1000)
    assert (status, text) == (405, "pages can only be read: GET or HEAD\n")
    assert headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/metrics/", "/metrics%00", "/../etc/passwd", "//metrics",
                                  "/METRICS"])
def test_no_such_page(admin, path):
    status, _, text = ask(admin[1], path)
    assert (status, text) == (404, "there are /, /metrics, /stats.json, /history.json, /config, "
                                   "/config.json, /healthz and /readyz here\n")


# ---- the token ----

def test_token(serve, token_file):
    server = serve("--admin", "127.0.0.1:0", "--admin-token-file", str(token_file))
    port = port_of(server)
    refused = [None, "", "Bearer", "Bearer ", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x",
               f"Bearer {TOKEN[:-1]}", f"Bearer x{TOKEN[1:]}", f"Bearer {TOKEN[:-1]}x",
               f"Bearer {'y' * 300}", f"Bearer {TOKEN} {TOKEN}"]
    for authorization in refused:
        headers = {} if authorization is None else {"Authorization": authorization}
        for path in ["/metrics", "/stats.json", "/nowhere"]:
            status, answer, text = ask(port, path, **headers)
            assert (status, text) == (401, "this needs the token of --admin-token-file: "
                                           "Authorization: Bearer TOKEN\n"), authorization
            assert answer["WWW-Authenticate"] == 'Bearer realm="cacheman"'
        assert ask(port, "/healthz", **headers)[0] == 200
        assert ask(port, "/readyz", **headers)[0] == 200
    for authorization in [f"Bearer {TOKEN}", f"bearer {TOKEN}"]:
        assert metrics(port, Authorization=authorization)
        assert ask(port, "/stats.json", Authorization=authorization)[0] == 200
        assert ask(port, "/nowhere", Authorization=authorization)[0] == 404


def test_who_is_refused_is_said(serve, token_file):
    server = serve("--admin", "127.0.0.1:0", "--admin-token-file", str(token_file))
    port, before = port_of(server), server.error_text()
    assert ask(port, "/metrics")[0] == 401
    assert ask(port, "/config", "POST", "threads = 1", Authorization="Bearer of-something-else")[0] == 401
    assert ask(port, "/healthz")[0] == 200
    assert ask(port, "/metrics", Authorization=f"Bearer {TOKEN}")[0] == 200
    assert server.error_text()[len(before):] == ("cachemand: --admin refused 127.0.0.1: no token\n"
                                                 "cachemand: --admin refused 127.0.0.1: a wrong token\n")


def test_not_too_many_refusals_are_said(serve, token_file):
    server = serve("--admin", "127.0.0.1:0", "--admin-token-file", str(token_file))
    port = port_of(server)
    count = 0

    def are_left_out():
        """Of a second in which there were more than are said; the next one that is said tells."""
        nonlocal count
        for _ in range(50):
            assert ask(port, "/metrics")[0] == 401
        count += 50
        return "more of these left out" in server.error_text()

    cachemand.wait_until(are_left_out, "refusals that are not said")
    assert 20 <= server.error_text().count("--admin refused 127.0.0.1: no token") < count


def test_token_is_read_again(serve, token_file):
    server = serve("--admin", "127.0.0.1:0", "--admin-token-file", str(token_file))
    port = port_of(server)

    def reload(text):
        token_file.write_text(text)
        before = len(server.error_text())
        server.signal(signal.SIGHUP)
        end = "cachemand: configuration read again: there is no file\n"
        cachemand.wait_until(lambda: server.error_text()[before:].endswith(end), "the reload")
        return server.error_text()[before:].removesuffix(end)

    assert reload("another-token-of-mine") == "cachemand: token read again\n"
    assert ask(port, "/metrics", Authorization=f"Bearer {TOKEN}")[0] == 401
    assert ask(port, "/metrics", Authorization="Bearer another-token-of-mine")[0] == 200
    assert reload("short\n") == (f"cachemand: option --admin-token-file: {token_file}: the token is "
                                 "shorter than 16 bytes; the token stays as it was\n")
    assert ask(port, "/metrics", Authorization="Bearer another-token-of-mine")[0] == 200


NO_TOKEN = ("a line must be TOKEN or read TOKEN, and the token of visible ASCII characters, without "
            "blanks")


@pytest.mark.parametrize("text,fault", [
    ("", "the token is shorter than 16 bytes"),
    ("x" * 15 + "\n", "the token is shorter than 16 bytes"),
    ("x" * 257, "the token is longer than 256 bytes"),
    ("x" * 100000, "the token is longer than 256 bytes"),
    ("two words make sixteen", NO_TOKEN),
    ("\0" * 20, NO_TOKEN),
    (f"Read {TOKEN}", NO_TOKEN),
    (f" {TOKEN}", NO_TOKEN),
    (f"read {TOKEN} {TOKEN}", NO_TOKEN),
    ("read short", "the token is shorter than 16 bytes"),
    ("read\n", "the token is shorter than 16 bytes"),
    ("read " + "x" * 257, "the token is longer than 256 bytes"),
    ("x" * 20 + "\n" * 9000, "larger than 8192 bytes"),
])
@pytest.mark.parametrize("beside", [[], ["--check-config"]])
def test_bad_token_files(token_file, text, fault, beside):
    token_file.write_text(text)
    status, _, errors = cachemand.run("-p", "-1", "--admin", "127.0.0.1:0", "--admin-token-file",
                                      str(token_file), *beside)
    assert (status, errors) == (78, "cachemand: option --admin-token-file: "
                                    f"{token_file}: {fault}\n")


@pytest.mark.parametrize("lines,line,fault", [
    ([TOKEN, "short"], 2, "the token is shorter than 16 bytes"),
    ([TOKEN, "", "read " + TOKEN], 3, "the token is in line 1 already"),
    (["read " + TOKEN, "another-token-of-mine", "a b"], 3, "the token is shorter than 16 bytes"),
    (["", "\t" + TOKEN, TOKEN], 2, NO_TOKEN),
    ([f"{TOKEN}-{number}" for number in range(17)], 17, "there are more than 16 tokens"),
])
def test_bad_files_of_tokens(token_file, lines, line, fault):
    token_file.write_text("\r\n".join(lines) + "\n")
    status, _, errors = cachemand.run("-p", "-1", "--admin", "127.0.0.1:0", "--admin-token-file",
                                      str(token_file))
    assert (status, errors) == (78, "cachemand: option --admin-token-file: "
                                    f"{token_file}:{line}: {fault}\n")


def test_tokens(serve, token_file):
    """As many as there may be, those that only read among them; all of them read."""
    tokens = [f"{TOKEN}-{number}" for number in range(16)]
    token_file.write_text("\n\n".join(("read  " if number % 2 else "") + token + " \r"
                                      for number, token in enumerate(tokens)))
    port = port_of(serve("--admin", "127.0.0.1:0", "--admin-token-file", str(token_file)))
    for token in tokens:
        assert metrics(port, Authorization=f"Bearer {token}")
    for wrong in [TOKEN, f"read {tokens[1]}", f"{tokens[0]}\n{tokens[1]}"[:60].replace("\n", ""),
                  tokens[0] + "0"]:
        assert ask(port, "/metrics", Authorization=f"Bearer {wrong}")[0] == 401


def test_token_file_that_is_not_there():
    status, _, errors = cachemand.run("-p", "-1", "--admin", "127.0.0.1:0", "--admin-token-file",
                                      "/nowhere/token")
    assert (status, errors) == (78, "cachemand: option --admin-token-file: cannot read "
                                    "/nowhere/token: No such file or directory\n")


# ---- where it listens ----

def without_root(text):
    return text.replace("cachemand: runs as root; -u NAME gives that up\n", "")


@pytest.mark.parametrize("address", ["0.0.0.0:0", "*:0"])
def test_not_beyond_loopback_without_token(address):
    status, _, errors = cachemand.run("-p", "-1", "--admin", address)
    assert status == 64
    assert re.fullmatch(r"cachemand: option --admin: 0\.0\.0\.0:\d+ is not loopback: give "
                        r"--admin-token-file FILE\n", errors)


def test_beyond_loopback_with_token(serve, token_file):
    server = serve("--admin", "0.0.0.0:0", "--admin-token-file", str(token_file))
    port = port_of(server)
    assert metrics(port, Authorization=f"Bearer {TOKEN}")
    assert (f"cachemand: the token sent to 0.0.0.0:{port} can be read on the way: --admin has no "
            "TLS\n") in server.error_text()


def test_ipv6(serve):
    server = serve("--admin", "[::1]:0")
    port = port_of(server)
    with cachemand.Client(port, host="::1") as client:
        client.send(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.rest().endswith(b"\r\n\r\nready\n")


def test_port_taken():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        status, _, errors = cachemand.run("-p", "-1", "--admin", f"127.0.0.1:{port}")
    assert (status, errors) == (71, f"cachemand: option --admin: cannot listen on 127.0.0.1:{port}"
                                    ": Address already in use\n")


@pytest.mark.parametrize("value,fault", [
    (":80", 'has no address; write HOST, HOST:PORT or [IPV6]:PORT'),
    ("localhost:", 'has no port from 1 to 65535 after its colon'),
    ("localhost:65536", 'has no port from 1 to 65535 after its colon'),
    ("localhost:-1", 'has no port from 1 to 65535 after its colon'),
    ("[::1", 'is not of the form [IPV6]:PORT'),
    ("notls:localhost", 'needs no "notls:": there is TLS with --admin-tls alone'),
    ("a b", 'has a character in it that no address has'),
])
def test_bad_addresses(value, fault):
    status, _, errors = cachemand.run("-p", "-1", f"--admin={value}")
    assert (status, errors.splitlines()[0]) == (64, f'cachemand: option --admin: "{value}" {fault}')


def test_token_without_admin(serve, token_file):
    server = serve("--admin-token-file", str(token_file))
    server.connect().ask(b"mn\r\n", b"MN\r\n")
    assert "--admin-token-file has no effect: there is no --admin" in \
        re.sub(r"option (--[\w-]+)", r"\1", server.error_text()), server.error_text()


def test_off_unless_asked_for(server):
    server.connect().ask(b"mn\r\n", b"MN\r\n")
    assert "statistics" not in server.error_text()
    names = {path.read_text().strip()
             for path in pathlib.Path(f"/proc/{server.pid}/task").glob("*/comm")}
    assert not any("MHD" in name for name in names)


# ---- clients that mean no good ----

def open_socket(port, data=b"", receive_buffer=None):
    client = cachemand.Client(port, receive_buffer=receive_buffer)
    if data:
        client.send(data)
    return client


def status_of(client):
    """The status of what comes, 0 if the connection ends without any."""
    try:
        match = re.match(rb"HTTP/1\.[01] (\d+) ", client.rest())
    except (ConnectionError, BrokenPipeError):
        return 0
    return int(match[1]) if match else 0


# 0: hung up on without a word, or while it was still sending.
@pytest.mark.parametrize("data,allowed", [
    (b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 9000 + b"\r\n\r\n", {431}),
    (b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 1000000 + b"\r\n\r\n", {0, 431}),
    (b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n" + b"".join(b"X%d: y\r\n" % n for n in range(20000))
     + b"\r\n", {0, 431}),
    (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", {414}),
    (b"GET /" + b"a" * 1000000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", {0, 414}),
    (b"\0\xff\x16\x03\x01\r\n\r\n", {0, 400}),
    (b"GET /metrics\r\n\r\n", {400}),
    (b"GET /metrics HTTP/9.9\r\nHost: localhost\r\n\r\n", {505}),
    (b"GET /metrics HTTP/1.1\r\n\r\n", {400}),
    (b"get greeting\r\nset k 0 0 1\r\nx\r\n\r\n", {400}),
    (b"POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n", {400}),
    (b"POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999999\r\n\r\n",
     {413}),
    (b"POST /metrics HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n", {405}),
], ids=lambda value: repr(value[:50]) if isinstance(value, bytes) else "")
def test_malformed(admin, data, allowed):
    server, port = admin
    client = cachemand.Client(port)
    try:
        client.send(data)
        client.socket.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # hung up on in the middle
    assert status_of(client) in allowed
    client.close()
    assert ask(port, "/healthz")[0] == 200
    server.connect().ask(b"mn\r\n", b"MN\r\n")


def head(size):
    """A request of so many bytes, its end included."""
    begin, end = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: ", b"\r\n\r\n"
    return begin + b"x" * (size - len(begin) - len(end)) + end


def test_just_long_enough(admin):
    """Up to the limit it is served, past it told so, byte by byte: never hung up on in between."""
    for size in [4000, 8000, 8180, 8190, 8191, 8192]:
        assert status_of(open_socket(admin[1], head(size))) == 200, size
    for size in [8193, 8194, 8300, 9000, 12000, 14000]:
        assert status_of(open_socket(admin[1], head(size))) == 431, size
    client = open_socket(admin[1], head(8193))
    assert client.rest().endswith(b"a request is at most 8192 bytes\n")


def traffic(client, number):
    """The cache goes on."""
    client.set(b"k", b"%d" % number)
    assert client.get(b"k") == b"%d" % number


def test_slow_requests_end(admin):
    """A byte now and then, which no idle timeout ends: the connection's life is bounded."""
    server, port = admin
    slow = open_socket(port, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: ")
    slow.socket.settimeout(0.2)
    client = server.connect()
    turns = 0

    def has_ended():
        nonlocal turns
        turns += 1
        traffic(client, turns)
        try:
            slow.send(b"x")
            return slow.socket.recv(100) == b""
        except TimeoutError:
            return False
        except ConnectionError:
            return True

    cachemand.wait_until(has_ended, "the slow one's end", 90)
    assert ask(port, "/healthz")[0] == 200


def test_reader_that_stops(admin):
    """It asks, and never reads; the cache and other readers are served meanwhile."""
    server, port = admin
    client = server.connect()
    request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
    stopped = [open_socket(port, request * 50, receive_buffer=1024) for _ in range(20)]
    for number in range(200):
        traffic(client, number)
    assert metrics(port)['cacheman_requests_total{command="get",outcome="hit"}'] == 200
    for one in stopped:
        one.close()


def test_two_thousand_connections(serve):
    """Most are kept waiting; places become free soon, and the cache's own are never touched."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 4096:
        pytest.skip("needs 4096 open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4096), hard))
    server = serve("-t", "2", "--admin", "127.0.0.1:0")
    port, client = port_of(server), server.connect()
    crowd = []
    try:
        for number in range(2000):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
            crowd.append(one)
            if number % 50 == 0:
                traffic(client, number)
        traffic(client, 2000)
        assert len(os.listdir(f"/proc/{server.pid}/fd")) < 300
        newcomer = server.connect()
        newcomer.ask(b"mn\r\n", b"MN\r\n")

        def is_answered():
            traffic(client, 2001)
            try:
                return ask(port, "/healthz")[0] == 200
            except (ConnectionError, TimeoutError, http.client.HTTPException):
                return False

        for one in crowd[1000:]:
            one.close()
        cachemand.wait_until(is_answered, "a place", 120)
    finally:
        for one in crowd:
            one.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert cachemand.wait_until(lambda: ask(port, "/healthz")[0] == 200, "an answer")


def test_flood_of_good_requests(admin):
    """Of more than one core can answer: every request to the cache is served meanwhile."""
    server, port = admin
    stop, answered, wrong = threading.Event(), [0] * 8, []

    def flood(place):
        while not stop.is_set():
            try:
                status, _, _ = ask(port, "/metrics")
            except (OSError, http.client.HTTPException):
                continue  # made room for another
            if status != 200:
                wrong.append(status)
            answered[place] += 1

    threads = [threading.Thread(target=flood, args=(place,)) for place in range(8)]
    for thread in threads:
        thread.start()
    client, turns = server.connect(), 0
    while sum(answered) < 400:
        traffic(client, turns)
        turns += 1
    stop.set()
    for thread in threads:
        thread.join()
    assert turns > 0 and wrong == []
    assert metrics(port)['cacheman_requests_total{command="get",outcome="hit"}'] == turns


def test_in_the_sandbox(admin):
    server, port = admin
    if "goes on without a sandbox" in server.error_text():
        pytest.skip("not in this build or on this system")
    assert metrics(port)
    for path in pathlib.Path(f"/proc/{server.pid}/task").glob("*/status"):
        assert "\nSeccomp:\t2\n" in path.read_text(), path
