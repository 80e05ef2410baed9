"""Pauses between the requests to one host."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from vectora_core.ingest.collector import PageReader
from vectora_core.ingest.fetch import Page

# One request per second at most, for every host. NCBI allows 3 a second without a key
# (https://www.ncbi.nlm.nih.gov/books/NBK25497/), openFDA 240 a minute (https://open.fda.gov/apis/authentication/), and
# ClinicalTrials.gov names no limit, but `Crawl-delay: 1` in its robots.txt.
SECONDS_BETWEEN_REQUESTS = 1.0


class PacedPageReader:
    """Reader that waits before a request so that its host gets one a second at most; safe to use from several threads.

    The pause is between the starts of two requests. Redirects and further attempts count as part of the first.
    """

    def __init__(
        self,
        fetcher: PageReader,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetcher = fetcher
        self._sleep = sleep
        self._clock = clock
        self._lock = threading.Lock()
        self._next_start: dict[str, float] = {}

    def fetch(self, url: str) -> Page:
        """Return the page, after the pause that its host needs."""
        wait = self._reserve(_host(url))
        if wait > 0:
            self._sleep(wait)
        return self._fetcher.fetch(url)

    def _reserve(self, host: str) -> float:
        """Reserve the next start of a request to a host; return the seconds until then."""
        with self._lock:
            now = self._clock()
            start = max(now, self._next_start.get(host, now))
            self._next_start[host] = start + SECONDS_BETWEEN_REQUESTS
            return start - now


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return url
