"""The HTTPS server of the stand-ins: on loopback, with a thread per connection."""

from __future__ import annotations

import http.server
import ssl
import sys
from collections.abc import Callable
from typing import Any


class SecureServer(http.server.ThreadingHTTPServer):
    """An HTTPS server on a free port; a client that closes its connection is not an error."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, context: ssl.SSLContext, handler: Callable[..., http.server.BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        # The handshake takes place in the connection's own thread, so that a silent client blocks no other.
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report errors, except those of closed connections."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)
