# SPDX-License-Identifier: BSD-3-Clause
"""The configuration's file and environment, as a server that starts sees them."""

import os
import subprocess

import pytest

from cachemand import DEADLINE_S, PROGRAM, ROOT, run

CANNOT_WRITE = 73
CONFIG = 78
USAGE = 64


@pytest.fixture
def conf(tmp_path):
    """Writes the file and returns its path."""
    path = tmp_path / "cachemand.conf"

    def write(text):
        path.write_text(text)
        return str(path)

    return write


def test_server_obeys_the_file(serve, conf):
    path = conf("memory-limit = 32\nthreads = 3\nconn-limit = 77\nmax-item-size = 2m\n"
                "no-evict = yes\nidle-timeout = 99\npolicy = lru\nverbose = 2\n"
                "listen = 127.0.0.1\nlisten = 127.0.0.2\n")
    server = serve("--config", path, "-t", "2", env={"CACHEMAN_IDLE_TIMEOUT": "98"})
    settings = server.connect().stats(b"settings")
    wanted = {"maxbytes": str(32 << 20), "num_threads": "2", "maxconns": "77", "evictions": "off",
              "item_size_max": str(2 << 20), "idle_timeout": "98", "policy": "lru",
              "verbosity": "2", "inter": "127.0.0.1,127.0.0.2"}
    assert {name: settings[name] for name in wanted} == wanted


def test_nothing_starts_with_a_wrong_file(conf):
    path = conf("threads = many\nport\nmemroy-limit = 3\nmax-item-size = 2\n")
    wanted = (f'cachemand: {path}:1: threads: "many" is not a number from 1 to 64\n'
              f'cachemand: {path}:2: "port" is not of the form KEY = VALUE\n'
              f'cachemand: {path}:3: unknown key "memroy-limit"; "memory-limit" is one\n'
              f'cachemand: {path}:4: max-item-size: "2" is not a size from 1k to 1g, in bytes or '
              "with k, m or g\n")
    for more in ([], ["--check-config"], ["--print-config"], ["-d"]):
        assert run("--config", path, *more) == (CONFIG, "", wanted)
    assert run(env={**os.environ, "CACHEMAN_CONFIG": path}) == (CONFIG, "", wanted)


def test_check(conf):
    good = (0, "the configuration is good\n", "")
    assert run("--check-config") == good
    assert run("--config", conf("threads = 4\n"), "--check-config") == good
    assert run("--config", conf(""), "--check-config") == good
    assert run("--check-config", "-t", "0") == (
        USAGE, "", 'cachemand: option -t (--threads): "0" is not a number from 1 to 64\n')
    code, out, err = run("--check-config", env={**os.environ, "CACHEMAN_THREADS": "x"})
    assert (code, out, err) == (
        USAGE, "", 'cachemand: CACHEMAN_THREADS: "x" is not a number from 1 to 64\n')


@pytest.mark.parametrize("line, wrong", [
    ("join = http://h/c", "join: write etcd://HOST:PORT/CLUSTER"),
    ("join = etcd://h:1", "join: the name of a cluster is missing: write etcd://HOST:PORT/CLUSTER"),
    ("join = etcd://h:1/c?timeout=1s", "join: only options that begin with etcd_ are for it"),
    ("cluster = /nonexistent",
     "cluster: cannot read the cluster file /nonexistent: No such file or directory"),
])
def test_check_reads_what_clusters_are_called(conf, line, wrong):
    path = conf(line + "\n")
    assert run("--config", path, "--check-config") == (CONFIG, "", f"cachemand: {path}:1: {wrong}\n")
    assert run("--config", conf("join = etcd://h:1/c\n"), "--check-config")[0] == 0


def test_check_reads_what_is_named(conf, tmp_path):
    users = tmp_path / "users"
    users.write_text("alice\n")
    path = conf(f"auth-file = {users}\n")
    code, out, err = run("--config", path, "--check-config")
    assert (code, out) == (CONFIG, "")
    assert f"{users}:1:" in err
    users.write_text("alice:secret\n")
    assert run("--config", path, "--check-config")[0] == 0
    path = conf("tls = yes\ntls-cert = /nonexistent/cert\n")
    code, out, err = run("--config", path, "--check-config")
    assert (code, out) == (CONFIG, "")
    assert "/nonexistent/cert" in err


def test_check_says_what_is_wrong_with_each_file(conf, tmp_path):
    path = conf("auth-file = /nonexistent/users\ntls = yes\ntls-cert = /nonexistent/cert\n"
                "tls-key = /nonexistent/key\nadmin = 127.0.0.1\nadmin-tls = yes\n"
                "admin-token-file = /nonexistent/token\ncluster = /nonexistent/cluster\n"
                "pidfile = /nonexistent/pid\n")
    code, out, err = run("--config", path, "--check-config")
    assert (code, out) == (CONFIG, "")
    lines = err.splitlines()
    named = ["/nonexistent/users", "/nonexistent/cert", "/nonexistent/token", "/nonexistent/cluster",
             "/nonexistent/pid"]
    assert [name for line in lines for name in named if name in line] == named
    assert len(lines) == len(named)


@pytest.mark.parametrize("address", ["0.0.0.0:17103", "*", "[::]:0", "first", "192.0.2.1"])
def test_check_knows_who_could_read(conf, address):
    wrong = f"{address} is not loopback: give --admin-token-file FILE\n"
    assert run("--admin", address, "--check-config") == (
        USAGE, "", f"cachemand: option --admin: {wrong}")
    path = conf(f"admin = {address}\n")
    assert run("--config", path, "--check-config") == (CONFIG, "",
                                                       f"cachemand: {path}:1: admin: {wrong}")


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9:1", "[::1]", "localhost:17103",
                                     "name.invalid"])
