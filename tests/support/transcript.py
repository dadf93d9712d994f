# SPDX-License-Identifier: BSD-3-Clause
"""Transcripts (tests/session/README.md) over TCP."""

import re
import socket

import cachemand
import packet

WALL_S = 1800000000
FLAG_OPTIONS = {"no_evict": "-M", "flush_disabled": "-F", "dump_disabled": "-X",
                "watch_disabled": "-W",
                "shutdown_enabled": "-A", "ascii": "-Bascii", "binary": "-Bbinary"}
USERS = cachemand.ROOT / "tests/session/auth/users"
PIECE = re.compile(rb"\\(?:x(?P<hex>[0-9a-f]{2})|(?P<plain>[rn\\])|(?P<bare>c|\?)|"
                   rb"\[(?P<name>[^]]*)\]|\((?P<text>[^)]*)\*(?P<times>\d+)\))|(?P<run>[^\\]+)")
PLAIN = {b"r": b"\r", b"n": b"\n", b"\\": b"\\"}


class Transcript:
    def __init__(self, path):
        self.path = path
        self.lines = []
        self.options = {}
        for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
            if line.startswith(b"option "):
                name, _, value = line[7:].decode().partition(" ")
                self.options[name] = value
            elif line and not line.startswith(b"#"):
                self.lines.append((number, line))

    def moves_time(self):
        return any(line.startswith(b"+") for _, line in self.lines)

    def server_options(self):
        """What to start the server with; None if TCP has no way to say it."""
        arguments = ["-t", "1"]
        for name, value in self.options.items():
            if name in FLAG_OPTIONS:
                arguments.append(FLAG_OPTIONS[name])
            elif name == "users":
                arguments += ["--auth-file", str(USERS)]
            elif name == "item_bytes_max":
                arguments += ["-I", value]
            elif name == "memory_bytes" and int(value) % (1 << 20) == 0:
                arguments += ["-m", str(int(value) >> 20)]
            elif name != "debug_time":
                return None
        return arguments

    def environment(self):
        debug_time = self.moves_time() or "debug_time" in self.options
        return {"CACHEMAN_TEST_WALL_S": str(WALL_S), "CACHEMAN_TEST_PAUSED": "1",
                "CACHEMAN_TEST_DEBUG_TIME": "1" if debug_time else "0"}


class Player:
    """Plays one transcript against a server."""

    def __init__(self, transcript, server, byte_by_byte):
        self.transcript = transcript
        self.server = server
        self.byte_by_byte = byte_by_byte
        self.names = {}
        self.pending = b""
        self.ping = (b"mn\r\n", b"MN\r\n")
        self.client = server.connect()

    def play(self):
        for number, line in self.transcript.lines:
            try:
                self._line(line)
            except (AssertionError, EOFError, OSError) as error:
                raise AssertionError(
                    f"{self.transcript.path}:{number}: {line[:200]!r}: {error}") from error
        self._flush()
        self._end()

    def _debugtime(self, what):
        control = self.server.connect()
        control.ask(b"debugtime %s\r\n" % what, b"OK\r\n")
        control.close()

    def _line(self, line):
        if line.startswith(b">> "):
            self.ping = (packet.pack("NOOP"), packet.pack("NOOP", magic=packet.RESPONSE))
            self.pending += self._packet(line[3:], packet.REQUEST).bytes()
            return
        if line.startswith(b">* "):
            self.ping = (b"*1\r\n$4\r\nPING\r\n", b"+PONG\r\n")
            self.pending += self._request(line[3:])
            return
        if line.startswith(b">"):
            self.pending += b"".join(self._sent(line[2:]))
            return
        self._flush()
        if line.startswith(b"<< ... "):
            self._skip_to_packet(line[7:])
        elif line.startswith(b"<< "):
            self._expect_packet(line[3:])
        elif line.startswith(b"<"):
            self._expect(line[2:])
        elif line.startswith(b"+"):
            self._settle()
            self._debugtime(b"+" + line[1:].rstrip(b"s"))
        elif line == b"closed":
            assert self.client.rest() == b"", "more was answered than expected"
        elif line == b"new":
            self.client.close()
            self.client = self.server.connect()
            self.ping = (b"mn\r\n", b"MN\r\n")
        else:
            raise AssertionError("what is this line?")

    def _flush(self):
        data, self.pending = self.pending, b""
        try:
            if not self.byte_by_byte:
                self.client.send(data)
                return
            head, tail = data[:5000], data[5000:]
            for at in range(len(head)):
                self.client.send(head[at:at + 1])
            for at in range(0, len(tail), 4001):
                self.client.send(tail[at:at + 4001])
        except (BrokenPipeError, ConnectionResetError):
            pass  # the server has hung up: what it answered is still to be read

    def _settle(self):
        """What was sent has been executed once another request is answered behind it, which only
        works between requests; transcripts move time nowhere else."""
        assert not self.client.kept, "more was answered than expected"
        self.client.ask(*self.ping)

    def _end(self):
        try:
            self.client.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        rest = self.client.rest()
        assert rest == b"", f"{self.transcript.path}: more was answered than expected: {rest!r}"

    def _pieces(self, text):
        at = 0
        while at < len(text):
            match = PIECE.match(text, at)
            assert match, "bad notation"
            at = match.end()
            yield match, text[at:]

    def _request(self, text):
        words = [b"" if word == b'""' else b"".join(self._sent(word))[:-2]
                 for word in text.split(b" ")]
        return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word)
                                                  for word in words)

    def _sent(self, text):
        end = b"\r\n"
        for match, _ in self._pieces(text):
            if match["bare"] == b"c":
                end = b""
            elif match["name"] is not None:
                yield self.names[match["name"]]
            else:
                yield self._literal(match)
        yield end

    def _packet(self, text, magic):
        return packet.Line(text, magic, lambda part: b"".join(self._sent(part))[:-2], self.names)

    def _literal(self, match):
        if match["hex"]:
            return bytes([int(match["hex"], 16)])
        if match["plain"]:
            return PLAIN[match["plain"]]
        if match["times"]:
            return match["text"] * int(match["times"])
        return match["run"]

    def _expect(self, text):
        end = b"\r\n"
        for match, rest in self._pieces(text):
            if match["bare"] == b"c":
                end = b""
            elif match["bare"] == b"?":
                self._skip(rest[:1] if rest and rest[:1] != b"\\" else b"\r")
            elif match["name"] is not None:
                self._expect_name(match["name"])
            else:
                self._expect_bytes(self._literal(match))
        self._expect_bytes(end)

    def _expect_packet(self, text):
        line = self._packet(text, packet.RESPONSE)
        got = packet.take(self.client)
        line.take_over(got, self.names)
        wanted = line.bytes()
        assert got == wanted, f"expected {wanted[:80]!r}, got {got[:80]!r}"

    def _skip_to_packet(self, text):
        wanted = self._packet(text, packet.RESPONSE).bytes()
        while packet.take(self.client) != wanted:
            pass

    def _expect_bytes(self, wanted):
        got = self.client.take(len(wanted))
        assert got == wanted, f"expected {wanted[:80]!r}, got {got[:80]!r}"

    def _skip(self, stop):
        taken = self.client.until(stop)
        assert len(taken) > 1, "expected something"
        self.client.kept[:0] = taken[-1:]

    def _expect_name(self, name):
        if name in self.names:
            self._expect_bytes(self.names[name])
            return
        digits = b""
        while True:
            byte = self.client.take(1)
            if not byte.isdigit():
                self.client.kept[:0] = byte
                break
            digits += byte
        assert digits, "expected a number"
        self.names[name] = digits
