# SPDX-License-Identifier: BSD-3-Clause
"""`cacheman stress` against real servers that mean well: what it asks, and what it counts."""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import time

import pytest

from cachemand import DEADLINE_S, PROGRAM, Client, wait_until

CACHEMAN = PROGRAM.parent / "cacheman"
MEMCACHED = shutil.which("memcached")
PROTOCOLS = ["text", "meta", "binary", "resp"]
KINDS = ["get", "set", "add", "delete", "touch", "incr"]
NO_ERRORS = dict.fromkeys(["answers", "wrong_values", "bad_answers", "lost", "timeouts", "refused",
                           "skipped", "unsent"], 0)


def stress(*options):
    """Its exit status, standard output and error."""
    done = subprocess.run([str(CACHEMAN), "stress", "--timeout=60s", *map(str, options)],
                          capture_output=True, text=True, timeout=6 * DEADLINE_S, check=False)
    return done.returncode, done.stdout, done.stderr


def results(*options):
    code, output, errors = stress("--json", *options)
    assert (code, errors) == (0, ""), (output, errors)
    return json.loads(output)


def at(*servers):
    return ",".join(f"127.0.0.1:{server.port}" for server in servers)


class Memcached:
    """memcached on a Unix socket, which it makes itself."""

    def __init__(self, folder):
        self.path = folder / "memcached.sock"
        user = ["-u", "root"] if os.getuid() == 0 else []
        self.process = subprocess.Popen([MEMCACHED, "-s", str(self.path), "-m", "64", *user])
        wait_until(self.answers, "memcached")

    def answers(self):
        try:
            with Client(self.path) as client:
                client.ask(b"mn\r\n", b"MN\r\n")
            return True
        except (FileNotFoundError, ConnectionRefusedError):
            return False

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=DEADLINE_S)


@pytest.fixture
def memcached(tmp_path):
    if MEMCACHED is None:
        pytest.skip("no memcached")
    server = Memcached(tmp_path)
    yield server
    server.stop()


EVERYTHING = ["--ratio=" + ",".join(f"{kind}=1" for kind in KINDS), "--load", "--fill", "--verify",
              "--keys=500", "--value-bytes=0-3000", "--ttl=1h", "--requests=6000", "--depth=7"]


def check_everything(found):
    """Every kind has been asked, every value was right, the sums are right."""
    assert found["errors"] == NO_ERRORS and found["troubles"] == []
    assert sorted(found["kinds"]) == sorted(KINDS)
    assert found["requests"] == sum(kind["requests"] for kind in found["kinds"].values())
    assert found["requests"] >= 6000
    gets = found["gets"]
    assert gets["checked"] == gets["hits"] > 0
    assert gets["keys"] == gets["hits"] + gets["misses"]
    assert found["load"] == {"sets": 500, "not_stored": 0}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("multiget", [1, 10])
def test_everything(server, protocol, multiget):
    found = results("-s", at(server), "-P", protocol, "--multiget", multiget, "-t", 2, *EVERYTHING)
    check_everything(found)


@pytest.mark.parametrize("protocol", ["text", "meta", "binary"])
@pytest.mark.parametrize("multiget", [1, 10])
def test_everything_against_memcached(memcached, protocol, multiget):
    check_everything(results("-s", f"unix:{memcached.path}", "-P", protocol, "--multiget", multiget,
                             *EVERYTHING))


@pytest.mark.parametrize("distribution", ["uniform", "zipf", "sequential", "hot"])
def test_distributions(server, distribution):
    """Sequential asks for every key as often; the others keep to keys that were loaded."""
    found = results("-s", at(server), "--load", "--keys=300", "--requests=3000", "--ratio=get=1",
                    "--distribution", distribution, "--verify", "--hot-keys=3")
    assert found["gets"]["hits"] == found["gets"]["checked"] == found["requests"] == 3000
    assert found["errors"] == NO_ERRORS


@pytest.mark.parametrize("sizes", ["0", "1", "15", "100", "1-2000", "lognormal:500:1", "1000000"])
def test_sizes(server, sizes):
    found = results("-s", at(server), "--load", "--keys=20", "--requests=300", "--verify",
                    "--value-bytes", sizes, "--ratio=get=2,set=1", "-c", 4)
    assert found["gets"]["checked"] == found["gets"]["hits"] == found["gets"]["keys"] > 0


