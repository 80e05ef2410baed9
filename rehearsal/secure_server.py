"""HTTPS on loopback for the stand-ins: one thread a connection, and no client that hangs up is an error of ours."""

from __future__ import annotations

import http.server
import ssl
import sys
from collections.abc import Callable
from typing import Any


class SecureServer(http.server.ThreadingHTTPServer):
    """Listens on a free port."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, context: ssl.SSLContext, handler: Callable[..., http.server.BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        # The handshake happens in the connection's own thread, so that a silent client holds nobody up.
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)
