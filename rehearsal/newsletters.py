"""Newsletters of the rehearsal: produced by the deployed workflow, and copied from the bucket to this machine."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from rehearsal.waiting import LOG_LINES_SHOWN, StepError
from vectora_ops.account import Account
from vectora_ops.names import FUNCTION_TASKS, OPERATIONS_TASKS, Names
from vectora_ops.runs import RunOutcome, RunRequest, follow_run, start_run


@dataclass(frozen=True, kw_only=True)
class ClientRun:
    """One newsletter run: `items` by stage, and `files` in the results folder."""

    client_id: str
    seconds: float
    items: Mapping[str, int]
    analyzers: Mapping[str, int]
    cost_usd: float | None
    troubled_sources: Mapping[str, str]
    files: tuple[str, ...]


def make_newsletter(account: Account, names: Names, client_id: str, day: date, results: Path) -> ClientRun:
    """Make the newsletter of `day` and copy it to `results`; raise StepError with the functions' log when it fails."""
    states = account.client("stepfunctions")
    request = RunRequest(client_id=client_id, target_date=day.isoformat())
    try:
        execution = start_run(states, account.state_machine_arn(names.state_machine), request)
        outcome = follow_run(states, execution, lambda step: None)
    except (ClientError, BotoCoreError) as error:
        raise StepError(f"{names.env}: the run of {client_id} could not be followed: {error}", ()) from error
    if not outcome.succeeded:
        raise StepError(
            f"{names.env}: the run of {client_id} {outcome.status.lower()}: {outcome.reason}",
            function_logs(account, names),
        )
    files = _download(account, names, f"{client_id}/{day:%Y/%m/%d}/", results)
    return _client_run(client_id, outcome, files)


def _download(account: Account, names: Names, prefix: str, results: Path) -> tuple[Path, ...]:
    s3 = account.client("s3")
    bucket = names.bucket("newsletters")
    files: list[Path] = []
    for entry in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", []):
        target = results / entry["Key"]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read())
        files.append(target)
    return tuple(files)


def _client_run(client_id: str, outcome: RunOutcome, files: Sequence[Path]) -> ClientRun:
    manifests = [path for path in files if path.name == "manifest.json"]
    if not manifests:
        raise StepError(f"The run of {client_id} succeeded but wrote no manifest.json.", [str(path) for path in files])
    manifest = json.loads(manifests[0].read_bytes())
    metrics = manifest["metrics"]
    sources = outcome.steps.get("ingest", {}).get("sources", [])
    return ClientRun(
        client_id=client_id,
        seconds=round(outcome.seconds, 1),
        items=metrics["items"],
        analyzers=manifest["analyzers"],
        cost_usd=metrics["cost_usd"],
        troubled_sources={each["source_key"]: each["message"] for each in sources if each["status"] != "ok"},
        files=tuple(str(path) for path in files),
    )


def function_logs(account: Account, names: Names) -> list[str]:
    """Return the last lines that the environment's functions logged."""
    logs = account.client("logs")
    lines: list[tuple[int, str]] = []
    for task in (*FUNCTION_TASKS, *OPERATIONS_TASKS):
        with contextlib.suppress(ClientError):
            events = logs.filter_log_events(logGroupName=names.log_group(task))["events"]
            lines += [(event["timestamp"], f"{task}: {event['message'].rstrip()}") for event in events]
    return [line for _, line in sorted(lines, key=lambda line: line[0])][-LOG_LINES_SHOWN:]