def test_values_of_one_run_are_checked_by_the_next(server):
    common = ["-s", at(server), "--keys=100", "--value-bytes=1-500"]
    results(*common, "--load", "--duration=0", "--seed=5", "-P", "resp")
    found = results(*common, "--ratio=get=1", "--requests=500", "--verify", "--seed=6", "-P",
                    "binary")
    assert found["gets"]["checked"] == 500


def test_same_seed_same_requests(serve):
    """One connection: what is asked and what comes of it does not depend on chance."""
    seen = []
    for seed in (1, 1, 2):
        found = results("-s", at(serve("-t", "1")), "-c", 1, "--keys=50", "--requests=1000", "--seed",
                        seed, "--ratio=get=2,set=1,delete=1", "--value-bytes=1-99")
        seen.append((found["gets"], {k: v["requests"] for k, v in found["kinds"].items()},
                     found["bytes_sent"]))
    assert seen[0] == seen[1] != seen[2]


def test_fill_is_cache_aside(server):
    """Each key misses once, and is stored once; with one client and no time to live."""
    found = results("-s", at(server), "-c", 1, "--keys=200", "--distribution=sequential", "--fill",
                    "--requests=1000", "--ratio=get=1")
    assert found["gets"]["misses"] == 200
    assert found["kinds"]["set"]["requests"] == 200


def test_keys_are_spread_as_the_client_library_does(serve):
    """What three servers got is found again through the library's placement."""
    servers = [serve("-t", "1") for _ in range(3)]
    where = at(*servers) + "?distribution=ketama&prefix=p:"
    found = results("-s", where, "--load", "--keys=600", "--ratio=get=1", "--requests=600",
                    "--distribution=sequential", "--verify", "--multiget=20")
    assert found["gets"]["misses"] == 0 and found["connections_opened"] == 3 * 32
    counts = [int(server.connect().stats()["curr_items"]) for server in servers]
    assert sum(counts) == 600 and min(counts) > 0
    found = results("-s", where.replace("ketama", "rendezvous"), "--keys=600", "--ratio=get=1",
                    "--requests=600", "--distribution=sequential")
    assert found["gets"]["misses"] > 0


def test_unix_socket_and_threads(serve, tmp_path):
    serve(unix=tmp_path / "s")
    found = results("-s", f"unix:{tmp_path}/s", "-t", 3, "-c", 7, "--keys=100", "--load",
                    "--requests=1000", "--ratio=get=1", "--verify")
    assert found["requests"] == 1000 and found["connections_opened"] == 7
    assert found["gets"]["hits"] == 1000


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_tls(serve_tls, authority, protocol):
    server = serve_tls()
    found = results("-s", at(server), "--ca", authority.cert, "-P", protocol, "--keys=50", "--load",
                    "--requests=2000", "--verify", "--depth=5", "--value-bytes=1-70000")
    assert found["errors"] == NO_ERRORS and found["gets"]["checked"] > 0


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_login(serve, tmp_path, protocol):
    users, password = tmp_path / "users", tmp_path / "password"
    users.write_text("alice:secret\n")
    users.chmod(0o600)
    server = serve("--auth-file", str(users))
    password.write_text("secret\n")
    common = ["-s", at(server), "-u", "alice", "--password-file", password, "-P", protocol, "-c", 2,
              "--keys=10", "--requests=100"]
    assert results(*common)["errors"] == NO_ERRORS
    password.write_text("wrong\n")
    code, output, errors = stress(*common, "-c", 1)
    assert (code, output) == (77, "")
    assert re.fullmatch(r"cacheman stress: 1 of 1 connections failed: .+\n", errors)


def test_reconnecting(server):
    found = results("-s", at(server), "-c", 2, "--keys=10", "--requests=1000", "--reconnect=10")
    assert found["requests"] == 1000
    assert 90 <= found["connections_opened"] <= 110
    assert found["errors"] == NO_ERRORS


