# SPDX-License-Identifier: BSD-3-Clause
"""The command line: every option does what it says, every bad one says what is allowed."""

import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile

import pytest

import cachemand
from cachemand import ROOT, Client, run, wait_until

USAGE = 64

BAD_OPTIONS = [
    (["-t", "0"], 'option -t (--threads): "0" is not a number from 1 to 64'),
    (["-t", "65"], 'option -t (--threads): "65" is not a number from 1 to 64'),
    (["-t", "two"], 'option -t (--threads): "two" is not a number from 1 to 64'),
    (["-t"], "option -t (--threads) needs a value: a number from 1 to 64"),
    (["-c", "0"], 'option -c (--conn-limit): "0" is not a number from 1 to 1048576'),
    (["-m", "0"], 'option -m (--memory-limit): "0" is not a number from 1 to 1048576'),
    (["-m", "-5"], 'option -m (--memory-limit): "-5" is not a number from 1 to 1048576'),
    (["-m", "64m"], 'option -m (--memory-limit): "64m" is not a number from 1 to 1048576'),
    (["-p", "65536"], 'option -p (--port): "65536" is not a number from -1 to 65535'),
    (["-p", "0"], "option -p (--port): 0 turns TCP off, and there is nothing else to listen on; -1 "
     "takes a free port"),
    (["-b", "0"], 'option -b (--listen-backlog): "0" is not a number from 1 to 65535'),
    (["-R", "0"], 'option -R (--max-reqs-per-event): "0" is not a number from 1 to 1000000'),
    (["-I", "1023"], 'option -I (--max-item-size): "1023" is not a size from 1k to 1g, in bytes '
                     "or with k, m or g"),
    (["-I", "2g"], 'option -I (--max-item-size): "2g" is not a size from 1k to 1g, in bytes or '
                   "with k, m or g"),
    (["-I", "51m"], "option -I (--max-item-size): 51m is more than half of the memory limit; with "
                    "-m 100 it may be at most 50m"),
    (["-l", "127.0.0.1:99999"], 'option -l (--listen): "127.0.0.1:99999" has no port from 1 to '
                                "65535 after its colon"),
    (["-B", "resp"], 'option -B (--protocol): "resp" is not one of auto, ascii, binary'),
    (["--protocol=bin"], 'option -B (--protocol): "bin" is not one of auto, ascii, binary'),
    (["-B", ""], 'option -B (--protocol): "" is not one of auto, ascii, binary'),
    (["-B"], "option -B (--protocol) needs a value: one of auto, ascii, binary"),
    (["-l", ""], 'option -l (--listen): "" has no address; write HOST, HOST:PORT or [IPV6]:PORT'),
    (["-l", "[::1"], 'option -l (--listen): "[::1" is not of the form [IPV6]:PORT'),
    (["-o", "nonsense"], 'option -o (--extended): unknown key "nonsense"; the man page lists those '
                         "allowed"),
    (["-o", "hashpower=40"], 'option -o (--extended): hashpower: "40" is not a number from 12 to '
                             "32"),
    (["-e", "/dev/shm/x"], "option -e (--memory-file): warm restart is not available yet"),
    (["-f", "1.0"], 'option -f (--slab-growth-factor): "1.0" is not a number above 1'),
    (["-n", "0"], 'option -n (--slab-min-size): "0" is not a number from 1 to 1048576'),
    (["-a", "999"], 'option -a (--unix-mask): "999" is not an octal number from 0 to 777'),
    (["-D", "::"], 'option -D (--prefix-delimiter): "::" is not one character'),
    (["-o", "idle_timeout=x"], 'option --idle-timeout: "x" is not a number from 0 to 1000000000'),
    (["--idle-timeout", "-1"], 'option --idle-timeout: "-1" is not a number from 0 to 1000000000'),
    (["--daemon=2"], 'option -d (--daemon): "2" is not yes or no'),
    (["--version=1"], 'option -V (--version) takes no value, but was given "1"'),
    (["--nonsense"], 'unknown option "--nonsense"; --help lists those allowed'),
    (["-!"], 'unknown option "-!"; --help lists those allowed'),
    (["serve"], '"serve" is not an option; --help lists those allowed'),
]


