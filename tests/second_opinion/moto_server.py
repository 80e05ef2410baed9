"""Program that serves moto over TLS: its arguments are certificate and key, and it prints its port."""

from __future__ import annotations

import ssl
import sys
from typing import Any

from moto.iam.access_control import IAMRequestBase
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server


class _Handler(MotoRequestHandler):
    protocol_version = "HTTP/1.1"  # connections stay open, as AWS's do


def main() -> None:
    sign_bodies_only()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    application = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=_Handler)
    server.ssl_context = context
    # Each connection's own thread waits for its handshake: a client that is slow to begin delays no other one.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    print(server.server_port, flush=True)
    server.serve_forever()


def sign_bodies_only() -> None:
    """Correct moto's check of signatures for requests without a body.

    moto takes values from path and headers for the body, and so refuses Lambda's GetFunction from any client.
    AWS signs the body (IAM user guide, "Create a signed AWS API request").
    """
    check: Any = IAMRequestBase.__init__

    def checked(self: Any, *, method: str, data: dict[str, str], **request: Any) -> None:
        check(self, method=method, data=data if method == "POST" else {}, **request)

    IAMRequestBase.__init__ = checked  # type: ignore[method-assign,assignment]


if __name__ == "__main__":
    main()
