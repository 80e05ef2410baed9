"""Data model of a preview."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal, cast, get_args

from vectora_core.items import CuratedItem, IngestedItem, NormalizedContent
from vectora_core.newsletter.reports import event_of
from vectora_core.newsletter.selection import Selection
from vectora_core.normalize.scoring import ScoringMode
from vectora_core.normalize.stories import Story
from vectora_shared.config.client import ClientConfig, LayoutSection

Kind = Literal["comes", "goes", "moves", "is rescored"]
# What an edit is compared with if not with a configuration: the results in the items' file, or an empty newsletter.
OtherBaseline = Literal["stored results", "nothing"]
TITLE_CHARACTERS = 60


@dataclass(frozen=True)
class News:
    """A day's news as it is before analysis, and the engine's last results for it by item_id."""

    day: date
    stories: tuple[Story, ...]
    stored: Mapping[str, CuratedItem]
    calls_model: bool  # whether a run in the environment of this news calls the model

    @property
    def mode(self) -> ScoringMode:
        """Scoring mode of the stored results; the workflow's default if they have none or several."""
        modes = {item.scoring_results.score_breakdown.scoring_mode for item in self.stored.values()}
        known = sorted(modes & set(get_args(ScoringMode)))
        return cast(ScoringMode, known[0]) if len(known) == 1 else "balanced"

    @property
    def answered(self) -> Mapping[str, NormalizedContent]:
        """Stored answers of the model by item_id; none if a run does not call the model."""
        items = [self.stored.get(story.item.item_id) for story in self.stories] if self.calls_model else []
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
class Placement:
    """Section and position of an item in a newsletter, counted from 1, and its score."""

    section_id: str
    position: int
    score: float


@dataclass(frozen=True)
class ItemChange:
    """Change of one item; `before` is None for an item that comes, `after` for one that goes."""

    kind: Kind
    item_id: str
    title: str
    why: str
    before: Placement | None
    after: Placement | None


@dataclass(frozen=True)
class Preview:
    """Both newsletters and their differences; `notes` name effects of the edit that a preview cannot show."""

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
    """One side of the comparison: a newsletter, and all items that it was selected from."""

    client: ClientConfig
    items: Mapping[str, CuratedItem]
    selection: Selection

    @property
    def placements(self) -> dict[str, Placement]:
        """Placements by item_id, in the order of the newsletter."""
        return {
            item.item_id: Placement(filled.section.id, position, item.scoring_results.final_score)
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


def short_title(title: str) -> str:
    return title if len(title) <= TITLE_CHARACTERS else title[: TITLE_CHARACTERS - 1].rstrip() + "…"


def is_by_model(item: CuratedItem) -> bool:
    return item.normalized_content.normalization_metadata.analyzer == "bedrock"


def _preview_item(item: CuratedItem) -> PreviewItem:
    return PreviewItem(item.item_id, title_of(item), item.scoring_results.final_score, event_of(item))


def title_of(item: IngestedItem) -> str:
    return " ".join(item.title.split())


def score_of(item: CuratedItem) -> float:
    return item.scoring_results.final_score
