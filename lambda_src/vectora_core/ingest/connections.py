"""HTTP connections to public addresses only, cut at a deadline, or to the proxy of the environment."""

from __future__ import annotations

import socket
import ssl
import urllib.request
from functools import partial
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from vectora_core.ingest.deadline import Deadline
from vectora_core.text.addresses import PublicWeb


class _WatchedHttp(HTTPConnection):
    """A connection to an address that `reachable` allows; if that is None, to a proxy, without a check."""

    def __init__(self, *args: Any, deadline: Deadline, reachable: PublicWeb | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadline = deadline
        self._reachable = reachable

    def _new_conn(self) -> socket.socket:
        connection = super()._new_conn() if self._reachable is None else self._checked_connection(self._reachable)
        self._deadline.watch(connection)
        return connection

    def _checked_connection(self, reachable: PublicWeb) -> socket.socket:
        name = self.host
        try:
            addresses = reachable.addresses(name, self.port)
        except socket.gaierror as error:
            raise urllib3.exceptions.NameResolutionError(name, self, error) from error
        try:
            return self._first_answering(addresses)
        finally:
            # TLS sends and verifies the name, not the address.
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


def connection_pools(url: str, deadline: Deadline, reachable: PublicWeb, tls: ssl.SSLContext) -> urllib3.PoolManager:
    """Return connection pools for `url`: by the proxy of the environment, or directly to checked addresses."""
    proxy = _proxy_for(url)
    if proxy:
        address, headers = _proxy_address(proxy)
        pools: urllib3.PoolManager = urllib3.ProxyManager(address, proxy_headers=headers, ssl_context=tls)
    else:
        pools = urllib3.PoolManager(ssl_context=tls)

    options: dict[str, Any] = {"deadline": deadline, "reachable": None if proxy else reachable}

    # A pool makes its connections through this attribute, so here the connections get their deadline.
    class Http(HTTPConnectionPool):
        ConnectionCls = partial(_WatchedHttp, **options)  # type: ignore[assignment]

    class Https(HTTPSConnectionPool):
        ConnectionCls = partial(_WatchedHttps, **options)  # type: ignore[assignment]

    pools.pool_classes_by_scheme = {"http": Http, "https": Https}
    return pools


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