@pytest.mark.parametrize("options,message", BAD_OPTIONS, ids=lambda value: " ".join(value)
                         if isinstance(value, list) else "")
def test_bad_option(options, message):
    assert run(*options) == (USAGE, "", f"cachemand: {message}\n")


def test_bad_policy_names_those_there_are():
    code, out, err = run("--policy", "random")
    assert (code, out) == (USAGE, "")
    assert err.startswith('cachemand: option --policy: "random" is not one of ')
    for name in ("fifo", "lru", "lfu", "s3fifo", "duel"):
        assert name in err


def test_unknown_policy_at_run_time_names_the_same(server):
    _, _, err = run("--policy", "random")
    names = err.strip().split(" is not one of ")[1].encode()
    client = server.connect()
    client.ask(b"lru policy random\r\n",
               b"CLIENT_ERROR unknown eviction policy; there are %s\r\n" % names)
    client.ask(b"lru policy random noreply\r\nmn\r\n", b"MN\r\n")


@pytest.mark.parametrize("option", ["-h", "--help", "/?"])
def test_help(option):
    code, out, err = run(option)
    assert (code, err) == (0, "")
    assert out.startswith("usage: cachemand [options]\n")
    for name in ("--port=PORT", "--memory-limit=MB", "--policy=NAME", "--idle-timeout=SECONDS"):
        assert name in out
    assert "--man" not in out
    assert max(map(len, out.splitlines())) <= 100


@pytest.mark.parametrize("option", ["-V", "--version"])
def test_version(option):
    code, out, err = run(option)
    assert (code, err) == (0, "")
    header = (ROOT / "include/cacheman/version.h").read_text()
    assert f'"{out.split()[1]}"' in header


def test_man_page_is_fresh():
    code, out, _ = run("--man")
    assert code == 0
    assert (ROOT / "docs/cachemand.1").read_text() == out, "run script/man"


@pytest.mark.parametrize("option,path", [("--options-page", "docs/options.md"),
                                         ("--sample-config", "packaging/cachemand.conf")])
def test_generated_files_are_fresh(option, path):
    code, out, _ = run(option)
    assert code == 0
    assert (ROOT / path).read_text() == out, "run script/man"


def test_man_page_is_well_formed():
    done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z",
                           str(ROOT / "docs/cachemand.1")], capture_output=True, timeout=60,
                          check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_default_address_is_loopback(serve):
    server = serve()
    families = {family for _, family, _ in server.ports}
    assert "INET:" in families
    assert len({port for _, _, port in server.ports}) == 1, "one port for both families"
    with Client(server.port) as client:
        client.ask(b"mn\r\n", b"MN\r\n")
    if "INET6:" in families:
        with Client(server.port, host="::1") as client:
            client.ask(b"mn\r\n", b"MN\r\n")
    first = first_address()
    if first:
        with pytest.raises(ConnectionRefusedError):
            Client(server.port, host=first)


def first_address():
    """The machine's first IPv4 address beyond loopback, None if there is none."""
    done = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=False)
    words = [word for word in done.stdout.split() if ":" not in word]
    return words[0] if words else None


def test_listen_first(serve):
    first = first_address()
    if not first:
        pytest.skip("no address beyond loopback")
    server = serve("-l", "first")
    with Client(server.port, host=first) as client:
        client.ask(b"mn\r\n", b"MN\r\n")
    with pytest.raises(ConnectionRefusedError):
        Client(server.port, host="127.0.0.1")


def test_listen_all(serve):
    server = serve("-l", "0.0.0.0")
    for host in filter(None, ("127.0.0.1", "127.0.0.2", first_address())):
        with Client(server.port, host=host) as client:
            client.ask(b"mn\r\n", b"MN\r\n")


