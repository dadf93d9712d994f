# SPDX-License-Identifier: BSD-3-Clause
"""`config get cluster`: what auto-discovering clients are told, where it comes from, and that one of
them understands it. pylibmc asks by the old key: Debian's version reads no answer of the new way, nor
the line's end that ElastiCache puts behind the servers."""

import shutil
import time

import pytest

import cachemand
from etcd import Etcd


def ask(server):
    """Version and servers, after checking the form to the byte; of two answers that are no different
    versions."""
    client = server.connect()
    client.send(b"config get cluster\r\n")
    word, name, flags, size = client.line().split()
    assert (word, name, flags) == (b"CONFIG", b"cluster", b"0")
    text = client.take(int(size))
    assert client.take(7) == b"\r\nEND\r\n"
    client.send(b"get AmazonElastiCache:cluster\r\n")
    again = client.until(b"\r\nEND\r\n")
    client.close()
    version, servers, rest = text.split(b"\n")
    if again.split(b"\n")[1] != version:
        return ask(server)
    assert again == b"VALUE AmazonElastiCache:cluster 0 %d\r\n%s\r\nEND\r\n" % (len(text), text)
    assert rest == b""
    return int(version), servers.decode().split(" ")


def wait_for(server, names):
    """The version with which they are listed."""
    def look():
        version, servers = ask(server)
        return version if servers == [f"{host}|{host}|{port}" for host, port in names] else None

    return cachemand.wait_until(look, f"{names}", 120)


def test_alone(serve):
    server = serve()
    version, servers = ask(server)
    assert servers == [f"127.0.0.1|127.0.0.1|{server.port}"]
    assert abs(version - time.time()) < 3600
    assert ask(serve("-l", "0.0.0.0", "--advertise", "cache-1.example"))[1][0].startswith(
        "cache-1.example|cache-1.example|")
    six = serve("-l", "::1")
    assert ask_six(six) == f"::1|::1|{six.port}"


def ask_six(server):
    with server.connect(host="::1") as client:
        client.send(b"config get cluster\r\n")
        return client.until(b"END\r\n").split(b"\n")[2].decode()


def test_unclear_address(serve, tmp_path):
    for server in (serve("-l", "0.0.0.0"), serve(unix=tmp_path / "socket")):
        client = server.connect()
        client.ask(b"config get cluster\r\n", b"END\r\n")
        client.ask(b"get AmazonElastiCache:cluster\r\n", b"END\r\n")


def test_cluster_file(serve, tmp_path):
    path = tmp_path / "cluster"

    def write(text):
        new = tmp_path / "new"
        new.write_text(text)
        new.rename(path)

    write("# ours\ndistribution = ketama\n10.0.0.1:11211\n[::2]:5;weight=2\nunix:/run/a\nhost\n")
    server = serve("--cluster", str(path))
    first = wait_for(server, [("10.0.0.1", 11211), ("::2", 5), ("host", 16180)])
    write("10.0.0.2:1\n")
    second = wait_for(server, [("10.0.0.2", 1)])
    write("10.0.0.3:1\nnonsense = 1\n")
    told = ("cachemand: the cluster file: line 2: there is no option \"nonsense\"; the servers listed "
            "stay as they were")
    cachemand.wait_until(lambda: told in server.error_text(), "a word of it")
    assert ask(server) == (second, ["10.0.0.2|10.0.0.2|1"])
    path.unlink()
    cachemand.wait_until(lambda: "cannot read the cluster file" in server.error_text(), "another")
    write("10.0.0.1:11211\n")
    third = wait_for(server, [("10.0.0.1", 11211)])
    assert first < second < third
    assert server.error_text().count(told) == 1


@pytest.mark.parametrize("text, message", [
    (None, "cannot read the cluster file {path}: No such file or directory"),
    ("a\nb c\n", "line 2: \"b c\" is no host name and no address"),
])
def test_bad_file_at_the_start(tmp_path, text, message):
    path = tmp_path / "cluster"
    if text is not None:
        path.write_text(text)
    status, _, errors = cachemand.run("-p", "-1", "--cluster", str(path))
    assert (status, errors.splitlines()[-1]) == (
        78, "cachemand: option --cluster: " + message.format(path=path))


def test_long_listing(serve, tmp_path):
    """More than fits into one reply."""
    path = tmp_path / "cluster"
    names = [(f"cache-{number}.{'x' * 60}.example", number + 1) for number in range(1024)]
    path.write_text("".join(f"{host}:{port}\n" for host, port in names))
    wait_for(serve("--cluster", str(path)), names)


@pytest.mark.skipif(not shutil.which("etcd"), reason="needs etcd-server")
def test_members_in_etcd(serve):
    etcd = Etcd()
    try:
        servers = [serve("--join", f"{etcd.where}/c") for _ in range(3)]
        names = sorted(("127.0.0.1", server.port) for server in servers)
        names.sort(key=lambda name: f"{name[0]}:{name[1]}")
        versions = [wait_for(server, names) for server in servers]
        etcd.put("c", "10.0.0.1:5")
        for server, version in zip(servers, versions):
            assert wait_for(server, [("10.0.0.1", 5), *names]) > version
        etcd.kill()
        assert len(ask(servers[0])[1]) == 4
    finally:
        etcd.finish()


def test_pylibmc(serve, tmp_path):
    pylibmc = pytest.importorskip("pylibmc")
    libmemcached = pytest.importorskip("libmemcached")
    autoconf = pytest.importorskip("pylibmc.autoconf")
    path = tmp_path / "cluster"
    path.write_text("")
    servers = [serve("--cluster", str(path)) for _ in range(2)]
    hosts = [f"127.0.0.1:{server.port}" for server in servers]
    path.write_text("\n".join(hosts))
    cachemand.wait_until(lambda: len(ask(servers[0])[1]) == 2, "both")
    patience = libmemcached.PATIENCE
    listing = pylibmc.Client(hosts[:1], behaviors=patience).get("AmazonElastiCache:cluster")
    found = autoconf._parse_elasticache_config(listing.rstrip(b"\n"))
    assert found == hosts
    client = pylibmc.Client(found, behaviors=patience)
    for number in range(100):
        client.set(f"k{number}", "v")
    counts = [int(server.connect().stats()["curr_items"]) for server in servers]
    assert sum(counts) == 100 and min(counts) > 0
