# SPDX-License-Identifier: BSD-3-Clause
"""Every transcript, over TCP, whole and byte by byte."""

import pytest

import cachemand
import transcript

# Where the in-process runner plays a part of the server, or outlives it.
IN_PROCESS_ONLY = {"stats_server", "shutdown"}
FILES = sorted((cachemand.ROOT / "tests/session").glob("*/*.txt"))
FILES = [path for path in FILES if path.stem not in IN_PROCESS_ONLY]


@pytest.mark.parametrize("byte_by_byte", [False, True], ids=["whole", "bytes"])
@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_transcript(serve, path, byte_by_byte):
    program = transcript.test_program()
    if program is None:
        pytest.skip("cachemand-test is not built")
    script = transcript.Transcript(path)
    options = script.server_options()
    if options is None:
        pytest.skip(f"the command line cannot say {script.options}")
    server = serve(*options, program=program, env=script.environment())
    transcript.Player(script, server, byte_by_byte).play()


def test_there_are_transcripts():
    assert FILES
