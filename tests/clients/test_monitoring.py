# SPDX-License-Identifier: BSD-3-Clause
"""Programs that monitor memcached, unchanged; and for those Debian has not, what they read."""

import os
import pathlib
import re
import subprocess

import pytest
from cachemand import DEADLINE_S, wait_until

TOOL = pathlib.Path("/usr/share/memcached/scripts/memcached-tool")
COLLECTD = pathlib.Path("/usr/sbin/collectd")
MUNIN = pathlib.Path("/usr/share/munin/plugins/memcached_")


@pytest.fixture
def busy(server):
    """A server with something in it, and a client of it."""
    client = server.connect()
    for i in range(50):
        client.set(b"key%d" % i, b"x" * (100 * i))
    client.set(b"a%2C/", b"v", 1000)
    assert client.get(b"key7") == b"x" * 700
    assert client.get(b"nothing") is None
    server.client = client
    return server


# ---- memcached-tool ----


def tool(server, *mode):
    done = subprocess.run([str(TOOL), f"127.0.0.1:{server.port}", *mode], capture_output=True,
                          timeout=DEADLINE_S, check=True)
    return done.stdout.decode()


def fields(text):
    return dict(line.split(None, 1) for line in text.splitlines()[1:])


def test_tool_display(busy):
    rows = tool(busy).splitlines()
    assert rows[0].split() == ["#", "Item_Size", "Max_age", "Pages", "Count", "Full?", "Evicted",
                               "Evict_Time", "OOM"]
    rows = [row.split() for row in rows[1:]]
    assert rows[0][1] == "96B" and len(rows) > 10
    assert sum(int(row[4]) for row in rows) == 51


def test_tool_stats(busy):
    stats = fields(tool(busy, "stats"))
    assert int(stats["curr_items"]) == 51
    assert int(stats["get_hits"]) == 1
    assert int(stats["pid"]) == busy.pid
    assert float(stats["rusage_user"]) >= 0


def test_tool_settings(busy):
    settings = fields(tool(busy, "settings"))
    assert int(settings["num_threads"]) == 2
    assert settings["evictions"] == "on"


def test_tool_sizes(busy):
    sizes = fields(tool(busy, "sizes"))
    assert sum(int(count) for count in sizes.values()) == 51
    assert all(int(size) % 32 == 0 for size in sizes)


def test_tool_keys(busy):
    keys = re.findall(r"^key=(\S+) exp=", tool(busy, "keys"), re.MULTILINE)
    assert sorted(keys) == sorted([f"key{i}" for i in range(50)] + ["a%252C%2F"])
    assert len(tool(busy, "keys", "7").splitlines()) == 7


def test_tool_dump_can_be_loaded(busy, serve):
    dump = tool(busy, "dump")
    copy = serve().connect()
    copy.send(dump.encode())
    for _ in range(51):
        assert copy.line() == b"STORED\r\n"
    assert copy.get(b"key49") == b"x" * 4900
    assert copy.get(b"a%2C/") == b"v"


# ---- collectd ----

CONFIG = """
Hostname "test"
FQDNLookup false
BaseDir "{folder}"
PIDFile "{folder}/pid"
PluginDir "/usr/lib/collectd"
TypesDB "/usr/share/collectd/types.db"
Interval 0.2
LoadPlugin csv
LoadPlugin memcached
<Plugin csv>
  DataDir "{folder}/csv"
</Plugin>
<Plugin memcached>
  <Instance "cache">
    Address "127.0.0.1"
    Port "{port}"
  </Instance>
</Plugin>
"""