def test_listen_list_and_ports(serve, hold_port):
    other = hold_port("127.0.0.3")
    server = serve("-l", "127.0.0.1,localhost", "-l", f"127.0.0.3:{other}")
    with Client(server.port) as client:
        client.ask(b"mn\r\n", b"MN\r\n")
    with Client(other, host="127.0.0.3") as client:
        client.ask(b"mn\r\n", b"MN\r\n")


def test_address_that_cannot_be():
    code, _, err = run("-p", "-1", "-l", "192.0.2.1")
    assert code == 71
    assert err.startswith("cachemand: cannot listen on 192.0.2.1:0: ")


def test_host_that_does_not_exist():
    code, _, err = run("-p", "-1", "-l", "nowhere.invalid")
    assert code == 71
    assert err.startswith("cachemand: cannot listen on nowhere.invalid: ")


def test_port_taken(server):
    code, _, err = run("-p", str(server.port))
    assert code == 71
    assert err == f"cachemand: cannot listen on 127.0.0.1:{server.port}: Address already in use\n"


def test_settings(serve):
    server = serve("-t", "3", "-m", "32", "-c", "77", "-I", "2m", "-R", "33", "-b", "44", "-M",
                   "-F", "-X", "-A", "-vv", "--idle-timeout=99", "--policy", "lru")
    settings = server.connect().stats(b"settings")
    wanted = {"num_threads": "3", "maxbytes": str(32 << 20), "maxconns": "77",
              "item_size_max": str(2 << 20), "reqs_per_event": "33", "tcp_backlog": "44",
              "evictions": "off", "flush_enabled": "no", "dump_enabled": "no", "verbosity": "2",
              "idle_timeout": "99", "policy": "lru", "tcpport": str(server.port)}
    assert {name: settings[name] for name in wanted} == wanted
    assert server.connect().stats()["threads"] == "3"


def test_tells_where_it_listens(serve):
    server = serve("-l", "127.0.0.1,127.0.0.2")
    server.connect().ask(b"mn\r\n", b"MN\r\n")
    line = f"cachemand: listening on tcp:127.0.0.1:{server.port}, tcp:127.0.0.2:{server.port}"
    assert server.error_text().splitlines()[-1] == line


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_warns_of_root(serve):
    server = serve()
    assert "cachemand: runs as root; -u NAME gives that up\n" in server.error_text()
    server = serve("-u", "nobody")
    server.connect().ask(b"mn\r\n", b"MN\r\n")
    assert "root" not in server.error_text()


@pytest.mark.parametrize("option", ["-i", "--license"])
def test_license(option):
    code, out, err = run(option)
    assert (code, err) == (0, "")
    assert out.startswith((ROOT / "LICENSE").read_text())
    assert "xxHash" in out and "libuv" in out


def test_what_has_no_effect_is_told(serve):
    """A command line as memcached's users write them."""
    server = serve("-m", "64", "-c", "1024", "-f", "1.25", "-n", "48", "-L", "-C", "-N", "1",
                   "-t", "2", "-o", "modern,slab_reassign,slab_automove=1,lru_crawler",
                   "-o", "lru_maintainer,hash_algorithm=murmur3,tail_repair_time=60")
    client = server.connect()
    client.set(b"k", b"v")
    lines = server.error_text().splitlines()
    assert lines[:2] == [
        "cachemand: option -f (--slab-growth-factor) has no effect: there are no slab classes",
        "cachemand: option -n (--slab-min-size) has no effect: there are no slab classes"]
    told = [line for line in lines if " has no effect: " in line]
    assert len(told) == 12 and len(set(told)) == 12


def test_prefix_delimiter(serve):
    client = serve("-D", "/").connect()
    client.set(b"a:b/c", b"v")
    client.get(b"a:b/c")
    client.get(b"a:x")
    client.ask(b"stats detail dump\r\n", b"PREFIX a:b get 1 hit 1 set 1 del 0\r\nEND\r\n")
    assert client.stats(b"settings")["stat_key_prefix"] == "/"


