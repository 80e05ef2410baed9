"""A run requests the article pages of its new items; no other run requests them again."""

from __future__ import annotations

from datetime import timedelta

from tests.unit.ingest.article_pages import TITLE, article
from tests.unit.ingest.test_full_texts import in_this_process
from tests.unit.ingest.test_ingest_runs import NOW, Workshop, workshop
from vectora_core.ingest.fetch import Page
from vectora_core.ingest.full_text import FullTexts

__all__ = ["workshop"]


class _Articles:
    """A web of articles, all of the same text."""

    def __init__(self) -> None:
        self.requested: list[str] = []

    def fetch(self, url: str) -> Page:
        self.requested.append(url)
        return Page(url=url, body=article())


def test_each_article_is_requested_once_ever(workshop: Workshop) -> None:
    articles = _Articles()
    texts = FullTexts(articles, 180, reader=in_this_process, sleep=lambda _: None)
    workshop.web.feed((TITLE, "2026-01-20"), ("Norvanta opens an office in Oslo", "2026-01-21"))

    body = workshop.run(full_texts=texts)

    assert sorted(articles.requested) == [
        "https://nordika.example/Nordika-signs-a-big-deal",
        "https://paper.example/feed/Norvanta-opens-an-office-in-Oslo",
        "https://paper.example/feed/Norvanta-starts-a-phase-2-trial-of-its-monthly-naltrexone-depot",
    ]
    assert {item["title"]: item["metadata"]["full_text"] for item in workshop.items()}[TITLE]
    assert (body["full_texts"]["wanted"], body["full_texts"]["read"]) == (3, 1)
    assert body["full_texts"]["reasons"] == {"The page's text is not about the item": 2}

    articles.requested.clear()
    for now in (NOW, NOW + timedelta(days=1), NOW + timedelta(days=7)):
        workshop.curate((now - timedelta(days=1)).date())
        assert workshop.run(now, full_texts=texts)["full_texts"]["wanted"] == 0
    assert articles.requested == []


def test_a_dry_run_requests_no_article(workshop: Workshop) -> None:
    articles = _Articles()
    workshop.run(dry_run=True, full_texts=FullTexts(articles, 180, reader=in_this_process))
    assert articles.requested == []
