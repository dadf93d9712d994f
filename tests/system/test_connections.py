# SPDX-License-Identifier: BSD-3-Clause
"""Many connections, bad ones, slow ones: the others' service goes on."""

import errno
import select
import socket
import threading
import time

import pytest

import cachemand
from cachemand import DEADLINE_S, Client, wait_until


def connections(client):
    return int(client.stats()["curr_connections"])


def test_connection_limit(serve):
    server = serve("-c", "3")
    clients = [server.connect() for _ in range(3)]
    for client in clients:
        client.ask(b"mn\r\n", b"MN\r\n")
    for _ in range(5):
        refused = server.connect()
        assert refused.rest() == b"ERROR Too many open connections\r\n"
    clients[0].ask(b"mn\r\n", b"MN\r\n")
    assert clients[0].stats()["rejected_connections"] == "5"
    clients[2].close()
    wait_until(lambda: connections(clients[0]) == 2, "the close to be noticed")
    server.connect().ask(b"mn\r\n", b"MN\r\n")


def test_out_of_descriptors(serve):
    """Accepting pauses, and goes on when connections end; nobody is hurt."""
    server = serve("-t", "1", "-c", "1000", wrapper=(
        "prlimit", "--nofile=64:64", "setpriv", "--bounding-set=-sys_resource"))
    assert "the system allows 64 open files" in server.error_text()
    clients = [server.connect(timeout=60) for _ in range(100)]
    for client in clients:
        client.send(b"mn\r\n")

    def served():
        return select.select([client.socket for client in clients], [], [], 0)[0]

    wait_until(lambda: len(served()) > 20, "the first to be served")
    first = [client for client in clients if client.socket in served()]
    waiting = [client for client in clients if client not in first]
    assert waiting
    for client in first:
        assert client.line() == b"MN\r\n"
        client.close()
    for client in waiting[:20]:
        assert client.line() == b"MN\r\n"
    assert int(waiting[0].stats()["listen_disabled_num"]) > 0


def test_thousands_come_and_go(server):
    witness = server.connect()
    witness.set(b"k", b"v")
    for round_number in range(30):
        clients = [Client(server.port) for _ in range(100)]
        for number, client in enumerate(clients):
            kind = (round_number + number) % 4
            if kind == 0:
                client.ask(b"get k\r\n", b"VALUE k 0 1\r\nv\r\nEND\r\n")
            elif kind == 1:
                client.send(b"get k\r\nset half 0 0 100\r\nxx")
            elif kind == 2:
                client.send(b"get k\r\n" * 100)
                client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                         b"\1\0\0\0\0\0\0\0")  # resets
        for client in clients:
            client.close()
        assert witness.get(b"k") == b"v"
    wait_until(lambda: witness.stats()["total_connections"] == "3001", "all to be accepted")
    wait_until(lambda: connections(witness) == 1, "the last of them to be gone")
    assert witness.get(b"half") is None


def test_many_idle_connections_are_cheap(serve):
    server = serve("-c", "3000", "-t", "2")
    witness = server.connect()
    witness.ask(b"mn\r\n", b"MN\r\n")
    before = server.rss_bytes()
    clients = [server.connect() for _ in range(2000)]
    for client in clients:
        client.ask(b"mn\r\n", b"MN\r\n")
    assert connections(witness) == 2001
    assert server.rss_bytes() - before < 2000 * 1024 + (1 << 20)


def test_idle_timeout(serve):
    """Tried again if this test itself was held up for so long that both were idle."""
    server = serve("--idle-timeout=1")

    def only_the_idle_is_closed():
        begin = asked = time.monotonic()
        pause = 0
        idle, busy = server.connect(), server.connect()
        kicks = int(server.connect().stats()["idle_kicks"])
        try:
            while not select.select([idle.socket], [], [], 0.1)[0]:
                busy.ask(b"mn\r\n", b"MN\r\n")
                pause, asked = max(pause, time.monotonic() - asked), time.monotonic()
            assert idle.rest() == b""
            assert time.monotonic() - begin >= 1
            wait_until(lambda: int(busy.stats()["idle_kicks"]) > kicks, "the count")
        except (ConnectionError, EOFError):
            assert max(pause, time.monotonic() - asked) >= 1, "the busy one was closed"
            return False
        return True

    wait_until(only_the_idle_is_closed, "the idle one alone to be closed")


def test_client_that_never_reads(serve):
    """It is held back, others are served, and it finds everything once it reads."""
    server = serve("-t", "1", "-m", "64")
    witness = server.connect()
    value = b"0123456789" * 5000
    witness.set(b"k", value)
    answer = b"VALUE k 0 50000\r\n" + value + b"\r\nEND\r\n"
    deaf = server.connect(receive_buffer=4096)
    deaf.send(b"get k\r\n" * 1000)
    for _ in range(200):
        assert witness.get(b"k") == value
    assert int(witness.stats()["get_hits"]) < 1200, "not everything was executed"
    for _ in range(1000):
        assert deaf.take(len(answer)) == answer


