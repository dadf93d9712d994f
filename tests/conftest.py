# SPDX-License-Identifier: BSD-3-Clause
"""Tests that run the real program; each owns its server."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent / "support"))

import cachemand  # noqa: E402


@pytest.fixture
def serve():
    """Starts servers with the options given; they are stopped, gracefully, at the end."""
    servers = []

    def start(*options, **how):
        server = cachemand.Server(*options, **how)
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.finish()


@pytest.fixture
def server(serve):
    return serve("-t", "2")
