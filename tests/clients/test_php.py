# SPDX-License-Identifier: BSD-3-Clause
"""PHP's memcached extension, which stands on libmemcached."""

import pathlib
import shutil
import subprocess

import pytest

SCRIPTS = pathlib.Path(__file__).parent / "php"


def has_extension():
    if not shutil.which("php"):
        return False
    done = subprocess.run(["php", "-m"], capture_output=True, text=True, timeout=60, check=False)
    return "memcached" in done.stdout.split()


@pytest.mark.skipif(not has_extension(), reason="no php with memcached")
def test_binary(server):
    done = subprocess.run(["php", str(SCRIPTS / "binary.php"), str(server.port)],
                          capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stdout) == (0, "ok\n"), done.stderr
