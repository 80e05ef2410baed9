"""What the pipeline did to CloudFormation, by its own events: nothing before the snapshot, everything in its order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from rehearsal.codepipeline import ActionReport
from tests.delivery.conftest import Played
from vectora_ops.names import OPERATIONS_LAYER, STACK_LAYERS
from vectora_ops.records import LedgerEntry, Records
from vectora_ops.snapshots.vault import Vault

ENVIRONMENTS = ("dev", "stage", "prod")


def releases(played: Played, env: str) -> list[LedgerEntry]:
    """Return the ledger entries of the rehearsal's three commits in an environment, without the aged copy of one."""
    ledger = Records(played.delivery.account(), played.delivery.names(env)).ledger()
    executions = [commit.execution for commit in played.result.commits]
    found = {entry.execution: entry for entry in reversed(ledger) if entry.kind == "release"}
    return [found[execution] for execution in executions if execution in found]


def actions(played: Played, execution: str | None, env: str) -> dict[str, ActionReport]:
    """The last run of each action of an environment."""
    [report] = [each for each in played.reports if each.execution_id == execution]
    return {each.action: each for each in report.actions if each.stage == env}


def events(played: Played, env: str, first: datetime, last: datetime) -> Iterator[Any]:
    """What CloudFormation did to the other stacks than operations in that time."""
    cloudformation = played.delivery.client("cloudformation")
    for layer in STACK_LAYERS:
        if layer != OPERATIONS_LAYER:
            name = played.delivery.names(env).stack(layer)
            for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=name):
                yield from (each for each in page["StackEvents"] if first <= each["Timestamp"] <= last)


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_no_other_stack_changes_before_the_snapshot_is_complete(played: Played, env: str) -> None:
    vault = Vault(played.delivery.account(), played.delivery.names(env))
    entries = releases(played, env)
    assert entries
    for entry in entries:
        assert entry.snapshot is not None
        manifest = vault.manifest(entry.snapshot)
        of_env = actions(played, entry.execution, env)
        began = of_env[f"{played.delivery.names(env).stack(OPERATIONS_LAYER)}.Prepare"].started
        ended = of_env[f"record-{env}"].ended
        assert ended is not None
        changes = list(events(played, env, began, ended))
        assert changes, "nothing changed: the test shows nothing"
        assert manifest.completed_at <= min(each["Timestamp"] for each in changes)
        assert manifest.occasion.detail == entry.digest


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_a_snapshot_before_a_release_holds_the_release_before(played: Played, env: str) -> None:
    vault = Vault(played.delivery.account(), played.delivery.names(env))
    first, *later = releases(played, env)
    assert vault.manifest(first.snapshot or "").is_empty
    # The bad commit came into dev in between.
    for entry in later:
        release = vault.manifest(entry.snapshot or "").release
        assert release is not None
        assert release.digest != entry.digest


def test_what_is_deployed_is_what_each_commit_was(played: Played) -> None:
    first, bad, fix = played.result.commits
    assert len({first.content_digest, bad.content_digest, fix.content_digest}) == 3
    for env, commits in (("dev", [first, bad, fix]), ("stage", [first, fix]), ("prod", [first])):
        recorded = [(entry.digest, entry.content_digest) for entry in releases(played, env)]
        assert recorded == [(commit.digests[env], commit.content_digest) for commit in commits]


def test_the_terminal_showed_each_action_and_what_the_approver_was_shown(played: Played) -> None:
    texts = ("✓ Synth", "✗ gate-prod", "✓ approval-prod", "✗ smoke-test-stage", "rolled back automatically, and held")
    for text in texts:
        assert text in played.shown
    approved = next(line for line in played.shown.splitlines() if line.startswith("Approval for prod"))
    commit = played.result.commits[0]
    assert commit.digests["prod"] in approved
    assert commit.commit in approved or "commit" in approved
