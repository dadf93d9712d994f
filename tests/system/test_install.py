# SPDX-License-Identifier: BSD-3-Clause
"""What is installed names the place it was installed to."""

import os
import pathlib
import subprocess

import pytest

from cachemand import PROGRAM, run

BUILD = pathlib.Path(PROGRAM).resolve().parent.parent


pytestmark = pytest.mark.skipif(not (BUILD / "cmake_install.cmake").exists(),
                                reason="not in a build folder")


def install(prefix):
    subprocess.run(["cmake", "--install", str(BUILD), "--prefix", str(prefix)], check=True,
                   stdout=subprocess.DEVNULL, timeout=60)


def test_prefix_of_the_installation(tmp_path):
    for name in ("first", "second"):
        prefix = tmp_path / name
        install(prefix)
        folders = list(prefix.rglob("pkgconfig"))
        assert len(folders) == 1
        done = subprocess.run(["pkg-config", "--cflags", "--libs", "cacheman-store"], check=True,
                              capture_output=True, text=True, timeout=60,
                              env={**os.environ, "PKG_CONFIG_PATH": str(folders[0])})
        words = done.stdout.split()
        assert f"-I{prefix}/include" in words
        assert f"-L{folders[0].parent}" in words
        assert (prefix / "include/cacheman/store.h").exists()
        assert (folders[0].parent / "libcacheman-store.a").exists()
        examples = list(prefix.rglob("examples"))
        assert len(examples) == 1
        for example in ("cachemand.conf", "prometheus/cacheman.rules.yml",
                        "grafana/cacheman.json"):
            assert (examples[0] / example).exists()


def directives(unit):
    lines = [line.split("=", 1) for line in unit.read_text().splitlines()
             if "=" in line and not line.startswith("#")]
    return dict(lines)


def test_unit_of_systemd(tmp_path):
    """systemd finds nothing wrong with it, and what it starts is there and understood."""
    install(tmp_path)
    unit = tmp_path / "lib/systemd/system/cachemand.service"
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(unit)], check=False,
                          capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    said = directives(unit)
    program, *options = said["ExecStart"].split()
    assert program == str(tmp_path / "bin/cachemand")
    assert run("--version", program=program)[0] == 0
    assert options == ["--config", "/etc/cacheman/cachemand.conf"]
    assert said["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert said["Type"] == "exec"
    assert "seccomp" in said["SystemCallFilter"].split()  # which @system-service has not


def test_unit_leaves_a_wrong_configuration_alone(tmp_path):
    """What systemd is not to start again is how the server ends then."""
    install(tmp_path)
    said = directives(tmp_path / "lib/systemd/system/cachemand.service")
    wrong = tmp_path / "wrong.conf"
    wrong.write_text("threads = many\n")
    codes = {str(run(*options)[0]) for options in (("--config", str(wrong)), ("-t", "many"))}
    assert codes == set(said["RestartPreventExitStatus"].split())
