# SPDX-License-Identifier: BSD-3-Clause
"""pymemcache over TLS."""

import threading

import pytest

from cachemand import DEADLINE_S

base = pytest.importorskip("pymemcache.client.base")
hash_client = pytest.importorskip("pymemcache.client.hash")


def client_of(server, **how):
    return base.Client(("localhost", server.port), timeout=DEADLINE_S, no_delay=True,
                       tls_context=server.tls, **how)


def test_pymemcache(serve_tls):
    client = client_of(serve_tls("-t", "2"))
    assert client.set("a", b"one", noreply=False)
    assert client.get("a") == b"one"
    assert client.get("missing") is None
    for number in range(2000):
        client.set(f"k{number}", b"%d" % number, noreply=True)
    wanted = {f"k{number}": b"%d" % number for number in range(2000)}
    assert client.get_many(list(wanted)) == wanted
    assert client.set("big", b"0123456789" * 100000, noreply=False)
    assert client.get("big") == b"0123456789" * 100000
    value, cas = client.gets("a")
    assert client.cas("a", b"two", cas) is True and value == b"one"
    assert client.incr("k7", 3) == 10
    assert client.stats()[b"ssl_handshake_errors"] == 0
    client.close()


def test_pymemcache_pool_in_threads(serve_tls):
    server = serve_tls("-t", "2")
    client = hash_client.HashClient([("localhost", server.port)], timeout=DEADLINE_S,
                                    use_pooling=True, max_pool_size=8, tls_context=server.tls)
    failures = []

    def work(number):
        try:
            for step in range(200):
                key, value = f"{number}-{step}", b"%d" % (number * step)
                client.set(key, value, noreply=False)
                assert client.get(key) == value
        except Exception as error:  # whatever it is, the test shall fail
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    client.close()
