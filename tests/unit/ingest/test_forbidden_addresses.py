"""Sources are read from the public web only: by address, redirect, name, or through a proxy."""

from __future__ import annotations

import contextlib
import http.server
import ipaddress
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from vectora_core.ingest.fetch import Fetcher, FetchLimits
from vectora_core.text.addresses import Destination, PublicWeb, destination, is_public, link_address
from vectora_shared.errors import VectoraError

FORBIDDEN = (
    "http://127.0.0.1/",
    "http://127.255.255.254/",
    "http://localhost/",
    "https://LOCALHOST./",
    "http://feeds.localhost/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://127.0.0.1./",
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
    "http://0/",
    "http://0.0.0.0/",
    "http://10.1.2.3/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.0.1/",
    "http://100.64.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://169.254.170.2/v2/credentials",
    "http://2852039166/latest/meta-data/",
    "http://0xa9fea9fe/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://168.63.129.16/",
    "http://198.18.0.1/",
    "http://192.0.2.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:7f00:1::]/",
    "http://[fd00:ec2::254]/",
    "http://[fe80::1]/",
    "http://[fe80::1%25eth0]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://[2001:db8::1]/",
    "http://router.local/",
    "http://db.internal/",
    "http://nas.home.arpa/",
    "http://printer/",
    "http://news.example.com:22/",
    "http://news.example.com:6379/",
    "http://news.example.com:99999/",
    "http://user@169.254.169.254/",
    "http://news.example.com@127.0.0.1/",
    "http://127.0.0.1#@news.example.com/",
    "http://127.0.0.1\\@news.example.com/",
    "http://%6c%6f%63%61%6c%68%6f%73%74/",
    "http://[127.0.0.1]/",
    "http:///etc/passwd",
    "file:///etc/passwd",
    "ftp://news.example.com/",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "javascript:alert(1)",
    "//127.0.0.1/",
    "",
)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Record every connection attempt, and refuse it."""
    tried: list[Any] = []

    def connect(_socket: socket.socket, address: Any) -> None:
        tried.append(address)
        raise OSError("no connections in this test")

    monkeypatch.setattr(socket.socket, "connect", connect)
    return tried


def _resolving(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Resolve names to these addresses, one answer after the other; return the list of resolved names."""
    requested: list[str] = []

    def getaddrinfo(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        if re.fullmatch(r"[\d.]+|[0-9a-f:]+", host):
            addresses = [host]
        else:
            requested.append(host)
            addresses = answers[min(len(requested), len(answers)) - 1]
        family = {True: socket.AF_INET6, False: socket.AF_INET}
        return [(family[":" in each], socket.SOCK_STREAM, 6, "", (each, port)) for each in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return requested


def _once() -> Fetcher:
    return Fetcher(FetchLimits(attempts=3), sleep=lambda seconds: pytest.fail("a refusal is not retried"))


@pytest.mark.parametrize("url", FORBIDDEN)
def test_a_forbidden_address_is_refused_without_a_connection(
    url: str, connections: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    _resolving(monkeypatch, ["127.0.0.1"])
    with pytest.raises(VectoraError) as caught:
        _once().fetch(url)
    assert connections == []
    assert str(caught.value).isprintable()
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    "addresses", [["10.0.0.1"], ["93.184.215.14", "127.0.0.1"], ["::1"], ["2606:4700::1111", "fd00:ec2::254"]]
)
def test_a_name_that_leads_into_a_private_network_is_refused_even_beside_public_addresses(
    addresses: list[str], connections: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    _resolving(monkeypatch, addresses)
    with pytest.raises(VectoraError, match=r"news\.example\.com leads to .*, which is not an address of the public"):
        _once().fetch("https://news.example.com/feed")
    assert connections == []


def test_a_name_that_is_rebound_after_the_check_is_not_resolved_again(
    connections: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    requested = _resolving(monkeypatch, ["93.184.215.14"], ["169.254.169.254"])
    with pytest.raises(VectoraError, match=r"news\.example\.com failed"):
        Fetcher(FetchLimits(attempts=1)).fetch("http://news.example.com/")
    assert requested == ["news.example.com"]
    assert connections == [("93.184.215.14", 80)]


class _Anywhere(PublicWeb):
    """A policy that leads every name to the test's server."""

    def require(self, target: Destination) -> None: ...

    def addresses(self, host: str, port: int) -> list[str]:
        return ["127.0.0.1"]


Answer = Callable[[http.server.BaseHTTPRequestHandler], None]


@contextmanager
def _server(answer: Answer, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_: Any) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def _tls(named: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> ssl.SSLContext:
    """Return the context of a server with that name, whose certificate authority is trusted."""
    authority = trustme.CA()
    bundle = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(named).configure_cert(context)
    return context


def _redirect(handler: http.server.BaseHTTPRequestHandler, location: str) -> None:
    handler.send_response(302)
    handler.send_header("Location", location)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def _leads_to_the_test_server(url: str) -> bool:
    """Return whether the policy of these tests allows the address."""
    with contextlib.suppress(VectoraError):
        return destination(url if "://" in url else f"http:{url}").host == "127.0.0.1"
    return False


@pytest.mark.parametrize("url", [each for each in FORBIDDEN if each and not _leads_to_the_test_server(each)])
def test_a_redirect_to_a_forbidden_address_is_not_followed(
    url: str, loopback: PublicWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    def redirect(handler: http.server.BaseHTTPRequestHandler) -> None:
        requested.append(handler.path)
        handler.send_response(302)
        handler.send_header("Location", url.encode("utf-8").decode("latin-1"))
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    requested: list[str] = []
    connect, connected = socket.socket.connect, []

    this_thread = threading.get_ident()

    def recording(one: socket.socket, address: Any) -> None:
        # Threads of earlier tests may still open connections.
        if threading.get_ident() == this_thread:
            connected.append(address)
        connect(one, address)

    with _server(redirect) as port:
        monkeypatch.setattr(socket.socket, "connect", recording)
        _resolving(monkeypatch, ["127.0.0.1"])
        with pytest.raises(VectoraError):
            Fetcher(FetchLimits(attempts=1, redirects=3), reachable=loopback).fetch(f"http://127.0.0.1:{port}/feed")
    assert {address for address in connected if address[0] == "127.0.0.1"} == set(connected)
    # Some of the spellings may be read as a path of the same site, which is allowed.
    assert {address[1] for address in connected} == {port}


@pytest.mark.parametrize(("named", "trusted"), [("news.example.com", True), ("other.example.com", False)])
def test_tls_sends_and_verifies_the_name_although_the_connection_is_to_an_address(
    named: str, trusted: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    context = _tls(named, monkeypatch, tmp_path)
    wanted: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: wanted.append(name)

    def words(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "5")
        handler.end_headers()
        handler.wfile.write(b"words")

    with _server(words, context) as port:
        fetcher = Fetcher(FetchLimits(attempts=1), reachable=_Anywhere())
        if trusted:
            assert fetcher.fetch(f"https://news.example.com:{port}/").body == b"words"
        else:
            with pytest.raises(VectoraError, match="TLS certificate is not valid"):
                fetcher.fetch(f"https://news.example.com:{port}/")
    assert wanted == ["news.example.com"]


def test_a_proxy_may_be_private_but_receives_no_request_for_a_forbidden_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    requested: list[str] = []

    def proxy(handler: http.server.BaseHTTPRequestHandler) -> None:
        requested.append(handler.path)
        handler.send_response(200)
        handler.send_header("Content-Length", "5")
        handler.end_headers()
        handler.wfile.write(b"words")

    with _server(proxy) as port:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
        for url in FORBIDDEN:
            with pytest.raises(VectoraError):
                Fetcher(FetchLimits(attempts=1)).fetch(url)
        assert requested == []
        assert Fetcher().fetch("http://news.example.com/feed").body == b"words"
    assert requested == ["http://news.example.com/feed"]


@pytest.mark.parametrize("address", ["93.184.215.14", "8.8.8.8", "2606:4700:4700::1111", "172.32.0.1", "100.128.0.1"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


EMBEDDING = (
    "2600:1f00::5efe:{}",  # ISATAP
    "2600:1f00::200:5efe:{}",
    "2600:1f00::100:5efe:{}",
    "2600:1f00::300:5efe:{}",
    "2606:4700:0:1:0:5efe:{}",
    "2002:{}::1",  # 6to4
    "2001:0:{}::1",  # Teredo, its server
    "2001:0:0808:0808:0:ffff:{}",  # Teredo, its client, when it is not obfuscated as it should be
    "64:ff9b::{}",  # NAT64
    "64:ff9b:1::{}",
    "64:ff9b:1:{}::",
    "::ffff:{}",  # mapped
    "::{}",  # compatible
    "::ffff:0:{}",  # translated
)
EMBEDDED = ("a9fe:a9fe", "7f00:1", "a00:1", "c0a8:1", "6440:1", "808:808")


@pytest.mark.parametrize("form", EMBEDDING)
@pytest.mark.parametrize("ipv4", EMBEDDED)
def test_an_address_that_leads_to_an_ipv4_address_is_not_public(
    form: str, ipv4: str, connections: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    address = form.format(ipv4)
    assert not is_public(address)
    assert link_address(f"https://[{address}]/") is None
    _resolving(monkeypatch, [address])
    with pytest.raises(VectoraError, match="not an address of the public internet"):
        _once().fetch(f"https://[{address}]/")
    with pytest.raises(VectoraError, match="not an address of the public internet"):
        _once().fetch("https://news.example.com/")
    assert connections == []


def test_the_obfuscated_client_of_a_teredo_address_is_not_public() -> None:
    client = int(ipaddress.IPv4Address("169.254.169.254")) ^ 0xFFFFFFFF
    assert not is_public(str(ipaddress.IPv6Address((0x20010000 << 96) | (0x41D0F0B6 << 64) | client)))


@pytest.mark.parametrize(
    "address", ["2600:1f00::5efe", "2600:1f00::5eff:a9fe:a9fe", "2600:1f00::400:5efe:a9fe:a9fe", "2600:1f00::5efe:1"]
)
def test_an_address_that_only_looks_like_a_tunnel_s_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "location", ["http://news.example.com:{}/new", "HTTP://other.example.com:{}/", "\thttp://a.b:{}/"]
)
@pytest.mark.parametrize("first", ["https", "http"])
def test_a_redirect_from_https_to_http_is_refused(
    first: str, location: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    requested: list[str] = []

    def plain(handler: http.server.BaseHTTPRequestHandler) -> None:
        requested.append(handler.path)
        _redirect(handler, f"https://news.example.com:{secure_port}/feed" if handler.path == "/first" else "/never")

    with _server(plain) as plain_port:

        def secure(handler: http.server.BaseHTTPRequestHandler) -> None:
            _redirect(handler, location.format(plain_port))

        with _server(secure, _tls("news.example.com", monkeypatch, tmp_path)) as secure_port:
            starts = {
                "https": f"https://news.example.com:{secure_port}/feed",
                "http": f"http://news.example.com:{plain_port}/first",
            }
            with pytest.raises(VectoraError, match=r"redirects from https to http at .*: correct the source's url"):
                Fetcher(FetchLimits(attempts=3), reachable=_Anywhere()).fetch(starts[first])
    assert requested == (["/first"] if first == "http" else [])


@pytest.mark.parametrize("location", ["/new", "//news.example.com:{}/new", "https://news.example.com:{}/new"])
def test_a_redirect_within_https_is_followed(location: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def secure(handler: http.server.BaseHTTPRequestHandler) -> None:
        if handler.path == "/new":
            handler.send_response(200)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
        else:
            _redirect(handler, location.format(port))

    with _server(secure, _tls("news.example.com", monkeypatch, tmp_path)) as port:
        page = Fetcher(FetchLimits(attempts=1), reachable=_Anywhere()).fetch(f"https://news.example.com:{port}/feed")
    assert page.url == f"https://news.example.com:{port}/new"


@pytest.mark.parametrize("url", [*FORBIDDEN[:40], "https://user:secret@bank.example.com/", "https://a\u202eb.example/"])
def test_links_never_lead_into_a_private_network_nor_to_disguised_addresses(url: str) -> None:
    assert link_address(url) is None


def test_links_lead_to_the_public_web() -> None:
    for url in ("https://www.example.com/a?b=1&c=2#d", "http://example.org:8080/x", "HTTPS://EXAMPLE.ORG/"):
        assert link_address(url) == url
