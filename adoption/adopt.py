"""Adoption of the resources of an environment that no stack of this app defines yet."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from adoption.recording import StackRecord, find_unrecorded
from vectora_ops.account import Account
from vectora_ops.cloudformation.definition import FUNCTION
from vectora_ops.cloudformation.imports import ImportableResource, find_importable, import_resources
from vectora_ops.cloudformation.live_definitions import CodeObject
from vectora_ops.cloudformation.stacks import Stacks
from vectora_ops.cloudformation.statuses import require_at_rest
from vectora_ops.live_environment import Environment
from vectora_ops.names import Names
from vectora_ops.progress import Observer
from vectora_ops.snapshots.downloads import download
from vectora_ops.snapshots.lease import Lease
from vectora_ops.snapshots.manifest import Manifest, Occasion
from vectora_ops.snapshots.take import SnapshotRequest, take_snapshot
from vectora_shared.aws_errors import is_absent
from vectora_shared.errors import VectoraError

SNAPSHOT_LABEL = "adopted"
WHY_PINNED = "what ran when it was adopted, before a deployment"


@dataclass(frozen=True)
class Adoption:
    """Plan of an adoption; `is_first` is true until a release of this app is deployed."""

    resources: tuple[ImportableResource, ...]
    records: tuple[StackRecord, ...]
    is_first: bool

    @property
    def nothing_to_do(self) -> bool:
        return not self.resources and not self.records

    @property
    def has_functions(self) -> bool:
        """True when something runs: not when only buckets and log groups outlived their stacks."""
        return any(resource.kind == FUNCTION for resource in self.resources) or bool(self.records)


def plan_adoption(
    account: Account, names: Names, templates: Mapping[str, Mapping[str, Any]], code_bucket: str
) -> Adoption:
    """Return what to import and to record, for the synthesized `templates`; nothing is changed.

    Templates are recorded before the first deployment only: afterwards a change by hand is drift, which a deployment
    puts right. Raises VectoraError for a stack in a status in which CloudFormation imports nothing.
    """
    environment = Environment(account, names)
    for name in templates:
        require_at_rest(name, environment.status(name))
    is_first = environment.release() is None
    resources = find_importable(account, templates, code_bucket=code_bucket)
    records = find_unrecorded(environment, code_bucket) if is_first else ()
    return Adoption(resources, records, is_first)


def adopt(account: Account, names: Names, adoption: Adoption, *, code_bucket: str, role_arn: str) -> None:
    """Record what runs, then import; after an interruption, a new plan contains what is left.

    CloudFormation uses the role `role_arn`. Raises VectoraError with CloudFormation's reason when it refuses, and
    BusyError when another operation holds the environment.
    """
    # Before the first deployment there is no vault, and no other operation of this app.
    lease = Lease(account, names, operation="adoption", subject="") if _has_vault(account, names) else nullcontext()
    with lease:
        environment = Environment(account, names)
        _store_codes(environment, _codes(adoption))
        stacks = Stacks(account, assets_bucket=code_bucket)
        for record in adoption.records:
            stacks.record(replace(record.definition, role_arn=record.definition.role_arn or role_arn))
        # An import may change nothing else, so it comes after the records, and reads the templates again.
        import_resources(account, adoption.resources, assets_bucket=code_bucket, role_arn=role_arn)


def snapshot_of_adopted(account: Account, names: Names, observer: Observer) -> Manifest | None:
    """Take a snapshot after an adoption of functions, and pin it; return None without a vault.

    The first deployment creates the vault, and takes a snapshot of its own. With a vault it may not: CloudFormation
    changes no operations stack that has the release already.
    """
    if not _has_vault(account, names):
        return None
    request = SnapshotRequest(
        label=SNAPSHOT_LABEL, occasion=Occasion(kind="operator"), data="all", pin_reason=lambda _: WHY_PINNED
    )
    return take_snapshot(account, names, request, observer=observer)


def _has_vault(account: Account, names: Names) -> bool:
    try:
        account.client("s3").head_bucket(Bucket=names.bucket("snapshots"))
    except ClientError as error:
        if is_absent(error, "bucket"):
            return False
        raise
    return True


def _codes(adoption: Adoption) -> dict[str, CodeObject]:
    found = {resource.name: resource.code for resource in adoption.resources if resource.code is not None}
    for record in adoption.records:
        found |= record.codes
    return found


def _store_codes(environment: Environment, codes: Mapping[str, CodeObject]) -> None:
    s3 = environment.account.client("s3")
    for function, code in codes.items():
        body = b"".join(_package(environment, function))
        if hashlib.sha256(body).hexdigest() != code.sha256:
            raise VectoraError(f"Function {function} was changed while its code was read: try again.")
        s3.put_object(Bucket=code.bucket, Key=code.key, Body=body)


def _package(environment: Environment, function: str) -> Iterable[bytes]:
    return download(environment.account, partial(environment.code_address, function))
