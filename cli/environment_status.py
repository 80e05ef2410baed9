"""State of one deployed environment, as far as the operator may read it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from botocore.exceptions import ClientError

from cli.checkout import Comparison
from cli.old_clients import is_old_form
from cli.promotion_status import client_sentences, promotion_sentences, window_sentences
from cli.stray_objects import stray_keys
from vectora_ops.account import Account
from vectora_ops.cloudformation.statuses import problem_of
from vectora_ops.live_environment import Environment
from vectora_ops.names import DELIVERY_TASK, FUNCTION_TASKS, OPERATIONS_TASKS, STACK_LAYERS, Names
from vectora_ops.progress import utc_now
from vectora_ops.promotion.facts import live_release
from vectora_ops.promotion.soak import last_word
from vectora_ops.records import LedgerEntry, Records
from vectora_ops.snapshots.catalog import future_snapshots
from vectora_ops.snapshots.vault import Vault
from vectora_ops.store_clock import records_clock
from vectora_ops.what_runs import changed_resources
from vectora_ops.windows import Windows
from vectora_shared.aws import read_object
from vectora_shared.aws_errors import is_absent, is_denied
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.publication import PREFIXES, RECORD_KEY
from vectora_shared.config.section import read_file
from vectora_shared.errors import ConfigurationError
from vectora_shared.keys import CLIENTS_PREFIX, client_of_key
from vectora_shared.storage import Bucket

Part = TypeVar("Part")
Other = TypeVar("Other")
NOT_PERMITTED = "not permitted"


@dataclass(frozen=True)
class StackStatus:
    name: str
    status: str
    updated: str | None
    problem: str | None = None  # a sentence with the command, when CloudFormation cannot update the stack


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
    """The deployed state of one environment.

    `promotion` says in sentences since when the environment has its release, whether that was verified, and why
    promotion is held. `checkout` is how the release stands to the checkout, when it was compared.
    """

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
    drift: tuple[str, ...]  # sentences on what differs from the release: files, functions, stacks, the workflow
    config_bucket: str
    old_clients: tuple[str, ...]  # client files in a form from before this app
    release_content_digest: str | None = None
    delivery: str = ""  # whom newsletters are sent to by e-mail
    future_snapshots: tuple[str, ...] = ()  # taken by a machine with a wrong clock
    checkout: Comparison | None = None
    strays: tuple[str, ...] = ()  # keys of objects in the config bucket that nothing reads
    copy: str | None = None  # how old the newest complete snapshot in the vault's copy is
    denied: tuple[str, ...] = ()  # what the operator may not read, with the operation of AWS

    @property
    def deployed(self) -> bool:
        return any(stack.status != "not deployed" for stack in self.stacks)


class _Parts:
    """The parts of an environment that may be read, and a note of those that AWS denies."""

    def __init__(self) -> None:
        self.denied: list[str] = []

    def read(self, what: str, read: Callable[[], Part], otherwise: Other) -> Part | Other:
        """Return what `read` returns, or `otherwise` when the permission is missing."""
        try:
            return read()
        except ClientError as error:
            if not is_denied(error):
                raise
            note = f"{what} ({error.operation_name})"
            if note not in self.denied:
                self.denied.append(note)
            return otherwise


def environment_status(account: Account, names: Names, windows: Sequence[Windows] = ()) -> EnvironmentStatus:
    """Return the deployed state of an environment; `windows` are those of its settings in the checkout."""
    parts, records = _Parts(), Records(account, names)
    unknown: dict[str, str] = {}
    release = parts.read("the release", lambda: live_release(account, names), unknown)
    ledger = parts.read("the ledger", records.ledger, ())
    recorded = _recorded(ledger, release.get("digest"))
    deployments = parts.read("the deployments", records.deployments, ())
    word = last_word(ledger, deployments, recorded.release) if recorded else None
    hold = parts.read("the hold", records.hold, None)
    configuration = parts.read(
        "the client files", lambda: _configuration(account, names.bucket("config")), _NO_CONFIGURATION
    )
    now = parts.read("the clock of the records", records_clock(account, names), utc_now())
    return EnvironmentStatus(
        env=names.env,
        release_digest=release.get("digest"),
        release_version=release.get("version"),
        release_since=recorded.at.isoformat(timespec="seconds") if recorded else None,
        release_commit=recorded.commit if recorded else None,
        release_content_digest=recorded.content_digest if recorded else None,
        verified=word is not None and word.kind == "passed",
        held=hold is not None and hold.holds,
        promotion=(
            *promotion_sentences(
                release,
                recorded,
                word,
                hold,
                parts.read("the bypass", records.bypass, None),
                names.env,
                now,
            ),
            *window_sentences(windows, parts.read("the freeze", records.freeze, None), names.env, now),
            *client_sentences(parts.read("the promoted clients", records.client_promotions, ()), recorded),
        ),
        stacks=tuple(_stack(parts, account, names.stack(layer)) for layer in STACK_LAYERS),
        functions=tuple(
            found
            for task in (*FUNCTION_TASKS, *OPERATIONS_TASKS)
            if (found := parts.read("the functions", partial(_function, account, names.function(task)), None))
        ),
        clients=tuple(_client(key, body, configuration) for key, body in configuration.clients.items()),
        drift=(
            *_drift(configuration),
            *parts.read("changes by hand", lambda: tuple(_changed_resources(account, names, recorded)), ()),
        ),
        config_bucket=names.bucket("config"),
        old_clients=tuple(
            _client_id(key)
            for key, body in configuration.clients.items()
            if key not in configuration.published and is_old_form(key, body)
        ),
        delivery=parts.read("the delivery of newsletters", lambda: _delivery(account, names), ""),
        strays=configuration.strays,
        future_snapshots=parts.read("the snapshots", lambda: _future_snapshots(account, names), ()),
        denied=tuple(parts.denied),
    )


def _recorded(ledger: tuple[LedgerEntry, ...], digest: str | None) -> LedgerEntry | None:
    """Return the ledger's entry for the deployed release; a rollback's release has its earlier smoke test."""
    if not ledger or ledger[-1].digest != digest:
        return None
    tests = [entry.smoke_test for entry in ledger if entry.digest == digest and entry.smoke_test]
    return ledger[-1].model_copy(update={"smoke_test": tests[-1] if tests else None})


def _changed_resources(account: Account, names: Names, recorded: LedgerEntry | None) -> Iterator[str]:
    if recorded is None:
        return
    for clause in changed_resources(Environment(account, names), recorded).remaining:
        yield f"{clause}."


def _stack(parts: _Parts, account: Account, name: str) -> StackStatus:
    unknown = StackStatus(name=name, status=NOT_PERMITTED, updated=None)
    return parts.read("the stacks", lambda: _readable_stack(account, name), unknown)


def _readable_stack(account: Account, name: str) -> StackStatus:
    try:
        stack = account.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if is_absent(error, "stack"):
            return StackStatus(name=name, status="not deployed", updated=None)
        raise
    updated = stack.get("LastUpdatedTime", stack["CreationTime"])
    return StackStatus(
        name=name,
        status=stack["StackStatus"],
        updated=updated.isoformat(timespec="seconds"),
        problem=problem_of(name, stack["StackStatus"]),
    )


def _delivery(account: Account, names: Names) -> str:
    try:
        function = account.client("lambda").get_function_configuration(FunctionName=names.function(DELIVERY_TASK))
    except ClientError as error:
        if is_absent(error, "function"):
            return "Sends no newsletters by e-mail."
        raise
    variables = function.get("Environment", {}).get("Variables", {})
    if variables.get("DELIVERY_MODE") == "recipients":
        return "Sends newsletters by e-mail to the readers in the clients' files."
    return f"Sends newsletters by e-mail to {variables.get('REDIRECT_TO', 'nobody')}, instead of the readers."


def _future_snapshots(account: Account, names: Names) -> tuple[str, ...]:
    try:
        account.client("s3").head_bucket(Bucket=names.bucket("snapshots"))
    except ClientError as error:
        if is_absent(error, "bucket"):
            return ()
        raise
    return future_snapshots(Vault(account, names))


def _function(account: Account, name: str) -> FunctionStatus | None:
    try:
        function = account.client("lambda").get_function_configuration(FunctionName=name)
    except ClientError as error:
        if is_absent(error, "function"):
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


@dataclass(frozen=True)
class _PublishedConfiguration:
    """The content of a config bucket: SHA-256 by key as published and as found, client files, and stray objects."""

    published: dict[str, str]
    promoted: dict[str, str]
    found: dict[str, str]
    clients: dict[str, bytes]
    strays: tuple[str, ...]

    def note(self, key: str) -> str | None:
        """Return how the file differs from the published one; None when it does not."""
        if key not in self.found:
            return "deleted from the bucket since it was published"
        if key not in self.published:
            return "not from a release"
        return None if self.found[key] == self.published[key] else "edited in the bucket since it was published"


_NO_CONFIGURATION = _PublishedConfiguration({}, {}, {}, {}, ())


def _configuration(account: Account, bucket_name: str) -> _PublishedConfiguration:
    s3 = account.client("s3")
    bucket = Bucket(s3, bucket_name)
    try:
        record = bucket.read_json(RECORD_KEY) or {}
        keys = bucket.keys("")
    except ClientError as error:
        if is_absent(error, "bucket"):
            return _NO_CONFIGURATION
        raise
    published = record.get("keys", {})
    strays = stray_keys(keys, published)
    bodies = {
        key: read_object(s3, Bucket=bucket_name, Key=key).body
        for key in keys
        if key.startswith(PREFIXES) and key not in strays
    }
    return _PublishedConfiguration(
        published=published,
        promoted=record.get("promoted", {}),
        found={key: hashlib.sha256(body).hexdigest() for key, body in bodies.items()},
        clients={key: body for key, body in bodies.items() if client_of_key(key)},
        strays=strays,
    )


def _drift(configuration: _PublishedConfiguration) -> Iterator[str]:
    # Files from before the first release are no drift; files added since are shown at their client.
    for key in sorted(configuration.published):
        if note := configuration.note(key):
            yield f"{key}: {note}."


def _client_id(key: str) -> str:
    return key.removeprefix(CLIENTS_PREFIX).removesuffix(".yaml")


def _client(key: str, body: bytes, configuration: _PublishedConfiguration) -> ClientStatus:
    client_id = _client_id(key)
    note = configuration.note(key)
    try:
        profile = read_file(ClientConfig, key, body).client_profile
    except ConfigurationError:
        return ClientStatus(client_id=client_id, version="invalid", active=None, note=note or "does not validate")
    if note is None and key in configuration.promoted:
        note = "promoted by itself, ahead of the release"
    return ClientStatus(client_id=client_id, version=profile.version, active=profile.active, note=note)
