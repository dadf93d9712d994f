# SPDX-License-Identifier: BSD-3-Clause
"""Every transcript, over TCP and over TLS, whole and byte by byte."""

import pytest

import cachemand
import transcript

# Where the in-process runner plays a part of the server, or outlives it.
IN_PROCESS_ONLY = {"stats_server", "shutdown"}
PLAIN_ONLY = {"refresh_certs"}
FILES = sorted((cachemand.ROOT / "tests/session").glob("*/*.txt"))
FILES = [path for path in FILES if path.stem not in IN_PROCESS_ONLY]


@pytest.mark.parametrize("byte_by_byte", [False, True], ids=["whole", "bytes"])
@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
@pytest.mark.parametrize("way", ["tcp", "tls"])
def test_transcript(serve, serve_tls, path, byte_by_byte, way):
    program = cachemand.test_program()
    if program is None:
        pytest.skip("cachemand-test is not built")
    if way == "tls" and path.stem in PLAIN_ONLY:
        pytest.skip("about servers without TLS")
    script = transcript.Transcript(path)
    options = script.server_options()
    if options is None:
        pytest.skip(f"the command line cannot say {script.options}")
    start = serve_tls if way == "tls" else serve
    server = start(*options, program=program, env=script.environment())
    transcript.Player(script, server, byte_by_byte).play()


def test_there_are_transcripts():
    assert FILES
