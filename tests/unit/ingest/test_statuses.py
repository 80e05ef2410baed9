"""Statuses in words: a refusal is not a wrong address, and a failure that passes is neither."""

from __future__ import annotations

from datetime import date

import pytest

from tests.unit.ingest.test_fetching import Site, fetcher, reply, site, waits
from vectora_core.ingest.feeds import parse_feed
from vectora_core.ingest.fetch import Fetcher
from vectora_core.ingest.pages import parse_page
from vectora_shared.config.sources import Source
from vectora_shared.errors import VectoraError

__all__ = ["fetcher", "site", "waits"]


def said(site: Site, fetcher: Fetcher, status: int, **headers: str) -> str:
    with pytest.raises(VectoraError) as caught:
        fetcher.fetch(site.on("/feed", reply(status, b"", **headers)))
    assert str(caught.value).startswith(f"The site answered {status}")
    assert str(caught.value).endswith(".")
    return str(caught.value)


@pytest.mark.parametrize("status", [401, 403, 406, 418, 451, 999])
def test_a_refusal_of_programs_does_not_blame_the_address(status: int, site: Site, fetcher: Fetcher) -> None:
    message = said(site, fetcher, status, Retry_After="600")

    assert "orrect the source's url" not in message
    assert "login" in message if status == 401 else "refuses programs" in message or "legal" in message
    assert "requests a wait of 10 minutes" in message
    assert len(site.requests) == 1


@pytest.mark.parametrize("header", ["cf-mitigated", "x-amzn-waf-action", "X-DataDome"])
@pytest.mark.parametrize("status", [202, 403, 405, 429, 503])
def test_a_challenge_for_browsers_is_a_refusal(status: int, header: str, site: Site, fetcher: Fetcher) -> None:
    assert "refuses programs" in said(site, fetcher, status, **{header: "challenge"})
    assert len(site.requests) == 1


@pytest.mark.parametrize("status", [404, 410])
def test_an_address_without_a_page_is_named(status: int, site: Site, fetcher: Fetcher) -> None:
    assert f"{site.address}/feed" in (message := said(site, fetcher, status))
    assert "orrect the source's url" in message


def test_too_many_requests_are_tried_again_and_then_explained(site: Site, fetcher: Fetcher, waits: list[float]) -> None:
    message = said(site, fetcher, 429, Retry_After="5")

    assert "refuses so many requests. The site requests a wait of 5 s." in message
    assert "see whether the site is up" not in message
    assert waits == [5, 5]


@pytest.mark.parametrize("status", [304, 408, 425, 500, 502, 503, 520])
def test_a_failure_that_may_pass_is_tried_again(status: int, site: Site, fetcher: Fetcher) -> None:
    assert "in 3 attempts: see whether the site is up." in said(site, fetcher, status)
    assert len(site.requests) == 3


def test_an_outage_says_when_the_site_expects_to_be_back(site: Site, fetcher: Fetcher) -> None:
    assert said(site, fetcher, 503, Retry_After="3600").endswith("is up. The site requests a wait of 60 minutes.")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (204, "nothing to read"),
        (205, "nothing to read"),
        (206, "only a part"),
        (300, "names no new address"),
        (302, "names no new address"),
        (400, "open "),
        (407, "proxy"),
    ],
)
def test_other_statuses_say_what_to_do(status: int, words: str, site: Site, fetcher: Fetcher) -> None:
    assert words in said(site, fetcher, status)


@pytest.mark.parametrize("title", ["Just a moment...", "Access Denied", "Making sure you&#39;re not a bot!"])
def test_a_challenge_that_claims_success_is_a_refusal(title: str) -> None:
    body = f"<!doctype html><html><head><title>{title}</title></head><body><p>Wait.</p></body></html>".encode()
    for mode, parse in (("rss", parse_feed), ("html", parse_page)):
        source = Source.model_validate(
            {"source_key": "a__b", "source_type": "press_sector", "ingestion_mode": mode, "url": "https://x.example/"}
        )
        with pytest.raises(VectoraError, match="challenge for browsers: it refuses programs"):
            parse(body, source, source.url, None, date(2026, 1, 30))
