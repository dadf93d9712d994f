# SPDX-License-Identifier: BSD-3-Clause
"""What is installed names the place it was installed to."""

import os
import pathlib
import subprocess

import pytest

from cachemand import PROGRAM

BUILD = pathlib.Path(PROGRAM).resolve().parent.parent


@pytest.mark.skipif(not (BUILD / "cmake_install.cmake").exists(), reason="not in a build folder")
def test_prefix_of_the_installation(tmp_path):
    for name in ("first", "second"):
        prefix = tmp_path / name
        subprocess.run(["cmake", "--install", str(BUILD), "--prefix", str(prefix)], check=True,
                       stdout=subprocess.DEVNULL, timeout=60)
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
