# SPDX-License-Identifier: BSD-3-Clause
"""Unix sockets: their life in the file system, and what is in their way."""

import os
import pathlib
import pwd
import shutil
import signal
import socket
import stat
import tempfile

import pytest

from cachemand import Client, run

SYSTEM = 71


@pytest.fixture
def path(tmp_path_factory):
    """A short one: the system allows 107 bytes."""
    return tmp_path_factory.mktemp("u") / "socket"


def leave_behind(path, kind=socket.SOCK_STREAM):
    """A socket that nobody listens on, as a server leaves it that was killed."""
    left = socket.socket(socket.AF_UNIX, kind)
    left.bind(str(path))
    left.close()


def test_serves(serve, path):
    server = serve(unix=path)
    client = server.connect()
    client.set(b"k", b"x" * 300000)
    assert client.get(b"k") == b"x" * 300000
    assert stat.S_IMODE(path.lstat().st_mode) == 0o700
    assert server.error_text().splitlines()[-1] == f"cachemand: listening on unix:{path}"


def test_network_is_off(serve, path, hold_port):
    port = hold_port()
    server = serve("-p", str(port), unix=path)
    server.connect().ask(b"mn\r\n", b"MN\r\n")
    with pytest.raises(ConnectionRefusedError):
        Client(port)
    assert server.error_text().startswith(
        "cachemand: option -p (--port) has no effect: -s turns the network off\n")
    assert not server.port_file.exists()


def test_several_clients_and_many_requests(serve, path):
    server = serve("-t", "2", unix=path)
    clients = [server.connect() for _ in range(20)]
    for number, client in enumerate(clients):
        client.send(b"set k%d 0 0 5\r\nvalue\r\n" % number + b"get k%d\r\n" % number * 1000)
    for number, client in enumerate(clients):
        assert client.line() == b"STORED\r\n"
        answer = b"VALUE k%d 0 5\r\nvalue\r\nEND\r\n" % number * 1000
        assert client.take(len(answer)) == answer


def test_stats(serve, path):
    server = serve("-a", "755", unix=path)
    client = server.connect()
    settings = client.stats(b"settings")
    wanted = {"domain_socket": str(path), "umask": "755", "tcpport": "0", "udpport": "0"}
    assert {name: settings.get(name) for name in wanted} == wanted
    conns = client.stats(b"conns")
    addresses = {value for name, value in conns.items() if name.endswith("addr")}
    assert addresses == {f"unix:{path}"}


@pytest.mark.parametrize("mask", ["0", "600", "666", "0777"])
def test_mask(serve, path, mask):
    serve("-a", mask, unix=path)
    assert stat.S_IMODE(path.lstat().st_mode) == int(mask, 8)


def test_socket_is_removed_at_the_end(serve, path):
    server = serve(unix=path)
    client = server.connect()
    client.send(b"get a\r\n")
    server.signal(signal.SIGTERM)
    assert client.rest() == b"END\r\n"
    assert server.wait() == 0
    assert not path.exists()


def test_socket_of_a_killed_server_is_replaced(serve, path):
    leave_behind(path)
    server = serve(unix=path)
    server.connect().ask(b"mn\r\n", b"MN\r\n")


def test_socket_that_somebody_listens_on_stays(serve, path):
    server = serve(unix=path)
    assert run("-s", str(path)) == (
        SYSTEM, "", f"cachemand: cannot listen on unix:{path}: Address already in use\n")
    server.connect().ask(b"mn\r\n", b"MN\r\n")


def test_socket_of_another_kind_stays(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(str(path))
        assert run("-s", str(path)) == (
            SYSTEM, "", f"cachemand: cannot listen on unix:{path}: Address already in use\n")
    assert path.exists()


@pytest.mark.parametrize("make", [lambda path: path.write_text("precious"),
                                  lambda path: path.mkdir(),
                                  lambda path: path.symlink_to(path.parent / "nothing")],
                         ids=["file", "folder", "link"])
def test_something_else_stays(path, make):
    make(path)
    assert run("-s", str(path)) == (
        SYSTEM, "",
        f"cachemand: cannot listen on unix:{path}: there is something else than a socket\n")
    assert os.path.lexists(path)


def test_folder_that_does_not_exist(path):
    assert run("-s", str(path / "x")) == (
        SYSTEM, "", f"cachemand: cannot listen on unix:{path}/x: No such file or directory\n")


def test_longest_path(serve, tmp_path_factory):
    folder = tmp_path_factory.mktemp("u")
    path = folder / ("x" * (107 - len(str(folder)) - 1))
    serve(unix=path).connect().ask(b"mn\r\n", b"MN\r\n")
    assert run("-s", f"{path}x") == (
        64, "", "cachemand: option -s (--unix-socket): the path is 108 bytes long, the system "
        "allows 107\n")


@pytest.mark.parametrize("name", ["a%b", "a,b;c?d", "a b"])
def test_path_that_a_cluster_could_not_name(serve, tmp_path_factory, name):
    serve(unix=tmp_path_factory.mktemp("u") / name).connect().ask(b"mn\r\n", b"MN\r\n")


def test_another_servers_socket_is_not_removed(serve, path):
    server = serve(unix=path)
    path.unlink()
    other = serve(unix=path)
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    other.connect().ask(b"mn\r\n", b"MN\r\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_socket_belongs_to_the_user(serve):
    nobody = pwd.getpwnam("nobody")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="cachemand-"))
    try:
        os.chmod(folder, 0o777)
        path = folder / "socket"
        server = serve("-u", "nobody", unix=path)
        assert path.lstat().st_uid == nobody.pw_uid
        server.connect().ask(b"mn\r\n", b"MN\r\n")
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
        assert not path.exists()
    finally:
        shutil.rmtree(folder)
