# SPDX-License-Identifier: BSD-3-Clause
"""Go's gomemcache, as Debian packages it."""

import os
import pathlib
import shutil
import subprocess

import pytest

PACKAGE = pathlib.Path("/usr/share/gocode/src/github.com/bradfitz/gomemcache")
PROGRAM = pathlib.Path(__file__).parent / "go" / "main.go"


@pytest.mark.skipif(not shutil.which("go"), reason="no go compiler")
@pytest.mark.skipif(not PACKAGE.exists(), reason="no gomemcache")
def test_gomemcache(server, tmp_path):
    binary = tmp_path / "program"
    env = {**os.environ, "GOPATH": "/usr/share/gocode", "GO111MODULE": "off", "GOFLAGS": "",
           "GOCACHE": str(tmp_path / "cache"), "CGO_ENABLED": "0"}
    subprocess.run(["go", "build", "-o", str(binary), str(PROGRAM)], env=env, check=True,
                   timeout=300)
    done = subprocess.run([str(binary), f"127.0.0.1:{server.port}"], capture_output=True,
                          text=True, timeout=300, check=False)
    assert (done.returncode, done.stdout) == (0, "ok\n"), done.stderr
