"""Event and settings of the model of function normalize-score."""

from __future__ import annotations

from dataclasses import dataclass

from vectora_core.analysis.bedrock import ConverseClient, Fallback
from vectora_core.day_event import DayEvent
from vectora_core.normalize.scoring import ScoringMode


class NormalizeEvent(DayEvent):
    scoring_mode: ScoringMode = "balanced"


@dataclass(frozen=True)
class Model:
    """Client of the model, number of concurrent calls, and what to do when a call fails."""

    client: ConverseClient
    concurrency: int
    fallback: Fallback
