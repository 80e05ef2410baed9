"""Cookies live for one fetch, and go to the sites that set them only."""

from __future__ import annotations

import http.server

import pytest
from urllib3 import HTTPHeaderDict

from tests.unit.ingest.test_fetching import Answer, Site, fetcher, reply, site, waits
from vectora_core.ingest.cookies import Cookies
from vectora_core.ingest.fetch import Fetcher

__all__ = ["fetcher", "site", "waits"]


def with_cookie(name: str, otherwise: Answer) -> Answer:
    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        known = f"{name}=" in handler.headers.get("Cookie", "")
        (reply(200, b"news") if known else otherwise)(handler)

    return answer


def test_a_site_that_sets_a_cookie_and_sends_back_is_read(site: Site, fetcher: Fetcher) -> None:
    site.on("/consent", reply(302, Location="/feed", Set_Cookie="consent=1; Path=/; HttpOnly; SameSite=Lax"))
    url = site.on("/feed", with_cookie("consent", reply(302, Location="/consent")))

    assert fetcher.fetch(url).body == b"news"


def test_an_address_that_redirects_to_itself_with_a_cookie_is_read(site: Site, fetcher: Fetcher) -> None:
    url = site.on("/feed", with_cookie("seen", reply(307, Location="/feed", Set_Cookie="seen=yes")))

    assert fetcher.fetch(url).body == b"news"


def test_the_next_fetch_begins_without_cookies(site: Site, fetcher: Fetcher) -> None:
    url = site.on("/feed", reply(200, b"news", Set_Cookie="reader=7; Path=/; Max-Age=99999"))
    fetcher.fetch(url)
    fetcher.fetch(url)

    assert all("cookie" not in headers for _, headers in site.requests)


def kept(url: str, *values: str) -> Cookies:
    cookies, headers = Cookies(), HTTPHeaderDict()
    for value in values:
        headers.add("Set-Cookie", value)
    cookies.keep(url, headers)
    return cookies


@pytest.mark.parametrize(
    ("value", "sent_to", "not_to"),
    [
        ("a=1", "https://www.paper.example/x", "https://feeds.paper.example/"),
        ("a=1; Domain=paper.example; Path=/", "https://feeds.paper.example/", "https://other.example/"),
        ("a=1; Secure; Path=/", "https://www.paper.example/", "http://www.paper.example/"),
        ("a=1; Path=/news", "https://www.paper.example/news/1", "https://www.paper.example/other"),
    ],
)
def test_a_cookie_goes_to_its_own_site_only(value: str, sent_to: str, not_to: str) -> None:
    cookies = kept("https://www.paper.example/news/", value if "Path" in value else f"{value}; Path=/")

    assert cookies.headers_for(sent_to) == {"Cookie": "a=1"}
    assert cookies.headers_for(not_to) == {}


@pytest.mark.parametrize(
    "value", ["a=1; Domain=other.example", "a=1; Domain=example", "a=1; Domain=co.uk", "a=1; Max-Age=0"]
)
def test_a_cookie_for_another_site_or_of_the_past_is_not_kept(value: str) -> None:
    assert kept("https://www.paper.co.uk/", value).headers_for("https://www.paper.co.uk/") == {}


def test_a_site_cannot_fill_the_requests_with_cookies() -> None:
    cookies = kept("https://x.example/", f"a={'x' * 5000}", *(f"c{number}=1" for number in range(40)))
    for number in range(9):
        cookies.keep("https://x.example/", HTTPHeaderDict({"Set-Cookie": f"d{number}={'y' * 4000}"}))

    assert len(cookies.headers_for("https://x.example/")["Cookie"]) < 50_000
    assert "xxx" not in cookies.headers_for("https://x.example/")["Cookie"]
