# SPDX-License-Identifier: BSD-3-Clause
"""The client library's examples against real servers, as built here or, with CACHEMAN_PREFIX, as
installed there."""

import os
import pathlib
import subprocess

import pytest

import cachemand
import tls

PREFIX = os.environ.get("CACHEMAN_PREFIX")
MEMCACHED = "/usr/bin/memcached"
# A busy machine's.
PATIENCE = "?timeout=60s&connect_timeout=60s"


def programs(name):
    if PREFIX:
        return [pathlib.Path(PREFIX) / name, pathlib.Path(PREFIX) / f"{name}_static"]
    build = cachemand.PROGRAM.parents[1]
    return [build / "examples" / f"example_{name}"]


def run_all(name, where):
    """The output of the example, which must be the same from every way of linking it."""
    outputs = []
    for program in programs(name):
        if not program.exists():
            pytest.skip(f"{program} has not been built")
        status, output, errors = cachemand.run(where, program=program)
        assert (status, errors) == (0, "")
        outputs.append(output)
    return outputs


@pytest.fixture
def where(serve):
    return ",".join(f"127.0.0.1:{serve('-t', '1').port}" for _ in range(3)) + PATIENCE


def test_basics(where):
    for number, output in enumerate(run_all("client_basics", where), 1):
        assert output == ("greeting = hello, world\n"
                          f"visit {number}, greeting had 3600 s to live\n"
                          "greeting is not there\n")


def test_fetch(where):
    outputs = run_all("client_fetch", where)
    assert outputs[0] == "fetched 1000 times, computed 1 times\n"
    assert all(output == "fetched 1000 times, computed 0 times\n" for output in outputs[1:])


def test_uv(where):
    assert set(run_all("client_uv", where)) == {"read 100 of 100\n"}


def test_examples_say_what_is_wrong():
    for name in ("client_basics", "client_fetch", "client_uv"):
        for program in programs(name):
            if program.exists():
                assert cachemand.run("a:b", program=program) == (
                    1, "", "\"b\" is not a port from 1 to 65535\n")


@pytest.mark.skipif(not PREFIX, reason="looks at what is installed")
def test_only_public_symbols_are_offered():
    library = next(pathlib.Path(PREFIX).rglob("libcacheman.so"))
    listing = subprocess.run(["nm", "-D", "--defined-only", str(library)], check=True,
                             capture_output=True, text=True).stdout
    names = {line.split()[-1].split("@")[0] for line in listing.splitlines()}
    names.discard("CACHEMAN_0")
    assert "cacheman_open" in names and "cacheman_async_run" in names
    assert {name for name in names if not name.startswith("cacheman_")} == {"cm_status_text"}
    assert library.resolve().name.startswith("libcacheman.so.")


@pytest.mark.skipif(not os.path.exists(MEMCACHED), reason="needs memcached")
def test_with_memcached(memcached):
    where = ",".join(memcached() for _ in range(2)) + PATIENCE
    assert "greeting = hello, world\n" in run_all("client_basics", where)[0]
    assert run_all("client_fetch", where)[0] == "fetched 1000 times, computed 1 times\n"
    assert run_all("client_uv", where)[0] == "read 100 of 100\n"


@pytest.mark.skipif(not os.path.exists(MEMCACHED), reason="needs memcached")
def test_logging_in(memcached, tmp_path):
    users = tmp_path / "users"
    users.write_text("bob:secret\n")
    users.chmod(0o644)
    where = memcached("-Y", str(users)) + PATIENCE
    program = programs("client_basics")[0]
    if not program.exists():
        pytest.skip(f"{program} has not been built")
    status, output, errors = cachemand.run(f"{where}&user=bob&password=secret", program=program)
    assert (status, errors) == (0, "") and "hello, world" in output
    assert cachemand.run(f"{where}&user=bob&password=wrong", program=program)[0] == 1
    assert cachemand.run(where, program=program)[0] == 1


@pytest.fixture
def secured(serve, tmp_path):
    """Where two servers are that speak TLS alone, and the authority behind their certificates."""
    authority = tls.Authority(tmp_path)
    cert, key = authority.sign("server")
    options = ("-Z", "--tls-cert", str(cert), "--tls-key", str(key), "-t", "1")
    return ",".join(f"127.0.0.1:{serve(*options).port}" for _ in range(2)), authority


def need(name):
    program = programs(name)[0]
    if not program.exists():
        pytest.skip(f"{program} has not been built")
    return program


def test_over_tls(secured):
    where, authority = secured
    for name in ("client_basics", "client_fetch", "client_uv"):
        need(name)
        run_all(name, f"{where}?tls=on&tls_ca={authority.cert}&timeout=60s&connect_timeout=60s")
        run_all(name, f"{where}?tls=any&timeout=60s&connect_timeout=60s")


def test_a_stranger_is_not_believed(secured, tmp_path):
    where, _ = secured
    program = need("client_basics")
    stranger = tls.Authority(tmp_path, "stranger")
    for options in (f"tls=on&tls_ca={stranger.cert}", "tls=on", "tls=off&connect_timeout=200ms"):
        status, output, _ = cachemand.run(f"{where}?{options}&timeout=20s", program=program)
        assert (status, output) == (1, ""), options


def test_a_certificate_of_another_host_is_not_believed(serve, tmp_path):
    program = need("client_basics")
    authority = tls.Authority(tmp_path)
    cert, key = authority.sign("server")
    server = serve("-Z", "--tls-cert", str(cert), "--tls-key", str(key), "-l", "127.0.0.2")
    options = f"?tls=on&tls_ca={authority.cert}&timeout=60s&connect_timeout=60s"
    assert cachemand.run(f"127.0.0.2:{server.port}{options}", program=program)[0] == 1


def test_files_of_tls_are_explained(tmp_path):
    program = need("client_basics")
    status, _, errors = cachemand.run(f"a?tls=on&tls_ca={tmp_path}/none", program=program)
    assert status == 1 and errors.startswith(
        f"cannot use the authorities \"{tmp_path}/none\": No such file or directory")


def test_logging_in_here(serve, tmp_path):
    users = tmp_path / "users"
    users.write_text("bob:secret\n")
    users.chmod(0o600)
    server = serve("--auth-file", str(users))
    program = need("client_basics")
    where = f"127.0.0.1:{server.port}?timeout=60s&connect_timeout=60s"
    status, output, errors = cachemand.run(f"{where}&user=bob&password=secret", program=program)
    assert (status, errors) == (0, "") and "hello, world" in output
    for login in ("&user=bob&password=wrong", ""):
        status, output, _ = cachemand.run(where + login, program=program)
        assert (status, output) == (1, "")
