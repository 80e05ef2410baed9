"""Samples: news that is published with the configuration and read from its bucket, like any source otherwise."""

from __future__ import annotations

from vectora_core.ingest.collector import PageReader
from vectora_core.ingest.fetch import Page
from vectora_shared.config.content import Content
from vectora_shared.config.sources import SAMPLES


class PageReaderWithSamples:
    """Reads samples from the configuration content and everything else from the internet."""

    def __init__(self, fetcher: PageReader, content: Content) -> None:
        self._fetcher = fetcher
        self._content = content

    def fetch(self, url: str) -> Page:
        """Raises ConfigurationError naming a sample that is missing, VectoraError when a site does not answer."""
        if url.startswith(SAMPLES):
            return Page(url=url, body=self._content.read(url.removeprefix(SAMPLES)))
        return self._fetcher.fetch(url)
