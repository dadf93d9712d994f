# SPDX-License-Identifier: BSD-3-Clause
"""What script/build answers instead of building."""

import subprocess

import pytest

from cachemand import DEADLINE_S, ROOT

USAGE = """usage: script/build [--target NAME...] [-j N] [--verbose] [--clean-first]
Builds for release; programs land in build/bin/. The options go to 'cmake --build', as in
script/build --target cachemand
"""


def build(*words):
    done = subprocess.run([str(ROOT / "script" / "build"), *words], capture_output=True, text=True,
                          timeout=DEADLINE_S, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["--target", "cachemand", "cacheman", "-h"],
                                   ["-j", "2", "--verbose", "-h"], ["-j2", "--clean-first", "-h"]],
                         ids=" ".join)
def test_help(words):
    assert build(*words) == (0, USAGE, "")


@pytest.mark.parametrize("words,wrong", [
    (["cachemand"], "cachemand"), (["--nonsense"], "--nonsense"), (["-j", "x"], "x"),
    (["-j", "2", "3"], "3"), (["--target", "x-h", "--"], "--"), ([""], "")],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_unknown_arguments(words, wrong):
    assert build(*words) == (64, "", f"script/build: unknown argument {wrong}\n{USAGE}")
