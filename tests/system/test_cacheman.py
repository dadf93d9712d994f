# SPDX-License-Identifier: BSD-3-Clause
"""What all of cacheman's programs have in common."""

import subprocess

from cachemand import PROGRAM, ROOT, run

CACHEMAN = PROGRAM.parent / "cacheman"
PAGE = ROOT / "docs/cacheman.1"


def test_man_page_is_fresh():
    assert run("--man", program=CACHEMAN) == (0, PAGE.read_text(), ""), "run script/man"


def test_man_page_is_well_formed():
    done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", str(PAGE)],
                          capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
