"""Fetching a source over HTTP(S): from public addresses alone, bounded in time, size, redirects and attempts."""

from __future__ import annotations

import random
import re
import socket
import ssl
import threading
import time
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from http import HTTPStatus
from http.client import HTTPException, LineTooLong
from typing import Any
from urllib.parse import quote, unquote, urljoin, urlsplit, urlunsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from vectora_core.items import Record
from vectora_core.text.addresses import Destination, PublicWeb, destination
from vectora_core.text.words import visible_text
from vectora_shared.errors import VectoraError

HEADERS = {
    "User-Agent": "vectora-inbox/1.0 (industry newsletter; reads feeds and news pages once a run)",
    "Accept": "application/rss+xml, application/atom+xml, application/xml;q=0.9, text/html;q=0.9, */*;q=0.5",
    "Accept-Language": "en, *;q=0.5",
    "Accept-Encoding": "gzip, deflate",
}
_CHUNK_BYTES = 65_536
# zlib tells the two apart by their first bytes.
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32


class FetchLimits(Record):
    """How long, how much and how often one source may take."""

    connect_seconds: float = 10.0
    read_seconds: float = 20.0
    deadline_seconds: float = 60.0
    attempts: int = 4
    backoff_seconds: float = 1.0
    longest_wait_seconds: float = 30.0
    redirects: int = 5
    body_bytes: int = 5_000_000


class Page(Record):
    """What a source answered; `url` is the address after redirects."""

    url: str
    body: bytes
    charset: str | None = None


