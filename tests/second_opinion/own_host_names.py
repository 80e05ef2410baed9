"""Proxy that connects AWS's own host names of one region to a server on this machine, and refuses all others."""

from __future__ import annotations

import select
import socket
import socketserver
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import boto3
import botocore.session
from botocore.config import Config
from botocore.loaders import create_loader

REGION = "eu-west-3"
DOMAIN = f".{REGION}.amazonaws.com"
POLL_SECONDS = 0.02
CERTIFICATE_NAMES = (f"*{DOMAIN}", f"*.s3{DOMAIN}")


class OwnHostNames:
    """Context manager; `hosts` are the requested ones, also those of other regions and S3's global one."""

    def __init__(self, port: int, bundle: Path) -> None:
        """Prepare the proxy to `port`, a TLS server with a certificate for CERTIFICATE_NAMES that `bundle` trusts."""
        self.hosts: set[str] = set()
        self._bundle = bundle
        # Read once for all sessions: parsing a service's model takes longer than the calls of a test.
        self._models = create_loader()
        self._proxy = _Proxy(port, self.hosts)

    def __enter__(self) -> Self:
        threading.Thread(target=self._proxy.serve_forever, args=(POLL_SECONDS,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._proxy.shutdown()
        self._proxy.server_close()

    def session(self, access_key: str, secret: str) -> boto3.Session:
        """Return an ordinary session whose clients reach AWS through the proxy."""
        session = botocore.session.Session()
        session.register_component("data_loader", self._models)
        session.set_config_variable("ca_bundle", str(self._bundle))
        proxies = {"https": f"http://127.0.0.1:{self._proxy.server_address[1]}"}
        session.set_default_client_config(Config(proxies=proxies))
        return boto3.Session(access_key, secret, region_name=REGION, botocore_session=session)


class _Proxy(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, hosts: set[str]) -> None:
        super().__init__(("127.0.0.1", 0), _Tunnel)
        self.port = port
        self.hosts = hosts


class _Tunnel(socketserver.StreamRequestHandler):
    server: _Proxy

    def handle(self) -> None:
        host = self.rfile.readline().split()[1].decode("ascii").rpartition(":")[0]
        while self.rfile.readline().strip():
            pass
        self.server.hosts.add(host)
        if not host.endswith(DOMAIN):
            self.wfile.write(b"HTTP/1.1 403 Forbidden\r\n\r\n")
            return
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with socket.create_connection(("127.0.0.1", self.server.port)) as server:
            _copy_until_one_ends(self.connection, server)


def _copy_until_one_ends(client: socket.socket, server: socket.socket) -> None:
    other = {client: server, server: client}
    while True:
        for ready in select.select(list(other), [], [])[0]:
            try:
                data = ready.recv(65536)
                other[ready].sendall(data)
            except OSError:
                return
            if not data:
                return
