# SPDX-License-Identifier: BSD-3-Clause
"""Certificates made by the openssl command, and a TLS client's side over a plain socket."""

import socket
import ssl
import subprocess

SUBJECT_NAMES = "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1"


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)


class Authority:
    """A certificate authority in a folder of its own."""

    def __init__(self, folder, name="authority"):
        self.folder = folder
        self.cert = folder / f"{name}.pem"
        self.key = folder / f"{name}.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", self.key, "-out", self.cert, "-days", "2", "-subj", f"/CN={name}")

    def sign(self, name, days=2, key=("ec", "-pkeyopt", "ec_paramgen_curve:P-256")):
        """The paths of a new certificate and of its key."""
        cert, keyfile = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        request, extensions = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        extensions.write_text(SUBJECT_NAMES + "\n")
        openssl("req", "-newkey", *key, "-nodes", "-keyout", keyfile, "-out", request, "-subj",
                f"/CN={name}")
        openssl("x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self.key,
                "-CAcreateserial", "-days", days, "-extfile", extensions, "-out", cert)
        return cert, keyfile


def client_context(authority, cert=None, low=None, high=None):
    """Trusts the authority; `cert` is the client's own certificate and key."""
    context = ssl.create_default_context(cafile=str(authority.cert))
    if cert is not None:
        context.load_cert_chain(*map(str, cert))
    if low is not None:
        context.minimum_version = low
    if high is not None:
        context.maximum_version = high
    return context


class TlsSocket:
    """As much of a socket's interface as the tests use. Unlike ssl.SSLSocket it can be shut down
    for sending alone, and takes the end of the connection for an end."""

    def __init__(self, raw, context, session=None, name="localhost"):
        self.raw = raw
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=name,
                                    session=session)
        try:
            self._do(self.tls.do_handshake)
        except BaseException:
            raw.close()
            raise

    def _flush(self):
        data = self.outgoing.read()
        if data:
            self.raw.sendall(data)

    def _do(self, what, *arguments):
        """What a call of TLS comes to once enough has arrived; EOFError if nothing more does."""
        while True:
            try:
                result = what(*arguments)
                self._flush()
                return result
            except ssl.SSLWantReadError:
                self._flush()
                data = self.raw.recv(1 << 18)
                if not data:
                    raise EOFError("closed by the server") from None
                self.incoming.write(data)
            except ssl.SSLError:
                try:
                    self._flush()  # the alert
                except OSError:
                    pass
                raise

    def sendall(self, data):
        if data:
            self.tls.write(data)
            self._flush()

    def until_read(self, count):
        """Nothing after close_notify, EOFError if the connection ends without."""
        return self._do(self.tls.read, count)

    def recv(self, count):
        try:
            return self.until_read(count)
        except (EOFError, ssl.SSLZeroReturnError):
            return b""

    def say_end(self):
        """Sends close_notify alone."""
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        self._flush()

    def shutdown(self, how):
        self.raw.shutdown(how)

    def setsockopt(self, *arguments):
        self.raw.setsockopt(*arguments)

    def settimeout(self, timeout):
        self.raw.settimeout(timeout)

    def fileno(self):
        return self.raw.fileno()

    def close(self):
        self.raw.close()


def connect(port, context, session=None, timeout=60):
    raw = socket.create_connection(("127.0.0.1", port), timeout=timeout)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return TlsSocket(raw, context, session)
