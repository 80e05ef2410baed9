"""Samples: sources whose news is published with the configuration and read from its bucket."""

from __future__ import annotations

from vectora_core.ingest.collector import PageReader
from vectora_core.ingest.fetch import Page
from vectora_shared.config.content import Content
from vectora_shared.config.sources import SAMPLES


class PageReaderWithSamples:
    """Reader of samples from the configuration content, and of all other sources from the internet."""

    def __init__(self, fetcher: PageReader, content: Content) -> None:
        self._fetcher = fetcher
        self._content = content

    def fetch(self, url: str) -> Page:
        """Return the page; raise ConfigurationError when a sample is missing, VectoraError when a site fails."""
        if url.startswith(SAMPLES):
            return Page(url=url, body=self._content.read(url.removeprefix(SAMPLES)))
        return self._fetcher.fetch(url)
