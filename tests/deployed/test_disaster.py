"""Recovery of a broken environment from its snapshot, by its own functions with their own permissions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from rehearsal.deployment import complete
from rehearsal.disaster import rehearse_disaster
from rehearsal.emulator import ACCOUNT, Emulator
from rehearsal.operators import operator
from tests.repository import ROOT
from vectora_ops.account import Account
from vectora_ops.cloudformation.stacks import Stacks
from vectora_ops.live_environment import Environment
from vectora_ops.names import OPERATIONS_LAYER, STACK_LAYERS, Names
from vectora_ops.remote import run_remotely
from vectora_ops.snapshots.compare import with_live
from vectora_ops.snapshots.vault import Vault
from vectora_ops.snapshots.verify import verify_vault

NAMES = Names(project="vectora-inbox", env="dev")


@contextmanager
def step(_: str) -> Iterator[None]:
    yield


def test_an_environment_broken_in_four_ways_is_rolled_back_and_verified(deployed: tuple[Emulator, Any]) -> None:
    emulator = deployed[0]
    session = emulator.session_of(operator(emulator, ROOT))
    account = Account(ACCOUNT, emulator.region, session)

    result = rehearse_disaster(account, NAMES, "lai_weekly", emulator.session(), step)

    assert len(result.broken) == 4
    assert result.differences >= 5
    assert "3 items" in result.smoke_test
    recreated = {each.rpartition("/")[2] for each in result.resources_recreated}
    assert recreated == {"IngestV2Function", "NormalizeScoreV2Function", "NewsletterV2Function"}
    vault = Vault(account, NAMES)
    assert {result.snapshot, result.safety_snapshot} <= {files.name for files in vault.snapshots() if files.is_complete}
    assert [each.problems for each in verify_vault(vault) if each.problems] == []


def remove_stacks(account: Account, *, retain: bool) -> None:
    """Delete all stacks except operations, with their resources, or with retained ones as in stage and prod."""
    stacks = Stacks(account)
    for name in (NAMES.stack(layer) for layer in reversed(STACK_LAYERS) if layer != OPERATIONS_LAYER):
        definition = stacks.read(name)
        assert definition is not None
        if retain:
            template = json.loads(definition.template)
            for resource in template["Resources"].values():
                if resource["Type"] in ("AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::Logs::LogGroup"):
                    resource["DeletionPolicy"] = "Retain"
            stacks.restore(replace(definition, template=json.dumps(template)))
        else:
            empty_buckets(account, stacks.resources(name).values())
        stacks.remove(name)


def empty_buckets(account: Account, resources: Iterable[tuple[str, str]]) -> None:
    """Delete every version, because CloudFormation deletes empty buckets only."""
    s3 = account.session.resource("s3")
    for bucket in (physical_id for kind, physical_id in resources if kind == "AWS::S3::Bucket"):
        s3.Bucket(bucket).object_versions.delete()


@pytest.mark.parametrize("retain", [True, False], ids=["retained buckets", "deleted buckets"])
def test_deleted_stacks_are_created_again_by_the_environments_own_function(
    deployed: tuple[Emulator, Any], retain: bool
) -> None:
    emulator = deployed[0]
    account = Account(ACCOUNT, emulator.region, emulator.session())
    created = run_remotely(account, NAMES, "snapshot", {"operation": "create", "label": "whole"}, lambda count: None)
    remove_stacks(account, retain=retain)
    buckets = {each["Name"] for each in account.client("s3").list_buckets()["Buckets"]}
    assert (NAMES.bucket("data") in buckets) == retain

    rollback = {"operation": "rollback", "snapshot": created["snapshot"]}
    result = run_remotely(account, NAMES, "rollback", rollback, lambda count: None)["result"]

    assert len(result["stacks_changed"]) == 5
    assert "3 items" in result["smoke_test"]["reason"]
    vault = Vault(account, NAMES)
    assert list(with_live(vault, Environment(account, NAMES), vault.manifest(created["snapshot"]))) == []
    complete(emulator, ROOT, "dev")
