"""All items of a run through the configured analyzer, several at a time and within the time there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import Protocol

from vectora_core.items import IngestedItem, NormalizedContent

SecondsLeft = Callable[[], float | None]


class Analyzer(Protocol):
    """Says what an item is about."""

    def analyze(self, item: IngestedItem) -> NormalizedContent: ...


class ModelAnalyzer(Analyzer, Protocol):
    """An analyzer that may be too slow."""

    def fall_back(self, item: IngestedItem, reason: str) -> NormalizedContent: ...


def analyze_concurrently(
    items: Sequence[IngestedItem], analyzer: ModelAnalyzer, concurrency: int, seconds_left: SecondsLeft
) -> list[NormalizedContent]:
    """Analyses in the order of the items; those not done when the time is over fall back.

    Raises AnalyzerError as soon as the analyzer cannot work at all.
    """
    executor = ThreadPoolExecutor(concurrency)
    try:
        futures = [executor.submit(analyzer.analyze, item) for item in items]
        done, _ = wait(futures, timeout=seconds_left(), return_when=FIRST_EXCEPTION)
        if failure := next((error for future in futures if future in done and (error := future.exception())), None):
            raise failure
        return [
            future.result() if future in done else analyzer.fall_back(item, "the run's time was over")
            for item, future in zip(items, futures, strict=True)
        ]
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