def test_core_files(serve):
    server = serve("-r", wrapper=("prlimit", "--core=0:unlimited"))
    limits = pathlib.Path(f"/proc/{server.pid}/limits").read_text()
    line = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert line.split()[4:6] == ["unlimited", "unlimited"]


def unprivileged(*wrapper):
    """In front of a command: without root's rights, and the limits given."""
    return ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--reuid=nobody",
            "--clear-groups", *wrapper)


def run_unprivileged(*options):
    if os.geteuid() != 0:
        pytest.skip("needs root, to stop being it")
    done = subprocess.run([*options], capture_output=True, text=True, timeout=cachemand.DEADLINE_S, check=False)
    if "setpriv" in done.stderr or done.returncode in (126, 127):
        pytest.skip("the program cannot be run by another user here")
    return done.returncode, done.stderr


def test_core_files_that_cannot_be():
    assert run_unprivileged("prlimit", "--core=0:0", *unprivileged(), str(cachemand.PROGRAM),
                            "-p", "-1", "-r") == (
        71, "cachemand: option -r (--enable-coredumps): the system allows no core files\n")


def skip_if_sanitized(server):
    """Sanitizers turn mlockall() into nothing."""
    if "built with a sanitizer" in server.error_text():
        pytest.skip("not in this build")


def test_lock_memory(serve):
    if os.geteuid() != 0:
        pytest.skip("needs root")
    server = serve("-k", "-m", "16")
    skip_if_sanitized(server)
    client = server.connect()
    for number in range(6000):
        client.send(b"set k%d 0 0 4000 noreply\r\n%s\r\n" % (number, b"v" * 4000))
    client.set(b"last", b"v")
    assert server.status_kib("VmLck") > 10 << 10
    client.ask(b"cache_memlimit 9\r\n", b"OK\r\n")
    client.ask(b"cache_memlimit 32\r\n", b"OK\r\n")
    client.set(b"k", b"v" * 100000)
    assert client.get(b"k") == b"v" * 100000


def test_lock_memory_that_cannot_be(server):
    skip_if_sanitized(server)
    assert run_unprivileged("prlimit", "--memlock=65536:65536", *unprivileged(),
                            str(cachemand.PROGRAM), "-p", "-1", "-k") == (
        71, "cachemand: option -k (--lock-memory): not permitted; only root is, or who may lock as "
        "much memory (ulimit -l)\n")


def test_lock_memory_that_the_user_cannot(server):
    """Root may lock all it wants, and then is root no more; nor may it raise the limit here."""
    skip_if_sanitized(server)
    if os.geteuid() != 0:
        pytest.skip("needs root")
    code, _, err = run("--memlock=65536:65536", "setpriv", "--bounding-set=-sys_resource",
                       str(cachemand.PROGRAM), "-p", "-1", "-k", "-m", "16", "-u", "nobody",
                       program="prlimit")
    assert (code, err) == (
        71, 'cachemand: option -k (--lock-memory): the user "nobody" may not lock as much memory; '
        "raise the limit (ulimit -l)\n")


