"""What is deployed where: read from what runs, never from what was meant to run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from vectora_core.config.client import ClientConfig
from vectora_core.config.publication import RECORD_KEY
from vectora_core.config.yaml_file import parse_yaml, read_section
from vectora_core.errors import ConfigurationError
from vectora_core.storage import Bucket
from vectora_ops.account import Account
from vectora_ops.names import FUNCTION_TASKS, OPERATIONS_TASKS, STACK_LAYERS, Names
from vectora_ops.promotion.facts import live_release
from vectora_ops.promotion.records import Bypass, Hold, LedgerEntry, Records, held_since, minute


@dataclass(frozen=True)
class StackStatus:
    name: str
    status: str
    updated: str | None


@dataclass(frozen=True)
class FunctionStatus:
    name: str
    runtime: str
    code_sha256: str
    modified: str
    layers: tuple[str, ...]  # name:version


@dataclass(frozen=True)
class ClientStatus:
    client_id: str
    version: str
    active: bool | None
    note: str | None  # what is wrong with the file, if anything


@dataclass(frozen=True)
class EnvironmentStatus:
    """`promotion` says since when it has its release, whether that was verified, and what holds it, in sentences."""

    env: str
    release_digest: str | None
    release_version: str | None
    release_since: str | None
    release_commit: str | None
    verified: bool
    held: bool
    promotion: tuple[str, ...]
    stacks: tuple[StackStatus, ...]
    functions: tuple[FunctionStatus, ...]
    clients: tuple[ClientStatus, ...]

    @property
    def deployed(self) -> bool:
        return any(stack.status != "not deployed" for stack in self.stacks)


def environment_status(account: Account, names: Names) -> EnvironmentStatus:
    release = live_release(account, names)
    records = Records(account, names)
    recorded = _recorded(records.ledger(), release.get("digest"))
    hold = records.hold()
    return EnvironmentStatus(
        env=names.env,
        release_digest=release.get("digest"),
        release_version=release.get("version"),
        release_since=recorded.at.isoformat(timespec="seconds") if recorded else None,
        release_commit=recorded.commit if recorded else None,
        verified=recorded is not None and recorded.smoke_test is not None,
        held=hold is not None and hold.holds,
        promotion=tuple(_sentences(release, recorded, hold, records.bypass(), names.env)),
        stacks=tuple(_stack(account, names.stack(layer)) for layer in STACK_LAYERS),
        functions=tuple(
            found
            for task in (*FUNCTION_TASKS, *OPERATIONS_TASKS)
            if (found := _function(account, names.function(task)))
        ),
        clients=_clients(account, names.bucket("config")),
    )


def _recorded(ledger: tuple[LedgerEntry, ...], digest: str | None) -> LedgerEntry | None:
    """What the ledger says of the release that is deployed; a rollback's release has its earlier smoke test."""
    if not ledger or ledger[-1].digest != digest:
        return None
    tests = [entry.smoke_test for entry in ledger if entry.digest == digest and entry.smoke_test]
    return ledger[-1].model_copy(update={"smoke_test": tests[-1] if tests else None})


def _sentences(
    release: dict[str, str], recorded: LedgerEntry | None, hold: Hold | None, bypass: Bypass | None, env: str
) -> Iterator[str]:
    if recorded:
        how = f"came back by a rollback ({recorded.reason})" if recorded.kind == "rollback" else "by the pipeline"
        commit = f", commit {recorded.commit[:12]}" if recorded.commit else ""
        tested = f"verified: {recorded.smoke_test}" if recorded.smoke_test else "not verified"
        yield f"Since {minute(recorded.at)} {how}{commit}; {tested}."
    elif release:
        yield "Not deployed by the pipeline: not in the ledger, and not verified."
    if recorded and recorded.bypassed:
        yield f"Bypassed on its way: {', '.join(recorded.bypassed)} ({recorded.bypass_reason})."
    if bypass and bypass.digest != release.get("digest"):
        yield (
            f"Release {bypass.digest[:12]} may come without {', '.join(bypass.gates)}: {bypass.reason} "
            f"({bypass.by}, {minute(bypass.at)})."
        )
    if hold and hold.holds:
        yield f"Held: {held_since(hold)}. Then ./vectora promote release-hold --env {env}."


def _stack(account: Account, name: str) -> StackStatus:
    try:
        stack = account.session.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            return StackStatus(name=name, status="not deployed", updated=None)
        raise
    updated = stack.get("LastUpdatedTime", stack["CreationTime"])
    return StackStatus(name=name, status=stack["StackStatus"], updated=updated.isoformat(timespec="seconds"))


def _function(account: Account, name: str) -> FunctionStatus | None:
    try:
        function = account.session.client("lambda").get_function_configuration(FunctionName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise
    layers = (layer["Arn"].split(":layer:")[-1] for layer in function.get("Layers", []))
    return FunctionStatus(
        name=name,
        runtime=function["Runtime"],
        code_sha256=function["CodeSha256"],
        modified=function["LastModified"],
        layers=tuple(layers),
    )


def _clients(account: Account, bucket_name: str) -> tuple[ClientStatus, ...]:
    s3 = account.session.client("s3")
    bucket = Bucket(s3, bucket_name)
    try:
        published = (bucket.read_json(RECORD_KEY) or {}).get("keys", {})
        keys = [key for key in bucket.keys("clients/") if key.endswith(".yaml")]
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchBucket":
            return ()
        raise
    bodies = {key: s3.get_object(Bucket=bucket_name, Key=key)["Body"].read() for key in keys}
    return tuple(_client(key, body, published) for key, body in bodies.items())


def _client(key: str, body: bytes, published: dict[str, Any]) -> ClientStatus:
    client_id = key.removeprefix("clients/").removesuffix(".yaml")
    if key not in published:
        note = "not from a release"
    elif published[key] != hashlib.sha256(body).hexdigest():
        note = "edited in the bucket since it was published"
    else:
        note = None
    try:
        profile = read_section(ClientConfig, parse_yaml(key, body)).client_profile
    except ConfigurationError:
        return ClientStatus(client_id=client_id, version="invalid", active=None, note=note or "does not validate")
    return ClientStatus(client_id=client_id, version=profile.version, active=profile.active, note=note)
