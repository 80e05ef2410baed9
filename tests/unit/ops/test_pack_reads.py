"""Packs are read once for all their entries; bytes and errors are those of reading each entry alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vectora_ops.names import Names
from vectora_ops.snapshots import pack_reads
from vectora_ops.snapshots.index import Entry, Slice
from vectora_ops.snapshots.kept_bodies import KeptBodies
from vectora_ops.snapshots.object_store import OBJECTS
from vectora_ops.snapshots.objects import Response
from vectora_ops.snapshots.pack_reads import READ_AHEAD, checked_bytes, entry_bytes
from vectora_ops.snapshots.vault import Vault
from vectora_shared.errors import VectoraError

FILE_BYTES = 512
IN_A_PACK = 1000


class Objects:
    """Vault objects that count how they are read."""

    def __init__(self, bodies: dict[str, bytes]) -> None:
        self.bodies = bodies
        self.ranges: list[tuple[str, int, int]] = []

    def get(self, key: str, *, version_id: str | None, byte_range: tuple[int, int]) -> Response:
        assert version_id is None
        start, length = byte_range
        self.ranges.append((key, start, length))
        body = self.bodies.get(key.removeprefix(OBJECTS))
        if body is None:
            return Response(found=False)
        if start >= len(body):
            raise VectoraError("S3 refused: InvalidRange.")  # S3 API reference, "Error responses"
        return Response(found=True, body=body[start : start + length])

    @property
    def bytes_read(self) -> int:
        return sum(length for _, _, length in self.ranges)


class VaultOfObjects(Vault):
    def __init__(self, bodies: dict[str, bytes]) -> None:
        self.bucket = "vault"
        self.names = Names(project="vectora-inbox", env="dev")
        self._reader: Any = Objects(bodies)
        self._kept = KeptBodies()
        self.older_versions = {}

    @property
    def objects_read(self) -> Objects:
        reader: Objects = self._reader
        return reader


def name_of(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def entry_of(path: str, bodies: dict[str, bytes], slices: list[Slice]) -> Entry:
    content = b"".join(bodies[each.sha256][each.offset : each.offset + each.length] for each in slices)
    return Entry(path=path, sha256=name_of(content), size=len(content), slices=tuple(slices))


def outcome(read: Any) -> object:
    """Return the bytes, or the type and the message of the error."""
    try:
        return read()
    except VectoraError as error:
        return type(error), str(error)


@st.composite
def vaults(draw: st.DrawFn) -> tuple[dict[str, bytes], list[Entry]]:
    """Draw vault objects and entries with any slices of them: shared, overlapping, consecutive or none."""
    packs = draw(st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=4, unique=True))
    bodies = {name_of(pack): pack for pack in packs}
    entries = []
    for number in range(draw(st.integers(0, 25))):
        slices = []
        for _ in range(draw(st.sampled_from([1, 1, 1, 1, 0, 2, 3]))):
            sha256 = draw(st.sampled_from(sorted(bodies)))
            offset = draw(st.integers(0, len(bodies[sha256]) - 1))
            slices.append(Slice(sha256, offset, draw(st.integers(1, len(bodies[sha256]) - offset))))
        entries.append(entry_of(f"{number:03}", bodies, slices))
    return bodies, entries


@pytest.fixture(autouse=True, scope="module")
def small_limits() -> Iterator[None]:
    """Let short objects cross every limit; tests with files of real size set their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pack_reads, "LARGEST_GAP_BYTES", 4)
        patch.setattr(pack_reads, "CHUNK_BYTES", 32)
        patch.setattr(pack_reads, "PACKED_BELOW_BYTES", 24)
        patch.setattr(pack_reads, "WINDOW_ENTRIES", 7)
        yield


@pytest.fixture
def real_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack_reads, "LARGEST_GAP_BYTES", 512 * 1024)
    monkeypatch.setattr(pack_reads, "CHUNK_BYTES", 8 * 1024 * 1024)
    monkeypatch.setattr(pack_reads, "PACKED_BELOW_BYTES", 1024 * 1024)
    monkeypatch.setattr(pack_reads, "WINDOW_ENTRIES", 5000)


@settings(deadline=None)
@given(vaults())
def test_every_entry_comes_once_with_the_bytes_that_it_has_alone(drawn: tuple[dict[str, bytes], list[Entry]]) -> None:
    bodies, entries = drawn
    vault = VaultOfObjects(bodies)

    found = list(entry_bytes(vault, entries))

    assert sorted(entry.path for entry, _ in found) == [entry.path for entry in entries]
    for entry, body in found:
        assert body == vault.bytes_of(entry) or (body is None and (len(entry.slices) != 1 or entry.size >= 24))


