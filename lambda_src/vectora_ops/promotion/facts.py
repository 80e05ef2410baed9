"""Facts about a release, read from the ledger, from runs and their manifests, and from the deployed configuration."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from vectora_ops.account import Account
from vectora_ops.live_environment import Environment
from vectora_ops.names import CANARY_CLIENT, FAILED_RUN_STATUSES, Names
from vectora_ops.promotion.client_gates import ClientFacts
from vectora_ops.promotion.environment_runs import ClientFile, FailedRun, Run, why_not_counted
from vectora_ops.promotion.gates import Facts
from vectora_ops.records import LedgerEntry, Records, ReleaseId
from vectora_ops.unknown_names import unknown_name
from vectora_ops.what_runs import ChangesByHand, changes_by_hand
from vectora_ops.withholding_key import own_withholding_key
from vectora_shared.aws import read_object
from vectora_shared.aws_errors import error_code, is_absent
from vectora_shared.aws_texts import plain
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.publication import RECORD_KEY
from vectora_shared.config.section import read_file
from vectora_shared.errors import ConfigurationError, VectoraError
from vectora_shared.keys import (
    CLIENTS_PREFIX,
    DRAFTS_PREFIX,
    client_key,
    client_of_key,
    day_of_manifest_key,
    newsletters_prefix,
)
from vectora_shared.storage import Bucket

# Longer than any soak: nothing older can count.
LONGEST_LOOK_BACK = timedelta(days=91)
NOT_VALID = "invalid"
UNKNOWN_CLIENT = "unknown"
DIGEST_DIGITS = 64


def gather(
    account: Account, source: Names, target: Names, release: ReleaseId, now: datetime, execution: str | None = None
) -> Facts:
    """Return the facts that decide whether `release` may go from `source` into `target` with `execution`."""
    here, there = Records(account, source), Records(account.of(target.env), target)
    since = now - LONGEST_LOOK_BACK
    clients = client_files(account, source)
    failed = failed_runs(account, source, since)
    ledger, promotions = here.ledger(), there.client_promotions()
    return Facts(
        source=source.env,
        target=target.env,
        release=release,
        now=now,
        live_digest=live_digest(account, source),
        ledger=ledger,
        runs=tuple(run for run in _runs(account, source, since) if _is_active(clients.get(run.client_id))),
        failed_runs=tuple(run for run in failed if why_not_counted(run, clients) is None),
        alarms=here.alarms(),
        hold=there.hold(),
        bypass=there.bypass_of(release),
        clients=clients,
        target_clients=client_files(account.of(target.env), target),
        deployments=here.deployments(),
        source_hold=here.hold(),
        changes=_changes(account, source, ledger),
        target_ledger=there.ledger(),
        target_deployments=there.deployments(),
        target_promotion=promotions[-1] if promotions else None,
        execution=execution,
        freeze=there.freeze(),
    )


def _changes(account: Account, source: Names, ledger: Sequence[LedgerEntry]) -> ChangesByHand:
    """Return what was changed by hand since the last entry of the ledger."""
    if not ledger:
        return ChangesByHand()
    return changes_by_hand(Environment(account, source, key=own_withholding_key), ledger[-1])


def gather_client(account: Account, source: Names, target: Names, client_id: str, now: datetime) -> ClientFacts:
    """Return the facts that decide whether a client's file may go from `source` into `target` by itself.

    Raises VectoraError when `source` has no such client.
    """
    files = client_files(account, source)
    require_client(source.env, client_id, files)
    record = Bucket(account.client("s3"), source.bucket("config")).read_json(RECORD_KEY) or {}
    runs = _runs(account, source, now - LONGEST_LOOK_BACK)
    there = Records(account.of(target.env), target)
    return ClientFacts(
        source=source.env,
        target=target.env,
        client_id=client_id,
        file=files[client_id],
        published=record.get("keys", {}).get(client_key(client_id)),
        target_file=client_files(account.of(target.env), target).get(client_id),
        runs=tuple(run for run in runs if run.client_id == client_id),
        hold=there.hold(),
        now=now,
        freeze=there.freeze(),
        target_deployments=there.deployments(),
        target_ledger=there.ledger(),
    )


def require_client(env: str, client_id: str, files: Mapping[str, ClientFile]) -> None:
    """Raise VectoraError, naming the closest client, when the environment has no such client."""
    if client_id not in files:
        raise VectoraError(unknown_name("client", client_id, sorted(files), where=f"in {env}"))


def live_release(account: Account, names: Names) -> dict[str, str]:
    """Return digest and version of the deployed release, as CloudFormation recorded them; empty when there is none."""
    release: dict[str, str] = json.loads(Environment(account, names).release() or "{}")
    return release


def live_digest(account: Account, names: Names) -> str | None:
    return live_release(account, names).get("digest")


def deployed_release(account: Account, names: Names) -> ReleaseId | None:
    """Return the release that the environment has; its content is known when the pipeline deployed it."""
    digest = live_digest(account, names)
    if digest is None:
        return None
    ledger = Records(account, names).ledger()
    return ledger[-1].release if ledger and ledger[-1].digest == digest else ReleaseId(digest)


def find_release(account: Account, names: Names, digits: str | None) -> ReleaseId:
    """Return the release whose digest or content digest begins with `digits`; without them the deployed one.

    All 64 digits of a content that the environment never had are accepted too: a release that is still on its way.
    Raises VectoraError when no release, or more than one content, begins with them.
    """
    if digits is None:
        deployed = deployed_release(account, names)
        if deployed is None:
            raise VectoraError(f"{names.env} has no release that could be promoted: deploy one first.")
        return deployed
    if not re.fullmatch(r"[0-9a-f]{8,64}", digits):
        raise VectoraError(f"'{plain(digits)}' is no digest: give 8 to 64 of its digits (0-9, a-f).")
    found = [entry.release for entry in reversed(Records(account, names).ledger())]
    found = [release for release in found if release.begins_with(digits)]
    if not found and len(digits) == DIGEST_DIGITS:
        return ReleaseId(digits, digits)
    if not found:
        raise VectoraError(
            f"No release of {names.env} begins with {digits}: see ./vectora release list --env {names.env}, or "
            f"give all {DIGEST_DIGITS} digits of the content digest."
        )
    if not all(release.has_same_content(found[0]) for release in found):
        raise VectoraError(f"Several releases of {names.env} begin with {digits}: give more digits.")
    return found[0]


def _runs(account: Account, names: Names, since: datetime) -> Iterator[Run]:
    """Yield one run for each issue: a second run of a client on a day replaces the first."""
    s3 = account.client("s3")
    bucket = Bucket(s3, names.bucket("newsletters"))
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket.name)
    for entry in _unless_gone(pages):
        client_id = entry["Key"].partition("/")[0]
        is_issue = day_of_manifest_key(entry["Key"], newsletters_prefix(client_id)) is not None
        if not is_issue or f"{client_id}/" in (f"{CANARY_CLIENT}/", DRAFTS_PREFIX):
            continue
        if entry["LastModified"] < since:
            continue
        manifest = bucket.read_json(entry["Key"])
        # Manifests of the previous system's newsletters have no metrics.
        if manifest and "metrics" in manifest:
            yield _run(client_id, manifest)


def _run(client_id: str, manifest: dict[str, Any]) -> Run:
    metrics = manifest["metrics"]
    return Run(
        client_id=client_id,
        at=datetime.fromisoformat(manifest["generation_date"]),
        # Manifests of releases before drafts have the selected items only.
        items=metrics["items"].get("in_period", metrics["items"]["selected"]),
        noise=metrics.get("noise_estimate"),
        cost_usd=metrics.get("cost_usd"),
        client_version=manifest.get("client_version"),
    )


def failed_runs(account: Account, names: Names, since: datetime) -> Iterator[FailedRun]:
    """Yield the runs that failed since then, newest first for each status; the smoke test judges its own runs."""
    states = account.client("stepfunctions")
    machine = account.state_machine_arn(names.state_machine)
    for status in FAILED_RUN_STATUSES:
        pages = states.get_paginator("list_executions").paginate(stateMachineArn=machine, statusFilter=status)
        for execution in _ended_since(pages, since):
            run = failed_run(account, execution)
            if run.client_id != CANARY_CLIENT:
                yield run


def failed_run(account: Account, execution: Mapping[str, Any], given: str | None = None) -> FailedRun:
    """Return the run of an execution as ListExecutions describes it; `given` is its input, read when it is None."""
    if given is None:
        # Eventually consistent, but the input of an ended execution is known (Step Functions, DescribeExecution).
        described = account.client("stepfunctions").describe_execution(executionArn=execution["executionArn"])
        execution = {**execution, "error": described.get("error")}
        given = described.get("input")
    run_input = input_of(given)
    return FailedRun(
        client_id=str(run_input.get("client_id", UNKNOWN_CLIENT)),
        draft=run_input.get("draft") is True,
        error=str(execution.get("error") or ""),
        at=execution.get("stopDate") or execution["startDate"],
        status=str(execution["status"]).replace("_", " "),
        execution=execution["executionArn"],
        started=execution["startDate"],
    )


def input_of(given: str | None) -> dict[str, Any]:
    """Return the input of a run; empty for what no run of a client has: one started by hand may have any input."""
    try:
        document = json.loads(given or "")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _is_active(file: ClientFile | None) -> bool:
    return file is not None and (file.active or not file.is_valid)


def _ended_since(pages: Any, since: datetime) -> Iterator[dict[str, Any]]:
    """Yield executions that ended since then; they are listed by their end, newest first (ListExecutions)."""
    try:
        for page in pages:
            for execution in page["executions"]:
                if (execution.get("stopDate") or execution["startDate"]) < since:
                    return
                yield execution
    except ClientError as error:
        if error_code(error) != "StateMachineDoesNotExist":
            raise


def client_files(account: Account, names: Names) -> dict[str, ClientFile]:
    """Return the deployed client files by client, without the canary's; none where nothing is deployed."""
    s3 = account.client("s3")
    bucket = names.bucket("config")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=CLIENTS_PREFIX)
    found: dict[str, ClientFile] = {}
    for entry in _unless_gone(pages):
        key = entry["Key"]
        client_id = client_of_key(key)
        if client_id is not None and client_id != CANARY_CLIENT:
            found[client_id] = _client_file(key, read_object(s3, Bucket=bucket, Key=key).body)
    return found


def _client_file(key: str, body: bytes) -> ClientFile:
    digest = hashlib.sha256(body).hexdigest()
    try:
        profile = read_file(ClientConfig, key, body).client_profile
    except ConfigurationError:
        return ClientFile(version=NOT_VALID, sha256=digest, active=False, is_valid=False)
    return ClientFile(version=profile.version, sha256=digest, active=profile.active, frequency=profile.frequency)


def _unless_gone(pages: Any) -> Iterator[dict[str, Any]]:
    try:
        for page in pages:
            yield from page.get("Contents", [])
    except ClientError as error:
        # Nothing was ever deployed there.
        if not is_absent(error, "bucket"):
            raise
