"""TLS is always verified: a certificate for another host or of an unknown authority ends the fetch immediately."""

from __future__ import annotations

import http.server
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from vectora_core.ingest.fetch import Fetcher
from vectora_core.text.addresses import PublicWeb
from vectora_shared.errors import VectoraError


class _Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"words")

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
    return authority


def serve(certificate: trustme.LeafCert) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


def once(reachable: PublicWeb) -> Fetcher:
    return Fetcher(reachable=reachable, sleep=lambda seconds: pytest.fail("tried again"))


def test_the_authority_of_ssl_cert_file_is_trusted(authority: trustme.CA, loopback: PublicWeb) -> None:
    for port in serve(authority.issue_cert("127.0.0.1")):
        assert Fetcher(reachable=loopback).fetch(f"https://127.0.0.1:{port}/").body == b"words"


def test_a_certificate_of_another_host_is_refused_without_another_attempt(
    authority: trustme.CA, loopback: PublicWeb
) -> None:
    for port in serve(authority.issue_cert("other.example")):
        with pytest.raises(VectoraError, match=r"127\.0\.0\.1's TLS certificate is not valid"):
            once(loopback).fetch(f"https://127.0.0.1:{port}/")


def test_a_certificate_of_an_unknown_authority_is_refused(authority: trustme.CA, loopback: PublicWeb) -> None:
    for port in serve(trustme.CA().issue_cert("127.0.0.1")):
        with pytest.raises(VectoraError, match="TLS certificate is not valid"):
            once(loopback).fetch(f"https://127.0.0.1:{port}/")
