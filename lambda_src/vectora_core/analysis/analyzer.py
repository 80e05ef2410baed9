"""Concurrent analysis of a run's items, within the function's remaining time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import Protocol

from vectora_core.items import IngestedItem, NormalizedContent

SecondsLeft = Callable[[], float | None]


class Analyzer(Protocol):
    """An analyzer of single items."""

    def analyze(self, item: IngestedItem) -> NormalizedContent: ...


class ModelAnalyzer(Analyzer, Protocol):
    """An analyzer that may be too slow, and then falls back to another one."""

    def fall_back(self, item: IngestedItem, reason: str) -> NormalizedContent: ...


def analyze_concurrently(
    items: Sequence[IngestedItem], analyzer: ModelAnalyzer, concurrency: int, seconds_left: SecondsLeft
) -> list[NormalizedContent]:
    """Return the analyses in the order of the items; items that are not done in time fall back.

    Raise AnalyzerError as soon as a call fails in a way that every call would.
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
