# SPDX-License-Identifier: BSD-3-Clause
"""Packets of memcached's binary protocol."""

import re
import struct

import cachemand

REQUEST, RESPONSE = 0x80, 0x81
HEAD = struct.Struct(">BBHBBHIIQ")
OPCODES = {name: int(code, 16) for code, name in re.findall(
    r"^CM_OPCODE\((0x[0-9a-f]+), (\w+),",
    (cachemand.ROOT / "src/tables/opcodes.def").read_text(), re.MULTILINE)}


def pack(code, key=b"", extras=b"", value=b"", *, cas=0, opaque=0, magic=REQUEST, status=0,
         kind=0, keylen=None, extlen=None, bodylen=None):
    """A packet; lengths are what they are unless they are given."""
    body = extras + key + value
    return HEAD.pack(magic, OPCODES.get(code, code), len(key) if keylen is None else keylen,
                     len(extras) if extlen is None else extlen, kind, status,
                     len(body) if bodylen is None else bodylen, opaque, cas) + body


class Packet:
    """A packet received."""

    def __init__(self, data):
        (self.magic, self.code, keylen, extlen, self.kind, self.status, bodylen, self.opaque,
         self.cas) = HEAD.unpack_from(data)
        body = data[HEAD.size:HEAD.size + bodylen]
        self.extras = body[:extlen]
        self.key = body[extlen:extlen + keylen]
        self.value = body[extlen + keylen:]

    def with_cas(self, cas):
        """The bytes it came as, but for the cas."""
        return pack(self.code, self.key, self.extras, self.value, cas=cas, opaque=self.opaque,
                    magic=self.magic, status=self.status, kind=self.kind)


def split(data):
    """The whole packets in `data`, and what is left."""
    packets = []
    while len(data) >= HEAD.size:
        size = HEAD.size + HEAD.unpack_from(data)[6]
        if len(data) < size:
            break
        packets.append(Packet(data[:size]))
        data = data[size:]
    return packets, data


def take(client):
    """The next packet a client receives, as bytes."""
    head = client.take(HEAD.size)
    return head + client.take(HEAD.unpack(head)[6])


# ---- the transcripts' notation ----

WORD = re.compile(rb'\s*((?:"[^"]*"|[^\s"])+)')
EXTRAS = {b"flags": ">I", b"expires": ">I", b"delta": ">Q", b"initial": ">Q"}
NUMBERS = {b"magic": "magic", b"type": "kind", b"status": "status", b"opaque": "opaque",
           b"keylen": "keylen", b"extlen": "extlen", b"bodylen": "bodylen"}


def number(text):
    return int(text[1:], 16) if text.startswith(b"x") else int(text)


class Line:
    """One line's packet. `expand` gives the bytes a text stands for; `names` are the numbers
    remembered so far."""

    def __init__(self, text, magic, expand, names):
        words = WORD.findall(text)
        self.code = words[0].decode() if words[0].decode() in OPCODES else number(words[0])
        self.fields = {"magic": magic}
        self.body = {b"extras": b"", b"key": b"", b"value": b""}
        self.cut = None
        self.cas_name = None
        self.any_cas = self.any_value = False
        for word in words[1:]:
            name, _, value = word.partition(b"=")
            self._field(name, value, expand, names)

    def _field(self, name, value, expand, names):
        if name == b"cas":
            self._cas(value, names)
        elif name in EXTRAS:
            self.body[b"extras"] += struct.pack(EXTRAS[name], number(value))
        elif name == b"number":
            self.body[b"value"] += struct.pack(">Q", number(value))
        elif name == b"value" and value == b"?":
            self.any_value = True
        elif name in self.body:
            self.body[name] += expand(value[1:-1] if value.startswith(b'"') else value)
        elif name == b"cut":
            self.cut = number(value)
        else:
            self.fields[NUMBERS[name]] = number(value)

    def _cas(self, value, names):
        if value.startswith(b"["):
            self.cas_name = value[1:-1]
            value = names.get(self.cas_name, b"?")
        self.any_cas = value == b"?"
        self.fields["cas"] = 0 if self.any_cas else number(value)

    def bytes(self):
        data = pack(self.code, self.body[b"key"], self.body[b"extras"], self.body[b"value"],
                    **self.fields)
        return data[:self.cut]

    def take_over(self, received, names):
        """What is expected as it came."""
        packet = Packet(received)
        if self.any_cas:
            assert packet.cas != 0, "expected a cas"
            self.fields["cas"] = packet.cas
            if self.cas_name is not None:
                names[self.cas_name] = str(packet.cas).encode()
        if self.any_value:
            assert packet.value, "expected a value"
            self.body[b"value"] = packet.value
