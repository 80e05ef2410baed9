"""Digests of all that runs in an environment, by which a change by hand is noticed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from botocore.exceptions import ClientError

from vectora_ops.live_environment import Environment
from vectora_ops.records import LedgerEntry
from vectora_ops.snapshots.deployed_sources import FunctionsSource
from vectora_ops.snapshots.manifest import canonical_json
from vectora_ops.times import minute
from vectora_shared.aws import read_object
from vectora_shared.aws_errors import error_code, is_absent
from vectora_shared.config.publication import RECORD_KEY
from vectora_shared.storage import Bucket

# Twelve digits of SHA-256 distinguish contents, and all items fit into one parameter of Systems Manager.
DIGITS = 12


@dataclass(frozen=True, kw_only=True)
class Touch:
    """A change that left everything as it was, such as one that was undone by hand."""

    at: datetime
    what: str


@dataclass(frozen=True, kw_only=True)
class ChangesByHand:
    """Changes beside the record of a release: `remaining`, as clauses, and those that were undone since."""

    remaining: tuple[str, ...] = ()
    undone: tuple[Touch, ...] = ()


def what_runs(environment: Environment) -> dict[str, str]:
    """Return a short digest of each function with its code and layers, of each stack, and of the workflow."""
    found = {}
    for item in FunctionsSource(environment).items():
        name, _, document = item.path.partition("/")
        if document == "configuration.json":
            found[f"function {name}"] = str(item.sha256)[:DIGITS]
    for name in environment.stack_names:
        if (definition := environment.stack(name)) is not None:
            # Not the role and the capabilities: these are of who deployed it, and change nothing that runs.
            defined = (definition.template, dict(definition.parameters), dict(definition.tags))
            found[f"stack {name}"] = _short(canonical_json(defined))
    if (workflow := _workflow(environment)) is not None:
        found[f"workflow {environment.names.state_machine}"] = _short(canonical_json(workflow))
    return found


def changes_by_hand(environment: Environment, entry: LedgerEntry) -> ChangesByHand:
    """Return what was changed since `entry` was recorded, and not by the pipeline, a rollback or a promotion."""
    resources = changed_resources(environment, entry)
    return ChangesByHand(remaining=(*resources.remaining, *edited_files(environment)), undone=resources.undone)


def changed_resources(environment: Environment, entry: LedgerEntry) -> ChangesByHand:
    """Return the changes of functions, stacks and the workflow since `entry` was recorded.

    An entry of an earlier version of this app has no list of what ran with it: the times of changes decide then.
    """
    # Lambda's, CloudFormation's and SSM's clocks agree; the clock of who wrote the entry may be wrong.
    touched = [each for each in _touches(environment) if each.at > entry.stored]
    if entry.running is None:
        return ChangesByHand(remaining=tuple(f"{each.what} was changed on {minute(each.at)}" for each in touched))
    differing = _differing(entry.running, what_runs(environment))
    undone = tuple(each for each in touched if each.what not in differing)
    return ChangesByHand(remaining=tuple(differing.values()), undone=undone)


def changed_digests(environment: Environment, entry: LedgerEntry) -> dict[str, str]:
    """Return the digests of what differs from `entry`, as it is now."""
    recorded = entry.running or {}
    return {name: digest for name, digest in what_runs(environment).items() if recorded.get(name, digest) != digest}


def _differing(recorded: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    """Return a clause for each item that differs."""
    found = {}
    for name in sorted({*recorded, *now}):
        if name not in now:
            found[name] = f"{name} was deleted"
        elif name not in recorded:
            found[name] = f"{name} was added by hand"
        elif recorded[name] != now[name]:
            found[name] = f"{name} was changed by hand"
    return found


def _touches(environment: Environment) -> list[Touch]:
    """Return the last change of each function and stack, as Lambda and CloudFormation date it."""
    found = []
    for name in environment.function_names():
        if (answer := environment.function(name)) is not None:
            at = datetime.fromisoformat(answer["Configuration"]["LastModified"])
            found.append(Touch(at=at, what=f"function {name}"))
    for name in environment.stack_names:
        if (changed := environment.changed_at(name)) is not None:
            found.append(Touch(at=changed, what=f"stack {name}"))
    return sorted(found, key=lambda each: each.at)


def _workflow(environment: Environment) -> dict[str, str] | None:
    account, names = environment.account, environment.names
    try:
        machine = account.client("stepfunctions").describe_state_machine(
            stateMachineArn=account.state_machine_arn(names.state_machine)
        )
    except ClientError as error:
        if error_code(error) != "StateMachineDoesNotExist":
            raise
        return None
    return {"definition": machine["definition"], "role": machine["roleArn"]}


def edited_files(environment: Environment) -> tuple[str, ...]:
    """Return a clause for each configuration file that is not as it was published; a promoted file is published too."""
    s3, bucket = environment.account.client("s3"), environment.names.bucket("config")
    try:
        record = Bucket(s3, bucket).read_json(RECORD_KEY) or {}
    except ClientError as error:
        if not is_absent(error, "bucket"):
            raise
        return ()
    found = []
    for key, published in sorted(record.get("keys", {}).items()):
        digest = _digest_of(environment, bucket, key)
        if digest is None:
            found.append(f"{key} was deleted from its bucket")
        elif published is not None and digest != published:
            found.append(f"{key} was edited in its bucket")
    return tuple(found)


def _digest_of(environment: Environment, bucket: str, key: str) -> str | None:
    try:
        body = read_object(environment.account.client("s3"), Bucket=bucket, Key=key).body
    except ClientError as error:
        if not is_absent(error, "object"):
            raise
        return None
    return hashlib.sha256(body).hexdigest()


def _short(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:DIGITS]
