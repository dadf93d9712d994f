# SPDX-License-Identifier: BSD-3-Clause
"""A server process of one's own, and a plain socket to it. Every wait has a deadline."""

import fcntl
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import termios
import time

import tls as secure

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("CACHEMAND", ROOT / "build/bin/cachemand"))
DEADLINE_S = float(os.environ.get("CACHEMAN_TEST_DEADLINE_S", "60"))
# What every server is given besides, to run tests with it that do not know.
OPTIONS = os.environ.get("CACHEMAND_OPTIONS", "").split()
# The last of what a server says at its start.
ANNOUNCEMENT = re.compile(r"listening on .*\n")


def test_program():
    """The server made for tests, None if it was not built."""
    for path in (PROGRAM.parent.parent / "tests" / "cachemand-test",
                 ROOT / "build/debug/tests/cachemand-test"):
        if path.exists():
            return path
    return None


def wait_until(condition, what, deadline_s=DEADLINE_S):
    """The condition's first true value."""
    end = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"waited {deadline_s} s for {what}")
        time.sleep(0.005)


def run(*options, env=None, program=PROGRAM):
    """A program that ends by itself: its exit status, standard output and error."""
    done = subprocess.run([str(program), *options], capture_output=True, text=True, env=env,
                          stdin=subprocess.DEVNULL, timeout=DEADLINE_S, check=False)
    return done.returncode, done.stdout, done.stderr


class HeldPort:
    """A port that is nobody else's, whether or not a server of ours listens on it: bound, so that the
    system gives it to no other, but not listened on, so that connecting is refused until then."""

    def __init__(self, host="127.0.0.1"):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((host, 0))
        self.number = self.socket.getsockname()[1]

    def close(self):
        self.socket.close()


def wait_until_received(sock):
    """Until the system at the other end of a TCP connection has all that was sent, read or not: on a
    busy machine it is on its way for a while even on loopback."""
    def nothing_is_under_way():
        return fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4)) == bytes(4)

    wait_until(nothing_is_under_way, "what was sent to be received")


def refuses(port):
    """Whether nobody listens on the port any more."""
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        pass  # it closed just then
    return False


class Client:
    """One connection, to a port or to a Unix socket's path; what has arrived and was not asked for
    yet is kept."""

    def __init__(self, port, host="127.0.0.1", timeout=DEADLINE_S, receive_buffer=None, tls=None):
        is_path = isinstance(port, (str, pathlib.Path))
        family = socket.AF_UNIX if is_path else socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect(str(port) if is_path else (host, port))
        if not is_path:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self.socket = secure.TlsSocket(self.socket, tls)
        self.kept = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def _more(self):
        piece = self.socket.recv(1 << 20)
        if not piece:
            raise EOFError(f"closed after {bytes(self.kept[-100:])!r}")
        self.kept += piece

    def take(self, count):
        while len(self.kept) < count:
            self._more()
        taken = bytes(self.kept[:count])
        del self.kept[:count]
        return taken

    def line(self):
        """The next line, with its end."""
        return self.until(b"\r\n")

    def until(self, end):
        start = 0
        while True:
            at = self.kept.find(end, start)
            if at >= 0:
                return self.take(at + len(end))
            start = max(0, len(self.kept) - len(end))
            self._more()

    def rest(self):
        """Everything up to the end of the connection."""
        while True:
            try:
                piece = self.socket.recv(1 << 20)
            except ConnectionResetError:
                piece = b""
            if not piece:
                return self.take(len(self.kept))
            self.kept += piece

    def ask(self, data, answer):
        """Sends, and expects exactly this answer."""
        self.send(data)
        got = self.take(len(answer))
        assert got == answer

    def set(self, key, value, exptime=0):
        self.ask(b"set %s 0 %d %d\r\n%s\r\n" % (key, exptime, len(value), value), b"STORED\r\n")

    def get(self, key):
        """The value, None on a miss."""
        self.send(b"get %s\r\n" % key)
        head = self.line()
        if head == b"END\r\n":
            return None
        word, name, _, size = head.split()
        assert word == b"VALUE" and name == key
        value = self.take(int(size))
        assert self.take(7) == b"\r\nEND\r\n"
        return value

    def stats(self, group=b""):
        self.send(b"stats%s\r\n" % (b" " + group if group else b""))
        values = {}
        for row in self.until(b"END\r\n").splitlines()[:-1]:
            _, name, value = row.split(b" ", 2)
            values[name.decode()] = value.decode()
        return values

    def is_closed(self):
        """Waits for the peer's end."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True


def listens(port):
    """Whether somebody can be connected to, at a port or at a Unix socket's path."""
    try:
        Client(port).close()
        return True
    except (FileNotFoundError, ConnectionRefusedError):
        return False


class Server:
    """cachemand on a free port, or, with `unix`, on a Unix socket of that path, ready to be
    connected to, all said that it says at its start; with `tls`, a client's context, by TLS. Without
    `announces` it is not to say where it listens, so its port's file tells that it is ready."""

    def __init__(self, *options, env=None, program=PROGRAM, port=True, unix=None, wrapper=(),
                 tls=None, announces=True):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="cachemand-"))
        self.port_file = self.folder / "port"
        self.errors = self.folder / "stderr"
        if unix is not None:
            options = ("-s", str(unix), *options)
        elif port:
            options = ("-p", "-1", *options)
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(
                [*wrapper, str(program), *OPTIONS, *options], stdin=subprocess.DEVNULL, stderr=errors,
                stdout=subprocess.DEVNULL,
                env={**os.environ, "MEMCACHED_PORT_FILENAME": str(self.port_file), **(env or {})})
        self.pid = self.process.pid
        self.clients = []
        self.tls = tls
        self.port = unix
        self._wait_for_start(ANNOUNCEMENT.search if announces else lambda _: True, unix)
        if unix is None:
            self.ports = [line.split() for line in self.port_file.read_text().splitlines()]
            self.port = int(self.ports[0][2])

    def _wait_for_start(self, is_whole, unix):
        def look():
            if self.process.poll() not in (None, 0):
                raise RuntimeError(f"ended with {self.process.returncode}: {self.error_text()}")
            return is_whole(self.error_text()) and (unix is not None or self.port_file.exists())

        wait_until(look, "the server's start")

    def error_text(self):
        return self.errors.read_text(errors="replace")

    def connect(self, **how):
        client = Client(self.port, **{"tls": self.tls, **how})
        self.clients.append(client)
        return client

    def signal(self, number):
        os.kill(self.pid, number)

    def wait(self, deadline_s=DEADLINE_S):
        """The exit status."""
        return self.process.wait(timeout=deadline_s)

    def status_kib(self, field="VmRSS"):
        for row in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if row.startswith(field + ":"):
                return int(row.split()[1])
        raise LookupError(field)

    def rss_bytes(self):
        return self.status_kib() * 1024

    def finish(self):
        """Stops the server, which must have been healthy until now."""
        for client in self.clients:
            client.close()
        try:
            if self.process.poll() is None:
                self.signal(signal.SIGTERM)
                code = self.wait()
                assert code == 0, f"ended with {code}: {self.error_text()}"
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            shutil.rmtree(self.folder, ignore_errors=True)
