"""Copy of a vault in a backup account or region: which of its snapshots are complete."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Literal

from botocore.exceptions import ClientError

from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_ops.snapshots.copied_anchors import CopiedAnchors
from vectora_ops.snapshots.manifest import DamagedError, Manifest, NoSnapshotError, time_in_name
from vectora_ops.snapshots.vault import README, SnapshotFiles, Vault
from vectora_shared.aws_errors import is_absent, is_denied
from vectora_shared.errors import VectoraError

# Objects of an incomplete snapshot whose replication status is read.
READ_STATUSES = 10


@dataclass(frozen=True, kw_only=True)
class CopiedSnapshot:
    """A snapshot of the vault or of its copy. `missing` counts the files that the copy lacks.

    S3 replicates in no order: a manifest may arrive before what it refers to. `failed` is a key that S3 gave up.
    """

    name: str
    state: Literal["complete", "incomplete", "absent", "damaged"]
    missing: int = 0
    failed: str | None = None


@dataclass(frozen=True, kw_only=True)
class CopyState:
    """State of a copy. The newest complete snapshot is what a loss of the account now would leave."""

    bucket: str
    newest_complete: str | None
    taken_at: datetime | None
    age: timedelta | None
    behind: tuple[CopiedSnapshot, ...]  # snapshots of the vault that are newer, newest first

    def as_json(self) -> dict[str, object]:
        """Return the state as a document, the age in seconds."""
        return {**asdict(self), "age": None if self.age is None else int(self.age.total_seconds())}

    @property
    def sentence(self) -> str:
        """State for people."""
        if self.newest_complete is None or self.taken_at is None or self.age is None:
            newest = f"The copy {self.bucket} has no complete snapshot: the loss of the account would lose everything"
        else:
            newest = (
                f"The newest complete snapshot in the copy {self.bucket} is {self.newest_complete}, "
                f"{_in_words(self.age)} old"
            )
        behind = "; ".join(_behind(each) for each in self.behind)
        return f"{newest}. Newer in the vault: {behind}." if behind else f"{newest}."


def _behind(each: CopiedSnapshot) -> str:
    if each.failed:
        return (
            f"{each.name}, which S3 failed to replicate ({each.failed}): run Batch Replication "
            "(docs/runbooks/loss-of-an-account.md)"
        )
    return f"{each.name} ({each.missing} files missing)" if each.missing else f"{each.name} ({each.state})"


def _in_words(age: timedelta) -> str:
    hours, minutes = divmod(int(age.total_seconds()) // 60, 60)
    if hours >= 48:
        return f"{hours // 24} days"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def open_copy(account: Account, names: Names, bucket: str) -> Vault:
    """Return the copy of the vault of an environment; raises VectoraError when it cannot be read."""
    try:
        account.client("s3").head_bucket(Bucket=bucket)
    except ClientError as error:
        if is_absent(error, "bucket"):
            raise VectoraError(
                f"There is no bucket {bucket} in {account.region}: an administrator of the backup's account deploys it "
                f"(cdk deploy --context backup={names.env})."
            ) from error
        if is_denied(error):
            raise VectoraError(
                f"Your credentials may not read the copy {bucket}: use those of the account of {names.env}, or of the "
                "backup's account (--copy-profile)."
            ) from error
        raise
    copy = Vault(account, names, bucket=bucket)
    copy.anchors = CopiedAnchors(account, names, bucket)
    return copy


def copied_snapshot(copy: Vault, files: SnapshotFiles, present: set[str]) -> CopiedSnapshot:
    """Return whether all files of a snapshot are in the copy, whose vault objects are `present`; reads no content."""
    if not files.is_complete:
        return CopiedSnapshot(name=files.name, state="incomplete")
    try:
        manifest = copy.manifest(files.name)
        missing = 0 if README in files.files else 1
        if manifest.references not in present:
            return CopiedSnapshot(name=files.name, state="incomplete", missing=missing + 1)
        missing += len(copy.references(manifest).keys() - present)
    except NoSnapshotError:
        return CopiedSnapshot(name=files.name, state="absent")
    except DamagedError:
        return CopiedSnapshot(name=files.name, state="damaged")
    return CopiedSnapshot(name=files.name, state="incomplete" if missing else "complete", missing=missing)


def newest_complete(copy: Vault, *, before: Manifest | None = None, all_data: bool = False) -> Manifest | None:
    """Return the newest snapshot of a copy to which an environment can be restored.

    It is older than `before`, and holds `all_data`, if so wanted. Excluded are those that a rollback took of what it
    replaced, those of an environment without content, and those without an anchor since the copy has anchors.
    """
    present = {found.sha256 for found in copy.objects()}
    for files in _newest_first(copy.snapshots()):
        if copied_snapshot(copy, files, present).state != "complete" or not copy.is_trusted(files):
            continue
        manifest = copy.manifest(files.name)
        is_older = before is None or manifest.started_at < before.started_at
        is_wanted = is_older and (manifest.data == "all" or not all_data)
        if is_wanted and not manifest.is_empty and manifest.occasion.kind != "rollback":
            return manifest
    return None


def copy_state(vault: Vault, copy: Vault) -> CopyState:
    """Compare the copy with the vault, from the newest snapshot back to the newest one that is complete in the copy."""
    present = {found.sha256 for found in copy.objects()}
    there = {files.name: files for files in copy.snapshots()}
    here = [files for files in _newest_first(vault.snapshots()) if files.is_complete]
    behind: list[CopiedSnapshot] = []
    for name in _in_order(here, there.values()):
        found = (
            copied_snapshot(copy, there[name], present) if name in there else CopiedSnapshot(name=name, state="absent")
        )
        if found.state == "complete":
            taken_at = copy.manifest(name).started_at
            age = max(copy.now() - taken_at, timedelta(0))
            return CopyState(bucket=copy.bucket, newest_complete=name, taken_at=taken_at, age=age, behind=tuple(behind))
        behind.append(_with_failure(vault, found, present))
    return CopyState(bucket=copy.bucket, newest_complete=None, taken_at=None, age=None, behind=tuple(behind))


def _with_failure(vault: Vault, found: CopiedSnapshot, present: set[str]) -> CopiedSnapshot:
    """Add a key of the vault that S3 failed to replicate, if one of the first that are missing is one."""
    try:
        manifest = vault.manifest(found.name)
        missing = sorted({*vault.references(manifest), manifest.references} - present)
    except (DamagedError, NoSnapshotError):
        return found
    keys = [f"snapshots/{found.name}/manifest.json", *(f"objects/{each}" for each in missing)]
    failed = next((key for key in keys[:READ_STATUSES] if vault.replication_status(key) == "FAILED"), None)
    counted = found.missing or len(missing) + 1
    return CopiedSnapshot(name=found.name, state=found.state, missing=counted, failed=failed)


def _newest_first(snapshots: Iterable[SnapshotFiles]) -> list[SnapshotFiles]:
    return sorted(snapshots, key=lambda files: (time_in_name(files.name), files.name), reverse=True)


def _in_order(here: Iterable[SnapshotFiles], there: Iterable[SnapshotFiles]) -> list[str]:
    """Return the names of both, newest first: those that were pruned from the vault remain in the copy."""
    return [files.name for files in _newest_first({each.name: each for each in (*there, *here)}.values())]
