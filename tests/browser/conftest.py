# SPDX-License-Identifier: BSD-3-Clause
"""The browser, started once for all tests of the page."""

import subprocess

import pytest

import browser as chromium
import cachemand
from admin import port_of
from cachemand import ROOT


@pytest.fixture(scope="session")
def browser():
    missing = chromium.what_is_missing()
    if missing is not None:
        pytest.skip(f"{missing} is not installed; script/bootstrap installs it")
    one = chromium.Browser()
    yield one
    one.close()


@pytest.fixture
def admin(serve):
    """Starts a server with a page, whose address is `page`."""
    def start(*options, **how):
        server = serve("-t", "2", "--admin", "127.0.0.1:0", *options, **how)
        server.admin_port = port_of(server)
        server.page = f"http://127.0.0.1:{server.admin_port}"
        return server

    return start


@pytest.fixture
def stress():
    """`cacheman stress` against a server, with these options more; ended by the test's end."""
    started = []

    def start(server, *options, seconds=120):
        program = cachemand.PROGRAM.parent / "cacheman"
        started.append(subprocess.Popen(
            [str(program), "stress", "-s", f"127.0.0.1:{server.port}", "-D", f"{seconds}s", "-q",
             *options], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL))
        return started[-1]

    yield start
    for process in started:
        process.terminate()
        process.wait(cachemand.DEADLINE_S)
