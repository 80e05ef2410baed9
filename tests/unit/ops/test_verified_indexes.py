"""Verification names every kind of damage of indexes, references and manifests, and never fails with a traceback."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Literal

import pytest

from tests.docs.vault_in_memory import NAMES, NOON, VAULT, environment, fill_with_text, put
from vectora_ops.account import Account
from vectora_ops.names import ANCHORS
from vectora_ops.snapshots.anchors import Anchor
from vectora_ops.snapshots.index import Entry, Slice, entries_of
from vectora_ops.snapshots.manifest import Component, Manifest, Occasion, readme, sealed, to_bytes
from vectora_ops.snapshots.object_store import CHUNK_BYTES
from vectora_ops.snapshots.take import SnapshotRequest, take_snapshot
from vectora_ops.snapshots.vault import Vault
from vectora_ops.snapshots.verify import Problem, verify_snapshot, verify_vault
from vectora_shared.errors import VectoraError

LARGE = "lai_weekly/2026/01/06/large.bin"
LETTERS: Literal["newsletters"] = "newsletters"


class Forged:
    """A snapshot whose indexes, references and manifest are replaced, each consistent with its own digest.

    Its anchor is that of the replaced manifest: what function promotion recorded may be wrong too.
    """

    def __init__(self, account: Account) -> None:
        self.account = account
        self.s3 = account.client("s3")
        self.vault = Vault(account, NAMES)
        request = SnapshotRequest(label="good", occasion=Occasion(kind="operator"))
        self.manifest = take_snapshot(account, NAMES, request, clock=lambda: NOON)

    def entries(self, component: Component = LETTERS) -> list[Entry]:
        return [entry for entry, _ in self.vault.entries(self.manifest.components[component])]

    def index(self, body: bytes, component: Component = LETTERS, **part: object) -> None:
        """Replace the index of a component; all else stays as it was."""
        record = self.manifest.components[component]
        changed = record.parts[0].model_copy(update={"index": self._store(body), **part})
        components = {**self.manifest.components, component: record.model_copy(update={"parts": (changed,)})}
        old, new = record.parts[0].index, changed.index
        lines = self.vault.read(self.manifest.references).decode("ascii").replace(old, new).splitlines()
        self.reseal(components=components, references=self._store("".join(f"{e}\n" for e in sorted(lines)).encode()))

    def reseal(self, **changes: object) -> None:
        fields = self.manifest.model_dump(by_alias=True, exclude={"digest"})
        self.manifest = sealed({**fields, **changes})
        self.write(to_bytes(self.manifest))
        self._put(f"snapshots/{self.manifest.name}/README.md", readme(self.manifest))

    def write(self, manifest: bytes) -> None:
        name = self.manifest.name
        self._put(f"snapshots/{name}/manifest.json", manifest)
        sha256, version_id = hashlib.sha256(manifest).hexdigest(), self.vault.newest_manifest(name)[1]
        self.account.client("ssm").put_parameter(
            Name=NAMES.parameter(f"{ANCHORS}/{name}"),
            Type="String",
            Value=Anchor(snapshot=name, sha256=sha256, version_id=version_id, at=NOON).model_dump_json(),
            Overwrite=True,
        )
        # A new object, because a vault keeps the anchors that it has read.
        self.vault = Vault(self.account, NAMES)

    def problems(self) -> tuple[Problem, ...]:
        found = verify_snapshot(self.vault, self.manifest.name)
        # The verification of the whole vault finds the same.
        assert [each.problems for each in verify_vault(self.vault) if each.snapshot == found.snapshot] == [
            found.problems
        ]
        return found.problems

    def _store(self, body: bytes) -> str:
        sha256 = hashlib.sha256(body).hexdigest()
        self._put(f"objects/{sha256}", body)
        return sha256

    def _put(self, key: str, body: bytes) -> None:
        self.s3.put_object(Bucket=VAULT, Key=key, Body=body, ChecksumAlgorithm="SHA256")


@pytest.fixture
def forged() -> Iterator[Forged]:
    with environment() as account:
        fill_with_text(account)
        put(account, LETTERS, LARGE, b"x" * (CHUNK_BYTES + 5))
        yield Forged(account)


def lines(entries: list[Entry]) -> bytes:
    return b"".join(entry.line() for entry in entries)


def test_an_intact_snapshot_has_no_problem(forged: Forged) -> None:
    forged.reseal()
    assert forged.problems() == ()


ENTRY_DAMAGE: dict[str, Callable[[Entry], Entry]] = {
    "another digest": lambda entry: replace(entry, sha256="0" * 64),
    "a size that is too large": lambda entry: replace(entry, size=entry.size + 1),
    "a size that is too small": lambda entry: replace(entry, size=entry.size - 1),
    "no slices": lambda entry: replace(entry, slices=()),
    "an empty slice": lambda entry: replace(entry, slices=(*entry.slices, replace(entry.slices[0], length=0))),
    "a slice twice": lambda entry: replace(entry, slices=(*entry.slices, entry.slices[0])),
    "a slice beyond the end": lambda entry: replace(
        entry, slices=(replace(entry.slices[0], offset=10**9), *entry.slices[1:])
    ),
    "a slice of other bytes": lambda entry: replace(
        entry, slices=(replace(entry.slices[0], offset=entry.slices[0].offset + 1), *entry.slices[1:])
    ),
    "a missing object": lambda entry: replace(
        entry, slices=(Slice("1" * 64, 0, entry.slices[0].length), *entry.slices[1:])
    ),
}


@pytest.mark.parametrize("number", [0, 1], ids=["of several slices", "of one slice"])
@pytest.mark.parametrize("damage", ENTRY_DAMAGE)
def test_an_entry_that_its_slices_do_not_give_is_named(forged: Forged, damage: str, number: int) -> None:
    entries = forged.entries()
    assert [len(entry.slices) for entry in entries[:2]] == [2, 1]
    entries[number] = ENTRY_DAMAGE[damage](entries[number])
    forged.index(lines(entries))

    assert f"newsletters: {entries[number].path}" in {each.name for each in forged.problems()}


def test_bytes_for_an_empty_file_are_named(forged: Forged) -> None:
    entries = forged.entries()
    assert entries[-1].size == 0
    forged.index(lines([*entries[:-1], replace(entries[-1], sha256="0" * 64)]))

    assert f"newsletters: {entries[-1].path}" in {each.name for each in forged.problems()}


@pytest.mark.parametrize(
    "change",
    [
        lambda entries: entries[::-1],
        lambda entries: [*entries, entries[0]],
        lambda entries: [entries[0], entries[0], *entries[1:]],
        lambda entries: entries[1:],
        lambda entries: [],
        lambda entries: [replace(entries[0], content_type="text/plain"), *entries[1:]],
        lambda entries: [replace(entries[0], metadata={"expires": "0"}), *entries[1:]],
        lambda entries: [replace(entries[0], informative=True), *entries[1:]],
        lambda entries: [replace(entries[0], informative=True, storage_class="GLACIER"), *entries[1:]],
    ],
    ids=["reversed", "again", "twice", "without one", "empty", "type", "header", "informative", "archived"],
)
def test_an_index_with_other_entries_than_the_manifest_says_is_damaged(
    forged: Forged, change: Callable[[list[Entry]], list[Entry]]
) -> None:
    forged.index(lines(change(forged.entries())))

    assert "damaged" in {each.kind for each in forged.problems()}


def test_unsorted_entries_hide_no_mismatch(forged: Forged) -> None:
    entries = forged.entries()
    other = replace(entries[1], sha256=hashlib.sha256(b"").hexdigest(), size=0, slices=())
    forged.index(lines([other, entries[0], *entries[2:]]), first=other.path)

    details = {each.detail for each in forged.problems() if each.kind == "damaged"}
    assert "its index does not match the manifest" in details
    assert any("comes after" in detail for detail in details)


@pytest.mark.parametrize("body", [b"\n", b"not JSON\n", b"\xff\xfe\n", b"{}\n", b'{"path":"a"}', b"[" * 50_000])
def test_an_index_that_is_rubbish_is_named(forged: Forged, body: bytes) -> None:
    forged.index(body)

    [index] = forged.manifest.components[LETTERS].parts
    assert f"objects/{index.index}" in {each.name for each in forged.problems()}


def test_an_entry_with_an_unknown_member_is_damage_that_every_reader_reports(forged: Forged) -> None:
    first, *rest = forged.entries()
    forged.index(first.line().replace(b'{"path"', b'{"rule":1,"path"') + lines(rest))

    assert any("no entry that this version knows" in each.detail for each in forged.problems())
    with pytest.raises(VectoraError, match="no entry that this version knows"):
        forged.entries()


@pytest.mark.parametrize("body", [b"rubbish\n", b"\xff\n", b"a b\n", b"\n", b"0" * 64 + b"\n"])
def test_a_list_of_references_that_is_rubbish_is_named(forged: Forged, body: bytes) -> None:
    sha256 = forged._store(body)
    forged.reseal(references=sha256)

    assert f"objects/{sha256}" in {each.name for each in forged.problems()}


def test_a_wrong_number_of_vault_objects_is_named(forged: Forged) -> None:
    forged.reseal(vault_objects=forged.manifest.vault_objects + 1)

    assert [each.name for each in forged.problems()] == [f"snapshots/{forged.manifest.name}/manifest.json"]


def edited(manifest: Manifest, **changes: Any) -> bytes:
    return (json.dumps({**json.loads(to_bytes(manifest)), **changes}, indent=2, sort_keys=True) + "\n").encode()


@pytest.mark.parametrize(
    "rubbish",
    [
        lambda manifest: b"",
        lambda manifest: b"\xff",
        lambda manifest: b"null",
        lambda manifest: b"[]",
        lambda manifest: b"{}",
        lambda manifest: b"[" * 100_000,
        lambda manifest: edited(manifest, components={}),
        lambda manifest: edited(manifest, components=[]),
        lambda manifest: edited(manifest, name="\ud800"),
        lambda manifest: edited(manifest, started_at="yesterday"),
        lambda manifest: edited(manifest, schema="vectora-snapshot/3"),
        lambda manifest: edited(manifest, new=1),
        lambda manifest: edited(manifest, vault_objects=10**400),
    ],
)
def test_a_manifest_that_is_rubbish_is_named(forged: Forged, rubbish: Callable[[Manifest], bytes]) -> None:
    forged.write(rubbish(forged.manifest))

    assert [(each.kind, each.name) for each in forged.problems()] == [
        ("damaged", f"snapshots/{forged.manifest.name}/manifest.json")
    ]


def test_an_index_entry_is_read_as_it_was_written(forged: Forged) -> None:
    assert [entry for entry, _ in entries_of(lines(forged.entries()))] == forged.entries()
