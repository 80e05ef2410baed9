"""Stand-in for the publishers' sites: certificates, conditions of a scenario, and no access to the real internet."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from urllib.parse import urljoin

import feedparser
import pytest
import urllib3

from rehearsal.certificates import Authority
from rehearsal.proxy import Proxy
from rehearsal.publishers import ALL_WELL, WALLED, Publishers, Scenario, load_stories, publisher_of
from vectora_core.ingest.article import ArticleError, article_text
from vectora_core.subscriptions import sources_to_read
from vectora_shared.config.content import FolderContent
from vectora_shared.config.loading import load_configuration
from vectora_shared.config.sources import Source
from vectora_shared.errors import VectoraError

DAY = date(2026, 3, 2)
# Only a guard against hanging.
HANGS_AFTER_SECONDS = 600


@pytest.fixture(scope="module")
def sources(root: Path) -> dict[str, Source]:
    """Return the sources that the newsletter reads: the catalogue also has some for others to choose."""
    configuration = load_configuration(FolderContent(root / "config"), "lai_weekly")
    read, _ = sources_to_read(configuration.client, configuration.sources, ())
    return {publisher_of(source): source for source in read}


@pytest.fixture(scope="module")
def ca_file(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("publishers") / "ca.pem"
    authority.write_bundle(path)
    return path


@contextlib.contextmanager
def _opened(authority: Authority, sources: Iterable[Source], scenario: Scenario) -> Iterator[Proxy]:
    with Proxy() as proxy, Publishers(proxy, authority, sources, scenario=scenario, day=DAY):
        yield proxy


def _read(proxy: Proxy, ca_file: Path, url: str, limit: int = 2_000_000) -> tuple[int, bytes]:
    with urllib3.ProxyManager(proxy.address, ca_certs=str(ca_file)) as client:
        answer = client.request("GET", url, retries=False, timeout=HANGS_AFTER_SECONDS, preload_content=False)
        body = answer.read(limit)
        answer.close()
        return answer.status, body


def test_every_source_of_the_newsletter_is_served_under_its_own_address_over_verified_tls(
    authority: Authority, sources: dict[str, Source], ca_file: Path
) -> None:
    with _opened(authority, sources.values(), ALL_WELL) as proxy:
        for publisher, source in sources.items():
            status, body = _read(proxy, ca_file, source.url)
            assert status == 200
            for story in getattr(load_stories(), publisher):
                assert story.title.partition("'")[0].encode() in body


def test_the_address_of_each_story_has_its_article_or_a_wall(
    authority: Authority, sources: dict[str, Source], ca_file: Path
) -> None:
    with _opened(authority, sources.values(), ALL_WELL) as proxy:
        for publisher, source in sources.items():
            for story in getattr(load_stories(), publisher):
                address = story.url or urljoin(source.url, story.path)
                status, body = _read(proxy, ca_file, address)
                if "?" not in address:
                    assert _read(proxy, ca_file, f"{address}?utm_source=rss") == (status, body)
                assert status == 200
                if publisher in WALLED:
                    with pytest.raises(ArticleError, match="too little text"):
                        article_text(body, None, story.title)
                elif not story.url:
                    text = article_text(body, None, story.title)
                    assert text.startswith(story.text or "It is one more")
                    assert "depots for many years" not in text


def test_dates_count_back_from_the_day_of_the_rehearsal(
    authority: Authority, sources: dict[str, Source], ca_file: Path
) -> None:
    with _opened(authority, sources.values(), ALL_WELL) as proxy:
        _, page = _read(proxy, ca_file, sources["medincell"].url)
        _, feed = _read(proxy, ca_file, sources["fiercebiotech"].url)
    assert b"February 28, 2026" in page
    assert {entry.published_parsed[:3] for entry in feedparser.parse(feed).entries} >= {(2026, 3, 1), (2026, 2, 28)}


def test_a_site_that_no_source_names_is_refused(
    authority: Authority, sources: dict[str, Source], ca_file: Path
) -> None:
    with _opened(authority, sources.values(), ALL_WELL) as proxy:
        with pytest.raises(urllib3.exceptions.ProxyError, match="reaches no real web site"):
            _read(proxy, ca_file, "https://www.example.com/")
        assert _read(proxy, ca_file, "http://www.medincell.com/news/")[0] == 502
        assert [refusal.host for refusal in proxy.refusals] == ["www.example.com", "www.medincell.com"]


def test_a_wrong_certificate_fails_the_handshake(
    authority: Authority, sources: dict[str, Source], ca_file: Path
) -> None:
    with (
        _opened(authority, sources.values(), Scenario(camurus="tls-mismatch")) as proxy,
        pytest.raises(urllib3.exceptions.SSLError, match="Hostname mismatch"),
    ):
        _read(proxy, ca_file, sources["camurus"].url)


def test_pages_can_be_empty_undated_cut_off_or_failing(
    authority: Authority, sources: dict[str, Source], ca_file: Path
) -> None:
    scenario = Scenario(
        medincell="not-found",
        camurus="server-error",
        delsitech="empty",
        nanexa="undated",
        fiercebiotech="undated",
        fiercepharma="cut-off",
        endpoints_news="empty",
    )
    with _opened(authority, sources.values(), scenario) as proxy:
        got = {name: _read(proxy, ca_file, sources[name].url) for name in sources if name != "peptron"}
    assert got["medincell"][0] == 404
    assert got["camurus"][0] == 503
    assert b"licence" not in got["delsitech"][1]
    assert b"2026-02" not in got["nanexa"][1]
    assert not any("published" in entry for entry in feedparser.parse(got["fiercebiotech"][1]).entries)
    assert feedparser.parse(got["fiercepharma"][1]).bozo
    assert feedparser.parse(got["endpoints_news"][1]).entries == []


def test_an_oversized_page_does_not_end_before_the_client_gives_up(
    authority: Authority, sources: dict[str, Source], ca_file: Path
) -> None:
    with _opened(authority, sources.values(), Scenario(nanexa="oversized")) as proxy:
        _, body = _read(proxy, ca_file, sources["nanexa"].url, limit=20_000_000)
    assert len(body) == 20_000_000


def test_a_slow_page_sends_single_bytes_until_the_stand_in_closes(
    authority: Authority, sources: dict[str, Source], ca_file: Path
) -> None:
    with _opened(authority, sources.values(), Scenario(nanexa="slow")) as proxy:
        status, first = _read(proxy, ca_file, sources["nanexa"].url, limit=1)
    assert (status, first) == (200, b"<")


def test_the_usual_scenario_has_a_failing_source_an_undated_item_and_the_same_story_twice() -> None:
    stories = load_stories()
    assert Scenario().peptron == "tls-mismatch"
    assert any(story.days_ago is None for story in stories.medincell)
    on_the_page = {f"https://www.nanexa.se{story.path}" for story in stories.nanexa}
    assert any(story.url in on_the_page for story in stories.fiercebiotech)


def test_an_unknown_condition_is_refused_by_name() -> None:
    with pytest.raises(VectoraError, match="'medincell' cannot be 'asleep': choose one of well"):
        Scenario(medincell="asleep")  # type: ignore[arg-type]


def test_a_source_without_sample_news_gets_404_and_two_sources_can_share_a_host(
    authority: Authority, sources: dict[str, Source], ca_file: Path
) -> None:
    new = Source(
        source_key="press_sector__new",
        source_type="press_sector",
        ingestion_mode="rss",
        url="https://www.medincell.com/feed?all=1",
    )
    with _opened(authority, [new, sources["medincell"]], ALL_WELL) as proxy:
        assert _read(proxy, ca_file, new.url)[0] == 404
        assert _read(proxy, ca_file, sources["medincell"].url)[0] == 200
