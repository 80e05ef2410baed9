"""Files of news items in the data bucket, one per client and day."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from vectora_core.items import IngestedItem
from vectora_shared.errors import VectoraError
from vectora_shared.keys import day_of_items_key
from vectora_shared.storage import Bucket

Clock = Callable[[], datetime]
ItemT = TypeVar("ItemT", bound=IngestedItem)


def newest_day(data: Bucket, prefix: str, stage: str) -> date:
    """Return the newest day that has an items file; raise VectoraError, naming the stage to run, when there is none."""
    days = [day for key in data.keys(prefix) if (day := day_of_items_key(key, prefix))]
    if not days:
        raise VectoraError(f"s3://{data.name}/{prefix} has no items: run {stage} first.")
    return max(days)


def read_items(data: Bucket, key: str, model: type[ItemT], stage: str) -> list[ItemT]:
    """Return the items of a file; raise VectoraError when the file is missing or an entry is not an item."""
    document = data.read_json(key)
    if document is None:
        raise VectoraError(f"s3://{data.name}/{key} is missing: run {stage} for that day first.")
    return parse_items(document, f"s3://{data.name}/{key}", model, f"run {stage} for that day again.")


def parse_items(document: Any, origin: str, model: type[ItemT], advice: str) -> list[ItemT]:
    """Return the items of a JSON document; raise VectoraError with `advice` when it is not a list of items."""
    if not isinstance(document, list):
        raise VectoraError(f"{origin} is not a list of items: {advice}")
    items = []
    for position, entry in enumerate(document):
        try:
            items.append(model.model_validate(entry))
        except ValidationError as error:
            detail = error.errors()[0]
            where = ".".join(map(str, detail["loc"]))
            raise VectoraError(
                f"{origin}: entry {position} is no item ('{where}': {detail['msg']}): {advice}"
            ) from error
    return items


def without_repeated_ids(items: Iterable[ItemT]) -> list[ItemT]:
    """Return one item per item_id, in order; of several, the one with the longest text."""
    best: dict[str, ItemT] = {}
    for item in items:
        known = best.get(item.item_id)
        if known is None or len(item.content) > len(known.content):
            best[item.item_id] = item
    return list(best.values())
