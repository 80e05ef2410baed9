"""Newsletters that are overdue, sources that fail, and what the model cost in a month."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any

from vectora_ops.account import Account
from vectora_ops.costs.runs import recorded_runs
from vectora_ops.names import Names
from vectora_ops.notifications import ALARMS, run_again
from vectora_ops.promotion.environment_runs import ClientFile
from vectora_ops.promotion.facts import client_files
from vectora_ops.schedules import runs_after
from vectora_ops.settings import Schedule
from vectora_ops.watch.reading import Reading
from vectora_shared.aws_texts import plain
from vectora_shared.keys import client_key, day_of_manifest_key, ingested_prefix, newsletters_prefix
from vectora_shared.notifications import Notification
from vectora_shared.storage import Bucket

# A run takes minutes, and ends within an hour (the workflow's time-out).
TOLERANCE = timedelta(hours=2)
# Between two runs of a schedule that counts.
LONGEST_PAUSE = timedelta(days=366)
# Runs of a source that must have failed, one after the other.
FAILED_RUNS_OF_A_SOURCE = 3
# Three monthly runs, the first of which may have been late.
LOOK_BACK = timedelta(days=100)
FAILED = "failed"
# In a command line; the list names all.
NAMED_SOURCES = 10


def overdue_newsletters(account: Account, names: Names, schedule: Schedule | None, now: datetime) -> Reading:
    """Count the clients whose last scheduled newsletter did not appear; without a schedule there is none."""
    if schedule is None:
        return Reading(value=0)
    found = []
    for client_id, file in sorted(active_clients(account, names).items()):
        due = _last_run(schedule, file, now - TOLERANCE)
        if due is not None and _is_missing(account, names, client_id, due):
            found.append(_overdue(names.env, client_id, due))
    return Reading(value=len(found), found=tuple(found))


def _last_run(schedule: Schedule, file: ClientFile, before: datetime) -> datetime | None:
    """Return the last scheduled time of a client up to `before`; None when there was none for a year."""
    expression = str(getattr(schedule, str(file.frequency)))
    runs = runs_after(expression, schedule.time_zone, before - LONGEST_PAUSE)
    return max(takewhile(lambda run: run <= before, runs), default=None)


def _is_missing(account: Account, names: Names, client_id: str, due: datetime) -> bool:
    """Return whether no issue was written since then; a client that was published later was not due."""
    s3 = account.client("s3")
    published = s3.head_object(Bucket=names.bucket("config"), Key=client_key(client_id))["LastModified"]
    if published > due:
        return False
    return all(written < due for _, written in _issues(account, names, newsletters_prefix(client_id), due))


def _overdue(env: str, client_id: str, due: datetime) -> Notification:
    return Notification(
        what=f"the newsletter of {client_id} is overdue",
        happened=f"In {env} no newsletter of {client_id} was written since its scheduled time.",
        since=due,
        commands=(
            f"./vectora newsletter list {client_id} --env {env}",
            *run_again(env, client_id),
        ),
        runbook=f"{ALARMS}#newsletter-overdue",
    )


def failing_sources(account: Account, names: Names, now: datetime) -> Reading:
    """Count the sources that failed in each of a client's last three runs."""
    failing: dict[str, list[str]] = {}
    messages: dict[str, str] = {}
    for client_id in sorted(active_clients(account, names)):
        reports = _last_reports(account, names, client_id, now - LOOK_BACK)
        failed = [_failed_sources(each) for each in reports]
        if len(failed) == FAILED_RUNS_OF_A_SOURCE:
            for source in set.intersection(*(set(each) for each in failed)):
                failing.setdefault(source, []).append(client_id)
                messages[source] = failed[-1][source]
    clauses = [
        f"{plain(source)} (read by {', '.join(clients)}): {plain(messages[source])}"
        for source, clients in sorted(failing.items())
    ]
    return Reading(value=len(failing), found=(_failing(names.env, sorted(failing), clauses),) if failing else ())


def _last_reports(account: Account, names: Names, client_id: str, first: datetime) -> list[Mapping[str, Any]]:
    """Return the reports of the client's last ingestions, oldest first."""
    s3, bucket = account.client("s3"), names.bucket("data")
    prefix = ingested_prefix(client_id)
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=prefix, StartAfter=f"{prefix}{first:%Y/%m/%d}/"
    )
    keys = [each["Key"] for page in pages for each in page.get("Contents", []) if each["Key"].endswith("/report.json")]
    # A day's folder sorts as its date.
    reports = (Bucket(s3, bucket).read_json(key) for key in sorted(keys)[-FAILED_RUNS_OF_A_SOURCE:])
    return [each for each in reports if isinstance(each, dict)]


def _failed_sources(report: Mapping[str, Any]) -> dict[str, str]:
    """Return the message of each failed source by its key."""
    return {
        str(each["source_key"]): str(each.get("message") or "")
        for each in report.get("sources", ())
        if each.get("status") == FAILED
    }


def _failing(env: str, sources: Sequence[str], clauses: Sequence[str]) -> Notification:
    count = "1 source fails" if len(sources) == 1 else f"{len(sources)} sources fail"
    options = " ".join(f"--source {shlex.quote(plain(each))}" for each in sources[:NAMED_SOURCES])
    return Notification(
        what=count,
        happened=f"In {env} {count}, in each of the last {FAILED_RUNS_OF_A_SOURCE} runs.",
        details=tuple(clauses),
        commands=(f"./vectora source check {options}", f"./vectora source list --env {env}"),
        runbook=f"{ALARMS}#source-failing",
    )


def month_model_cost(account: Account, names: Names, now: datetime) -> Reading:
    """Sum up what the model cost in the runs of this month (UTC), drafts and the canary's included: a lower bound."""
    runs = recorded_runs(account, names, now.astimezone(UTC).date().replace(day=1))
    return Reading(value=round(sum(each.cost_usd or 0 for each in runs), 4))


def active_clients(account: Account, names: Names) -> dict[str, ClientFile]:
    """Return the deployed files of the clients that get newsletters; an invalid file is drift, and has none."""
    return {each: file for each, file in client_files(account, names).items() if file.active and file.frequency}


def _issues(account: Account, names: Names, prefix: str, since: datetime) -> Iterator[tuple[str, datetime]]:
    """Yield key and time of each manifest of a client from the day before `since` on, oldest day first."""
    first = since - timedelta(days=1)
    pages = (
        account.client("s3")
        .get_paginator("list_objects_v2")
        .paginate(
            Bucket=names.bucket("newsletters"), Prefix=prefix, StartAfter=f"{prefix}{first.astimezone(UTC):%Y/%m/%d}/"
        )
    )
    for page in pages:
        for each in page.get("Contents", []):
            if day_of_manifest_key(each["Key"], prefix) is not None:
                yield each["Key"], each["LastModified"]