def test_reading_late(server):
    found = results("-s", at(server), "-c", 3, "--keys=10", "--value-bytes=200k", "--load",
                    "--requests=60", "--depth=10", "--read-pause=20ms", "--ratio=get=1", "--verify")
    assert found["gets"]["checked"] == 60
    assert found["latency_us"]["p50"] >= 20000


@pytest.mark.parametrize("name", ["mixed", "read-only", "write-heavy", "cache-aside", "sessions",
                                  "counters", "multiget", "large", "hot-key", "stampede", "churn",
                                  "slow-readers"])
def test_scenarios(serve, name):
    """Tried again where the machine stood still for the second."""
    server = serve("-t", "2", "-m", "512")

    def has_asked():
        found = results("-s", at(server), "--scenario", name, "--duration=1s", "--verify",
                        *([] if name in ("large", "stampede", "counters", "slow-readers") else
                          ["--keys=2000"]))
        assert found["errors"] == NO_ERRORS
        assert found["options"]["scenario"] == name
        return found["requests"] > 0

    wait_until(has_asked, "requests")


def test_scenario_list_names_all():
    code, output, errors = stress("--scenario=list")
    assert (code, errors) == (0, "")
    assert [line.split()[0] for line in output.splitlines()[::2]] == [
        "mixed", "read-only", "write-heavy", "cache-aside", "sessions", "counters", "multiget",
        "large", "hot-key", "stampede", "churn", "slow-readers"]


# ---- time ----


def test_rate_is_kept(server):
    found = results("-s", at(server), "--rate=400", "--duration=3s", "-t", 2, "--keys=100")
    assert found["errors"]["unsent"] + found["requests"] == 1200
    assert found["requests"] >= 600


