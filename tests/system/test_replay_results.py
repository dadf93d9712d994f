# SPDX-License-Identifier: BSD-3-Clause
"""`cacheman replay` against real servers: what it counts."""

import gzip
import json
import os
import pty
import random
import re
import subprocess
import xml.etree.ElementTree

import pytest

from cachemand import DEADLINE_S, PROGRAM, Client, wait_until
from console import patient

CACHEMAN = PROGRAM.parent / "cacheman"
NEEDS_MEMCACHED = pytest.mark.skipif(not os.path.exists("/usr/bin/memcached"),
                                     reason="needs memcached")
SVG = "{http://www.w3.org/2000/svg}"


def replay(*options, given=None):
    """Its exit status, standard output and error; with a busy machine's timeouts."""
    done = subprocess.run([str(CACHEMAN), "replay", *map(patient, options)],
                          capture_output=True, input=given, timeout=3 * DEADLINE_S, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def results(*options, given=None, status=0):
    """The parsed JSON and the targets in it."""
    code, output, errors = replay("--json", *options, given=given)
    assert (code, errors) == (status, "")
    everything = json.loads(output)
    return everything, everything["targets"]


def requests(seed, count, keys):
    """Keys with repeats near and far, and sizes that belong to them."""
    chance = random.Random(seed)
    names = [f"key:{int(chance.paretovariate(0.6)) % keys}" for _ in range(count)]
    return [(name, 1 + len(name) * 37 % 400) for name in names]


def write(path, rows):
    path.write_text("".join(f"{key} {size}\n" for key, size in rows))
    return path


@pytest.fixture
def rows():
    return requests(1, 5000, 900)


@pytest.fixture
def trace(tmp_path, rows):
    return write(tmp_path / "trace", rows)


def at(server):
    return f"127.0.0.1:{server.port}"


def counts(target):
    return {name: target[name] for name in ("requests", "hits", "misses", "stored", "refused",
                                            "errors", "wrong", "failure")}


def all_fit(rows):
    """What must come out of an empty cache in which everything has room."""
    distinct = len({key for key, _ in rows})
    return {"requests": len(rows), "hits": len(rows) - distinct, "misses": distinct,
            "stored": distinct, "refused": 0, "errors": 0, "wrong": 0, "failure": None}


@pytest.mark.parametrize("window", [1, 2, 7, 64, 4096])
def test_exact_where_everything_fits(serve, trace, rows, window):
    """Whatever the window, as if one request waited for the other."""
    server = serve("-t", "1", "-m", "64")
    everything, (target,) = results("-s", at(server), "--window", window, trace)
    assert counts(target) == all_fit(rows)
    sizes = {}
    for key, size in rows:
        sizes.setdefault(key, size)
    assert target["stored_bytes"] == sum(sizes.values())
    assert target["miss_ratio"] == pytest.approx(len(sizes) / len(rows), abs=1e-8)
    assert everything["requests"] == len(rows)
    assert (everything["windows"] == len(rows)) == (window == 1)
    with Client(server.port) as client:
        stats = client.stats()
        assert (int(stats["cmd_get"]), int(stats["cmd_set"])) == (len(rows), len(sizes))
        assert int(stats["get_hits"]) == len(rows) - len(sizes)
        assert len(client.get(rows[0][0].encode())) == rows[0][1]


@NEEDS_MEMCACHED
@pytest.mark.parametrize("window", [1, 64])
def test_memcached(memcached, trace, rows, window):
    where = memcached("-m", "64")
    assert counts(results("-s", where, "-w", window, "--verify", trace)[1][0]) == all_fit(rows)
    text = memcached("-m", "64") + "?protocol=text"
    assert counts(results("-s", text, "-w", window, trace)[1][0]) == all_fit(rows)


def test_windows_hardly_matter_where_not_everything_fits(serve, tmp_path):
    """A window of 64 misses what one request after the other does, give or take a hundredth."""
    rows = [(key, 20000) for key, _ in requests(2, 30000, 3000)]
    path = write(tmp_path / "large", rows)
    servers = [serve("-t", "1", "-m", "16") for _ in range(2)]
    ratios = [results("-s", at(server), "-w", window, path)[1][0]["miss_ratio"]
              for server, window in zip(servers, (1, 64))]
    distinct = len({key for key, _ in rows})
    assert min(ratios) > distinct / len(rows)
    assert abs(ratios[0] - ratios[1]) < 0.01


@NEEDS_MEMCACHED
def test_compare_three(serve, memcached, trace, rows, tmp_path):
    small, large = serve("-t", "1", "-m", "64"), serve("-t", "1", "-m", "64", "-I", "1k")
    plot = tmp_path / "plot.svg"
    third = memcached("-m", "64")
    everything, targets = results("--compare", "--plot", plot, "-v", "100-2000", trace, at(small),
                                  at(large), third)
    assert [target["server"] for target in targets] == [at(small), at(large), third]
    assert counts(targets[0]) == counts(targets[2]) == all_fit(rows)
    assert targets[1]["refused"] > 0 and targets[1]["misses"] > targets[0]["misses"]
    assert targets[1]["stored"] + targets[1]["refused"] == targets[1]["misses"]
    assert everything["points"][-1]["requests"] == len(rows)
    assert all(len(point["miss_ratios"]) == 3 for point in everything["points"])
    check_plot(plot, targets)


def test_equal_lines_are_all_seen(serve, trace, tmp_path):
    plot = tmp_path / "plot.svg"
    servers = [at(serve("-t", "1", "-m", "64")) for _ in range(3)]
    results("--compare", "--plot", plot, trace, *servers)
    lines = xml.etree.ElementTree.parse(plot).getroot().findall(SVG + "polyline")
    assert len({line.get("points") for line in lines}) == 1
    assert [line.get("stroke-dasharray") for line in lines] == [None, "6 6", "6 12"]


def check_plot(path, targets):
    picture = xml.etree.ElementTree.parse(path).getroot()
    assert picture.tag == SVG + "svg"
    width, height = (float(number) for number in picture.get("viewBox").split()[2:])
    lines = picture.findall(SVG + "polyline")
    assert len(lines) == len(targets)
    for line in lines:
        points = [tuple(map(float, point.split(","))) for point in line.get("points").split()]
        assert len(points) > 10
        assert all(0 < x < width and 0 < y < height for x, y in points)
        assert [x for x, _ in points] == sorted(x for x, _ in points)
    texts = ["".join(text.itertext()) for text in picture.iter(SVG + "text")]
    for target in targets:
        assert f"{target['server']} {target['miss_ratio'] * 100:.2f} % overall" in texts
    assert "requests" in texts and "0 %" in texts
    assert "prefers-color-scheme: dark" in picture.find(SVG + "style").text


def test_cluster(serve, trace, rows):
    """Many servers as one target, with the client's own placement."""
    servers = [serve("-t", "1") for _ in range(3)]
    where = ",".join(at(server) for server in servers)
    everything, (target,) = results("-s", where + "?distribution=ketama", trace)
    assert counts(target) == all_fit(rows) and target["server"] == where
    stored = []
    for server in servers:
        with Client(server.port) as client:
            stored.append(int(client.stats()["curr_items"]))
    assert sum(stored) == target["misses"] and min(stored) > 0
    assert everything["trace"] == "trace"


def test_gzip_and_standard_input(serve, trace, rows, tmp_path):
    text = trace.read_bytes()
    packed = tmp_path / "packed"  # told by its content, not by its name
    packed.write_bytes(gzip.compress(text[:20000]) + gzip.compress(text[20000:]))
    for operand, given in ((packed, None), ("-", text), ("-", gzip.compress(text))):
        server = serve("-t", "1")
        everything, (target,) = results("-s", at(server), operand, given=given)
        assert counts(target) == all_fit(rows)
        assert everything["trace"] == ("packed" if given is None else "standard input")


def test_skip_and_limit(serve, trace, rows):
    server = serve("-t", "1")
    part = rows[1000:1777]
    assert counts(results("-s", at(server), "--skip=1000", "--limit=777", trace)[1][0]) == \
        all_fit(part)
    server = serve("-t", "1")
    assert counts(results("-s", at(server), "--skip=6000", trace)[1][0]) == all_fit([])


def test_verify(serve, trace, rows):
    """Somebody else's value under a key is noticed, and so is one of another length."""
    server = serve("-t", "1")
    assert counts(results("-s", at(server), "--verify", "-v50", trace)[1][0]) == all_fit(rows)
    key = rows[0][0].encode()
    often = sum(1 for name, _ in rows if name.encode() == key)
    with Client(server.port) as client:
        client.set(key, client.get(key)[:-1])
    status, output, errors = replay("-s", at(server), "--verify", "-v50", "--json", trace)
    assert (status, errors) == (
        1, f"cacheman replay: {at(server)}: {often} hits had another key's value\n")
    assert json.loads(output)["targets"][0]["wrong"] == often
    with Client(server.port) as client:
        client.set(key, b"x" * 50)
    assert replay("-s", at(server), "--verify", "-v50", trace)[0] == 1
    assert replay("-s", at(server), "-v50", trace)[0] == 0


def test_table_and_rows(serve, trace, rows):
    server = serve("-t", "1")
    status, output, errors = replay("-s", at(server), "--interval=2000", trace)
    assert (status, errors) == (0, "")
    lines = output.splitlines()
    assert lines[0].split() == ["requests", at(server)]
    ends = [int(line.split()[0]) for line in lines[1:4]]
    assert 2000 <= ends[0] < 2064 and 2000 <= ends[1] - ends[0] < 2064 and ends[2] == 5000
    misses = sum(float(line.split()[1]) * (end - begin)
                 for line, begin, end in zip(lines[1:4], [0] + ends, ends))
    expected = all_fit(rows)
    assert misses == pytest.approx(expected["misses"], abs=1)
    assert lines[4].startswith("trace: 5000 requests in ")
    assert lines[5].split() == ["server", "requests", "hits", "misses", "miss", "ratio", "MiB",
                                "stored", "seconds", "refused", "errors"]
    assert lines[6].split()[:5] == [at(server), "5000", str(expected["hits"]),
                                    str(expected["misses"]),
                                    f"{expected['misses'] / 5000:.4f}"]
    assert lines[6].split()[-2:] == ["0", "0"] and len(lines) == 7


def test_progress_on_a_terminal(serve, tmp_path):
    """A bar that is gone at the end; nothing of it where standard error is no terminal."""
    path = tmp_path / "long"
    path.write_text("".join(f"key:{i % 100} 10\n" for i in range(100000)))
    here, there = pty.openpty()
    with subprocess.Popen([str(CACHEMAN), "replay", "-s", patient(at(serve("-t", "1"))), "-w1",
                           str(path)], stdout=subprocess.DEVNULL, stderr=there) as process:
        os.close(there)
        shown = b""
        try:
            while piece := os.read(here, 4096):
                shown += piece
        except OSError:  # how a terminal ends
            pass
        assert process.wait(3 * DEADLINE_S) == 0
    os.close(here)
    bars = re.findall(rb"\r\x1b\[K\[(#*)(\.*)\] +(\d+) %  (\d+) requests, \d+/s, miss ratio 0\.\d{4}",
                      shown)
    assert bars and all(len(full) + len(empty) == 24 for full, empty, _, _ in bars)
    assert [int(done) for _, _, _, done in bars] == sorted(int(done) for _, _, _, done in bars)
    assert all(int(part) <= 100 for _, _, part, _ in bars)
    assert shown.endswith(b"\r\x1b[K")


def test_odd_keys_hashed(serve, tmp_path):
    path = tmp_path / "odd"
    path.write_bytes(b"a" * 300 + b" 5\n" + b"\x01 6\n" + b"a" * 300 + b" 5\nplain 7\n")
    server = serve("-t", "1")
    _, (target,) = results("-s", at(server), "--keys=hash", "--verify", path)
    assert (target["hits"], target["misses"], target["wrong"]) == (1, 3, 0)
    with Client(server.port) as client:
        assert len(client.get(b"plain")) == 7


def test_server_that_dies_midway(serve):
    """What was measured so far is told, and the others go on to the end."""
    rows = requests(3, 150000, 5000)
    half = "".join(f"{key} 10\n" for key, _ in rows).encode()
    dying, living = serve("-t", "1"), serve("-t", "1")
    process = subprocess.Popen([str(CACHEMAN), "replay", "--json", "--compare", "-",
                                patient(at(dying)), patient(at(living))], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdin.write(half)
    process.stdin.flush()
    with Client(living.port) as client:
        wait_until(lambda: int(client.stats()["cmd_get"]) > 50000, "half of the replay")
    dying.process.kill()
    dying.process.wait()
    output, errors = process.communicate(half, timeout=3 * DEADLINE_S)
    assert process.returncode == 69
    targets = json.loads(output)["targets"]
    assert targets[0]["failure"].startswith("server cannot be reached")
    assert 50000 - 64 <= targets[0]["requests"] < 300000
    assert targets[0]["requests"] == targets[0]["hits"] + targets[0]["misses"]
    assert targets[1]["failure"] is None and targets[1]["requests"] == 300000
    assert errors.decode() == (f"cacheman replay: {at(dying)}: {targets[0]['failure']}; "
                               f"ended after {targets[0]['requests']} requests\n")
