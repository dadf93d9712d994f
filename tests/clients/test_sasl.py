# SPDX-License-Identifier: BSD-3-Clause
"""Logging in with the client libraries that can: SASL over the binary protocol."""

import pathlib
import shutil
import subprocess

import pytest

import libmemcached
import test_php
from cachemand import ROOT

pylibmc = pytest.importorskip("pylibmc")

pytestmark = pytest.mark.skipif(not pylibmc.support_sasl, reason="pylibmc without SASL")
USERS = str(ROOT / "tests/session/auth/users")
PASSWORDS = {"alice": "secret", "bob": "builder"}


@pytest.fixture(params=[(), ("-S",)], ids=["any protocol", "binary alone"])
def server(serve, request):
    return serve("-t", "2", "-Y", USERS, *request.param)


def client(server, user, password):
    return pylibmc.Client([f"127.0.0.1:{server.port}"], binary=True, username=user,
                          password=password, behaviors=libmemcached.PATIENCE)


@pytest.mark.parametrize("user", PASSWORDS)
def test_pylibmc(server, user):
    """libmemcached chooses the strongest mechanism of its library and the server."""
    cache = client(server, user, PASSWORDS[user])
    assert cache.set("key", "value")
    assert cache.get("key") == "value"
    assert cache.set_multi({f"k{number}": number for number in range(100)}) == []
    assert len(cache.get_multi([f"k{number}" for number in range(100)])) == 100
    assert cache.incr("k7") == 8


@pytest.mark.parametrize("user,password", [("alice", "wrong"), ("nobody", "secret"),
                                           ("alice", "builder")])
def test_pylibmc_with_a_wrong_password(server, user, password):
    with pytest.raises(pylibmc.Error):
        client(server, user, password).get("key")


def test_pylibmc_without_a_password(server):
    """libmemcached takes the refusal of a read for a miss."""
    cache = client(server, None, None)
    with pytest.raises(pylibmc.Error):
        cache.set("key", "value")
    assert client(server, "alice", "secret").get("key") is None


@pytest.mark.skipif(not test_php.has_extension(), reason="no php with memcached")
@pytest.mark.parametrize("user,password,wanted", [
    ("alice", "secret", "ok"), ("bob", "builder", "ok"), ("alice", "wrong", "refused"),
    ("nobody", "secret", "refused")])
def test_php_memcached(server, user, password, wanted):
    script = pathlib.Path(__file__).parent / "php" / "sasl.php"
    done = subprocess.run([shutil.which("php"), str(script), str(server.port), user, password],
                          capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stdout) == (0, f"{wanted}\n"), done.stderr