def test_stalled_server_shows(serve):
    """A server that stands still for a second: with a rate every request that was due meanwhile
    counts from when it was due."""
    server = serve("-t", "1")
    process = subprocess.Popen(
        [str(CACHEMAN), "stress", "-s", at(server), "--json", "--progress", "--rate=1000",
         "--duration=1h", "-c", "4", "--keys=100", "--timeout=60s"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def read_for_a_second():
        """Its lines of progress, one of which comes every second."""
        begin = time.monotonic()
        while time.monotonic() < begin + 1.1:
            assert process.stderr.readline().startswith("running")

    try:
        process.stderr.readline()  # it is running
        server.signal(signal.SIGSTOP)
        read_for_a_second()
    finally:
        server.signal(signal.SIGCONT)
    read_for_a_second()
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=6 * DEADLINE_S)
    found = json.loads(output)
    assert process.returncode == 0
    assert found["latency_us"]["max"] >= 900000
    # At least a second's worth of requests was due, and waited half of it or longer: not four, as
    # many as there are connections.
    assert found["latency_us"]["p90"] >= 200000
    assert found["latency_us"]["p99.99"] >= 900000


def test_warmup_is_not_counted(server):
    """But for what was due in it and, on a busy machine, answered later, or where its end was seen
    late: then it is tried again."""
    def counts_the_rest():
        found = results("-s", at(server), "--warmup=1s", "--duration=1s", "--keys=100",
                        "--rate=500")
        return 0.9 < found["seconds"] and found["requests"] + found["errors"]["unsent"] <= 520

    wait_until(counts_the_rest, "the second after the first")


# ---- what it prints ----


def test_json_schema(server):
    found = results("-s", at(server), "--load", "--keys=10", "--requests=100", "--pid", server.pid)
    assert sorted(found) == sorted(
        ["options", "load", "seconds", "requests", "requests_per_s", "gets", "latency_us", "kinds",
         "connections_opened", "connecting_us", "bytes_sent", "bytes_received", "cpu_us_per_request",
         "errors", "troubles"])
    assert sorted(found["latency_us"]) == sorted(
        ["mean", "p50", "p90", "p95", "p99", "p99.9", "p99.99", "max"])
    assert found["options"]["servers"] == [at(server)]
    assert found["cpu_us_per_request"]["own"] > 0 and found["cpu_us_per_request"]["server"] > 0
    assert {name: found["options"][name] for name in ("keys", "load", "requests", "key_bytes")} == {
        "keys": 10, "load": True, "requests": 100, "key_bytes": 16}
    percentiles = [found["latency_us"][p] for p in ("p50", "p90", "p95", "p99", "p99.9", "p99.99",
                                                    "max")]
    assert percentiles == sorted(percentiles) and percentiles[0] > 0


def test_json_names_every_option(server):
    """But for what changes only how it is told; so that a run can be done again."""
    given = {"threads": 2, "connections": 3, "depth": 4, "keys": 50, "key_bytes": 20,
             "distribution": "hot", "zipf": 1.5, "hot_keys": 7, "hot_share": 60.5,
             "value_bytes": "10-20", "ratio": "get=3,set=2", "multiget": 5, "rate": 900000,
             "requests": 60, "seed": 9, "reconnect": 11, "on_error": "stop", "protocol": "meta"}
    times = {"ttl": 5000000, "duration": 3000000, "warmup": 1000, "timeout": 30000000,
             "read_pause": 2000}
    flags = ["load", "fill", "verify"]
    found = results("-s", at(server), *(f"--{flag}" for flag in flags),
                    *(f"--{name.replace('_', '-')}={value}" for name, value in given.items()),
                    *(f"--{name.replace('_', '-')}={us}us" for name, us in times.items()))
    assert found["options"] == {**given, **{f"{name}_us": us for name, us in times.items()},
                                **dict.fromkeys(flags, True), "scenario": None,
                                "servers": [at(server)]}


def test_text(server):
    code, output, errors = stress("-s", at(server), "--load", "--keys=10", "--requests=1000",
                                  "--verify")
    assert (code, errors) == (0, "")
    assert output.startswith("loaded    10 keys, 0 not stored\n")
    assert re.search(r"^ +requests a second +mean +p50 +p90 +p99 +p99.9 +p99.99 +max$", output, re.M)
    assert max(map(len, output.splitlines())) < 80
    assert re.search(r"^get( +\S+){2}( +\S+ (ns|us|ms|s)){7}$", output, re.M)
    assert re.search(r"^hits      100.0 % of \d+ keys$", output, re.M)
    assert re.search(r"^verified  \d+ values, 0 wrong$", output, re.M)
    assert output.endswith("\nerrors    none\n")


def test_progress_lines(server):
    process = subprocess.Popen([str(CACHEMAN), "stress", "-s", at(server), "--progress", "-D", "60",
                                "--keys=10", "--rate=100"], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    line = process.stderr.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=3 * DEADLINE_S)
    assert re.fullmatch(r"running \d s: \S+ a second, mean \S+ \S+, hits \S+( %)?, 32 connected, "
                        r"0 errors\n", line)


def test_progress_on_a_terminal(server):
    """One line, written over and wiped out in the end."""
    main, side = pty.openpty()
    process = subprocess.Popen([str(CACHEMAN), "stress", "-s", at(server), "--keys=10", "-D", "60",
                                "--rate=100"], stdout=subprocess.PIPE, stderr=side)
    os.close(side)
    seen = b""
    while b"running" not in seen:
        seen += os.read(main, 1000)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=3 * DEADLINE_S)
    assert seen.startswith(b"\r") and b"\n" not in seen
    os.close(main)


def test_interrupted(server):
    """The summary comes all the same."""
    process = subprocess.Popen([str(CACHEMAN), "stress", "-s", at(server), "--json", "-D", "1h",
                                "--keys=10", "--progress"], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    process.stderr.readline()
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=3 * DEADLINE_S)
    assert process.returncode == 0
    assert json.loads(output)["requests"] > 0


def test_output_that_cannot_be_written(server):
    with open("/dev/full", "w", encoding="ascii") as full:
        for form in ("--quiet", "--json"):
            done = subprocess.run([str(CACHEMAN), "stress", "-s", at(server), "--requests=10", form],
                                  stdout=full, stderr=subprocess.PIPE, text=True,
                                  timeout=3 * DEADLINE_S, check=False)
            assert (done.returncode, done.stderr) == (
                73, "cacheman stress: cannot write to standard output\n")


