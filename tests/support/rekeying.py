# SPDX-License-Identifier: BSD-3-Clause
"""A client of TLS 1.3 that asks for new keys, which Python's own cannot, and reads only when told
to: libssl over memory."""

import ctypes
import socket

BYTES = 65536


def library(name, *pointers):
    loaded = ctypes.CDLL(name)
    for function in pointers:
        getattr(loaded, function).restype = ctypes.c_void_p
    return loaded


ssl = library("libssl.so.3", "TLS_client_method", "SSL_CTX_new", "SSL_new")
crypto = library("libcrypto.so.3", "BIO_s_mem", "BIO_new")


def new_memory():
    return ctypes.c_void_p(crypto.BIO_new(ctypes.c_void_p(crypto.BIO_s_mem())))


class RekeyingClient:
    """Checks no certificate. Takes the socket, whose timeout holds for reading."""

    def __init__(self, raw):
        self.socket = raw
        self.context = ctypes.c_void_p(ssl.SSL_CTX_new(ctypes.c_void_p(ssl.TLS_client_method())))
        self.ssl = ctypes.c_void_p(ssl.SSL_new(self.context))
        self.incoming, self.outgoing = new_memory(), new_memory()
        self.buffer = ctypes.create_string_buffer(BYTES)
        self.unsent = b""
        ssl.SSL_set_bio(self.ssl, self.incoming, self.outgoing)
        ssl.SSL_set_connect_state(self.ssl)
        while ssl.SSL_do_handshake(self.ssl) != 1:
            self.send()
            self.receive()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        ssl.SSL_free(self.ssl)
        ssl.SSL_CTX_free(self.context)

    def send(self):
        """What the peer takes without having to be read from."""
        while (count := crypto.BIO_read(self.outgoing, self.buffer, BYTES)) > 0:
            self.unsent += self.buffer.raw[:count]
        try:
            while self.unsent:
                sent = self.socket.send(self.unsent[:BYTES], socket.MSG_DONTWAIT)
                self.unsent = self.unsent[sent:]
        except BlockingIOError:
            pass

    def receive(self):
        data = self.socket.recv(BYTES)
        assert data, "the peer hung up"
        crypto.BIO_write(self.incoming, data, len(data))

    def write(self, data):
        assert ssl.SSL_write(self.ssl, data, len(data)) == len(data)
        self.send()

    def until(self, wanted):
        seen = b""
        while wanted not in seen:
            while (count := ssl.SSL_read(self.ssl, self.buffer, BYTES)) > 0:
                seen += self.buffer.raw[:count]
            if wanted not in seen:
                self.send()
                self.receive()
        return seen

    def to_goodbye(self):
        """Everything up to close_notify."""
        seen = b""
        while True:
            while (count := ssl.SSL_read(self.ssl, self.buffer, BYTES)) > 0:
                seen += self.buffer.raw[:count]
            if ssl.SSL_get_shutdown(self.ssl) & 2:
                return seen
            self.receive()

    def change_keys(self):
        """Its own alone."""
        assert ssl.SSL_key_update(self.ssl, 0) == 1
        assert ssl.SSL_do_handshake(self.ssl) == 1

    def ask_for_keys(self):
        """Asks the peer to change its own, too, which it says in turn."""
        assert ssl.SSL_key_update(self.ssl, 1) == 1
        assert ssl.SSL_do_handshake(self.ssl) == 1
