"""Whatever sources contain, each entry that was found is an item of the run or is counted with its reason."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from html import escape
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from vectora_core.ingest.fetch import Page
from vectora_core.ingest.request import IngestReport, IngestRequest, SourceReport
from vectora_core.ingest.run import ingest_client
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.content import FolderContent
from vectora_shared.config.sources import Source, SourceCatalog

NOW = datetime(2026, 1, 30, 6, tzinfo=UTC)
RSS, ATOM, SITE = "https://paper.example/feed", "https://wire.example/atom", "https://nordika.example/news/"


class Memory:
    """Bucket in memory."""

    name = "data"

    def __init__(self) -> None:
        self.objects: dict[str, Any] = {}

    def read_json(self, key: str) -> Any:
        return self.objects.get(key)

    def write_json(self, key: str, document: Any) -> None:
        self.objects[key] = document

    def keys(self, prefix: str) -> list[str]:
        return sorted(key for key in self.objects if key.startswith(prefix))


class Web:
    """Web with an answer for each address."""

    def __init__(self, answers: dict[str, bytes]) -> None:
        self._answers = answers

    def fetch(self, url: str) -> Page:
        return Page(url=url, body=self._answers[url], charset="utf-8")


def source(key: str, url: str, mode: str, **more: Any) -> Source:
    return Source.model_validate(
        {"source_key": key, "source_type": key.split("__")[0], "ingestion_mode": mode, "url": url, **more}
    )


def client() -> ClientConfig:
    document = {
        "client_profile": {"client_id": "test", "name": "Test", "version": "1.0.0"},
    }
    return ClientConfig.model_validate(document)


Entry = tuple[str, str, str, date | None]  # title, link, text, day


def rss(entries: list[Entry]) -> bytes:
    def item(title: str, link: str, text: str, day: date | None) -> str:
        stamp = f"<pubDate>{day:%d %b %Y} 08:00:00 +0900</pubDate>" if day else ""
        written = f"<link>{escape(link)}</link>" if link else ""
        return f"<item><title>{escape(title)}</title>{written}<description>{escape(text)}</description>{stamp}</item>"

    return f'<rss version="2.0"><channel><title>x</title>{"".join(item(*entry) for entry in entries)}</channel></rss>'.encode()


def atom(entries: list[Entry]) -> bytes:
    def item(number: int, title: str, link: str, text: str, day: date | None) -> str:
        stamp = f"<updated>{day}T08:00:00Z</updated>" if day else ""
        return (
            f"<entry><id>n{number}</id><title>{escape(title)}</title><link href='{escape(link)}'/>{stamp}"
            f"<summary>{escape(text)}</summary></entry>"
        )

    items = "".join(item(number, *entry) for number, entry in enumerate(entries))
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>x</title>{items}</feed>'.encode()


def page(entries: list[Entry]) -> bytes:
    items = "".join(
        f'<li class="news-item"><span class="date">{day or ""}</span><a href="{escape(link)}">{escape(title)}</a><p>{escape(text)}</p></li>'
        for title, link, text, day in entries
    )
    return f'<html><body><main><ul class="news">{items}</ul></main></body></html>'.encode()