def test_check_looks_up_no_name(address):
    assert run("--admin", address, "--check-config")[0] == 0


def test_check_admits_whoever_asks_for_a_token(tmp_path):
    token = tmp_path / "token"
    token.write_text("0123456789abcdef0123\n")
    assert run("--admin", "0.0.0.0", "--admin-token-file", token, "--check-config")[0] == 0


def test_check_says_what_the_start_would_of_the_pid_file(tmp_path, monkeypatch):
    for path in (tmp_path / "nowhere/pid", tmp_path):
        checked = run("-P", path, "--check-config")
        assert checked[0] == CANNOT_WRITE
        assert checked == run("-P", path, "-p", "-1")
    assert run("-P", tmp_path / "pid", "--check-config")[0] == 0
    monkeypatch.chdir(tmp_path)
    assert run("-P", "pid", "--check-config")[0] == 0
    assert list(tmp_path.iterdir()) == []


def test_wrong_policy_in_the_file(conf):
    path = conf("\npolicy = random\n")
    code, out, err = run("--config", path)
    assert (code, out) == (CONFIG, "")
    assert err.startswith(f'cachemand: {path}:2: policy: "random" is not one of ')


def test_printed_configuration_is_one(conf):
    path = conf("threads = 3\nlisten = [::1]:7\ntls-ciphers = A:\n  B\n")
    code, out, err = run("--config", path, "-m", "77", "--print-config",
                         env={**os.environ, "CACHEMAN_CONN_LIMIT": "55"})
    assert (code, err) == (0, "")
    for part in (f"\n# {path}:1\nthreads = 3\n", f"\n# {path}:2\nlisten = [::1]:7\n",
                 f"\n# {path}:3\ntls-ciphers = A:B\n", "\n# command line\nmemory-limit = 77\n",
                 "\n# CACHEMAN_CONN_LIMIT\nconn-limit = 55\n", "\n# default\nport = 16180\n"):
        assert part in out
    def values(text):
        return [line for line in text.splitlines() if not line.startswith("#")]

    code, again, err = run("--config", conf(out), "--print-config")
    assert (code, err) == (0, "")
    assert values(again) == values(out)


def test_defaults_that_are_printed_are_no_news(conf):
    _, printed, _ = run("--print-config")
    assert "\n# default\npolicy = duel\n" in printed
    assert "\nweight = 1\n" in printed and "\nadmin-tls = no\n" in printed
    assert run("--config", conf(printed), "--check-config") == (0, "the configuration is good\n", "")


def test_secrets_are_not_printed(conf, tmp_path):
    users = tmp_path / "users"
    users.write_text("alice:opensesame\n")
    code, out, _ = run("--config", conf(f"auth-file = {users}\n"), "--print-config")
    assert code == 0
    assert f"auth-file = {users}\n" in out and "opensesame" not in out and "alice" not in out
    code, out, _ = run("--config", conf("join = etcd://h/c?etcd_password=opensesame\n"),
                       "--print-config")
    assert code == 0
    assert "\n# without its options, which may hold a password\njoin = etcd://h/c\n" in out
    assert "opensesame" not in out


def test_sample_says_nothing_and_everything(conf, tmp_path):
    sample = (ROOT / "packaging/cachemand.conf").read_text()
    assert run("--config", conf(sample), "--print-config")[1].splitlines()[1:] == \
        run("--print-config")[1].splitlines()[1:]
    told = [line[1:] for line in sample.splitlines()
            if line.startswith("#") and line[1:2].isalpha() and not line.endswith("=")]
    assert len(told) > 20
    assert run("--config", conf("\n".join(told)), "--check-config")[0] == 0


def test_unreadable_files(conf, tmp_path):
    assert run("--config", str(tmp_path)) == (
        CONFIG, "", f'cachemand: cannot read the configuration "{tmp_path}": Is a directory\n')
    assert run("--config", str(tmp_path / "none")) == (
        CONFIG, "", f'cachemand: cannot read the configuration "{tmp_path}/none": No such file or '
        "directory\n")
    large = conf("# ours\n" * 200000)
    assert run("--config", large) == (
        CONFIG, "", f'cachemand: cannot read the configuration "{large}": it is larger than 1 MB\n')


@pytest.mark.parametrize("option, path_before", [("--config", 'the configuration "{}"'),
                                                 ("--cluster", "the cluster file {}")])
def test_pipes_that_nobody_writes_to(tmp_path, option, path_before):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    named = "" if option == "--config" else "option --cluster: "
    status, _, errors = run("-p", "-1", option, str(path))
    assert (status, errors.splitlines()[-1]) == (
        CONFIG, f"cachemand: {named}cannot read {path_before.format(path)}: it is a pipe, not a "
        "regular file")


@pytest.mark.parametrize("path", ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"])
def test_a_pipe_that_is_open(path):
    """As a shell's <(...) is."""
    done = subprocess.run([str(PROGRAM), "--config", path, "--print-config"], capture_output=True,
                          input="threads = 3\n", text=True, timeout=DEADLINE_S, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "threads = 3" in done.stdout


def test_a_device_that_is_empty():
    assert run("--config", "/dev/null", "--check-config")[0] == 0


def test_unknown_variable_is_told_of(serve):
    server = serve(env={"CACHEMAN_MEMROY_LIMIT": "3", "CACHEMAN_SERVERS": "127.0.0.1:1"})
    server.connect().ask(b"mn\r\n", b"MN\r\n")
    assert "CACHEMAN_SERVERS" not in server.error_text(), "the console's"
    assert ("cachemand: CACHEMAN_MEMROY_LIMIT in the environment names no option\n"
            in server.error_text())
