"""Facts about a release: read from the ledger, from runs and their manifests, and from the deployed configuration."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from vectora_ops.account import Account
from vectora_ops.live_environment import Environment
from vectora_ops.names import CANARY_CLIENT, FAILED_RUN_STATUSES, Names
from vectora_ops.promotion.client_gates import ClientFacts
from vectora_ops.promotion.gates import ClientFile, Facts, FailedRun, Run
from vectora_ops.records import Records
from vectora_shared.aws import read_object
from vectora_shared.aws_errors import error_code, is_absent
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.publication import RECORD_KEY
from vectora_shared.config.section import read_section
from vectora_shared.config.wording import did_you_mean
from vectora_shared.config.yaml_file import parse_yaml
from vectora_shared.errors import ConfigurationError, VectoraError
from vectora_shared.keys import client_key
from vectora_shared.storage import Bucket

# Longer than any soak: nothing older can count.
LONGEST_LOOK_BACK = timedelta(days=91)
NOT_VALID = "invalid"
UNKNOWN_CLIENT = "unknown"


def gather(account: Account, source: Names, target: Names, digest: str, now: datetime) -> Facts:
    """What there is to know about release `digest` in `source` before it goes into `target`."""
    here, there = Records(account, source), Records(account, target)
    return Facts(
        source=source.env,
        target=target.env,
        digest=digest,
        now=now,
        live_digest=live_digest(account, source),
        ledger=here.ledger(),
        runs=tuple(_runs(account, source, now - LONGEST_LOOK_BACK)),
        failed_runs=tuple(failed_runs(account, source, now - LONGEST_LOOK_BACK)),
        alarms=here.alarms(),
        hold=there.hold(),
        bypass=there.bypass(),
        clients=_client_files(account, source),
        target_clients=_client_files(account, target),
    )


def gather_client(account: Account, source: Names, target: Names, client_id: str, now: datetime) -> ClientFacts:
    """What there is to know about the client's file in `source` before it goes into `target` by itself.

    Raises VectoraError when `source` has no such client.
    """
    files = _client_files(account, source)
    if client_id not in files:
        known = did_you_mean(client_id, files) or f"it has {', '.join(sorted(files)) or 'none'}. "
        raise VectoraError(f"{source.env} has no client '{client_id}': {known.rstrip()}")
    record = Bucket(account.client("s3"), source.bucket("config")).read_json(RECORD_KEY) or {}
    runs = _runs(account, source, now - LONGEST_LOOK_BACK)
    return ClientFacts(
        source=source.env,
        target=target.env,
        client_id=client_id,
        file=files[client_id],
        published=record.get("keys", {}).get(client_key(client_id)),
        target_file=_client_files(account, target).get(client_id),
        runs=tuple(run for run in runs if run.client_id == client_id),
        hold=Records(account, target).hold(),
    )


def live_release(account: Account, names: Names) -> dict[str, str]:
    """What CloudFormation recorded last: digest and version; empty when nothing is deployed."""
    release: dict[str, str] = json.loads(Environment(account, names).release() or "{}")
    return release


def live_digest(account: Account, names: Names) -> str | None:
    return live_release(account, names).get("digest")


def _runs(account: Account, names: Names, since: datetime) -> Iterator[Run]:
    """One a newsletter: a second run of a client on a day replaces the first."""
    s3 = account.client("s3")
    bucket = Bucket(s3, names.bucket("newsletters"))
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket.name)
    for entry in _unless_gone(pages):
        client_id, _, name = entry["Key"].partition("/")
        if client_id == CANARY_CLIENT or not name.endswith("/manifest.json") or entry["LastModified"] < since:
            continue
        manifest = bucket.read_json(entry["Key"])
        # Newsletters of the system before this one have manifests without metrics.
        if manifest and "metrics" in manifest:
            yield _run(client_id, manifest)


def _run(client_id: str, manifest: dict[str, Any]) -> Run:
    metrics = manifest["metrics"]
    return Run(
        client_id=client_id,
        at=datetime.fromisoformat(manifest["generation_date"]),
        items=metrics["items"]["selected"],
        noise=metrics.get("noise_estimate"),
        cost_usd=metrics.get("cost_usd"),
        client_version=manifest.get("client_version"),
    )


def failed_runs(account: Account, names: Names, since: datetime) -> Iterator[FailedRun]:
    """Failed runs since then, newest first of each status; the smoke test's own are judged by the smoke test."""
    states = account.client("stepfunctions")
    machine = account.state_machine_arn(names.state_machine)
    for status in FAILED_RUN_STATUSES:
        pages = states.get_paginator("list_executions").paginate(stateMachineArn=machine, statusFilter=status)
        for execution in _ended_since(pages, since):
            run = failed_run(account, execution)
            if run.client_id != CANARY_CLIENT:
                yield run


def failed_run(account: Account, execution: Mapping[str, Any], given: str | None = None) -> FailedRun:
    """The run of an execution as ListExecutions describes it; `given` is its input, read when it is not known."""
    if given is None:
        # Eventually consistent, but of one that has ended the input is known (Step Functions, DescribeExecution).
        given = account.client("stepfunctions").describe_execution(executionArn=execution["executionArn"]).get("input")
    return FailedRun(
        client_id=client_of(given),
        at=execution.get("stopDate") or execution["startDate"],
        status=str(execution["status"]).replace("_", " "),
        execution=execution["executionArn"],
        started=execution["startDate"],
    )


def client_of(given: str | None) -> str:
    """The client that a run was started for; whoever starts one by hand may give it any input."""
    try:
        asked = json.loads(given or "")
    except ValueError:
        return UNKNOWN_CLIENT
    return str(asked.get("client_id", UNKNOWN_CLIENT)) if isinstance(asked, dict) else UNKNOWN_CLIENT


def _ended_since(pages: Any, since: datetime) -> Iterator[dict[str, Any]]:
    """Executions that have ended are listed by their end, the newest first (Step Functions, ListExecutions)."""
    try:
        for page in pages:
            for execution in page["executions"]:
                if (execution.get("stopDate") or execution["startDate"]) < since:
                    return
                yield execution
    except ClientError as error:
        if error_code(error) != "StateMachineDoesNotExist":
            raise


def _client_files(account: Account, names: Names) -> dict[str, ClientFile]:
    s3 = account.client("s3")
    bucket = names.bucket("config")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="clients/")
    found: dict[str, ClientFile] = {}
    for entry in _unless_gone(pages):
        key = entry["Key"]
        client_id = key.removeprefix("clients/").removesuffix(".yaml")
        if client_id != CANARY_CLIENT:
            found[client_id] = _client_file(key, read_object(s3, Bucket=bucket, Key=key).body)
    return found


def _client_file(key: str, body: bytes) -> ClientFile:
    digest = hashlib.sha256(body).hexdigest()
    try:
        profile = read_section(ClientConfig, parse_yaml(key, body)).client_profile
    except ConfigurationError:
        return ClientFile(version=NOT_VALID, sha256=digest, active=False)
    return ClientFile(version=profile.version, sha256=digest, active=profile.active, frequency=profile.frequency)


def _unless_gone(pages: Any) -> Iterator[dict[str, Any]]:
    try:
        for page in pages:
            yield from page.get("Contents", [])
    except ClientError as error:
        # Nothing was ever deployed there.
        if not is_absent(error, "bucket"):
            raise
