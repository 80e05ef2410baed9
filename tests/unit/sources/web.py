"""A web of pages by address, for trials and checks of sources."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

from client_files.sources.trial import Trial, try_address
from vectora_core.ingest.fetch import Page
from vectora_shared.config.content import FolderContent
from vectora_shared.config.loading import load_canonical
from vectora_shared.config.sources import IngestionMode
from vectora_shared.errors import VectoraError

TODAY = date(2026, 1, 30)
CONFIG = FolderContent(Path(__file__).resolve().parents[3] / "config")
CANONICAL = load_canonical(CONFIG)


class Web:
    """Pages by address; an address without a page answers 404, errors are raised."""

    def __init__(self, pages: dict[str, Any] | None = None) -> None:
        self.pages: dict[str, Any] = pages or {}
        self.requested: list[str] = []

    def fetch(self, url: str) -> Page:
        self.requested.append(url)
        answer = self.pages.get(url, VectoraError(f"The site answered 404 Not Found: there is no page at {url}."))
        match answer:
            case Exception():
                raise answer
            case Page():
                return answer
            case str():
                return Page(url=url, body=answer.encode(), charset="utf-8")
            case bytes():
                return Page(url=url, body=answer)
            case _:
                return Page(url=url, body=json.dumps(answer).encode())


def feed(*days: str, title: str = "Depot Daily", language: str = "en") -> str:
    items = "".join(
        f"<item><title>A depot on day {number}</title><link>/{number}</link><description>Some text.</description>"
        f"<pubDate>{day}</pubDate></item>"
        for number, day in enumerate(days)
    )
    return (
        f'<?xml version="1.0"?><rss version="2.0"><channel><title>{title}</title><language>{language}</language>'
        f"{items}</channel></rss>"
    )


def tried(url: str, pages: dict[str, Any], mode: IngestionMode | None = None, **settings: Any) -> Trial:
    """Return the trial of an address on a web with these pages."""
    return try_address(url, CONFIG, CANONICAL, fetcher=Web(pages), today=TODAY, period_days=14, mode=mode, **settings)
