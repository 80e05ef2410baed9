"""The network of builds reaches the internet as this machine did when it started, not through itself."""

from __future__ import annotations

import socket
import threading
from urllib.parse import urlsplit

import pytest

from rehearsal.proxy import OpenNetwork, Proxy


def test_variables_that_name_the_network_itself_do_not_lead_it_back_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as site, Proxy() as local, OpenNetwork(local) as network:
        for name, value in network.environment().items():
            monkeypatch.setenv(name, value)

        def answer() -> None:
            connection, _ = site.accept()
            with connection:
                connection.sendall(b"from the internet")

        threading.Thread(target=answer, daemon=True).start()
        proxy = urlsplit(network.address)
        with socket.create_connection((proxy.hostname or "", proxy.port or 0)) as client:
            port = site.getsockname()[1]
            client.sendall(f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode("ascii"))
            received = b""
            while more := client.recv(4096):
                received += more

    assert received.startswith(b"HTTP/1.1 200")
    assert received.endswith(b"from the internet")
