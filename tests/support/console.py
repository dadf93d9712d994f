# SPDX-License-Identifier: BSD-3-Clause
"""The console as a process: with pipes, and at a terminal of its own."""

import errno
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

from cachemand import DEADLINE_S, PROGRAM

CACHEMAN = PROGRAM.parent / "cacheman"
WAIT_S = 3 * DEADLINE_S

ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")


def environment(**more):
    kept = {name: value for name, value in os.environ.items()
            if name not in ("CACHEMAN_SERVERS", "NO_COLOR", "XDG_STATE_HOME", "LC_ALL", "LANG")}
    return {**kept, "LC_ALL": "C.UTF-8", "HOME": "/dev/null/home", **more}


def patient(servers):
    """The same with a busy machine's timeouts, for which those of their own and --timeout go."""
    where, mark, own = str(servers).partition("?")
    if not re.match(r"127\.0\.0\.1:\d|unix:", where):
        return str(servers)
    return f"{where}?timeout={WAIT_S:.0f}s&connect_timeout={WAIT_S:.0f}s" + ("&" + own if mark else "")


def run(*words, stdin=b"", servers=None, env=None):
    """Exit status, standard output and error, both as bytes."""
    options = () if servers is None else ("-s", patient(servers))
    env = {name: patient(value) if name == "CACHEMAN_SERVERS" else value
           for name, value in (env or {}).items()}
    done = subprocess.run([str(CACHEMAN), *options, *words], input=stdin, capture_output=True,
                          env=environment(**env), timeout=WAIT_S, check=False)
    return done.returncode, done.stdout, done.stderr


class Console:
    """One-shot commands and scripts to the same servers."""

    def __init__(self, servers):
        self.servers = servers

    def __call__(self, *words, stdin=b""):
        return run(*words, stdin=stdin, servers=self.servers)

    def good(self, *words, stdin=b""):
        """Standard output, of a command that must succeed without a complaint."""
        status, out, err = self(*words, stdin=stdin)
        assert (status, err) == (0, b""), (words, status, out, err)
        return out

    def script(self, text, *options):
        return self(*options, stdin=text.encode() if isinstance(text, str) else text)

    def json(self, *words, stdin=b""):
        """The last object, and those before it."""
        _, out, err = self("--json", *words, stdin=stdin)
        assert err == b""
        rows = [json.loads(row) for row in out.decode("ascii").splitlines()]
        return rows[-1], rows[:-1]


def _set_size(terminal, columns, rows):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def read_terminal(end):
    """What has come by now, waited for; nothing at the end. The system may tell of the end between
    what was written last and its look for that: asked again, it has it."""
    for _ in range(2):
        try:
            return os.read(end, 65536)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
    return b""


class Terminal:
    """A console at a terminal. What it printed is read as it comes; escapes() has it as it is."""

    def __init__(self, *words, columns=100, rows=30, env=None, cwd=None, program=CACHEMAN):
        words = [patient(word) for word in words]
        self.pid, self.end = pty.fork()
        if self.pid == 0:
            try:
                _set_size(0, columns, rows)  # before the program looks
                if cwd is not None:
                    os.chdir(cwd)
                os.execve(str(program), [str(program), *words],
                          {**environment(TERM="xterm"), **(env or {})})
            finally:
                os._exit(127)
        self.all = b""
        self.seen = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
        os.close(self.end)

    def resize(self, columns, rows):
        _set_size(self.end, columns, rows)

    def type(self, keys):
        os.write(self.end, keys if isinstance(keys, bytes) else keys.encode())

    def _more(self, until):
        """False at the end."""
        ready, _, _ = select.select([self.end], [], [], max(0, until - time.monotonic()))
        if not ready:
            raise TimeoutError(f"after {self.plain()[-2000:]!r}")
        piece = read_terminal(self.end)
        self.all += piece
        return bool(piece)

    def plain(self):
        """Everything so far, without escapes."""
        return ESCAPES.sub(b"", self.all).replace(b"\r\n", b"\n").decode()

    def expect(self, pattern):
        """Waits for what the pattern matches, behind what was expected before; the match."""
        until = time.monotonic() + WAIT_S
        while True:
            text = self.plain()
            match = re.compile(pattern, re.DOTALL).search(text, self.seen)
            if match:
                self.seen = match.end()
                return match
            if not self._more(until):
                raise EOFError(f"no {pattern!r} in {text[self.seen:]!r}")

    def prompt(self):
        return self.expect(r"(\S+|\d+ servers)> ")

    def do(self, line):
        """Types a line at the prompt; what came before the next prompt."""
        self.type(line + "\r")
        self.expect(re.escape(line[-20:]))
        return self.expect(r"(?s)(.*?)\n(\S+|\d+ servers)> $").group(1).strip("\n")

    def exit_status(self):
        until = time.monotonic() + WAIT_S
        while self._more(until):
            pass
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status)
