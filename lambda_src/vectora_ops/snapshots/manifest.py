"""Records of a snapshot: its manifest, its progress while it is taken, its pin, and its page for people."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from vectora_ops.plain_text import in_markdown
from vectora_ops.store_clock import CLOCK_MARGIN
from vectora_ops.times import minute
from vectora_shared.errors import VectoraError

Component = Literal["functions", "layers", "clients", "canonical", "data", "newsletters", "stacks", "release"]
# In the order in which they are taken: first the components that deployments change, without a gap between them.
COMPONENTS: tuple[Component, ...] = (
    "stacks",
    "functions",
    "layers",
    "release",
    "clients",
    "canonical",
    "data",
    "newsletters",
)
# Components that CloudFormation manages, in an order that digests of interrupted snapshots depend on. The others are
# objects in buckets.
STACK_COMPONENTS: tuple[Component, ...] = ("stacks", "functions", "layers", "release")
# Version of the format that is written. Snapshots of the first version, which has no metadata of objects, are read.
SCHEMA: Literal["vectora-snapshot/2"] = "vectora-snapshot/2"
LABEL = re.compile(r"^[a-z0-9][a-z0-9_-]{0,79}$")
NAME = re.compile(r"^[a-z0-9][a-z0-9_-]{0,79}_[0-9]{8}_[0-9]{6}$")

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Occasions = Literal["operator", "deployment", "schedule", "rollback", "client"]


class DamagedError(VectoraError):
    """Data in the vault is not what was stored."""


class NoSnapshotError(VectoraError):
    """No complete snapshot has that name, or none any more."""


class MissingError(DamagedError):
    """An object that a snapshot needs is not in the vault."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Occasion(_Record):
    """Reason of a snapshot; `detail` is the release to deploy, the snapshot of the rollback, or the client's file."""

    kind: Occasions
    detail: str | None = None


class Part(_Record):
    """A part of a component's index; `index` is the vault object that holds it."""

    index: Sha256
    first: str
    last: str
    entries: int


class ComponentRecord(_Record):
    """A component in a manifest.

    `digest` covers path, content, size and metadata of the compared entries. `scope` is the first key copied, by
    prefix. `archived` objects are in the index without their bytes.
    """

    digest: Sha256
    entries: int
    bytes: int
    scope: dict[str, str] = Field(default_factory=dict)
    parts: tuple[Part, ...]
    archived: Annotated[int, Field(ge=0, exclude_if=lambda archived: archived == 0)] = 0


class Release(_Record):
    digest: str
    version: str


def _all_components(found: dict[Component, ComponentRecord]) -> dict[Component, ComponentRecord]:
    if missing := [component for component in COMPONENTS if component not in found]:
        raise ValueError(f"component {missing[0]} is missing")
    return found


class Snapshot(_Record):
    """Fields that are known when a snapshot begins."""

    schema_: Literal["vectora-snapshot/1", "vectora-snapshot/2"] = Field(default=SCHEMA, alias="schema")
    name: Annotated[str, Field(pattern=NAME.pattern)]
    project: str
    env: str
    region: str
    started_at: datetime
    occasion: Occasion
    data: Literal["last", "all"]  # the last run of each client, or all runs

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)


class Manifest(Snapshot):
    """A complete snapshot. `references` is the vault object that lists all vault objects the snapshot needs."""

    completed_at: datetime
    release: Release | None
    components: Annotated[dict[Component, ComponentRecord], AfterValidator(_all_components)]
    references: Sha256
    vault_objects: int
    copied_bytes: int  # that this snapshot added to the vault
    locked_until: datetime | None  # Object Lock retains every byte until then; None without Object Lock
    digest: Sha256  # of all fields above

    @property
    def entries(self) -> int:
        return sum(component.entries for component in self.components.values())

    @property
    def bytes(self) -> int:
        return sum(component.bytes for component in self.components.values())

    @property
    def archived(self) -> int:
        """Number of objects that are in the indexes without their bytes."""
        return sum(component.archived for component in self.components.values())

    @property
    def is_of_earlier_system(self) -> bool:
        """True when functions ran, and no release of this app was deployed."""
        return self.release is None and self.components["functions"].entries > 0

    @property
    def is_empty(self) -> bool:
        """True when the environment did not exist yet."""
        return self.entries == 0


class OpenComponent(_Record):
    """A component that is being taken; its `parts` are stored and were read back."""

    component: Component
    scope: dict[str, str]
    parts: tuple[Part, ...] = ()


class Progress(Snapshot):
    """An interrupted or running snapshot, to which no rollback is possible."""

    control: Sha256  # of everything that deployments change, to notice a deployment during the snapshot
    done: dict[Component, ComponentRecord] = Field(default_factory=dict)
    open: OpenComponent | None = None
    stored: dict[Sha256, str] = Field(default_factory=dict)  # ETags of the vault objects that this snapshot added
    copied_bytes: int = 0