@settings(deadline=None)
@given(vaults())
def test_no_more_requests_than_entries_and_no_request_longer_than_a_chunk(
    drawn: tuple[dict[str, bytes], list[Entry]],
) -> None:
    bodies, entries = drawn
    vault = VaultOfObjects(bodies)

    found = list(entry_bytes(vault, entries))

    read_together = sum(body is not None for _, body in found)
    assert len(vault.objects_read.ranges) <= read_together
    assert all(length <= 32 for _, _, length in vault.objects_read.ranges)


@settings(deadline=None)
@given(vaults(), st.data())
def test_damage_gives_the_bytes_or_the_error_of_reading_the_entry_alone(
    drawn: tuple[dict[str, bytes], list[Entry]], data: st.DataObject
) -> None:
    bodies, entries = drawn
    damaged: dict[str, bytes] = {}
    for sha256, body in bodies.items():
        match data.draw(st.sampled_from(["intact", "missing", "cut", "changed"])):
            case "intact":
                damaged[sha256] = body
            case "cut":
                damaged[sha256] = body[: data.draw(st.integers(0, len(body) - 1))]
            case "changed":
                place = data.draw(st.integers(0, len(body) - 1))
                damaged[sha256] = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
    vault = VaultOfObjects(damaged)

    for entry, found in entry_bytes(vault, entries):
        together = outcome(partial(checked_bytes, vault, entry, found))
        assert together == outcome(partial(vault.bytes_of, entry))


# --- counted requests


def packed(count: int, *, changed_every: int = 0, snapshots: int = 0) -> tuple[dict[str, bytes], list[Entry]]:
    """Return packs of the first snapshot, and of later ones that each added files all over the index."""
    files = [
        (f"{number:06}", hashlib.sha256(str(number).encode()).digest() * (FILE_BYTES // 32)) for number in range(count)
    ]
    groups: list[list[tuple[str, bytes]]] = [[] for _ in range(snapshots + 1)]
    for number, file in enumerate(files):
        later = changed_every and number % changed_every == 0
        groups[1 + number // changed_every % snapshots if later else 0].append(file)
    bodies: dict[str, bytes] = {}
    entries = []
    for group in groups:
        for start in range(0, len(group), IN_A_PACK):
            pack = group[start : start + IN_A_PACK]
            body = b"".join(content for _, content in pack)
            sha256 = name_of(body)
            bodies[sha256] = body
            for place, (path, content) in enumerate(pack):
                piece = Slice(sha256, place * FILE_BYTES, FILE_BYTES)
                entries.append(Entry(path=path, sha256=name_of(content), size=FILE_BYTES, slices=(piece,)))
    return bodies, sorted(entries, key=lambda entry: entry.path)


@pytest.mark.usefixtures("real_limits")
@pytest.mark.parametrize("count", [1_000, 10_000])
def test_each_pack_is_read_once(count: int) -> None:
    bodies, entries = packed(count)
    vault = VaultOfObjects(bodies)

    found = dict(entry_bytes(vault, entries))

    assert len(found) == count
    assert all(body is not None for body in found.values())
    assert len(vault.objects_read.ranges) == len(bodies) == count / IN_A_PACK
    assert vault.objects_read.bytes_read == count * FILE_BYTES


@pytest.mark.usefixtures("real_limits")
@pytest.mark.parametrize("count", [2_000, 20_000])
def test_files_that_later_snapshots_scattered_over_packs_need_few_requests(count: int) -> None:
    bodies, entries = packed(count, changed_every=20, snapshots=5)
    vault = VaultOfObjects(bodies)

    found = dict(entry_bytes(vault, entries))

    assert all(body is not None for body in found.values())
    windows = -(-count // 5000)
    assert len(vault.objects_read.ranges) <= len(bodies) + 6 * windows
    assert len(vault.objects_read.ranges) <= count / 100


@pytest.mark.usefixtures("real_limits")
def test_few_files_of_a_large_pack_do_not_cost_its_bytes() -> None:
    body = bytes(8 * 1024 * 1024)
    bodies = {name_of(body): body}
    slices = [Slice(name_of(body), offset, 100) for offset in (0, 1000, 4_000_000, 8_000_000)]
    entries = [entry_of(str(each.offset), bodies, [each]) for each in slices]
    vault = VaultOfObjects(bodies)

    list(entry_bytes(vault, entries))

    assert [(start, length) for _, start, length in vault.objects_read.ranges] == [
        (0, 1100),
        (4_000_000, 100),
        (8_000_000, 100),
    ]


@pytest.mark.usefixtures("real_limits")
def test_no_more_packs_are_read_ahead_than_memory_is_planned_for() -> None:
    bodies, entries = packed(20_000)
    vault = VaultOfObjects(bodies)
    packs: list[str] = []

    for entry, _ in entry_bytes(vault, entries):
        if entry.slices[0].sha256 not in packs:
            packs.append(entry.slices[0].sha256)
        assert len(vault.objects_read.ranges) <= len(packs) + READ_AHEAD
