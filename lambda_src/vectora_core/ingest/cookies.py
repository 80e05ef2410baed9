"""Cookies of one fetch, sent along its redirects and then forgotten."""

from __future__ import annotations

from http.cookiejar import Cookie, CookieJar, DefaultCookiePolicy
from typing import Any, cast
from urllib.request import Request

# What browsers accept (RFC 6265, section 6.1); a site could make a fetch send megabytes.
_MAX_CHARACTERS = 4096
_MAX_COOKIES = 50


class _Answer:
    """A response, as `http.cookiejar` reads it."""

    def __init__(self, headers: Any) -> None:
        self._headers = headers

    def info(self) -> Any:
        return self._headers


class _Policy(DefaultCookiePolicy):
    """Cookies go to the host that set them, or to the domain that they name if that is the host's own."""

    def __init__(self) -> None:
        super().__init__(strict_domain=True, strict_ns_domain=DefaultCookiePolicy.DomainStrictNonDomain)

    def set_ok(self, cookie: Cookie, request: Request) -> bool:
        return len(cookie.name) + len(cookie.value or "") <= _MAX_CHARACTERS and super().set_ok(cookie, request)


class Cookies:
    """The cookies that the sites of one fetch have set."""

    def __init__(self) -> None:
        self._jar = CookieJar(_Policy())

    def keep(self, url: str, headers: Any) -> None:
        """Keep the cookies that the answer of `url` sets."""
        if "Set-Cookie" in headers and len(self._jar) < _MAX_COOKIES:
            self._jar.extract_cookies(cast("Any", _Answer(headers)), Request(url))  # noqa: S310 - nothing is opened

    def headers_for(self, url: str) -> dict[str, str]:
        """Return the header that a request of `url` sends, or none."""
        request = Request(url)  # noqa: S310 - nothing is opened
        self._jar.add_cookie_header(request)
        value = request.get_header("Cookie")
        return {"Cookie": value} if value else {}
