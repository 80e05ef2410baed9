"""Inputs of a preview: the news of a day, and the deployed configuration."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from client_files.buckets import keys_below
from client_files.preview.model import News, OtherBaseline, is_by_model
from vectora_core.item_files import parse_items, read_items, without_repeated_ids
from vectora_core.items import CuratedItem, IngestedItem
from vectora_core.normalize.stories import Story, stories_of
from vectora_shared.config.configuration import Configuration
from vectora_shared.config.content import Content
from vectora_shared.config.loading import load_configuration
from vectora_shared.errors import ConfigurationError, VectoraError
from vectora_shared.keys import (
    CLIENTS_PREFIX,
    client_key,
    curated_prefix,
    day_of_folder,
    day_of_items_key,
    ingested_prefix,
    items_key,
)
from vectora_shared.storage import Bucket


def news_of_environment(env: str, data: Bucket, client_id: str, day: date | None, *, calls_model: bool) -> News:
    """Return the news of a day from an environment's data bucket, by default of the newest day.

    Raises VectoraError when there is none.
    """
    prefix = curated_prefix(client_id)
    days = sorted(found for key in keys_below(data, prefix) if (found := day_of_items_key(key, prefix)))
    if not days:
        raise VectoraError(
            f"{env} has no news of {client_id} for a preview: deploy the client and run it first (./vectora run "
            f"{client_id} --env {env} --issue), or use another client's news (--data)."
        )
    chosen = day or days[-1]
    if chosen not in days:
        raise VectoraError(f"{env} has no news of {client_id} of {chosen}: the newest is of {days[-1]}.")
    ingested = read_items(data, items_key(ingested_prefix(client_id), chosen), IngestedItem, "ingestion")
    curated = read_items(data, items_key(prefix, chosen), CuratedItem, "normalize-score")
    return news_of_day(ingested, curated, chosen, calls_model=calls_model)


def news_in_file(file: Path, day: date | None) -> News:
    """Return the news in a file of curated items; its day is `day`, that of the path, or that of the newest item.

    Raises VectoraError when the file cannot be read or has no items.
    """
    curated = parse_items(_json_in(file), str(file), CuratedItem, "give a curated items.json.")
    if not curated:
        raise VectoraError(f"{file} has no items: give the curated items.json of another day.")
    newest = max(item.ingested_at.date() for item in curated)
    return news_of_curated(curated, day or _day_of_file(file.resolve()) or newest)


def news_of_day(
    ingested: Sequence[IngestedItem], curated: Sequence[CuratedItem], day: date, *, calls_model: bool
) -> News:
    """Return the input of a run of normalize-score for that day."""
    return News(day, tuple(stories_of(ingested)), _by_id(curated), calls_model)


def news_of_curated(curated: Sequence[CuratedItem], day: date) -> News:
    """Return the same input from curated items alone, whose text is already shortened to the story."""
    stored = _by_id(curated)
    calls_model = any(is_by_model(item) for item in stored.values())
    items = [(_as_ingested(item), item.normalized_content) for item in stored.values()]
    if any("extracted_date" not in content.model_fields_set for _, content in items):
        # The system that was deployed by hand did not shorten texts: its curated items have the ingested text.
        return News(day, tuple(stories_of(item for item, _ in items)), stored, calls_model)
    stories = (Story(item, content.extracted_date, content.date_confidence) for item, content in items)
    return News(day, tuple(stories), stored, calls_model)


def deployed_configuration(env: str, content: Content, client_id: str) -> Configuration | OtherBaseline:
    """Return the client's configuration in the environment's config bucket; "nothing" when the client is new there.

    Raises VectoraError when this release cannot read it.
    """
    if client_key(client_id) not in content.keys(CLIENTS_PREFIX):
        return "nothing"
    try:
        return load_configuration(content, client_id)
    except ConfigurationError as error:
        raise VectoraError(
            f"The configuration deployed in {env} is not valid for this release. Compare with a folder instead "
            f"(--baseline). {error}"
        ) from error


def _day_of_file(file: Path) -> date | None:
    """Return the day that the folders of a file name, such as 2026/01/06/items.json."""
    folder = "/".join(file.parts[-4:-1])
    return day_of_folder(f"{folder}/") if file.name == "items.json" else None


def _json_in(file: Path) -> Any:
    try:
        return json.loads(file.read_bytes())
    except OSError as error:
        raise VectoraError(f"{file} cannot be read ({error.strerror}): give a curated items.json.") from error
    except ValueError as error:
        raise VectoraError(f"{file} is not JSON ({error}): give a curated items.json.") from error


def _as_ingested(item: CuratedItem) -> IngestedItem:
    return IngestedItem.model_validate(item.model_dump())


def _by_id(curated: Sequence[CuratedItem]) -> dict[str, CuratedItem]:
    return {item.item_id: item for item in without_repeated_ids(curated)}
