# SPDX-License-Identifier: BSD-3-Clause
"""The binary protocol beside memcached itself: what the transcripts say holds for it too, and
random requests are answered alike, but for what a cas is."""

import random
import shutil
import struct

import pytest

import cachemand
import packet
import transcript

MEMCACHED = shutil.which("memcached")
pytestmark = pytest.mark.skipif(not MEMCACHED, reason="no memcached")

# The others move time, need options that memcached has not, or tell where we differ on purpose.
SHARED = ["arith", "cas", "connection", "delete", "flush_disabled", "garbage", "get", "hang_up",
          "pipeline", "store"]
KEYS = [b"a", b"b", b"c", b"a longer key \x00\xff", b"k" * 250]
VALUES = [b"", b"7", b"500", b"4294967296", b"abc", b"x" * 300, b"y" * 20000]
STORES = ["SET", "ADD", "REPLACE", "SETQ", "ADDQ", "REPLACEQ"]
JOINS = ["APPEND", "PREPEND", "APPENDQ", "PREPENDQ"]
COUNTS = ["INCREMENT", "DECREMENT", "INCREMENTQ", "DECREMENTQ"]
READS = ["GET", "GETQ", "GETK", "GETKQ"]
TOUCHES = ["TOUCH", "GAT", "GATQ", "GATK", "GATKQ"]
PLAIN = ["DELETE", "DELETEQ"]
EXPIRIES = [0, 0, 1000, 4000000000, 1000000000]


@pytest.fixture
def memcached(serve):
    return lambda *options: serve("-u", "root", "-l", "127.0.0.1", *options, program=MEMCACHED,
                                  announces=False)


@pytest.mark.parametrize("name", SHARED)
def test_transcript_holds_for_memcached(memcached, name):
    script = transcript.Transcript(cachemand.ROOT / f"tests/session/binary/{name}.txt")
    transcript.Player(script, memcached(*script.server_options()), False).play()


def random_request(chance, opaque):
    """Small numbers of keys and values, so that they meet."""
    code = chance.choice(STORES * 3 + JOINS + COUNTS * 2 + READS * 3 + TOUCHES * 2 + PLAIN * 2)
    extras, value = b"", b""
    if code in STORES:
        extras = struct.pack(">II", chance.getrandbits(32), chance.choice(EXPIRIES))
    elif code in COUNTS:
        # Numbers stay as long as they are: what memcached leaves of one that gets shorter depends
        # on who else is looking at the item.
        extras = struct.pack(">QQI", chance.choice([0, 1]), chance.randrange(2**60, 2**61),
                             chance.choice(EXPIRIES + [0xffffffff]))
    elif code in TOUCHES:
        extras = struct.pack(">I", chance.choice(EXPIRIES))
    if code in STORES + JOINS:
        value = chance.choice(VALUES)
    wrong = code not in READS + TOUCHES + COUNTS and chance.random() < 0.1
    return packet.pack(code, chance.choice(KEYS), extras, value, cas=2**63 if wrong else 0,
                       opaque=opaque)


def answers(client, request):
    """Every answer, a cas in it told only to be one."""
    end = packet.pack("NOOP", magic=packet.RESPONSE)
    client.send(request + packet.pack("NOOP"))
    got = list(iter(lambda: packet.take(client), end))
    return [packet.Packet(one).with_cas(min(packet.Packet(one).cas, 1)) for one in got]


@pytest.mark.parametrize("seed", range(8))
def test_random_requests_are_answered_alike(serve, memcached, seed):
    chance = random.Random(seed)
    ours, theirs = serve("-t", "1").connect(), memcached("-t", "1").connect()
    for number in range(3000):
        request = random_request(chance, number)
        assert answers(ours, request) == answers(theirs, request), request[:200]


def test_statistics_are_packets(serve, memcached):
    for server in (serve("-t", "1"), memcached("-t", "1")):
        packets = answers_to_stat(server, b"settings")
        values = {one.key: one.value for one in packets}
        assert values[b"binding_protocol"] == b"auto-negotiate"
        assert {b"threads", b"curr_items"} <= {one.key for one in answers_to_stat(server, b"")}


def answers_to_stat(server, group):
    with server.connect() as client:
        client.send(packet.pack("STAT", group, opaque=5) + packet.pack("QUIT"))
        packets, rest = packet.split(client.rest())
    assert rest == b""
    assert [one.opaque for one in packets] == [5] * (len(packets) - 1) + [0]
    assert packets[-2].key == packets[-2].value == b""
    return packets[:-2]