class Pin(_Record):
    """A pinned snapshot is never pruned."""

    snapshot: str
    reason: str
    pinned_at: datetime


RecordT = TypeVar("RecordT", bound=_Record)


def snapshot_name(label: str, now: datetime) -> str:
    """Return `{label}_{YYYYMMDD_HHMMSS}` in UTC; raises VectoraError for a label that cannot be part of a key."""
    if not LABEL.match(label):
        raise VectoraError(
            f"Snapshot name '{label}' is invalid: use lower-case letters, digits, _ and -, at most 80, such as "
            "lai_v7_stable; the time is added to it."
        )
    return f"{label}_{now.astimezone(UTC):%Y%m%d_%H%M%S}"


def time_in_name(name: str) -> str:
    """Return the `{YYYYMMDD_HHMMSS}` at the end of a snapshot's name, which sorts by time."""
    return name[-15:]


def named_time(name: str) -> datetime | None:
    """Return the time at the end of a snapshot's name; None when it has none."""
    try:
        return datetime.strptime(time_in_name(name), "%Y%m%d_%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def is_from_the_future(name: str, started_at: datetime | None, now: datetime) -> bool:
    """Return whether a snapshot's time is later than `now` by the store's clock.

    A machine with a wrong clock took it. Its time says nothing, so it is not the newest and takes no other's place.
    """
    latest = now + CLOCK_MARGIN
    return any(moment is not None and moment > latest for moment in (started_at, named_time(name)))


def canonical_json(document: Any) -> bytes:
    """Return the only form in which the vault stores a document, so that its bytes can be compared."""
    return (json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode("utf-8")


def to_bytes(record: _Record) -> bytes:
    return canonical_json(record.model_dump(mode="json"))


def from_bytes(model: type[RecordT], key: str, body: bytes) -> RecordT:
    """Read a record; raises DamagedError when the bytes are not exactly those that `to_bytes` writes for it."""
    try:
        record = model.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "its JSON"
        raise DamagedError(f"{key} is damaged at {where} ({first['msg']}): it cannot be trusted.") from error
    if to_bytes(record) != body:
        raise DamagedError(f"{key} is damaged: its bytes are not those that were written.")
    return record


def sealed(fields: Mapping[str, Any]) -> Manifest:
    """Return the manifest of `fields`, which are all fields except the digest."""
    unsealed = Manifest.model_validate({**fields, "digest": "0" * 64})
    return unsealed.model_copy(update={"digest": _digest(unsealed)})


def read_manifest(key: str, body: bytes) -> Manifest:
    """Read a manifest; raises DamagedError when it does not match its own digest."""
    manifest = from_bytes(Manifest, key, body)
    if manifest.digest != _digest(manifest):
        raise DamagedError(f"{key} is damaged: its digest is not that of its content.")
    return manifest


def _digest(manifest: Manifest) -> str:
    return hashlib.sha256(canonical_json(manifest.model_dump(mode="json", exclude={"digest"}))).hexdigest()


def readme(manifest: Manifest) -> bytes:
    """Return the page for people, whose bytes follow from the manifest.

    Verification compares the stored page with this one, so a changed text here reports all earlier snapshots as
    damaged, and no rollback to them is possible.
    """
    release = f"{manifest.release.version}, digest {manifest.release.digest}" if manifest.release else "none recorded"
    detail = f" ({in_markdown(manifest.occasion.detail)})" if manifest.occasion.detail else ""
    env, project, region = (in_markdown(each) for each in (manifest.env, manifest.project, manifest.region))
    rows = "\n".join(
        f"| {name} | {manifest.components[name].entries:,} | {manifest.components[name].bytes:,} | "
        f"`{manifest.components[name].digest[:16]}` |"
        for name in COMPONENTS
    )
    locked = f"until {minute(manifest.locked_until)}" if manifest.locked_until else "no"
    archived = f"\nNot copied, because S3 returns no bytes of archived objects: {manifest.archived:,} objects.\n"
    return f"""# Snapshot {manifest.name}

Environment {env} of {project}, region {region}.
Taken from {manifest.started_at:%Y-%m-%d %H:%M:%S} to {manifest.completed_at:%Y-%m-%d %H:%M:%S} UTC, \
occasion: {manifest.occasion.kind}{detail}.
Release: {in_markdown(release)}. Data: {"the last run of each client" if manifest.data == "last" else "all runs"}.
Every byte was read back before the snapshot was called complete. Locked: {locked}.
{archived if manifest.archived else ""}
| component | entries | bytes | digest |
| --- | ---: | ---: | --- |
{rows}

Each component's index lists its entries, one JSON document a line: path, sha256, size, and the slices of the
objects (`objects/{{sha256}}` in this bucket) that hold its bytes. `manifest.json` names the indexes.

    ./vectora snapshot verify {manifest.name} --env {env}
    ./vectora rollback --snapshot {manifest.name} --env {env} --dry-run
""".encode()
