"""The newest day of a client's data is the same, whether one listing finds it or a walk through its folders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vectora_ops.snapshots.bucket_source import _newest_day

CLIENT = "ingested/lai_weekly/"


class Bucket:
    """S3's listings of one bucket; a page has `page` keys."""

    def __init__(self, keys: list[str], page: int) -> None:
        self.keys = sorted(keys)
        self.page = page
        self.requests = 0

    def list_objects_v2(self, **request: Any) -> dict[str, Any]:
        self.requests += 1
        found = [{"Key": key} for key in self.keys if key.startswith(request["Prefix"])]
        page = request.get("MaxKeys", self.page)
        return {"Contents": found[:page], "IsTruncated": len(found) > page}

    def get_paginator(self, name: str) -> Bucket:
        assert name == "list_objects_v2"
        return self

    def paginate(self, **request: str) -> Iterator[dict[str, Any]]:
        self.requests += 1
        prefix = request["Prefix"]
        below = {key.removeprefix(prefix) for key in self.keys if key.startswith(prefix)}
        yield {"CommonPrefixes": [{"Prefix": f"{prefix}{each}/"} for each in folders(below)]}


def folders(paths: set[str]) -> list[str]:
    return sorted({path.partition("/")[0] for path in paths if "/" in path})


STRAYS = [
    # A folder that someone created, and days that are none, or have no items.
    f"{CLIENT}2099/01/01/",
    f"{CLIENT}2099/01/02/.DS_Store",
    f"{CLIENT}2098/02/30/items.json",
    f"{CLIENT}2098/13/01/items.json",
    f"{CLIENT}2098/01/01/items.json.bak",
    f"{CLIENT}2098/01/01/items.json/",
    f"{CLIENT}\u0662\u0660\u0662\u0666/01/01/items.json",
    f"{CLIENT}archive/2098/01/01/items.json",
    f"{CLIENT}2098/01/01/archive/items.json",
    f"{CLIENT}2098/01/items.json",
]
DAYS = st.dates().map(lambda day: f"{CLIENT}{day.year:04}/{day:%m/%d}/items.json")
OTHERS = st.sampled_from(
    [f"{CLIENT}notes.txt", f"{CLIENT}20x6/01/02/items.json", "ingested/other/2099/01/01/items.json"]
)


@settings(deadline=None)
@given(st.lists(DAYS | OTHERS | st.sampled_from(STRAYS), min_size=2, max_size=12))
def test_one_listing_finds_the_same_day_as_a_walk(keys: list[str]) -> None:
    at_once, walked = Bucket(keys, page=1000), Bucket(keys, page=0)
    assert _newest_day(at_once, "data", CLIENT) == _newest_day(walked, "data", CLIENT)
    assert at_once.requests == 1


@pytest.mark.parametrize("page", [0, 1000])
def test_stray_objects_are_no_day(page: int) -> None:
    run = f"{CLIENT}2026/01/06/items.json"

    assert _newest_day(Bucket([run, *STRAYS], page), "data", CLIENT) == f"{CLIENT}2026/01/06/"
    assert _newest_day(Bucket(STRAYS, page), "data", CLIENT) == CLIENT


def test_a_client_with_many_files_is_not_listed_to_its_end() -> None:
    few = Bucket([f"{CLIENT}2026/01/{day:02}/items.json" for day in range(1, 31)], page=10)
    many = Bucket(
        [f"{CLIENT}2026/{month:02}/{day:02}/items.json" for month in range(1, 11) for day in range(1, 31)], 10
    )
    assert _newest_day(few, "data", CLIENT) == f"{CLIENT}2026/01/30/"
    assert _newest_day(many, "data", CLIENT) == f"{CLIENT}2026/10/30/"
    assert few.requests == many.requests
