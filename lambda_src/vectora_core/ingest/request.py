"""Event, window and report of an ingestion."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from vectora_core.ingest.entries import DropReason
from vectora_core.items import Record
from vectora_shared.errors import InvalidEventError
from vectora_shared.runtime import Event

LOOKBACK_DAYS = 180
IngestionMode = Literal["balanced", "strict", "broad"]
Count = Annotated[int, Field(ge=0)]


class IngestRequest(Event):
    """Event of the ingest function; a key that is absent or null has its default."""

    client_id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] | None = None
    sources: tuple[str, ...] = ()
    period_days: Annotated[int, Field(ge=1, le=365)] | None = None
    from_date: date | None = None
    to_date: date | None = None
    target_date: date | None = None
    dry_run: bool = False
    draft: bool = False
    temporal_mode: Literal["strict", "flexible"] = "flexible"
    ingestion_mode: IngestionMode = "balanced"

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, data: Any) -> Any:
        return {key: value for key, value in data.items() if value is not None} if isinstance(data, dict) else data


class Window(Record):
    """First and last day of publication of the news that a run accepts."""

    first: date
    last: date

    def contains(self, day: date) -> bool:
        return self.first <= day <= self.last


class SourceReport(Record):
    """Result of one source; `empty` means that it answered, but without any entry.

    Each entry that was found is kept, or counted by the reason why it was dropped: other numbers cannot be reported.
    """

    source_key: str
    status: Literal["ok", "degraded", "failed", "empty"]
    items_found: Count = 0
    items_kept: Count = 0
    dropped: dict[DropReason, Count] = Field(default_factory=dict)
    undated: int = 0
    newest: date | None = None  # day of the newest entry, kept or not
    duration_ms: int = 0
    message: str = ""

    @model_validator(mode="after")
    def _adds_up(self) -> SourceReport:
        if self.items_found != self.items_kept + sum(self.dropped.values()):
            raise ValueError(
                f"{self.source_key}: {self.items_found} items found are not {self.items_kept} kept "
                f"and {self.dropped} dropped"
            )
        return self

    def with_dropped(self, reason: DropReason, count: int) -> SourceReport:
        """Return the report after `count` of the kept items were dropped for a reason."""
        if not count:
            return self
        dropped = {**self.dropped, reason: self.dropped.get(reason, 0) + count}
        kept = self.items_kept - count
        return SourceReport.model_validate({**dict(self), "items_kept": kept, "dropped": dropped})


class FullTextReport(Record):
    """Article pages of new items whose source gave too little text."""

    wanted: int = 0  # items with too little text
    read: int = 0  # items that now have their article's text
    failed: int = 0
    reasons: dict[str, int] = Field(default_factory=dict)  # of the failures, with their numbers
    failed_sources: dict[str, int] = Field(default_factory=dict)  # failures by source_key
    late: int = 0  # items for which there was no time
    warnings: tuple[str, ...] = ()


class IngestReport(Record):
    """Response body for one client."""

    client_id: str
    target_date: date
    from_date: date  # first day of the news that the run accepts
    to_date: date  # last day
    draft: bool
    output_key: str
    items_found: Count
    items_new: Count
    # Kept items that an earlier run had already ingested, on this day or before.
    items_known: Count
    items_earlier: Count  # of the file, by earlier runs of the day
    items_carried_over: Count
    items_undated: int
    items_total: Count
    dry_run: bool
    duration_ms: int
    sources: tuple[SourceReport, ...]
    full_texts: FullTextReport = FullTextReport()
    warnings: tuple[str, ...]

    @model_validator(mode="after")
    def _adds_up(self) -> IngestReport:
        found = sum(source.items_found for source in self.sources)
        kept = sum(source.items_kept for source in self.sources)
        if self.items_found != found or kept != self.items_new + self.items_known:
            raise ValueError(
                f"{self.client_id}: {self.items_found} items found, {self.items_new} new and {self.items_known} known "
                f"are not the {found} found and {kept} kept of the sources"
            )
        if self.items_total != self.items_earlier + self.items_carried_over + self.items_new:
            raise ValueError(
                f"{self.client_id}: {self.items_total} items are not {self.items_earlier} earlier ones, "
                f"{self.items_carried_over} carried over and {self.items_new} new"
            )
        return self


def window_of(request: IngestRequest, day: date, default_period_days: int) -> Window:
    """Return the window of an event; raise InvalidEventError when its dates make none."""
    last = request.to_date or day
    try:
        first = request.from_date or last - timedelta(days=request.period_days or default_period_days)
    except OverflowError as error:
        raise InvalidEventError(f"The event's to_date {last} is too far back: give a later one.") from error
    if first > last:
        raise InvalidEventError(f"The event's from_date {first} is after its to_date {last}: exchange them.")
    return Window(first=first, last=last)
