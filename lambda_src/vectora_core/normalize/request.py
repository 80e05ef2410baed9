"""Event and settings of the model of function normalize-score."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pydantic import Field

from vectora_core.analysis.bedrock import ConverseClient, Fallback
from vectora_core.normalize.scoring import ScoringMode
from vectora_shared.config.values import Identifier
from vectora_shared.runtime import Event


class NormalizeEvent(Event):
    client_id: Identifier
    target_date: date | None = Field(default=None, description="day of the ingested items; the newest when omitted")
    scoring_mode: ScoringMode = "balanced"


@dataclass(frozen=True)
class Model:
    """Client of the model, number of concurrent calls, and what to do when a call fails."""

    client: ConverseClient
    concurrency: int
    fallback: Fallback
