"""Index parts end at places that follow from the paths, so that a small change rewrites one or two of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vectora_ops.snapshots import packing, part_ends, reading
from vectora_ops.snapshots.component_writer import ComponentWriter
from vectora_ops.snapshots.items import Item, ItemContent
from vectora_ops.snapshots.kept_bodies import KeptBodies
from vectora_ops.snapshots.manifest import ComponentRecord, OpenComponent, Part
from vectora_ops.snapshots.object_store import Stored
from vectora_ops.snapshots.part_ends import LONGEST_PART, SHORTEST_PART, PartEnds
from vectora_ops.snapshots.used_objects import UsedObjects
from vectora_ops.snapshots.vault import Vault

SIZES = (10_000, 100_000)


def paths_of(count: int) -> list[str]:
    return [f"lai_weekly/{number // 28:06}/{number % 28:02}/newsletter.md" for number in range(count)]


def parts_of(paths: list[str]) -> list[tuple[str, ...]]:
    items = PartEnds((path, path) for path in paths)
    found: list[tuple[str, ...]] = []
    part: list[str] = []
    for path in items:
        part.append(path)
        if items.has_end(path):
            found.append(tuple(part))
            part = []
    return [*found, tuple(part)] if part else found


def parts_by_the_whole_list(paths: list[str]) -> list[tuple[str, ...]]:
    """Divide paths as the specification says, with all of them in memory."""
    found = []
    while len(paths) > part_ends.LONGEST_PART:
        choices = range(part_ends.SHORTEST_PART, part_ends.LONGEST_PART)
        last = min(choices, key=lambda place: hashlib.sha256(paths[place].encode()).digest())
        found.append(tuple(paths[: last + 1]))
        paths = paths[last + 1 :]
    return [*found, tuple(paths)] if paths else found


def rewritten(before: list[tuple[str, ...]], after: list[tuple[str, ...]]) -> int:
    return len(set(after) - set(before))


# --- the division of paths


@settings(deadline=None)
@given(st.lists(st.text(max_size=3), max_size=80, unique=True).map(sorted))
def test_parts_are_those_of_an_algorithm_with_all_paths_in_memory(paths: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(part_ends, "SHORTEST_PART", 3)
        patch.setattr(part_ends, "LONGEST_PART", 9)

        assert parts_of(paths) == parts_by_the_whole_list(paths)


@pytest.mark.parametrize("count", SIZES)
def test_parts_hold_all_paths_in_order_and_keep_the_limits(count: int) -> None:
    parts = parts_of(paths_of(count))

    assert [path for part in parts for path in part] == paths_of(count)
    assert all(SHORTEST_PART < len(part) <= LONGEST_PART for part in parts[:-1])
    assert count / LONGEST_PART <= len(parts) <= count / 2500


@pytest.mark.parametrize("count", SIZES)
@pytest.mark.parametrize("place", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_one_path_added_or_deleted_anywhere_rewrites_at_most_two_parts(count: int, place: float) -> None:
    paths = paths_of(count)
    before = parts_of(paths)
    at = int(place * count)
    added = [*paths[:at], paths[at - 1] + "-new" if at else "a", *paths[at:]]
    deleted = [*paths[:at], *paths[at + 1 :]] if at < count else paths[:-1]

    assert rewritten(before, parts_of(added)) in (1, 2)
    assert rewritten(before, parts_of(deleted)) in (1, 2)


def test_hundreds_of_paths_added_one_by_one_each_rewrite_at_most_two_parts() -> None:
    paths = paths_of(12_000)
    before = parts_of(paths)
    counts = []
    for at in range(7, len(paths), 120):
        counts.append(rewritten(before, parts_of([*paths[:at], paths[at - 1] + "-new", *paths[at:]])))

    assert max(counts) <= 2
    assert sum(counts) / len(counts) < 1.1


def test_the_last_path_of_any_part_can_be_deleted_without_moving_all_that_follow() -> None:
    paths = paths_of(40_000)
    before = parts_of(paths)
    counts = []
    for part in before[:-1]:
        at = paths.index(part[-1])
        counts.append(rewritten(before, parts_of([*paths[:at], *paths[at + 1 :]])))

    assert max(counts) <= 6
    assert sum(counts) / len(counts) < 2.5


def test_a_component_that_grows_at_its_end_keeps_its_full_parts() -> None:
    parts: list[tuple[str, ...]] = []
    for count in range(1000, 30_000, 1000):
        before, parts = parts, parts_of(paths_of(count))

        assert rewritten(before, parts) <= 2


def test_a_division_that_begins_anywhere_soon_ends_its_parts_at_the_same_places() -> None:
    paths = paths_of(40_000)
    before = parts_of(paths)
    for begin in range(500, 12_000, 500):
        assert rewritten(before, parts_of(paths[begin:])) <= 5


def test_the_first_items_of_a_part_need_no_look_ahead_and_the_others_one_part() -> None:
    read: list[str] = []

    def items() -> Iterator[tuple[str, str]]:
        for path in paths_of(20_000):
            read.append(path)
            yield path, path

    part = iter(PartEnds(items()))
    list(islice(part, SHORTEST_PART))
    assert len(read) == SHORTEST_PART
    next(part)
    assert len(read) == LONGEST_PART + 1


# --- what the writer stores


class VaultInMemory(Vault):
    """Vault objects of a test; `stored` has those that were written, in order."""

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}
        self.stored: list[str] = []
        self._kept = KeptBodies()

    def store(self, body: bytes) -> Stored:
        sha256 = hashlib.sha256(body).hexdigest()
        self.bodies[sha256] = body
        self.stored.append(sha256)
        return Stored(sha256=sha256, etag="etag", is_new=True)

    def read(self, sha256: str) -> bytes:
        return self.bodies[sha256]


class Files:
    """Source of files, each with its own text."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.scope: Mapping[str, str] = {}
        self.texts = texts

    def items(self, after: str = "") -> Iterator[Item]:
        for path, text in sorted(self.texts.items()):
            if path > after:
                etag = hashlib.sha256(text.encode()).hexdigest()
                yield Item(path=path, size=len(text), etag=etag, modified="2026-01-06T12:00:05.000Z")

    def open(self, item: Item) -> ItemContent:
        return ItemContent(iter([self.texts[item.path].encode()]))

    def described(self, item: Item) -> None:
        return None

    def tags(self, item: Item, version_id: str | None = None) -> None:
        return None


