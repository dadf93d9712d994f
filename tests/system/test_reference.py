# SPDX-License-Identifier: BSD-3-Clause
"""The reference of the libraries: made of the headers without a warning, and complete."""

import re
import shutil
import subprocess

import pytest

from cachemand import ROOT


def public_functions(*names):
    """As Doxygen sees the headers: those that a macro declares have their names in its table."""
    text = "".join((ROOT / "include/cacheman" / name).read_text() for name in names)
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    found = set(re.findall(r"\b((?:cacheman|cmstore|cm_status)_\w+)\(", text))
    verbs = re.search(r"CACHEMAN_STORE_TABLE\(X\)(.*?)X\(cas\)", text, re.S)
    if verbs:
        found |= {f"cacheman_{verb}" for verb in re.findall(r"X\((\w+)\)", verbs.group())} - {
            "cacheman_X"}
    return {name for name in found if not re.search(rf"typedef [^;]*\b{name}\(", text)}


def warnings_of(page):
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", str(page)], capture_output=True,
                          text=True, timeout=60, check=True)
    return done.stderr


@pytest.mark.skipif(not shutil.which("doxygen"), reason="needs doxygen")
def test_reference_is_made_without_a_warning(tmp_path):
    done = subprocess.run([ROOT / "script/doc", tmp_path], capture_output=True, text=True,
                          timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    pages = {page.name for page in (tmp_path / "man/man3").iterdir()}
    functions = public_functions("client.h", "client_uv.h", "store.h", "status.h")
    assert len(functions) > 60
    assert {name for name in functions if f"{name}.3" not in pages} == set()
    page = (tmp_path / "man/man3/client.h.3").read_text()
    assert "Opens the cluster that" in page and "32 bits of the caller" in (
        tmp_path / "man/man3/cacheman_request.3").read_text()
    assert (tmp_path / "html/client_8h.html").exists()


def test_overview_names_every_function():
    page = (ROOT / "docs/libcacheman.3").read_text()
    named = set(re.findall(r"^\.BR (c\w+) \(\)", page, re.M))
    assert named == public_functions("client.h", "client_uv.h", "status.h")


@pytest.mark.skipif(not shutil.which("groff"), reason="needs groff")
def test_overview_is_well_formed():
    assert warnings_of(ROOT / "docs/libcacheman.3") == ""
