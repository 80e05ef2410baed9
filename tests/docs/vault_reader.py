"""A reader of snapshots that was written from docs/reference/vault-format.md alone, to prove that it suffices."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Read = Callable[[str], bytes | None]
FIRST, SCHEMA = "vectora-snapshot/1", "vectora-snapshot/2"
COMPONENTS = ("stacks", "functions", "layers", "release", "clients", "canonical", "data", "newsletters")
MANIFEST_MEMBERS = {
    *("completed_at", "components", "copied_bytes", "data", "digest", "env", "locked_until", "name", "occasion"),
    *("project", "references", "region", "release", "schema", "started_at", "vault_objects"),
}
COMPONENT_MEMBERS = {"bytes", "digest", "entries", "parts", "scope"}
ARCHIVED = {"archived"}
PART_MEMBERS = {"entries", "first", "index", "last"}
REQUIRED_MEMBERS = ("path", "sha256", "size", "slices")
OPTIONAL_MEMBERS = ("etag", "modified", "version_id", "content_type", "origin", "informative")
NEW_MEMBERS = ("metadata", "storage_class", "tags")
DIGEST = re.compile(r"[0-9a-f]{64}")
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,79}_[0-9]{8}_[0-9]{6}")


class ReadError(Exception):
    """The snapshot cannot be read, or must not be trusted."""


class IncompleteError(ReadError):
    """The snapshot has no manifest."""


class UnknownVersionError(ReadError):
    """The snapshot has a format that this reader does not know."""


@dataclass(frozen=True)
class Item:
    """One file of a snapshot; `entry` is its line in the index."""

    entry: Mapping[str, Any]
    body: bytes


@dataclass(frozen=True)
class Snapshot:
    """All items by component and path, and the keys of all vault objects that they are made of."""

    manifest: Mapping[str, Any]
    items: Mapping[str, Mapping[str, Item]]
    objects: frozenset[str]


def read_snapshot(read: Read, name: str) -> Snapshot:
    """Read a snapshot and check all of it; `read` returns the bytes of a key, or None when there is no such key."""
    manifest = read_manifest(read, name)
    vault = _Objects(read)
    items = {component: _component(vault, manifest["components"][component]) for component in COMPONENTS}
    needed = frozenset(vault.used)
    _require(_references(vault, manifest["references"]) == needed, "the list of references")
    _require(manifest["vault_objects"] == len(needed) + 1, "vault_objects")
    _require(read(f"snapshots/{name}/README.md") == readme(manifest), "README.md")
    return Snapshot(manifest, items, needed | {manifest["references"]})


def read_manifest(read: Read, name: str) -> dict[str, Any]:
    body = read(f"snapshots/{name}/manifest.json")
    if body is None:
        raise IncompleteError(name)
    try:
        manifest: dict[str, Any] = json.loads(body.decode("utf-8"))
    except ValueError as error:
        raise ReadError("manifest.json is not JSON") from error
    _require(isinstance(manifest, dict), "manifest.json")
    if manifest.get("schema") not in (FIRST, SCHEMA):
        raise UnknownVersionError(str(manifest.get("schema")))
    _require(set(manifest) == MANIFEST_MEMBERS, "members of the manifest")
    _require(canonical(manifest) == body, "bytes of the manifest")
    unsealed = {member: value for member, value in manifest.items() if member != "digest"}
    _require(_sha256(canonical(unsealed)) == manifest["digest"], "digest of the manifest")
    _require(manifest["name"] == name and bool(NAME.fullmatch(name)), "name")
    _require(set(manifest["components"]) == set(COMPONENTS), "components")
    return manifest


def _component(vault: _Objects, record: Mapping[str, Any]) -> dict[str, Item]:
    _require(set(record) - ARCHIVED == COMPONENT_MEMBERS, "members of a component")
    items: dict[str, Item] = {}
    digest, size, previous, archived = hashlib.sha256(), 0, b"", 0
    for part in record["parts"]:
        _require(set(part) == PART_MEMBERS, "members of a part")
        entries = _entries(vault.whole(part["index"]))
        paths = [entry["path"] for entry in entries]
        _require(
            (part["first"], part["last"], part["entries"]) == (paths[0], paths[-1], len(paths)), "bounds of a part"
        )
        for entry in entries:
            path = entry["path"].encode("utf-8")
            _require(path > previous, f"order of {entry['path']}")
            previous, size = path, size + entry["size"]
            items[entry["path"]] = Item(entry, _bytes_of(vault, entry))
            if entry.get("informative"):
                archived += "storage_class" in entry
            else:
                sha256 = entry["sha256"].encode("ascii")
                digest.update(b"%s\0%s\0%d%s\n" % (path, sha256, entry["size"], _described(entry)))
    found = (digest.hexdigest(), len(items), size, archived)
    expected = (record["digest"], record["entries"], record["bytes"], record.get("archived", 0))
    _require(found == expected, "totals of a component")
    return items


def _described(entry: Mapping[str, Any]) -> bytes:
    """Return what the digest of a component covers of an entry's metadata."""
    if "metadata" not in entry:
        return b""
    document = {name: entry.get(name) for name in ("content_type", *NEW_MEMBERS)}
    return b"\0" + json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode("utf-8")