class StoppedError(Exception):
    """The time is over."""


def write(
    vault: VaultInMemory,
    files: Files,
    base: ComponentRecord | None = None,
    parts: tuple[Part, ...] = (),
    *,
    on_part: Any = lambda component, totals, more: None,
) -> ComponentRecord:
    with ThreadPoolExecutor(2) as readers, ThreadPoolExecutor(1) as storers:
        objects = UsedObjects(vault, storers)
        objects.usable = dict.fromkeys(vault.bodies, "etag")
        component = OpenComponent(component="newsletters", scope={}, parts=parts)
        writer = ComponentWriter(vault, objects, readers, files, component, on_part, renew=lambda: None)
        writer.write(base)
        return writer.finish()


def indexes(record: ComponentRecord) -> set[str]:
    return {part.index for part in record.parts}


@pytest.mark.parametrize("count", [2_000, 20_000])
def test_a_changed_file_stores_its_bytes_and_at_most_two_parts(count: int) -> None:
    texts = {path: path for path in paths_of(count)}
    middle = paths_of(count)[count // 2]
    changed = {
        "added in front": {"a": "new", **texts},
        "added": {**texts, middle + "-new": "new"},
        "added at the end": {**texts, "z": "new"},
        "deleted": {path: text for path, text in texts.items() if path != middle},
        "changed": {**texts, middle: "new"},
    }
    vault = VaultInMemory()
    first = write(vault, Files(texts))
    for change, files in changed.items():
        vault.stored.clear()

        second = write(vault, Files(files), first)

        new = indexes(second) - indexes(first)
        assert len(new) in (1, 2), change
        assert new <= set(vault.stored)
        assert len(vault.stored) <= len(new) + 1
        assert [entry.path for entry, _ in vault.entries(second)] == sorted(files)


@pytest.fixture
def short_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part_ends, "SHORTEST_PART", 5)
    monkeypatch.setattr(part_ends, "LONGEST_PART", 20)
    monkeypatch.setattr(reading, "WINDOW_ITEMS", 5)


@pytest.mark.usefixtures("short_parts")
@pytest.mark.parametrize("checkpoint", [packing.CHECKPOINT_BYTES, 400])
def test_a_writer_that_is_stopped_after_each_part_stores_what_one_without_a_stop_stores(
    checkpoint: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "CHECKPOINT_BYTES", checkpoint)
    files = Files({path: path for path in paths_of(300)})
    whole, stopped = VaultInMemory(), VaultInMemory()
    expected = write(whole, files)
    parts: tuple[Part, ...] = ()

    def stop(component: OpenComponent, totals: object, more: bool) -> None:
        nonlocal parts
        parts = component.parts
        if more:
            raise StoppedError

    stops = 0
    while True:
        try:
            record = write(stopped, files, parts=parts, on_part=stop)
            break
        except StoppedError:
            stops += 1

    assert stops in (len(expected.parts), len(expected.parts) - 1)
    assert stops > 10
    assert record == expected
    assert stopped.bodies == whole.bodies


@pytest.mark.usefixtures("short_parts")
def test_every_part_is_reported_with_whether_more_entries_follow() -> None:
    reported: list[bool] = []

    record = write(
        VaultInMemory(),
        Files({path: path for path in paths_of(300)}),
        on_part=lambda component, totals, more: reported.append(more),
    )

    assert reported == [True] * (len(record.parts) - 1) + [False]


@pytest.mark.usefixtures("short_parts")
def test_a_part_that_ends_early_for_its_bytes_moves_no_other_end(monkeypatch: pytest.MonkeyPatch) -> None:
    vault, files = VaultInMemory(), Files({path: path for path in paths_of(100)})
    expected = {part[-1] for part in parts_of(paths_of(100))}
    monkeypatch.setattr(packing, "CHECKPOINT_BYTES", 7 * len(paths_of(1)[0]))

    first = write(vault, files)
    again = write(vault, files, first)

    assert max(part.entries for part in first.parts) == 7
    assert expected < {part.last for part in first.parts}
    assert {part.last for part in again.parts} == expected
    assert again.digest == first.digest
