"""Events of the functions that work on the items of one client and day."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import Field, model_validator

from vectora_shared.config.values import Identifier
from vectora_shared.runtime import Event


class DayEvent(Event):
    """Client, day, and whether the run makes a draft; `ingestion` is the result of the run's ingestion, if any."""

    client_id: Identifier
    target_date: date | None = Field(default=None, description="day of the input; the newest when omitted")
    draft: bool = False

    @model_validator(mode="before")
    @classmethod
    def _as_ingested(cls, data: Any) -> Any:
        # One step decides for all. Releases before drafts have none in the result.
        if isinstance(data, dict) and isinstance(data.get("ingestion"), dict):
            return {**data, "draft": data["ingestion"].get("draft", False)}
        return data
