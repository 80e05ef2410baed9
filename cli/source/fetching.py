"""Reader of sources on this machine, with the limits of the ingest function."""

from __future__ import annotations

import logging

from cli.paths import ROOT
from vectora_core.ingest.collector import PageReader
from vectora_core.ingest.fetch import Fetcher
from vectora_core.ingest.pacing import PacedPageReader
from vectora_core.ingest.samples import PageReaderWithSamples
from vectora_ops.settings import load_settings
from vectora_shared.config.content import Content


def page_reader(content: Content) -> PageReader:
    """Return a reader of the internet, and of the samples in the configuration."""
    # The commands print the same reasons as their result.
    logging.getLogger("vectora").addHandler(logging.NullHandler())
    return PageReaderWithSamples(PacedPageReader(Fetcher(contact=load_settings(ROOT).contact_address)), content)