def test_work_may_take_longer_than_the_idle_timeout(serve):
    """A client whose requests are being worked on is not idle, though it sends nothing. The timeout
    is one that no stall of the machine takes."""
    server = serve("-t", "1", "--idle-timeout=5")
    items = b"".join(b"set k%d 0 0 1 noreply\r\n1\r\n" % i for i in range(100000))
    server.connect().ask(items + b"mn\r\n", b"MN\r\n")

    def time_of(scans):
        """On a connection of its own, which has not been idle before."""
        request = b"stats sizes\r\n" * scans + b"mn\r\n"
        client = server.connect()
        begin = time.monotonic()
        client.send(request)
        client.until(b"MN\r\n")
        return time.monotonic() - begin

    time_of(10)
    time_of(int(10 / (time_of(10) / 10)))


def test_vanished_peers_are_probed(server):
    """The system's keepalive: the timer of the connection's socket is 2."""
    client = server.connect()
    client.ask(b"mn\r\n", b"MN\r\n")
    ends = tuple(":%04X" % port for port in (server.port, client.socket.getsockname()[1]))

    def is_probed():
        """Not while what was sent is still to be acknowledged, which is another timer."""
        with open("/proc/net/tcp", encoding="ascii") as table:
            rows = [row.split() for row in table]
        timers = [row[5] for row in rows if (row[1][-5:], row[2][-5:]) == ends]
        return len(timers) == 1 and timers[0].startswith("02:")

    wait_until(is_probed, "the timer")


def test_client_that_never_reads_is_closed_when_idle(serve):
    server = serve("-t", "1", "-m", "64", "--idle-timeout=1")
    server.connect().set(b"k", b"v" * 500000)
    deaf = server.connect(receive_buffer=4096)
    deaf.send(b"get k\r\n" * 100)

    def kicked():
        """Asked by another each time, so that none is idle."""
        with server.connect() as witness:
            return int(witness.stats()["idle_kicks"]) >= 1 and connections(witness) <= 2

    wait_until(kicked, "the timeout")


def test_clients_that_never_read_past_the_allowance(serve):
    """Those that have waited longest are closed, the latest and those who read are served."""
    server, count = serve("-t", "1", "-m", "8", "-v"), 30
    witness = server.connect()
    value = b"0123456789" * 20000
    witness.set(b"k", value)
    answer = b"VALUE k 0 200000\r\n" + value + b"\r\nEND\r\n"
    deaf = []
    for _ in range(200):
        deaf.append(server.connect(receive_buffer=4096))
        deaf[-1].send(b"get k\r\n" * count)
        assert witness.get(b"k") == value
    wait_until(lambda: connections(witness) < 190, "the first of them to be closed")
    assert "closing a connection that does not read" in server.error_text()
    assert len(deaf[0].rest()) < count * len(answer)
    assert deaf[-1].take(count * len(answer)) == count * answer


def test_a_byte_now_and_then(serve):
    """One that dribbles its request, while others are served in between."""
    server = serve("-t", "1")
    witness, slow = server.connect(), server.connect()
    witness.set(b"k", b"v")
    for byte in b"set slow 0 0 5\r\nabcde\r\nget slow\r\n":
        slow.send(bytes([byte]))
        assert witness.get(b"k") == b"v"
    assert slow.take(8) == b"STORED\r\n"
    assert slow.until(b"END\r\n") == b"VALUE slow 0 5\r\nabcde\r\nEND\r\n"


def test_a_byte_a_minute(serve):
    """The same by a clock that the witness moves: time passes for what is stored, and for nothing
    else."""
    program = cachemand.test_program()
    if program is None:
        pytest.skip("cachemand-test is not built")
    server = serve("-t", "1", program=program, env={"CACHEMAN_TEST_DEBUG_TIME": "1"})
    witness, slow = server.connect(), server.connect()
    witness.set(b"short", b"v", exptime=600)
    witness.set(b"long", b"v", exptime=86400)
    witness.ask(b"debugtime p\r\n", b"OK\r\n")
    for byte in b"set slow 0 60 5\r\nabcde\r\n":
        witness.ask(b"debugtime +60\r\n", b"OK\r\n")
        assert witness.get(b"long") == b"v"
        slow.send(bytes([byte]))
    assert slow.take(8) == b"STORED\r\n"
    assert witness.get(b"short") is None
    assert witness.get(b"slow") == b"abcde"


def test_data_block_without_its_end(serve):
    server = serve("-t", "1")
    witness = server.connect()
    witness.set(b"k", b"v")
    client = server.connect()
    client.ask(b"set x 0 0 3\r\nabcdefgh\r\nmn\r\n", b"CLIENT_ERROR bad data chunk\r\nERROR\r\n"
               b"MN\r\n")
    waiting = server.connect()
    waiting.send(b"set x 0 0 1000\r\nabc")
    assert witness.get(b"k") == b"v"
    assert witness.get(b"x") is None
    waiting.close()
    wait_until(lambda: connections(witness) == 2, "the close to be noticed")
    assert witness.get(b"x") is None


