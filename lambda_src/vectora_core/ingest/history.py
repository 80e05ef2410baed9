"""Items of earlier ingestions, by whether their day was also curated; the others are carried over."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

from pydantic import TypeAdapter, ValidationError

from vectora_core.items import IngestedItem, Record
from vectora_shared.errors import VectoraError
from vectora_shared.keys import curated_prefix, day_of_items_key, ingested_prefix, items_key
from vectora_shared.storage import Bucket

logger = logging.getLogger("vectora")

_PARALLEL_READS = 8


class History(Record):
    """Items that earlier runs ingested: on the run's own day, on curated days, and on days that were not curated."""

    today: tuple[IngestedItem, ...] = ()
    seen: tuple[IngestedItem, ...] = ()
    uncurated: tuple[IngestedItem, ...] = ()
    warnings: tuple[str, ...] = ()


def read_history(data: Bucket, client_id: str, day: date, lookback_days: int) -> History:
    """Return the items ingested in the days up to `day`.

    Raise VectoraError when the file of `day` itself cannot be read, because the run must add to it.
    """
    earliest = day - timedelta(days=lookback_days)
    ingested = [found for found in _days(data, ingested_prefix(client_id)) if earliest <= found <= day]
    curated = set(_days(data, curated_prefix(client_id)))
    items: dict[date, tuple[IngestedItem, ...]] = {}
    warnings: list[str] = []
    with ThreadPoolExecutor(_PARALLEL_READS) as pool:
        reads = {found: pool.submit(_items, data, items_key(ingested_prefix(client_id), found)) for found in ingested}
    for found, read in reads.items():
        try:
            items[found] = read.result()
        except VectoraError as error:
            if found == day:
                raise
            logger.warning("%s", error)
            warnings.append(str(error))
    return History(
        today=items.pop(day, ()),
        seen=_joined(items[found] for found in items if found in curated),
        uncurated=_joined(items[found] for found in items if found not in curated),
        warnings=tuple(warnings),
    )


def _days(data: Bucket, prefix: str) -> list[date]:
    return [day for key in data.keys(prefix) if (day := day_of_items_key(key, prefix))]


def _items(data: Bucket, key: str) -> tuple[IngestedItem, ...]:
    try:
        document = data.read_json(key)
        return TypeAdapter(tuple[IngestedItem, ...]).validate_python(document or ())
    except (json.JSONDecodeError, UnicodeDecodeError, ValidationError) as error:
        raise VectoraError(
            f"s3://{data.name}/{key} is not a list of ingested items: restore an earlier version of it."
        ) from error


def _joined(groups: Iterable[tuple[IngestedItem, ...]]) -> tuple[IngestedItem, ...]:
    return tuple(item for group in groups for item in group)
