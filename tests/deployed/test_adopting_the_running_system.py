"""Deployment over the running system, and the way back: nothing replaced, no object lost, and all as before."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.__main__ import app
from rehearsal.emulator import ACCOUNT, Emulator
from rehearsal.gaps.complete import complete_by_api
from rehearsal.operators import operator
from stacks.synthesis import synthesized_templates
from tests.deployed.running_system import BY_HAND, V1, V2, RunningSystem, bucket, differences, function, stack
from tests.repository import ROOT
from vectora_ops.account import Account
from vectora_ops.cloudformation.imports import find_importable
from vectora_ops.names import Names
from vectora_ops.snapshots.vault import Vault

NAMES = Names(project="vectora-inbox", env="dev")
CHANGED_STACKS = {stack(layer) for layer in ("s0-core", "s0-iam", "s1-runtime", "s1-ingest-v2")}


@pytest.fixture
def command(empty_account: tuple[Emulator, Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Return `./vectora`, run by an operator of the empty account, without a terminal."""
    emulator = empty_account[0]
    for name, value in emulator.environment(operator(emulator, ROOT)).items():
        monkeypatch.setenv(name, value)

    def call(*arguments: str, fails: bool = False) -> Result:
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == int(fails), result.output
        return result

    return call


def _account(emulator: Emulator) -> Account:
    return Account(account_id=ACCOUNT, region=emulator.region, session=emulator.session())


def _physical_ids(system: RunningSystem) -> dict[str, str]:
    """Return the physical ids of what the running system and this app both define."""
    shared = {
        "s0-core": ("ConfigBucket", "DataBucket", "NewslettersBucket"),
        "s0-iam": ("IngestNormalizeRole", "EngineRole"),
        "s1-ingest-v2": ("IngestV2Function", "IngestV2LogGroup"),
    }
    return {
        f"{layer}/{each['LogicalResourceId']}": each["PhysicalResourceId"]
        for layer, logical_ids in shared.items()
        for each in system.resources(layer)
        if each["LogicalResourceId"] in logical_ids
    }


def _use(system: RunningSystem, command: Callable[..., Result]) -> None:
    """Use the deployed system: a newsletter, and changes by hand of what the old system left."""
    command("run", "lai_weekly", "--env", "dev", "--issue")
    s3, data = system.s3, bucket("data")
    s3.put_object(Bucket=data, Key="ingested/lai_weekly_v6/2025/12/11/items.json", Body=b"[]")
    s3.delete_object(Bucket=data, Key="raw/lai_weekly_v6/2025/12/19/items.json")
    s3.put_object(Bucket=data, Key="normalized/lai_weekly_v6/2026/03/01/items.json", Body=b"[]")
    s3.put_object(Bucket=bucket("newsletters"), Key="lai_weekly_v6/2025/12/19/newsletter.md", Body=b"# Other\n")
    s3.delete_object(Bucket=bucket("config"), Key="clients/lai_weekly_v5.yaml")


ANNOUNCED = (
    "remove AWS::Lambda::Function vectora-inbox-engine-dev",
    "remove AWS::Logs::LogGroup /aws/lambda/vectora-inbox-ingest-normalize-dev and the events in it",
    "change function vectora-inbox-newsletter-v2-dev: code, layers, role; Runtime python3.11 -> python3.14",
    "without variable CACHE_BUST",
    "keep events in /aws/lambda/vectora-inbox-newsletter-v2-dev for 14 days, not for ever",
    "overwrite in the config bucket: canonical/sources/source_catalog.yaml",
    "remove from the config bucket: canonical/prompts/old.yaml",
    "keep in the config bucket, unused: clients/lai_weekly_v4.yaml, clients/lai_weekly_v5.yaml",
    "3 client files are active now: clients/lai_weekly_v4.yaml",
    "old versions of objects in vectora-inbox-data-dev 3600 days after",
    "AWS::S3::Bucket vectora-inbox-lambda-code-dev",
    "AWS::S3::BucketPolicy vectora-inbox-lambda-code-dev",
    "code and settings of vectora-inbox-ingest-v2-dev",
    f"{stack('s0-iam')}: the permissions boundary of IngestNormalizeRole, EngineRole",
    f"replace nothing in {stack('s0-iam')}, says CloudFormation",
    "Nothing was changed.",
)


def test_the_running_system_is_adopted_deployed_over_and_brought_back(
    empty_account: tuple[Emulator, Callable[..., str]], command: Callable[..., Result]
) -> None:
    emulator, cdk = empty_account
    system = RunningSystem(emulator).build()
    before, ids = system.state(), _physical_ids(system)
    said = {task: system.say(task) for task in (*V1, *V2)}

    shown = command("adopt", "--env", "dev", "--dry-run").stdout
    assert differences(before, system.state()) == []
    for announced in ANNOUNCED:
        assert announced in shown, announced
    assert "Add --yes" in command("adopt", "--env", "dev", fails=True).stderr
    assert differences(before, system.state()) == []

    command("adopt", "--env", "dev", "--yes")
    assert differences(before, system.state()) == []
    judged = json.loads(command("adopt", "--env", "dev", "--dry-run", "--json").stdout)
    assert (judged["resources"], judged["recorded"]) == ([], [])
    stacks = {each["stack"]: each["changes"] for each in judged["deployment"]["stacks"]}
    assert set(stacks) == CHANGED_STACKS
    assert [each for changes in stacks.values() for each in changes if each["replacement"] == "True"] == []

    cdk("deploy")
    complete_by_api(emulator.session(), stack("s0-operations"))
    assert _physical_ids(system) == ids
    for task in BY_HAND:
        found = system.functions.get_function_configuration(FunctionName=function(task))
        assert (found["Runtime"], len(found["Layers"])) == ("python3.14", 2)
    assert "./vectora client migrate" in command("status", "--env", "dev").stdout
    _use(system, command)
    assert system.state_of_v2() != {task: before["functions"][task] for task in V2}

    (first,) = Vault(_account(emulator), NAMES).manifests()
    assert first.occasion.kind == "deployment"
    assert "pinned" in command("snapshot", "show", first.name, "--env", "dev").stdout.lower()
    warned = command("rollback", "--env", "dev", "--snapshot", first.name, "--yes", "--json")
    result = json.loads(warned.stdout)
    assert "before this app" in warned.stderr
    # The first deployment created the stack of alarms, so the way back deletes it.
    assert set(result["stacks_changed"]) == {*CHANGED_STACKS, stack("s2-monitoring")}

    assert differences(before, system.state()) == []
    assert {task: system.say(task) for task in (*V1, *V2)} == said
    assert _physical_ids(system) == ids


@pytest.mark.parametrize("layer", ["s0-core", "s1-runtime"])
def test_resources_of_a_stack_are_no_orphans(deployed: tuple[Emulator, Any], layer: str) -> None:
    name = stack(layer)
    assert find_importable(_account(deployed[0]), {name: synthesized_templates(ROOT, "dev")[name]}) == ()
