# SPDX-License-Identifier: BSD-3-Clause
"""A program on a terminal of its own, which is emulated, so that tests read the real screen."""

import atexit
import fcntl
import functools
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import time

import pyte
from cachemand import DEADLINE_S

# A terminal with an alternate screen, which ncurses leaves at the end, but without what the emulator
# does not know: to scroll by several lines, to tab backwards, to repeat.
TERMINAL = "screen-emulated"
# Of a kind that terminals pass over.
MARK = b"\x1b]0;all of it\x07"
DESCRIPTION = f"{TERMINAL}|as python3-pyte has it, indn@, rin@, cbt@, rep@, use=screen-256color,\n"


@functools.cache
def terminals():
    """A folder with the terminal's description."""
    folder = tempfile.mkdtemp(prefix="cacheman-terminfo-")
    atexit.register(shutil.rmtree, folder)
    subprocess.run(["tic", "-x", "-o", folder, "-"], input=DESCRIPTION, text=True, check=True)
    return folder


def environment(**more):
    kept = {name: value for name, value in os.environ.items()
            if name not in ("NO_COLOR", "LC_ALL", "LC_CTYPE", "CACHEMAN_SERVERS", "COLUMNS", "LINES")}
    return {**kept, "TERM": TERMINAL, "TERMINFO": terminals(), "LANG": "C.UTF-8", "TZ": "UTC",
            **more}


class Screen:
    def __init__(self, *command, columns=80, rows=24, env=None):
        self.emulated = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.emulated)
        self.raw = bytearray()
        self.master, self.terminal = pty.openpty()
        self._set_size(columns, rows)
        self.before = termios.tcgetattr(self.terminal)
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=self.terminal, stdout=self.terminal,
            stderr=self.terminal, env=environment(**(env or {})), start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def _set_size(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, columns, rows):
        self.emulated.resize(rows, columns)
        self._set_size(columns, rows)

    def press(self, keys):
        os.write(self.master, keys)

    def read(self, wait_s=0.02):
        """Takes in what was written until now; False: nothing was."""
        if not select.select([self.master], [], [], wait_s)[0]:
            return False
        try:
            piece = os.read(self.master, 1 << 16)
        except OSError:
            return False
        self.raw += piece
        self.stream.feed(piece)
        return bool(piece)

    @property
    def rows(self):
        return [row.rstrip() for row in self.emulated.display]

    def text(self):
        return "\n".join(self.rows)

    def wait(self, condition, deadline_s=2 * DEADLINE_S):
        """Until a text is on the screen, or what a function of the screen gives is true; its value."""
        end = time.monotonic() + deadline_s
        while True:
            value = condition in self.text() if isinstance(condition, str) else condition(self)
            if value:
                return value
            if time.monotonic() > end:
                raise TimeoutError(f"waited for {condition}:\n{self.text()}")
            self.read()

    def row(self, begin):
        """The first row with this text, waited for."""
        return self.wait(lambda screen: next((row for row in screen.rows if begin in row), None))

    def read_all(self):
        """Takes in all that was written until now, however late the system passes it on: up to a
        mark, which comes last."""
        os.write(self.terminal, MARK)
        end = time.monotonic() + DEADLINE_S
        while MARK not in self.raw:
            if not self.read() and time.monotonic() > end:
                raise TimeoutError("waited for what was written")
        self.raw = self.raw.replace(MARK, b"")

    def wait_end(self):
        """The exit status; everything that was written has been taken in."""
        self.wait(lambda screen: screen.process.poll() is not None)
        self.read_all()
        return self.process.returncode

    def is_restored(self):
        """Whether the terminal is as it was, and not on its alternate screen."""
        entered, left = self.raw.rfind(b"\x1b[?1049h"), self.raw.rfind(b"\x1b[?1049l")
        hidden, shown = self.raw.rfind(b"\x1b[?25l"), self.raw.rfind(b"\x1b[?25h")
        return (termios.tcgetattr(self.terminal) == self.before and 0 <= entered < left
                and 0 <= hidden < shown)

    def finish(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        os.close(self.master)
        os.close(self.terminal)
