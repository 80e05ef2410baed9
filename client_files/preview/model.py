"""Data model of a preview."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal, cast, get_args

from vectora_core.items import CuratedItem, IngestedItem, NormalizedContent
from vectora_core.newsletter.selection import Selection, event_of
from vectora_core.normalize.scoring import ScoringMode
from vectora_core.normalize.stories import Story
from vectora_shared.config.client import ClientConfig, LayoutSection

Kind = Literal["comes", "goes", "moves", "is rescored"]
# What the edit is compared with when it is not a configuration: what the items' file says, or an empty newsletter.
Instead = Literal["stored results", "nothing"]
TITLE_CHARACTERS = 60


@dataclass(frozen=True)
class News:
    """A day's news as the engine has it before analysis, and what it made of it the last time, by item_id."""

    day: date
    stories: tuple[Story, ...]
    stored: Mapping[str, CuratedItem]
    asks_model: bool  # whether a run would, where this news is from

    @property
    def mode(self) -> ScoringMode:
        """How the day was scored; as the workflow does where nothing tells."""
        modes = {item.scoring_results.score_breakdown.scoring_mode for item in self.stored.values()}
        known = sorted(modes & set(get_args(ScoringMode)))
        return cast(ScoringMode, known[0]) if len(known) == 1 else "balanced"

    @property
    def answered(self) -> Mapping[str, NormalizedContent]:
        """The model's stored answers by item_id, as far as a run would ask it for them."""
        items = [self.stored.get(story.item.item_id) for story in self.stories] if self.asks_model else []
        return {item.item_id: item.normalized_content for item in items if item and is_by_model(item)}


@dataclass(frozen=True)
class PreviewItem:
    item_id: str
    title: str
    score: float
    event: str


@dataclass(frozen=True)
class PreviewSection:
    section_id: str
    title: str
    items: tuple[PreviewItem, ...]


@dataclass(frozen=True)
class Place:
    """Where an item stands in a newsletter, counted from 1."""

    section_id: str
    position: int
    score: float


@dataclass(frozen=True)
class ItemChange:
    """`before` is None for what comes, `after` for what goes."""

    kind: Kind
    item_id: str
    title: str
    why: str
    before: Place | None
    after: Place | None


@dataclass(frozen=True)
class Preview:
    """Both newsletters and what is different; `notes` say what does not show in a preview of this edit."""

    client_id: str
    day: date
    scoring_mode: ScoringMode
    items: int
    before: tuple[PreviewSection, ...]
    after: tuple[PreviewSection, ...]
    changes: tuple[ItemChange, ...]
    summary: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Side:
    """A newsletter, with the items that are not in it."""

    client: ClientConfig
    items: Mapping[str, CuratedItem]
    selection: Selection

    @property
    def places(self) -> dict[str, Place]:
        """By item_id, in the order of the newsletter."""
        return {
            item.item_id: Place(filled.section.id, position, item.scoring_results.final_score)
            for filled in self.selection.sections
            for position, item in enumerate(filled.items, start=1)
        }

    @property
    def sections(self) -> tuple[PreviewSection, ...]:
        return tuple(
            PreviewSection(filled.section.id, filled.section.title, tuple(_preview_item(item) for item in filled.items))
            for filled in self.selection.sections
        )

    @property
    def layout(self) -> dict[str, LayoutSection]:
        return {section.id: section for section in self.client.newsletter_layout.sections}


def shortened(title: str) -> str:
    return title if len(title) <= TITLE_CHARACTERS else title[: TITLE_CHARACTERS - 1].rstrip() + "…"


def is_by_model(item: CuratedItem) -> bool:
    return item.normalized_content.normalization_metadata.analyzer == "bedrock"


def _preview_item(item: CuratedItem) -> PreviewItem:
    return PreviewItem(item.item_id, title_of(item), item.scoring_results.final_score, event_of(item))


def title_of(item: IngestedItem) -> str:
    return " ".join(item.title.split())


def score_of(item: CuratedItem) -> float:
    return item.scoring_results.final_score
