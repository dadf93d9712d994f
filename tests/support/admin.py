# SPDX-License-Identifier: BSD-3-Clause
"""The port of --admin, as those who look after a server use it."""

import http.client
import re

import cachemand

TOKEN = "correct-horse-battery-staple"
BEARER = f"Bearer {TOKEN}"


def port_of(server):
    pattern = re.compile(r"statistics on https?://\S+:(\d+)/metrics")
    return int(cachemand.wait_until(lambda: pattern.search(server.error_text()), "--admin")[1])


def ask(port, path, method="GET", body=None, tls=None, **headers):
    """Status, headers, text; with `tls`, a client's context, by HTTPS."""
    made = {"timeout": cachemand.DEADLINE_S}
    http_client = (http.client.HTTPConnection("127.0.0.1", port, **made) if tls is None else
                   http.client.HTTPSConnection("localhost", port, context=tls, **made))
    try:
        http_client.request(method, path, body,
                            {name.replace("_", "-"): value for name, value in headers.items()})
        answer = http_client.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read().decode()
    finally:
        http_client.close()


def metrics(port, **headers):
    status, _, text = ask(port, "/metrics", **headers)
    assert status == 200
    return {name: float(value) for name, value in
            (row.rsplit(" ", 1) for row in text.splitlines() if not row.startswith("#"))}
