"""Fetching a source over HTTP(S): bounded in time, size, redirects and attempts; TLS is always verified."""

from __future__ import annotations

import random
import re
import socket
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, unquote, urljoin, urlsplit, urlunsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from vectora_core.errors import VectoraError
from vectora_core.items import Record

HEADERS = {
    "User-Agent": "vectora-inbox/1.0 (industry newsletter; reads feeds and news pages once a run)",
    "Accept": "application/rss+xml, application/atom+xml, application/xml;q=0.9, text/html;q=0.9, */*;q=0.5",
    "Accept-Language": "en, *;q=0.5",
    "Accept-Encoding": "gzip, deflate",
}
_CHUNK_BYTES = 65_536


class FetchLimits(Record):
    """How long, how much and how often one source may take."""

    connect_seconds: float = 10.0
    read_seconds: float = 20.0
    deadline_seconds: float = 60.0
    attempts: int = 4
    backoff_seconds: float = 1.0
    longest_wait_seconds: float = 30.0
    redirects: int = 5
    body_bytes: int = 10_000_000


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
    def __init__(self, *args: Any, deadline: _Deadline, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadline = deadline

    def _new_conn(self) -> socket.socket:
        connection = super()._new_conn()
        self._deadline.watch(connection)
        return connection


class _WatchedHttps(_WatchedHttp, HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        self._deadline.watch(self.sock)


class Fetcher:
    """Fetches sources; safe to use from several threads."""

    def __init__(self, limits: FetchLimits | None = None, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._limits = limits or FetchLimits()
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
            url = answer
        raise VectoraError(f"The site redirects more than {self._limits.redirects} times: correct the source's url.")

    def _ask_once(self, url: str, deadline: _Deadline) -> Page | str:
        """The page, or the address that the site redirects to."""
        host = _host(url)
        if not host:
            raise VectoraError(
                f"{url[:200]} is not an http(s) address, but the site leads there: correct the source's url."
            )
        try:
            with self._response(url, deadline) as response:
                return self._read(response, url, deadline)
        except VectoraError:
            raise
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            if deadline.passed:
                raise self._too_slow() from error
            raise self._failure(error, host) from error

    @contextmanager
    def _response(self, url: str, deadline: _Deadline) -> Iterator[urllib3.BaseHTTPResponse]:
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

        # A pool makes its connections through this attribute, which is where a deadline can get hold of them.
        class Http(HTTPConnectionPool):
            ConnectionCls = partial(_WatchedHttp, deadline=deadline)  # type: ignore[assignment]

        class Https(HTTPSConnectionPool):
            ConnectionCls = partial(_WatchedHttps, deadline=deadline)  # type: ignore[assignment]

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
                f"The site answered {_status(response.status)}: open {url[:150]} and correct the source's url."
            )
        charset = re.search(r"charset\s*=\s*[\"']?([\w.:-]+)", response.headers.get("Content-Type", ""), re.IGNORECASE)
        return Page(url=url, body=self._body(response, deadline), charset=charset[1] if charset else None)

    def _body(self, response: urllib3.BaseHTTPResponse, deadline: _Deadline) -> bytes:
        limit = self._limits.body_bytes
        body = bytearray()
        while True:
            if deadline.passed:
                raise self._too_slow()
            chunk = response.read1(_CHUNK_BYTES, decode_content=True)
            body += chunk
            if len(body) > limit:
                raise VectoraError(f"The answer is larger than {limit} bytes: it was cut off and not used.")
            if not chunk and response.closed:
                return bytes(body)

    def _failure(self, error: Exception, host: str) -> Exception:
        if isinstance(error, urllib3.exceptions.ProxyError) and isinstance(error.__cause__, Exception):
            return _TemporaryError(f"The proxy could not be used ({_reason(error.__cause__)})")
        certificate = _certificate_error(error)
        if certificate:
            return VectoraError(
                f"{host}'s TLS certificate is not valid ({certificate}), and an unverified page is never read: "
                "correct the source's url or ask the site's owner."
            )
        if isinstance(error, (urllib3.exceptions.LocationValueError, urllib3.exceptions.DecodeError, ValueError)):
            return VectoraError(
                f"{host}'s answer cannot be read ({_reason(error)}): open the source's url in a browser."
            )
        if isinstance(error, urllib3.exceptions.NameResolutionError):
            return _TemporaryError(f"The name {host} could not be resolved")
        is_refusal = isinstance(error, urllib3.exceptions.NewConnectionError)
        if isinstance(error, urllib3.exceptions.TimeoutError) and not is_refusal:
            return _TemporaryError(f"{host} did not answer in time")
        return _TemporaryError(f"The connection to {host} failed ({_reason(error)})")


def _reason(error: BaseException) -> str:
    while isinstance(error, urllib3.exceptions.HTTPError) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    text = " ".join(str(error).split()) or type(error).__name__
    return re.sub(r"^<?[\w.]+\(.*?\)>?: ", "", text)[:150]


def _certificate_error(error: BaseException | None) -> str | None:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error.verify_message or "verification failed"
        nested = error.args[0] if error.args and isinstance(error.args[0], BaseException) else None
        error = nested or error.__cause__
    return None


def _host(url: str) -> str | None:
    """The host of an http(s) address; None for everything else."""
    try:
        parts = urlsplit(url)
        return parts.hostname if parts.scheme in ("http", "https") else None
    except ValueError:
        return None


def _joined(base: str, location: str) -> str:
    try:
        return urljoin(base, location)
    except ValueError:
        return location


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