@pytest.fixture
def open_folder():
    """One that every user may look into."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="cachemand-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.parametrize("mode", [0o755, 0o1777], ids=["not its own", "sticky"])
def test_what_the_user_cannot_remove_is_told_of(serve, open_folder, mode):
    path = open_folder / "pid"
    open_folder.chmod(mode)
    line = f'{path} will stay at the end: the user "nobody" may not remove it from its folder'
    server = serve("-u", "nobody", "-P", str(path))
    assert server.error_text().count(f"cachemand: {line}\n") == 1
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    assert path.exists()
    open_folder.chmod(0o777)
    server = serve("-u", "nobody", "-P", str(path))
    server.connect().ask(b"mn\r\n", b"MN\r\n")
    assert "will stay" not in server.error_text()
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    assert not path.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_what_the_user_cannot_read_again_is_told_of(serve, open_folder):
    path = open_folder / "users"
    path.write_text("alice:secret\n")
    path.chmod(0o600)
    line = f'{path} cannot be read again by the user "nobody": Permission denied'
    server = serve("-u", "nobody", "-Y", str(path))
    assert server.error_text().count(f"cachemand: {line}\n") == 1
    path.chmod(0o644)
    server = serve("-u", "nobody", "-Y", str(path))
    assert "cannot be read" not in server.error_text()
    server.signal(signal.SIGHUP)
    wait_until(lambda: "cachemand: users read again: 1\n" in server.error_text(), "the line")


@pytest.mark.parametrize("option", ["--help", "--version", "--license", "--man", "--hash-password"])
def test_output_that_cannot_be_written(option):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([str(cachemand.PROGRAM), option], input=b"secret\n", stdout=full,
                              stderr=subprocess.PIPE, timeout=cachemand.DEADLINE_S, check=False)
    assert (done.returncode, done.stderr) == (
        73, b"cachemand: cannot write to standard output: No space left on device\n")


def test_connections_wait(serve):
    server = serve("-c", "2", "-o", "no_maxconns_fast")
    first, second = server.connect(), server.connect()
    first.ask(b"mn\r\n", b"MN\r\n")
    second.ask(b"mn\r\n", b"MN\r\n")
    third = server.connect()
    third.send(b"mn\r\n")
    wait_until(lambda: first.stats()["accepting_conns"] == "0", "the pause")
    assert first.stats(b"settings")["maxconns_fast"] == "no"
    second.close()
    assert third.line() == b"MN\r\n"
    assert first.stats()["rejected_connections"] == "0"


def test_extended_idle_timeout(serve):
    server = serve("-o", "hashpower=20,idle_timeout=7")
    assert server.connect().stats(b"settings")["idle_timeout"] == "7"


def test_defaults(server):
    settings = server.connect().stats(b"settings")
    assert settings["maxbytes"] == str(100 << 20)
    assert settings["maxconns"] == "1024"
    assert settings["item_size_max"] == str(1 << 20)
    assert settings["evictions"] == "on"


def test_small_memory_lowers_the_item_size(serve):
    server = serve("-m", "1")
    client = server.connect()
    assert client.stats(b"settings")["item_size_max"] == str(1 << 19)
    client.set(b"k", b"v")
    assert client.get(b"k") == b"v"


def test_disabled_features(serve):
    client = serve("-F", "-X", "-W").connect()
    client.ask(b"flush_all\r\n", b"CLIENT_ERROR flush_all not allowed\r\n")
    client.ask(b"lru_crawler metadump all\r\n", b"ERROR metadump not allowed\r\n")
    client.ask(b"watch evictions\r\n", b"CLIENT_ERROR watch commands not allowed\r\n")


def test_shutdown_command_needs_the_option(server):
    server.connect().ask(b"shutdown\r\n", b"SERVER_ERROR: shutdown not enabled\r\n")


@pytest.mark.parametrize("command", [b"shutdown\r\n", b"shutdown graceful\r\n"])
def test_shutdown_command(serve, command):
    server = serve("-A")
    server.connect().send(command)
    assert server.wait() == 0


def test_verbosity(serve):
    server = serve("-vvv")
    server.connect().ask(b"mn\r\n", b"MN\r\n")
    wait_until(lambda: "read 4 bytes" in server.error_text(), "the log of a read")
    assert "listening on tcp:127.0.0.1:" in server.error_text()
    assert "connection opened" in server.error_text()


def test_verbosity_changes_live(server):
    client = server.connect()
    client.ask(b"verbosity 2\r\n", b"OK\r\n")
    server.connect().ask(b"mn\r\n", b"MN\r\n")
    wait_until(lambda: "connection opened" in server.error_text(), "the log of a connection")
    client.ask(b"verbosity 0\r\n", b"OK\r\n")
    assert client.stats(b"settings")["verbosity"] == "0"


def test_pid_file(serve, tmp_path):
    path = tmp_path / "pid"
    server = serve("-P", str(path))
    assert path.read_text() == f"{server.pid}\n"
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    assert not path.exists()


def test_pid_file_of_another(serve, tmp_path):
    """A server that ends leaves a file alone that names another one by now."""
    path = tmp_path / "pid"
    first = serve("-P", str(path))
    second = serve("-P", str(path))
    first.signal(signal.SIGTERM)
    assert first.wait() == 0
    assert path.read_text() == f"{second.pid}\n"


def test_pid_file_that_cannot_be():
    code, _, err = run("-p", "-1", "-P", "/dev/null/pid")
    assert (code, err) == (73, 'cachemand: cannot write the pid file "/dev/null/pid": '
                               "Not a directory\n")


def test_port_file_that_cannot_be():
    code, _, err = run("-p", "-1", env={**os.environ, "MEMCACHED_PORT_FILENAME": "/dev/null/p"})
    assert (code, err) == (73, 'cachemand: cannot write the port file "/dev/null/p.lck": '
                               "Not a directory\n")


def test_daemon(tmp_path):
    pid_file, port_file = tmp_path / "pid", tmp_path / "port"
    code, out, err = run("-d", "-p", "-1", "-P", str(pid_file),
                         env={**os.environ, "MEMCACHED_PORT_FILENAME": str(port_file)})
    assert (code, out) == (0, "")
    port = port_file.read_text().split()[2]
    assert f"cachemand: listening on tcp:127.0.0.1:{port}" in err
    pid = int(pid_file.read_text())
    try:
        assert pathlib.Path(f"/proc/{pid}/fd/0").readlink() == pathlib.Path("/dev/null")
        assert os.getsid(pid) == pid
        with Client(int(port_file.read_text().split()[2])) as client:
            client.ask(b"mn\r\n", b"MN\r\n")
    finally:
        os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not pid_file.exists(), "the daemon's end")


def test_daemon_reports_its_failure(server):
    code, _, err = run("-d", "-p", str(server.port))
    assert code == 71
    assert "Address already in use" in err


def test_user(serve):
    if os.geteuid() != 0:
        pytest.skip("needs root")
    server = serve("-u", "nobody")
    nobody = pwd.getpwnam("nobody")
    server.connect().ask(b"mn\r\n", b"MN\r\n")
    status = pathlib.Path(f"/proc/{server.pid}/status").read_text()
    uids = next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1:]
    gids = next(line for line in status.splitlines() if line.startswith("Gid:")).split()[1:]
    assert set(uids) == {str(nobody.pw_uid)} and set(gids) == {str(nobody.pw_gid)}


def test_user_that_does_not_exist():
    code, _, err = run("-p", "-1", "-u", "no-such-user")
    assert (code, err) == (67, 'cachemand: option -u (--user): there is no user "no-such-user"\n')


def test_user_of_the_file_that_does_not_exist(tmp_path):
    path = tmp_path / "cachemand.conf"
    path.write_text("# whose\nuser = no-such-user\n")
    code, _, err = run("--config", str(path), "-p", "-1")
    assert (code, err) == (67, f'cachemand: {path}:2: user: there is no user "no-such-user"\n')


def test_user_needs_root():
    if os.geteuid() != 0:
        pytest.skip("needs root, to stop being it")
    done = subprocess.run(["setpriv", "--reuid=nobody", "--clear-groups", str(cachemand.PROGRAM),
                           "-p", "-1", "-u", "root"], capture_output=True, text=True, timeout=cachemand.DEADLINE_S,
                          check=False)
    if "setpriv" in done.stderr or done.returncode in (126, 127):
        pytest.skip("the program cannot be run by another user here")
    assert done.returncode == 77
    assert done.stderr == ('cachemand: option -u (--user): not permitted to become "root"; only '
                           "root is\n")


@pytest.mark.parametrize("policy", ["fifo", "lru", "lfu", "s3fifo", "duel"])
def test_policies(serve, policy):
    client = serve("--policy", policy, "-m", "8").connect()
    for number in range(4000):
        client.send(b"set k%d 0 0 4000 noreply\r\n%s\r\n" % (number, b"v" * 4000))
    client.set(b"last", b"v")
    assert client.get(b"last") == b"v"
    assert int(client.stats()["evictions"]) > 0