def test_half_close_gets_its_answers(server):
    """As in `printf ... | nc`: the client's end does not lose what it asked for."""
    client = server.connect()
    client.send(b"set k 0 0 1\r\nv\r\nget k\r\n")
    client.socket.shutdown(socket.SHUT_WR)
    assert client.rest() == b"STORED\r\nVALUE k 0 1\r\nv\r\nEND\r\n"


BAD_FORMAT = b"CLIENT_ERROR bad command line format\r\n"
GARBAGE = {
    "NULs": (b"\0" * 10 + b"\r\n" + b"\0" * 3000, b"ERROR\r\n"),
    "bytes": (bytes(range(256)) * 20, b"ERROR\r\n" * 20),
    "long": (b"A" * 5000, b""),
    "empty lines": (b"\r\n" * 100, b"ERROR\r\n" * 100),
    "long get": (b"get " + b"k" * 100000 + b"\r\nmn\r\n", BAD_FORMAT + b"MN\r\n"),
    "HTTP": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b""),
    "binary protocol": (b"\x80" + b"\0" * 23, b"\x81" + b"\0" * 6 + b"\x04" + b"\0" * 3 + b"\x11"
                        + b"\0" * 12 + b"Invalid arguments"),
    "TLS": (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + b"\xaa" * 506, b""),
    "half a word": (b"ge", b""),
    "half a get": (b"get k", b""),
    "half a set": (b"set x 0 0 10", b""),
    "no data": (b"set x 0 0 10\r\n", b""),
    "half the data": (b"set x 0 0 10\r\nabcde", b""),
    "half an end": (b"set x 0 0 1\r\na\r", b""),
    "half a large value": (b"set x 0 0 500000\r\n" + b"x" * 250000, b""),
    "half a meta": (b"ms x 10 T0", b""),
    "data that is far too long": (b"set x 0 0 2147483645\r\n" + b"x" * 5000,
                                  b"SERVER_ERROR object too large for cache\r\n"),
    "lengths": (b"set x 0 0 0x10\r\nset x -1 -1 -1\r\nms x 99999999999999999999\r\n",
                3 * BAD_FORMAT),
}


@pytest.mark.parametrize("garbage,answer", GARBAGE.values(), ids=GARBAGE)
def test_garbage_hurts_only_its_sender(server, garbage, answer):
    """Requests that are none, or end too early: the answer, then the end."""
    witness = server.connect()
    witness.set(b"k", b"v")
    client = server.connect()
    client.send(garbage)
    try:
        client.socket.shutdown(socket.SHUT_WR)
    except OSError as error:
        assert error.errno == errno.ENOTCONN and answer == b""  # hung up on already
    assert client.rest() == answer
    assert witness.get(b"k") == b"v"
    assert witness.get(b"x") is None
    wait_until(lambda: connections(witness) == 1, "the connection's end")


def test_stats_conns(server):
    client = server.connect()
    other = server.connect()
    other.ask(b"mn\r\nset k 0 0 10\r\nabc", b"MN\r\n")
    wait_until(lambda: {"conn_nread", "conn_waiting"} & set(client.stats(b"conns").values()),
               "the other's request to arrive")
    conns = client.stats(b"conns")
    local = "tcp:%s:%d" % client.socket.getsockname()
    descriptor = next(name for name, value in conns.items() if value == local).split(":")[0]
    assert conns[f"{descriptor}:listen_addr"] == f"tcp:127.0.0.1:{server.port}"
    assert conns[f"{descriptor}:state"].startswith("conn_")
    assert int(conns[f"{descriptor}:secs_since_last_cmd"]) < DEADLINE_S


def listeners(client):
    """What `stats conns` has of each listener, without the time."""
    entries = {}
    for name, value in client.stats(b"conns").items():
        descriptor, what = name.split(":")
        entries.setdefault(descriptor, {})[what] = value
    for entry in entries.values():
        assert int(entry.pop("secs_since_last_cmd")) < DEADLINE_S
    return [entry for entry in entries.values() if "listen_addr" not in entry]


def test_stats_conns_lists_listeners(serve):
    server = serve("-t", "2", "-l", "127.0.0.1,127.0.0.2", "-U", "-1")
    udp_port = next(row[2] for row in server.ports if row[0] == "UDP")
    tcp = [{"addr": f"tcp:{host}:{server.port}", "state": "conn_listening"}
           for host in ("127.0.0.1", "127.0.0.2")]
    udp = [{"UDP": "UDP", "addr": f"udp:{host}:{udp_port}", "state": "conn_read"}
           for host in ("127.0.0.1", "127.0.0.2") for _ in range(2)]
    assert listeners(server.connect()) == tcp + udp


def test_connections_spread_over_the_workers(serve):
    """Clients in parallel threads, each sure of its own data."""
    server = serve("-t", "4")
    failures = []

    def work(number):
        try:
            with Client(server.port) as client:
                for step in range(300):
                    value = b"%d-%d" % (number, step)
                    client.set(b"key-%d" % number, value)
                    assert client.get(b"key-%d" % number) == value
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
