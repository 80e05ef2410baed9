"""Reader of sources on this machine, with the limits of the ingest function."""

from __future__ import annotations

from vectora_core.ingest.collector import PageReader
from vectora_core.ingest.fetch import Fetcher
from vectora_core.ingest.pacing import PacedPageReader
from vectora_core.ingest.samples import PageReaderWithSamples
from vectora_shared.config.content import Content


def page_reader(content: Content) -> PageReader:
    """Return a reader of the internet, and of the samples in the configuration."""
    return PageReaderWithSamples(PacedPageReader(Fetcher()), content)