class _TemporaryError(Exception):
    """An attempt failed in a way that another attempt may not; `wait_seconds` is what the server asked for."""

    def __init__(self, reason: str, wait_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.wait_seconds = wait_seconds


class _Deadline:
    """The moment at which a source's time is over; sockets registered with it are then cut off.

    Timeouts alone do not end a server that sends a byte now and then.
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._passed = False
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> _Deadline:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    @property
    def remaining(self) -> float:
        return self._end - time.monotonic()

    @property
    def passed(self) -> bool:
        return self._passed or self.remaining <= 0

    def watch(self, connection: socket.socket | None) -> None:
        with self._lock:
            if connection is not None:
                self._sockets.append(connection)
        if self.passed:
            self._cut()

    def _cut(self) -> None:
        with self._lock:
            self._passed = True
            for connection in self._sockets:
                with suppress(OSError):
                    # A TLS socket's own shutdown would change it under the thread that reads from it.
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)


class _WatchedHttp(HTTPConnection):
    """Connects to addresses that `reachable` has checked; to a proxy, with `reachable` None, as usual."""

    def __init__(self, *args: Any, deadline: _Deadline, reachable: PublicWeb | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadline = deadline
        self._reachable = reachable

    def _new_conn(self) -> socket.socket:
        connection = super()._new_conn() if self._reachable is None else self._checked_conn(self._reachable)
        self._deadline.watch(connection)
        return connection

    def _checked_conn(self, reachable: PublicWeb) -> socket.socket:
        name = self.host
        try:
            addresses = reachable.addresses(name, self.port)
        except socket.gaierror as error:
            raise urllib3.exceptions.NameResolutionError(name, self, error) from error
        try:
            return self._first_answering(addresses)
        finally:
            # TLS asks for and verifies the name.
            self.host = name

    def _first_answering(self, addresses: list[str]) -> socket.socket:
        failure: Exception = urllib3.exceptions.NewConnectionError(self, "the name has no address")
        for address in addresses:
            self.host = address
            self.timeout = max(0.001, min(self.timeout or self._deadline.remaining, self._deadline.remaining))
            try:
                return super()._new_conn()
            except urllib3.exceptions.ConnectTimeoutError as error:
                failure = error
        raise failure


class _WatchedHttps(_WatchedHttp, HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        self._deadline.watch(self.sock)


class Fetcher:
    """Fetches sources; safe to use from several threads."""

    def __init__(
        self,
        limits: FetchLimits | None = None,
        *,
        reachable: PublicWeb | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._limits = limits or FetchLimits()
        self._reachable = reachable or PublicWeb()
        self._sleep = sleep
        # The default context also reads SSL_CERT_FILE.
        self._tls = ssl.create_default_context()

    def fetch(self, url: str) -> Page:
        """Raises VectoraError with one sentence saying what happened."""
        with _Deadline(self._limits.deadline_seconds) as deadline:
            for attempt in range(1, self._limits.attempts + 1):
                try:
                    return self._follow(url, deadline)
                except _TemporaryError as error:
                    if deadline.passed:
                        raise self._too_slow() from error
                    wait = self._wait_before_retry(attempt, error.wait_seconds)
                    if attempt == self._limits.attempts or wait >= deadline.remaining:
                        raise VectoraError(f"{error}, in {attempt} attempts: see whether the site is up.") from error
                    self._sleep(wait)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _wait_before_retry(self, attempt: int, asked_for: float | None) -> float:
        if asked_for is not None:
            return min(asked_for, self._limits.longest_wait_seconds)
        backoff = self._limits.backoff_seconds * 2.0 ** (attempt - 1)
        return min(backoff * random.uniform(0.5, 1.5), self._limits.longest_wait_seconds)  # noqa: S311 - jitter

    def _too_slow(self) -> VectoraError:
        return VectoraError(
            f"The site did not answer in full within {self._limits.deadline_seconds:g} seconds: it is too slow."
        )

    def _follow(self, url: str, deadline: _Deadline) -> Page:
        for _ in range(self._limits.redirects + 1):
            answer = self._ask_once(url, deadline)
            if isinstance(answer, Page):
                return answer
            _refuse_downgrade(url, answer)
            url = answer
        raise VectoraError(f"The site redirects more than {self._limits.redirects} times: correct the source's url.")

    def _ask_once(self, url: str, deadline: _Deadline) -> Page | str:
        """The page, or the address that the site redirects to."""
        target = destination(url)
        # Also by proxy, which resolves names as it likes: an address that disguises nothing is never asked for.
        self._reachable.require(target)
        try:
            with self._response(target, deadline) as response:
                return self._read(response, target.url, deadline)
        except VectoraError:
            raise
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            if deadline.passed:
                raise self._too_slow() from error
            raise self._failure(error, target.host) from error

    @contextmanager
    def _response(self, target: Destination, deadline: _Deadline) -> Iterator[urllib3.BaseHTTPResponse]:
        url = target.url
        with self._pools(url, deadline) as pools:
            seconds = max(0.001, deadline.remaining)
            timeout = urllib3.Timeout(
                connect=min(self._limits.connect_seconds, seconds), read=min(self._limits.read_seconds, seconds)
            )
            response = pools.request(
                "GET", url, headers=HEADERS, timeout=timeout, retries=False, redirect=False, preload_content=False
            )
            try:
                yield response
            finally:
                # Not drained: a body that is not wanted may have no end.
                response.close()

    def _pools(self, url: str, deadline: _Deadline) -> urllib3.PoolManager:
        proxy = _proxy_for(url)
        if proxy:
            address, headers = _proxy_address(proxy)
            pools: urllib3.PoolManager = urllib3.ProxyManager(address, proxy_headers=headers, ssl_context=self._tls)
        else:
            pools = urllib3.PoolManager(ssl_context=self._tls)

        reachable = None if proxy else self._reachable

        # A pool makes its connections through this attribute, which is where a deadline can get hold of them.
        class Http(HTTPConnectionPool):
            ConnectionCls = partial(_WatchedHttp, deadline=deadline, reachable=reachable)  # type: ignore[assignment]

        class Https(HTTPSConnectionPool):
            ConnectionCls = partial(_WatchedHttps, deadline=deadline, reachable=reachable)  # type: ignore[assignment]

        pools.pool_classes_by_scheme = {"http": Http, "https": Https}
        return pools

    def _read(self, response: urllib3.BaseHTTPResponse, url: str, deadline: _Deadline) -> Page | str:
        location = response.headers.get("Location")
        if response.status in (301, 302, 303, 307, 308) and location:
            return _joined(url, _encoded(location))
        if response.status == 429 or response.status >= 500:
            raise _TemporaryError(f"The site answered {_status(response.status)}", _retry_after(response.headers))
        if not 200 <= response.status < 300:
            raise VectoraError(
                f"The site answered {_status(response.status)}: open {visible_text(url)[:150]} and correct the source's url."
            )
        charset = re.search(r"charset\s*=\s*[\"']?([\w.:-]+)", response.headers.get("Content-Type", ""), re.IGNORECASE)
        return Page(url=url, body=self._body(response, deadline), charset=charset[1] if charset else None)

    def _body(self, response: urllib3.BaseHTTPResponse, deadline: _Deadline) -> bytes:
        limit = self._limits.body_bytes
        unpacker = _Unpacker(response.headers.get("Content-Encoding", ""))
        body = bytearray()
        received = 0
        while not deadline.passed:
            # Unpacked here: urllib3 keeps what it has received for as long as nothing comes out of it.
            chunk = response.read1(_CHUNK_BYTES, decode_content=False)
            received += len(chunk)
            body += unpacker.unpacked(chunk, limit + 1 - len(body))
            if max(received, len(body)) > limit:
                raise VectoraError(f"The answer is larger than {limit} bytes: it was cut off and not used.")
            if not chunk:
                return bytes(body)
        raise self._too_slow()

    def _failure(self, error: Exception, host: str) -> Exception:
        if isinstance(error, urllib3.exceptions.ProxyError) and isinstance(error.__cause__, Exception):
            return _TemporaryError(f"The proxy could not be used ({_reason(error.__cause__)})")
        certificate = _certificate_error(error)
        if certificate:
            return VectoraError(
                f"{host}'s TLS certificate is not valid ({certificate}), and an unverified page is never read: "
                "correct the source's url or ask the site's owner."
            )
        if isinstance(error, (urllib3.exceptions.LocationValueError, ValueError)) or _is_malformed(error):
            return VectoraError(
                f"{host}'s answer cannot be read ({_reason(error)}): open the source's url in a browser."
            )
        if isinstance(error, urllib3.exceptions.NameResolutionError):
            return _TemporaryError(f"The name {host} could not be resolved")
        is_refusal = isinstance(error, urllib3.exceptions.NewConnectionError)
        if isinstance(error, urllib3.exceptions.TimeoutError) and not is_refusal:
            return _TemporaryError(f"{host} did not answer in time")
        return _TemporaryError(f"The connection to {host} failed ({_reason(error)})")


class _Unpacker:
    """Unpacks what was asked for, gzip or deflate, and never more of it than is wanted."""

    def __init__(self, coding: str) -> None:
        """Raises VectoraError when `coding` names several, in which a bomb hides a bomb."""
        name = coding.strip().lower()
        if "," in name:
            raise VectoraError(
                f"The answer is packed more than once ({visible_text(name)[:60]}), which was not asked for and is never read: "
                "ask the site's owner."
            )
        self._is_packed = name in ("gzip", "x-gzip", "deflate")
        self._stream = zlib.decompressobj(_GZIP_OR_ZLIB)
        self._is_at_start = True
        self._streams_ended = 0

    def unpacked(self, chunk: bytes, wanted: int) -> bytes:
        """What `chunk` holds, at most `wanted` bytes; raises ValueError when it cannot be unpacked."""
        if not self._is_packed:
            return chunk[:wanted]
        body = bytearray()
        while chunk and len(body) < wanted:
            body += self._decompressed(chunk, wanted - len(body))
            chunk = self._stream.unused_data
            if self._stream.eof:
                # After its end there may be another stream, as gzip allows.
                self._stream = zlib.decompressobj(_GZIP_OR_ZLIB)
                self._streams_ended += 1
        return bytes(body)

    def _decompressed(self, chunk: bytes, wanted: int) -> bytes:
        try:
            return self._stream.decompress(chunk, wanted)
        except zlib.error as error:
            if self._streams_ended:
                # Padding, which every reader of gzip ignores.
                self._stream = zlib.decompressobj(_GZIP_OR_ZLIB)
                return b""
            if not self._is_at_start:
                raise ValueError("it cannot be unpacked") from error
        finally:
            self._is_at_start = False
        # Some servers send deflate without zlib's header.
        self._stream = zlib.decompressobj(-zlib.MAX_WBITS)
        return self._decompressed(chunk, wanted)


def _is_malformed(error: Exception) -> bool:
    """Whether an answer breaks a limit of HTTP's parser, such as the number or length of its headers."""
    cause = error.args[-1] if isinstance(error, urllib3.exceptions.ProtocolError) else None
    return isinstance(cause, LineTooLong) or type(cause) is HTTPException


def _reason(error: BaseException) -> str:
    while isinstance(error, urllib3.exceptions.HTTPError) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    text = " ".join(visible_text(str(error)).split()) or type(error).__name__
    return re.sub(r"^<?[\w.]+\(.*?\)>?: ", "", text)[:150]


def _certificate_error(error: BaseException | None) -> str | None:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error.verify_message or "verification failed"
        nested = error.args[0] if error.args and isinstance(error.args[0], BaseException) else None
        error = nested or error.__cause__
    return None


def _joined(base: str, location: str) -> str:
    try:
        return urljoin(base, location)
    except ValueError:
        return location


def _refuse_downgrade(url: str, following: str) -> None:
    """Raises VectoraError when a redirect gives up the encryption that the source's address asks for."""
    target = destination(following)
    if destination(url).url.startswith("https:") and not target.url.startswith("https:"):
        raise VectoraError(
            f"The site redirects from https to http at {target.host}, where anybody on the way could read and change "
            "the news: correct the source's url, or ask the site's owner."
        )


def _status(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _retry_after(headers: Any) -> float | None:
    value = str(headers.get("Retry-After", "")).strip()
    if value.isascii() and value.isdigit():
        return float(value[:6])
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _encoded(location: str) -> str:
    """A Location as http.client hands it over, Latin-1 read from UTF-8 bytes, made an address again."""
    with suppress(UnicodeError):
        location = location.encode("latin-1").decode("utf-8")
    return quote(location, safe="%/:=&?~#+!$,;'@()*[]")


def _proxy_for(url: str) -> str | None:
    parts = urlsplit(url)
    proxies = urllib.request.getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or urllib.request.proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _proxy_address(proxy: str) -> tuple[str, dict[str, str]]:
    parts = urlsplit(proxy)
    if not parts.username:
        return proxy, {}
    credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    host = parts.netloc.rpartition("@")[2]
    headers = urllib3.make_headers(proxy_basic_auth=credentials)
    return urlunsplit((parts.scheme, host, "", "", "")), dict(headers)