def _entries(part: bytes) -> list[dict[str, Any]]:
    _require(part.endswith(b"\n"), "end of a part")
    return [_entry(line) for line in part.removesuffix(b"\n").split(b"\n")]


def _entry(line: bytes) -> dict[str, Any]:
    entry: dict[str, Any] = json.loads(line.decode("utf-8"))
    members = (*REQUIRED_MEMBERS, *(each for each in (*OPTIONAL_MEMBERS, *NEW_MEMBERS) if each in entry))
    if set(entry) != set(members):
        raise UnknownVersionError("members of an entry")
    ordered = {member: entry[member] for member in members}
    compact = json.dumps(ordered, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    _require(compact == line, "bytes of a line")
    return entry


def _bytes_of(vault: _Objects, entry: Mapping[str, Any]) -> bytes:
    body = b"".join(vault.slice(*each) for each in entry["slices"])
    _require(len(body) == entry["size"], f"size of {entry['path']}")
    _require(_sha256(body) == entry["sha256"], f"digest of {entry['path']}")
    return body


def _references(vault: _Objects, sha256: str) -> frozenset[str]:
    body = vault.whole(sha256)
    lines = [line.split(" ", 1) for line in body.decode("ascii").splitlines()]
    _require(lines == sorted(lines) and (not body or body.endswith(b"\n")), "order of the references")
    return frozenset(digest for digest, _ in lines)


class _Objects:
    """Vault objects, each read once; `used` are the digests of those that were read."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._bodies: dict[str, bytes] = {}

    @property
    def used(self) -> set[str]:
        return set(self._bodies)

    def whole(self, sha256: str) -> bytes:
        _require(bool(DIGEST.fullmatch(sha256)), "a digest")
        if sha256 not in self._bodies:
            body = self._read(f"objects/{sha256}")
            _require(body is not None and _sha256(body) == sha256, f"objects/{sha256}")
            assert body is not None
            self._bodies[sha256] = body
        return self._bodies[sha256]

    def slice(self, sha256: str, offset: int, length: int) -> bytes:
        body = self.whole(sha256)
        _require(0 <= offset < offset + length <= len(body), f"a slice of objects/{sha256}")
        return body[offset : offset + length]


def canonical(document: Mapping[str, Any]) -> bytes:
    """Return the canonical JSON of a document of a snapshot's folder."""
    return (json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode("utf-8")


def readme(manifest: Mapping[str, Any]) -> bytes:
    """Return the page for people that belongs to a manifest of plain values, which need no escape in Markdown."""
    release, occasion = manifest["release"], manifest["occasion"]
    rows = "".join(
        f"| {name} | {each['entries']:,} | {each['bytes']:,} | `{each['digest'][:16]}` |\n"
        for name, each in ((name, manifest["components"][name]) for name in COMPONENTS)
    )
    started, completed = (datetime.fromisoformat(manifest[each]) for each in ("started_at", "completed_at"))
    locked = manifest["locked_until"]
    values = {
        "name": manifest["name"],
        "env": manifest["env"],
        "project": manifest["project"],
        "region": manifest["region"],
        "started": f"{started:%Y-%m-%d %H:%M:%S}",
        "completed": f"{completed:%Y-%m-%d %H:%M:%S}",
        "occasion": occasion["kind"] + (f" ({occasion['detail']})" if occasion["detail"] else ""),
        "release": f"{release['version']}, digest {release['digest']}" if release else "none recorded",
        "data": "the last run of each client" if manifest["data"] == "last" else "all runs",
        "archived": "",
        "locked": f"until {datetime.fromisoformat(locked):%Y-%m-%d %H:%M} UTC" if locked else "no",
        "rows": rows,
    }
    archived = sum(each.get("archived", 0) for each in manifest["components"].values())
    if archived:
        values["archived"] = f"\nNot copied, because S3 returns no bytes of archived objects: {archived:,} objects.\n"
    return README.format(**values).encode("utf-8")


README = """# Snapshot {name}

Environment {env} of {project}, region {region}.
Taken from {started} to {completed} UTC, occasion: {occasion}.
Release: {release}. Data: {data}.
Every byte was read back before the snapshot was called complete. Locked: {locked}.
{archived}
| component | entries | bytes | digest |
| --- | ---: | ---: | --- |
{rows}
Each component's index lists its entries, one JSON document a line: path, sha256, size, and the slices of the
objects (`objects/{{sha256}}` in this bucket) that hold its bytes. `manifest.json` names the indexes.

    ./vectora snapshot verify {name} --env {env}
    ./vectora rollback --snapshot {name} --env {env} --dry-run
"""


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise ReadError(f"{what} is not as the specification says")
