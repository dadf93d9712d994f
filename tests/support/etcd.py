# SPDX-License-Identifier: BSD-3-Clause
"""A real etcd on loopback, spoken to through its JSON gateway, and one that lies."""

import base64
import http.server
import json
import os
import pathlib
import shutil
import ssl
import subprocess
import tempfile
import threading
import urllib.error
import urllib.request

from cachemand import DEADLINE_S, HeldPort, wait_until


def encode(text):
    return base64.b64encode(text.encode()).decode()


class Etcd:
    """`cert`: of a server of TLS, with its key; `authority` signed it."""

    def __init__(self, cert=None, authority=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="cacheman-etcd-"))
        self.held = HeldPort()
        self.port = self.held.number
        self.scheme = "https" if cert else "http"
        self.cert = cert
        self.context = ssl.create_default_context(cafile=str(authority.cert)) if cert else None
        self.token = None
        self.process = None
        self.start()

    @property
    def where(self):
        return f"etcd{'s' if self.cert else ''}://127.0.0.1:{self.port}"

    def start(self):
        url = f"{self.scheme}://127.0.0.1:{self.port}"
        command = ["etcd", "--data-dir", str(self.folder / "data"), "--listen-client-urls", url,
                   "--advertise-client-urls", url, "--listen-peer-urls", "http://127.0.0.1:0",
                   "--heartbeat-interval", "50", "--election-timeout", "500"]
        if self.cert:
            command += ["--cert-file", str(self.cert[0]), "--key-file", str(self.cert[1])]
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, env={**os.environ, "ETCD_UNSUPPORTED_ARCH":
                                                             os.uname().machine})
        wait_until(self._answers, "etcd")

    def _answers(self):
        """Once it leads itself: before, it refuses most."""
        try:
            return self.ask("/v3/maintenance/status", {}).get("leader", "0") != "0"
        except (OSError, urllib.error.URLError):
            return False

    def kill(self):
        self.process.kill()
        self.process.wait()

    def finish(self):
        self.kill()
        self.held.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def ask(self, path, body):
        headers = {"Authorization": self.token} if self.token else {}
        request = urllib.request.Request(f"{self.scheme}://127.0.0.1:{self.port}{path}",
                                         json.dumps(body).encode(), headers)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}),
                                             urllib.request.HTTPSHandler(context=self.context))
        with opener.open(request, timeout=DEADLINE_S) as answer:
            return json.load(answer)

    def members(self, cluster):
        """Names and values of a cluster's entries."""
        prefix = f"/cacheman/{cluster}/members/"
        answer = self.ask("/v3/kv/range", {"key": encode(prefix), "range_end": encode(prefix[:-1]
                                                                                     + "0")})
        return {base64.b64decode(entry["key"]).decode()[len(prefix):]:
                json.loads(base64.b64decode(entry["value"])) for entry in answer.get("kvs", [])}

    def put(self, cluster, name, value="{}"):
        self.ask("/v3/kv/put", {"key": encode(f"/cacheman/{cluster}/members/{name}"),
                                "value": encode(value)})

    def delete(self, cluster, name):
        self.ask("/v3/kv/deleterange", {"key": encode(f"/cacheman/{cluster}/members/{name}")})

    def leases(self):
        return [lease["ID"] for lease in self.ask("/v3/lease/leases", {}).get("leases", [])]

    def want_logins(self, user, password):
        """From here on everybody must log in."""
        for name in ("root", user):
            self.ask("/v3/auth/user/add", {"name": name, "password": password})
            self.ask("/v3/auth/user/grant", {"user": name, "role": "root"})
        self.ask("/v3/auth/enable", {})
        self.token = self.ask("/v3/auth/authenticate", {"name": "root",
                                                        "password": password})["token"]


class Liar:
    """Answers everything with the bytes of `body`, and counts how often it was asked."""

    def __init__(self, body, code=200):
        self.asked = 0
        liar = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                liar.asked += 1
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(code)
                self.end_headers()
                try:
                    for piece in body:
                        self.wfile.write(piece)
                except OSError:
                    pass  # whoever asked has heard enough

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.where = f"etcd://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def finish(self):
        self.server.shutdown()
        self.server.server_close()