def test_collectd(busy, tmp_path):
    config = tmp_path / "collectd.conf"
    config.write_text(CONFIG.format(folder=tmp_path, port=busy.port))
    values = tmp_path / "csv" / "test" / "memcached-cache"

    def last(name):
        rows = [row for path in sorted(values.glob(f"{name}-2*"))
                for row in path.read_text().splitlines()]
        return [float(value) for value in rows[-1].split(",")[1:]] if len(rows) > 1 else None

    with subprocess.Popen([str(COLLECTD), "-f", "-C", str(config)], stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as collectd:
        try:
            wait_until(lambda: last("memcached_items-current") == [51], "items")
            wait_until(lambda: last("memcached_ops-evictions") == [0], "a rate")
            wait_until(lambda: busy.client.get(b"key7") and last("percent-hitratio") == [100],
                       "the ratio of hits since the last look")
            wait_until(lambda: last("df-cache"), "memory")
            used, free = last("df-cache")
            assert used > 0 and used + free == int(busy.client.stats()["limit_maxbytes"])
            wait_until(lambda: last("ps_cputime"), "CPU time")
            wait_until(lambda: (last("memcached_connections-current") or [0])[0] >= 2,
                       "connections")
            for name in ("get", "set", "flush", "touch", "meta"):
                wait_until(lambda: last(f"memcached_command-{name}"), f"what {name} comes to")
        finally:
            collectd.terminate()
            collectd.wait(DEADLINE_S)


# ---- Munin ----


def munin(server, graph, *arguments):
    """The plugin runs under a name that ends in the graph's."""
    plugin = server.folder / f"memcached_{graph}"
    if not plugin.exists():
        plugin.symlink_to(MUNIN)
    done = subprocess.run(["perl", str(plugin), *arguments], capture_output=True, text=True,
                          env={**os.environ, "host": "127.0.0.1", "port": str(server.port)},
                          timeout=DEADLINE_S, check=True)
    return done.stdout


def test_munin(busy):
    assert munin(busy, "", "autoconf") == "yes\n"
    graphs = munin(busy, "", "suggest").split()
    assert sorted(graphs) == ["bytes", "counters", "rates"]
    found = {}
    for graph in graphs:
        assert "graph_title" in munin(busy, graph, "config")
        for row in munin(busy, graph).splitlines():
            name, value = row.split()
            found[name.removesuffix(".value")] = int(value)
    assert found["memcache_curr_items"] == 51
    assert found["memcache_cmd_set"] == 51
    assert found["memcache_cache_hits"] == 1
    assert found["memcache_cache_misses"] == 1
    assert found["memcache_bytes_read"] > 0 and found["memcache_bytes_written"] > 0
    assert found["memcache_bytes_allocated"] > 0


# ---- the exporter for Prometheus, phpCacheAdmin: the names they ask for ----

GENERAL = """
pid uptime time version libevent pointer_size rusage_user rusage_system max_connections
curr_connections total_connections rejected_connections connection_structures response_obj_oom
response_obj_count response_obj_bytes read_buf_count read_buf_bytes read_buf_bytes_free
read_buf_oom reserved_fds cmd_get cmd_set cmd_flush cmd_touch cmd_meta get_hits get_misses
get_expired get_flushed delete_misses delete_hits incr_misses incr_hits decr_misses decr_hits
cas_misses cas_hits cas_badval touch_hits touch_misses store_too_large store_no_memory auth_cmds
auth_errors bytes_read bytes_written limit_maxbytes accepting_conns listen_disabled_num
time_in_listen_disabled_us threads conn_yields hash_power_level hash_bytes hash_is_expanding
slab_reassign_rescues slab_reassign_chunk_rescues slab_reassign_evictions_nomem
slab_reassign_inline_reclaim slab_reassign_busy_items slab_reassign_busy_deletes
slab_reassign_running slabs_moved lru_crawler_running lru_crawler_starts lru_maintainer_juggles
malloc_fails log_worker_dropped log_worker_written log_watcher_skipped log_watcher_sent
log_watchers unexpected_napi_ids round_robin_fallback bytes curr_items total_items
slab_global_page_pool expired_unfetched evicted_unfetched evicted_active evictions reclaimed
crawler_reclaimed crawler_items_checked lrutail_reflocked moves_to_cold moves_to_warm
moves_within_lru direct_reclaims lru_bumps_dropped
""".split()

SETTINGS = """
maxbytes maxconns tcpport udpport inter verbosity oldest evictions domain_socket umask
shutdown_command growth_factor chunk_size num_threads num_threads_per_udp stat_key_prefix
detail_enabled reqs_per_event cas_enabled tcp_backlog binding_protocol auth_enabled_sasl
auth_enabled_ascii item_size_max maxconns_fast hashpower_init slab_reassign slab_automove
slab_automove_ratio slab_automove_window slab_chunk_max lru_crawler lru_crawler_sleep
lru_crawler_tocrawl tail_repair_time flush_enabled dump_enabled hash_algorithm
lru_maintainer_thread lru_segmented hot_lru_pct warm_lru_pct hot_max_factor warm_max_factor
temp_lru temporary_ttl idle_timeout watcher_logbuf_size worker_logbuf_size read_buf_mem_limit
track_sizes inline_ascii_response ssl_enabled num_napi_ids memory_file
""".split()

ITEMS = """
number number_hot number_warm number_cold age_hot age_warm age mem_requested evicted
evicted_nonzero evicted_time outofmemory tailrepairs reclaimed expired_unfetched evicted_unfetched
evicted_active crawler_reclaimed crawler_items_checked lrutail_reflocked moves_to_cold
moves_to_warm moves_within_lru direct_reclaims hits_to_hot hits_to_warm hits_to_cold hits_to_temp
""".split()

SLABS = """
chunk_size chunks_per_page total_pages total_chunks used_chunks free_chunks free_chunks_end
get_hits cmd_set delete_hits incr_hits decr_hits cas_hits cas_badval touch_hits
""".split()

WORDS = {"version", "libevent"}
FRACTIONS = {"rusage_user", "rusage_system"}


def test_general_names(busy):
    stats = busy.client.stats()
    assert set(GENERAL) <= set(stats)
    for name, value in stats.items():
        if name in FRACTIONS:
            assert re.fullmatch(r"\d+\.\d{6}", value), name
        elif name not in WORDS:
            assert value.isdigit(), name


def test_settings_names(busy):
    settings = busy.client.stats(b"settings")
    assert set(SETTINGS) <= set(settings)
    # What the exporter takes for numbers once the crawler is said to run.
    assert settings["lru_crawler"] == "yes"
    for name in ("maxconns", "lru_crawler_sleep", "lru_crawler_tocrawl", "hot_lru_pct",
                 "warm_lru_pct", "hot_max_factor", "warm_max_factor", "item_size_max",
                 "watcher_logbuf_size", "worker_logbuf_size"):
        float(settings[name])


def test_names_by_class(busy):
    items = busy.client.stats(b"items")
    slabs = busy.client.stats(b"slabs")
    classes = {name.split(":")[1] for name in items}
    assert len(classes) > 10
    assert set(items) == {f"items:{number}:{name}" for number in classes for name in ITEMS}
    assert set(slabs) == ({f"{number}:{name}" for number in classes for name in SLABS}
                          | {"active_slabs", "total_malloced"})
    assert all(value.isdigit() for value in (*items.values(), *slabs.values()))
    assert int(slabs["active_slabs"]) == len(classes)
    for number in classes:
        used, free, total = (int(slabs[f"{number}:{name}_chunks"])
                             for name in ("used", "free", "total"))
        assert used + free == total and used >= int(items[f"items:{number}:number"]) > 0


def test_connections(busy):
    names = {}
    for name, value in busy.client.stats(b"conns").items():
        descriptor, what = name.split(":")
        names.setdefault(descriptor, {})[what] = value
    mine = "tcp:127.0.0.1:%d" % busy.client.socket.getsockname()[1]
    rows = [row for row in names.values() if row["addr"] == mine]
    assert len(rows) == 1
    assert set(rows[0]) == {"addr", "listen_addr", "state", "secs_since_last_cmd"}
    assert rows[0]["listen_addr"] == f"tcp:127.0.0.1:{busy.port}"


def test_reset(busy):
    client = busy.client
    before = client.stats()
    client.ask(b"stats reset\r\n", b"RESET\r\n")
    after = client.stats()
    for name in ("cmd_get", "cmd_set", "get_hits", "get_misses", "total_items",
                 "total_connections", "evictions"):
        assert after[name] == "0", name
    assert int(before["total_items"]) == 51
    for name in ("curr_items", "bytes", "curr_connections", "limit_maxbytes", "threads"):
        assert after[name] == before[name]
    busy.connect().set(b"more", b"v")
    assert client.stats()["total_connections"] == client.stats()["total_items"] == "1"
