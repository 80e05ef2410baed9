"""Records of the vault: read back exactly as written, and every changed byte is detected."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from vectora_ops.snapshots.index import ComponentDigest, Entry, Slice, entries_of, side_by_side
from vectora_ops.snapshots.manifest import (
    COMPONENTS,
    ComponentRecord,
    DamagedError,
    Manifest,
    Occasion,
    Part,
    canonical_json,
    read_manifest,
    readme,
    sealed,
    snapshot_name,
    to_bytes,
)
from vectora_shared.errors import VectoraError

NOON = datetime(2026, 1, 30, 12, 0, 5, tzinfo=UTC)
DIGEST = "ab" * 32


def a_manifest(**changes: object) -> Manifest:
    part = Part(index=DIGEST, first="a", last="z", entries=2)
    record = ComponentRecord(digest=DIGEST, entries=2, bytes=10, parts=(part,))
    fields = {
        "name": "lai_v7_stable_20260130_120005",
        "project": "vectora-inbox",
        "env": "dev",
        "region": "eu-west-3",
        "started_at": NOON,
        "completed_at": NOON,
        "occasion": Occasion(kind="operator"),
        "data": "last",
        "release": None,
        "components": dict.fromkeys(COMPONENTS, record),
        "references": DIGEST,
        "vault_objects": 3,
        "copied_bytes": 10,
        "locked_until": None,
    }
    return sealed(fields | changes)


def test_a_snapshot_name_is_the_label_and_the_time() -> None:
    assert snapshot_name("lai_v7_stable", NOON) == "lai_v7_stable_20260130_120005"


@pytest.mark.parametrize("label", ["", "Lai", "a/b", "a b", "../x", "x" * 81])
def test_a_label_that_cannot_be_part_of_a_key_is_refused(label: str) -> None:
    with pytest.raises(VectoraError, match="lower-case letters"):
        snapshot_name(label, NOON)


def test_a_manifest_reads_back_equal() -> None:
    manifest = a_manifest()

    assert read_manifest("manifest.json", to_bytes(manifest)) == manifest


def test_any_flipped_bit_of_a_manifest_is_detected() -> None:
    body = to_bytes(a_manifest())

    for position in range(len(body)):
        flipped = body[:position] + bytes([body[position] ^ 1]) + body[position + 1 :]
        with pytest.raises(DamagedError):
            read_manifest("manifest.json", flipped)


def test_a_changed_manifest_with_valid_fields_does_not_match_its_digest() -> None:
    document = json.loads(to_bytes(a_manifest()))
    document["env"] = "prod"

    with pytest.raises(DamagedError, match="digest"):
        read_manifest("manifest.json", (json.dumps(document, indent=2, sort_keys=True) + "\n").encode())


def test_the_page_for_people_follows_from_the_manifest() -> None:
    manifest = a_manifest()
    again = read_manifest("manifest.json", to_bytes(manifest))

    assert readme(again) == readme(manifest)
    assert b"lai_v7_stable_20260130_120005" in readme(manifest)


def test_an_entry_reads_back_equal() -> None:
    entry = Entry(
        path='odd\n"key" é\u2028',
        sha256=DIGEST,
        size=5,
        slices=(Slice(DIGEST, 3, 5),),
        etag="e",
        version_id="v",
        content_type="text/plain",
        informative=True,
        metadata={"cache-control": "no-store", "x-amz-meta-é": "ü"},
        storage_class="STANDARD_IA",
        tags={},
    )

    assert list(entries_of(entry.line() + entry.line())) == [(entry, entry.line())] * 2


def test_two_sorted_sequences_are_merged_by_path() -> None:
    pairs = side_by_side([("a", 1), ("b", 2), ("d", 3)], [("b", 20), ("c", 30)])

    assert list(pairs) == [("a", 1, None), ("b", 2, 20), ("c", None, 30), ("d", 3, None)]


def test_the_digest_of_a_component_depends_on_path_content_size_and_recorded_metadata() -> None:
    def digest_of(*entries: Entry) -> str:
        digest = ComponentDigest()
        for entry in entries:
            digest.add(entry)
        return digest.hexdigest()

    one = Entry(path="a", sha256=DIGEST, size=1, slices=(Slice(DIGEST, 0, 1),))
    recorded = replace(one, metadata={}, content_type="text/html")
    different = (
        (),
        (one,),
        (replace(one, path="b"),),
        (replace(one, size=2),),
        (recorded,),
        (replace(recorded, metadata={"expires": "0"}),),
        (replace(recorded, content_type="text/plain"),),
        (replace(recorded, storage_class="STANDARD_IA"),),
        (replace(recorded, tags={}),),
        (replace(recorded, tags={"a": "b"}),),
    )
    assert len({digest_of(*entries) for entries in different}) == len(different)
    assert digest_of(one) == digest_of(replace(one, etag="e", modified="m", version_id="v", content_type="text/html"))


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"not JSON",
        b"\xff",
        b"[" * 100_000,
        b'{"path":"a","sha256":"x","size":1,"slices":[],"new":1}',
        b'{"path":"a","sha256":"x","size":-1,"slices":[]}',
        b'{"path":"a","sha256":"x","size":true,"slices":[]}',
        b'{"path":"a","sha256":"x","size":"1","slices":[]}',
        b'{"path":1,"sha256":"x","size":1,"slices":[]}',
        b'{"path":"a","sha256":null,"size":1,"slices":[]}',
        b'{"path":"a","sha256":"x","size":1,"slices":null}',
        b'{"path":"a","sha256":"x","size":1,"slices":[["x",0]]}',
        b'{"path":"a","sha256":"x","size":1,"slices":[["x","0",1]]}',
        b'{"path":"a","sha256":"x","size":1,"slices":[[null,0,1]]}',
        b'{"path":"a","sha256":"x","size":1,"slices":[],"etag":1}',
        b'{"path":"a","sha256":"x","size":1,"slices":[],"metadata":[]}',
        b'{"path":"a","sha256":"x","size":1,"slices":[],"metadata":{"a":1}}',
        b'{"path":"a","sha256":"x","size":1,"slices":[],"tags":"a"}',
        b'{"path":"a","sha256":"x","size":1,"slices":[],"informative":"yes"}',
    ],
)
def test_a_line_that_is_no_entry_is_damage(line: bytes) -> None:
    with pytest.raises(DamagedError, match="no entry that this version knows"):
        list(entries_of(line + b"\n"))


def test_a_manifest_without_a_component_is_damage() -> None:
    document = json.loads(to_bytes(a_manifest()))
    del document["components"]["data"]

    with pytest.raises(DamagedError, match="component data is missing"):
        read_manifest("manifest.json", canonical_json(document))


def test_a_manifest_of_the_first_version_reads_back_equal() -> None:
    manifest = a_manifest(schema="vectora-snapshot/1")

    assert json.loads(to_bytes(manifest))["schema"] == "vectora-snapshot/1"
    assert read_manifest("manifest.json", to_bytes(manifest)) == manifest


def test_the_page_for_people_counts_archived_objects() -> None:
    record = a_manifest().components["data"].model_copy(update={"archived": 2})
    manifest = a_manifest(components={**dict.fromkeys(COMPONENTS, a_manifest().components["data"]), "data": record})

    assert b"archived objects: 2 objects" in readme(manifest)
    assert b"archived" not in readme(a_manifest())
    assert read_manifest("manifest.json", to_bytes(manifest)) == manifest
