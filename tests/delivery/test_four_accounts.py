"""The rehearsal in four accounts: the pipeline in one, and each environment in its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from rehearsal.accounts import COPY, FOUR, FRESH, LOST_ENVIRONMENT, SUFFIX, WHERES, profile_of
from rehearsal.delivery import Delivery
from rehearsal.result import RehearsalResult
from rehearsal.run import RehearsalOptions, completed_rehearsal
from terminal.console import Terminal
from tests.repository import ROOT
from vectora_ops.account import PIPELINE, Account
from vectora_ops.names import STACK_LAYERS, Names
from vectora_ops.records import Records
from vectora_ops.settings import ENVIRONMENT_NAMES


@dataclass(frozen=True)
class Played:
    result: RehearsalResult
    delivery: Delivery

    def vectora(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command as an operator with a profile for each account, and no other credentials."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        tools = self.delivery.tools_environment()
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            tools.pop(name, None)
        return subprocess.run(
            [str(self.delivery.checkout / "vectora"), *arguments],
            env={**own, **tools, **environment},
            cwd=self.delivery.checkout,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    options = RehearsalOptions(root=ROOT, results_folder=tmp_path_factory.mktemp("results"), accounts=4)
    with completed_rehearsal(options, Terminal(file=io.StringIO(), width=200)) as (result, delivery, _):
        yield Played(result, delivery)


def _stacks(played: Played, where: str) -> set[str]:
    cloudformation = played.delivery.client("cloudformation", where)
    return {stack["StackName"] for stack in cloudformation.describe_stacks()["Stacks"]}


@pytest.mark.parametrize("env", ENVIRONMENT_NAMES)
def test_each_environment_is_in_its_own_account_and_the_pipeline_in_another(played: Played, env: str) -> None:
    names = played.delivery.names(env)
    own = {names.stack(layer) for layer in STACK_LAYERS}
    assert _stacks(played, env) >= {*own, names.access_stack, names.toolkit_stack}
    others = set().union(*(_stacks(played, where) for where in WHERES if where != env))
    assert others.isdisjoint({*own, names.access_stack, names.toolkit_stack})
    assert names.pipeline in _stacks(played, PIPELINE)


def test_three_commits_are_promoted_through_the_gates_of_four_accounts(played: Played) -> None:
    ended = [commit.ended for commit in played.result.commits]
    assert ended == ["in prod", "stopped at smoke-test-stage", "in stage; prod follows after its soak time"]
    ledger = Records(played.delivery.account("prod"), played.delivery.names("prod")).ledger()
    assert ledger[-1].commit == played.result.commits[0].commit


def test_a_failed_smoke_test_is_rolled_back_by_an_event_from_the_pipelines_account(played: Played) -> None:
    rolled_back = played.result.commits[1]
    assert "rolled back" in rolled_back.proofs[0]
    # The rule in the pipeline's account forwards the event; no bus refused it.
    log = played.delivery.emulator.log_file.read_text(encoding="utf-8", errors="replace")
    assert f"Event bus arn:aws:events:eu-west-3:{FOUR['stage']}:event-bus/default: dispatched" in log


def test_status_reads_each_account_with_its_own_profile(played: Played) -> None:
    result = played.vectora("status", "--json")
    assert result.returncode == 0, result.stderr
    environments: list[dict[str, Any]] = json.loads(result.stdout)["environments"]
    assert [each["env"] for each in environments] == list(ENVIRONMENT_NAMES)
    assert all(each["release_digest"] and each["denied"] == [] for each in environments)


def test_status_with_one_accounts_profile_shows_that_environment_and_names_the_others(played: Played) -> None:
    result = played.vectora("status", "--json", "--profile", profile_of("stage"))
    assert result.returncode == 0, result.stderr
    dev, stage, prod = json.loads(result.stdout)["environments"]
    assert stage["release_digest"]
    for other in (dev, prod):
        env = other["env"]
        assert other["problem"].startswith(f"AWS account {FOUR['stage']} is not that of {env} ({FOUR[env]})")


def test_promotion_into_prod_is_explained_by_the_account_of_stage(played: Played) -> None:
    result = played.vectora("promote", "explain", "--to", "prod", "--json")
    decision = json.loads(result.stdout)
    assert {verdict["gate"]: verdict["outcome"] for verdict in decision["verdicts"]}["soak"] == "fail"
    # The gates read the records of prod with the reader role of its account.
    assert all("denied" not in verdict["reason"].lower() for verdict in decision["verdicts"])


def test_a_rollback_is_planned_in_the_account_of_its_environment(played: Played) -> None:
    result = played.vectora("rollback", "--env", "prod", "--snapshot", "latest", "--dry-run", "--json")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["env"] == "prod"


def test_prod_is_restored_into_a_fresh_account_after_its_own_one_is_lost(played: Played) -> None:
    loss, first = played.result.account_loss, played.result.commits[0]
    assert loss is not None
    assert (loss.lost_account, loss.fresh_account) == (FOUR[LOST_ENVIRONMENT], FRESH)
    assert loss.newsletter == "SUCCEEDED"
    assert "3 items" in loss.smoke_test
    delivery = played.delivery
    region = delivery.region(LOST_ENVIRONMENT)
    fresh = Account(FRESH, region, delivery.emulator.session(FRESH))
    names = Names(project=delivery.settings.project, env=LOST_ENVIRONMENT, bucket_suffix=SUFFIX)
    # The release that the pipeline had promoted, with its records.
    assert first.commit in [entry.commit for entry in Records(fresh, names).ledger()]
    stacks = fresh.client("cloudformation").describe_stacks()["Stacks"]
    assert {names.stack(layer) for layer in STACK_LAYERS} <= {stack["StackName"] for stack in stacks}


def test_the_account_of_the_copy_has_no_role_that_another_account_may_assume(played: Played) -> None:
    session = played.delivery.emulator.session(str(COPY.account), COPY.region)
    assert session.client("iam").list_roles()["Roles"] == []
    stacks = session.client("cloudformation").describe_stacks()["Stacks"]
    assert [stack["StackName"] for stack in stacks] == [played.delivery.names(LOST_ENVIRONMENT).backup_stack]
