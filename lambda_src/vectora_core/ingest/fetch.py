"""Fetching of a source over HTTP(S): from public addresses only, limited in time, size, redirects and attempts."""

from __future__ import annotations

import random
import re
import ssl
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import quote, urljoin

import urllib3

from vectora_core.ingest.connections import connection_pools
from vectora_core.ingest.cookies import Cookies
from vectora_core.ingest.deadline import Deadline
from vectora_core.ingest.fetch_errors import StatusError, TemporaryError, fetch_error
from vectora_core.ingest.response_body import ACCEPT_ENCODING, read_body
from vectora_core.ingest.status_errors import status_error
from vectora_core.items import Record
from vectora_core.text.addresses import Destination, PublicWeb, destination
from vectora_core.text.words import visible_text
from vectora_shared.errors import VectoraError

_PRODUCT = "vectora-inbox/1.0"
_PURPOSE = "industry newsletter; reads feeds and news pages once a run"
HEADERS = {
    "Accept": "application/rss+xml, application/atom+xml, application/xml;q=0.9, text/html;q=0.9, */*;q=0.5",
    "Accept-Language": "en, *;q=0.5",
    "Accept-Encoding": ACCEPT_ENCODING,
}
_REASON_BYTES = 20_000
# A colon, because some servers write it so.
_CHARSET = re.compile(r"(?:^|[;,\s])charset\s*[=:]\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_REDIRECTS = (301, 302, 303, 307, 308)


class FetchLimits(Record):
    """Limits of the time, size, redirects and attempts of one source."""

    connect_seconds: float = 10.0
    read_seconds: float = 20.0
    deadline_seconds: float = 60.0
    attempts: int = 4
    backoff_seconds: float = 1.0
    longest_wait_seconds: float = 30.0
    redirects: int = 5
    body_bytes: int = 5_000_000


class Redirect(Record):
    """Redirect of a site: its status, and the address that it leads to."""

    status: int
    url: str

    @property
    def is_permanent(self) -> bool:
        """True for the statuses by which a page has moved for good (RFC 9110, 15.4.2 and 15.4.9)."""
        return self.status in (301, 308)


class Page(Record):
    """Response of a source; `url` is the address after redirects."""

    url: str
    redirects: tuple[Redirect, ...] = ()
    body: bytes
    charset: str | None = None
    is_reserved: bool = False  # the site's headers reserve the page from use by machines


class Fetcher:
    """Fetcher of sources; safe to use from several threads."""

    def __init__(
        self,
        limits: FetchLimits | None = None,
        *,
        reachable: PublicWeb | None = None,
        sleep: Callable[[float], None] = time.sleep,
        media_types: Collection[str] = (),
        contact: str = "",
    ) -> None:
        """Initialize; with `media_types`, bodies of other types are refused before they are read.

        `contact` is the mail or web address at which the owners of sites reach the operator.
        """
        self._media_types = media_types
        self._headers = {"User-Agent": user_agent(contact), **HEADERS}
        self._limits = limits or FetchLimits()
        self._reachable = reachable or PublicWeb()
        self._sleep = sleep
        # The default context also reads SSL_CERT_FILE.
        self._tls = ssl.create_default_context()

    def fetch(self, url: str) -> Page:
        """Return the page at the address; raise VectoraError, in words for the report, when there is none to read."""
        cookies = Cookies()
        with Deadline(self._limits.deadline_seconds) as deadline:
            for attempt in range(1, self._limits.attempts + 1):
                try:
                    return self._follow_redirects(url, cookies, deadline)
                except TemporaryError as error:
                    if deadline.passed:
                        raise self._too_slow() from error
                    wait = self._wait_before_retry(attempt, error.wait_seconds)
                    if attempt == self._limits.attempts or wait >= deadline.remaining:
                        attempts = f"{attempt} attempts" if attempt > 1 else "1 attempt"
                        raise VectoraError(f"{error}, in {attempts}: {error.advice}") from error
                    self._sleep(wait)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _wait_before_retry(self, attempt: int, requested: float | None) -> float:
        if requested is not None:
            return min(requested, self._limits.longest_wait_seconds)
        backoff = self._limits.backoff_seconds * 2.0 ** (attempt - 1)
        return min(backoff * random.uniform(0.5, 1.5), self._limits.longest_wait_seconds)  # noqa: S311 - jitter

    def _too_slow(self) -> VectoraError:
        return VectoraError(
            f"The site did not answer in full within {self._limits.deadline_seconds:g} seconds: it is too slow."
        )

    def _follow_redirects(self, url: str, cookies: Cookies, deadline: Deadline) -> Page:
        redirects: list[Redirect] = []
        while len(redirects) <= self._limits.redirects:
            answer = self._request_once(url, cookies, deadline)
            if isinstance(answer, Page):
                return answer.model_copy(update={"redirects": tuple(redirects)}) if redirects else answer
            _refuse_downgrade(url, answer.url)
            url = answer.url
            redirects.append(answer)
        raise VectoraError(f"The site redirects more than {self._limits.redirects} times: correct the source's url.")

    def _request_once(self, url: str, cookies: Cookies, deadline: Deadline) -> Page | Redirect:
        """Return the page, or the redirect to another address."""
        target = destination(url)
        # Also when a proxy is used, which resolves names by its own rules.
        self._reachable.require(target)
        try:
            with self._response(target, cookies, deadline) as response:
                cookies.keep(target.url, response.headers)
                return self._read(response, target.url, deadline)
        except VectoraError:
            raise
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            if deadline.passed:
                raise self._too_slow() from error
            raise fetch_error(error, target.host) from error

    @contextmanager
    def _response(
        self, target: Destination, cookies: Cookies, deadline: Deadline
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        url = target.url
        with connection_pools(url, deadline, self._reachable, self._tls) as pools:
            seconds = max(0.001, deadline.remaining)
            timeout = urllib3.Timeout(
                connect=min(self._limits.connect_seconds, seconds), read=min(self._limits.read_seconds, seconds)
            )
            headers = {**self._headers, **cookies.headers_for(url)}
            response = pools.request(
                "GET", url, headers=headers, timeout=timeout, retries=False, redirect=False, preload_content=False
            )
            try:
                yield response
            finally:
                # Closed without reading the rest, which may have no end.
                response.close()

    def _read(self, response: urllib3.BaseHTTPResponse, url: str, deadline: Deadline) -> Page | Redirect:
        location = response.headers.get("Location")
        if response.status in _REDIRECTS and location:
            return Redirect(status=response.status, url=_joined(url, _encoded(location)))
        if error := status_error(response.status, url, response.headers):
            raise _with_reason(error, response, deadline)
        content_type = response.headers.get("Content-Type", "")
        self._require_media_type(content_type)
        body = read_body(response, self._limits.body_bytes, deadline)
        if body is None:
            raise self._too_slow()
        charset = _CHARSET.search(content_type)
        reserved = reserves_use(response.headers.get("X-Robots-Tag", ""), response.headers.get("TDM-Reservation", ""))
        return Page(url=url, body=body, charset=charset[1] if charset else None, is_reserved=reserved)

    def _require_media_type(self, content_type: str) -> None:
        media_type = content_type.partition(";")[0].strip().lower()
        if self._media_types and media_type not in self._media_types:
            found = visible_text(media_type)[:60] or "of no stated type"
            raise VectoraError(f"The page is {found}, not HTML: open it in a browser.")


def _with_reason(error: Exception, response: urllib3.BaseHTTPResponse, deadline: Deadline) -> Exception:
    """Return the error of a refused request, with its body if that is short and readable: APIs give reasons there."""
    media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if not isinstance(error, VectoraError) or not re.fullmatch(r"application/(\S+\+)?json|text/plain", media_type):
        return error
    try:
        return StatusError(str(error), read_body(response, _REASON_BYTES, deadline) or b"")
    except (VectoraError, urllib3.exceptions.HTTPError, OSError, ValueError):
        return error


def user_agent(contact: str) -> str:
    """Return the name of this program to sites, with the address of who operates it.

    Raise VectoraError when the address cannot stand in a header.
    """
    if not re.fullmatch(r"[!-'*-~]{0,254}", contact):
        raise VectoraError(
            "The contact address for the User-Agent has spaces, parentheses or other characters that no address has: "
            "correct `contact` in config/environments.yaml, which sets USER_AGENT_CONTACT."
        )
    return f"{_PRODUCT} ({_PURPOSE}{f'; +{contact}' if contact else ''})"


def reserves_use(robots: str, tdm_reservation: str) -> bool:
    """Return whether a page's headers, or its meta elements of the same names, reserve it from use by machines.

    `tdm-reservation: 1` is the W3C community group's protocol for the reservation that Article 4 of Directive (EU)
    2019/790 provides for text and data mining; `noai` is a convention of publishers.
    """
    directives = re.split(r"[\s,:]+", robots.lower()[:500])
    return "noai" in directives or tdm_reservation.strip() == "1"


def _joined(base: str, location: str) -> str:
    try:
        return urljoin(base, location)
    except ValueError:
        return location


def _encoded(location: str) -> str:
    """Return a Location header as an address: http.client decodes its UTF-8 bytes as Latin-1."""
    with suppress(UnicodeError):
        location = location.encode("latin-1").decode("utf-8")
    return quote(location, safe="%/:=&?~#+!$,;'@()*[]")


def _refuse_downgrade(url: str, following: str) -> None:
    """Raise VectoraError when a redirect leads from an encrypted address to an unencrypted one."""
    target = destination(following)
    if destination(url).url.startswith("https:") and not target.url.startswith("https:"):
        raise VectoraError(
            f"The site redirects from https to http at {target.host}, where the news could be read and changed on the "
            "way: correct the source's url, or ask the site's owner."
        )
