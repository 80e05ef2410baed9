"""Deletion and replacement policies of every template."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stacks.deployed import NAME_PROPERTIES, Account, Body, TemplateChange, golden_account
from tests.stacks.rules import PIPELINE, Rule, Violation, assert_found, stack_name

# CloudFormation user guide, DeletionPolicy attribute and UpdateReplacePolicy attribute.
DELETION_POLICIES = {"Delete", "Retain", "RetainExceptOnCreate", "Snapshot"}
REPLACEMENT_POLICIES = {"Delete", "Retain", "Snapshot"}
# A new version never conflicts with one that was retained.
VERSIONED_TYPES = ("AWS::Lambda::LayerVersion",)


def named_resources_that_block_a_second_creation(account: Account) -> Iterator[str]:
    """Yield resources that Retain keeps after a failed creation: the next one fails with "already exists"."""
    for stack in account.stacks:
        for logical_id, resource in stack.body["Resources"].items():
            is_named = NAME_PROPERTIES.get(resource["Type"]) in resource.get("Properties", {})
            if resource.get("DeletionPolicy") == "Retain" and is_named and resource["Type"] not in VERSIONED_TYPES:
                yield f"{stack.name}/{logical_id} stays when its creation fails: RetainExceptOnCreate"


def unknown_policies(account: Account) -> Iterator[str]:
    for stack in account.stacks:
        for logical_id, resource in stack.body["Resources"].items():
            for name, known in (("DeletionPolicy", DELETION_POLICIES), ("UpdateReplacePolicy", REPLACEMENT_POLICIES)):
                if resource.get(name, "Delete") not in known:
                    yield f"{stack.name}/{logical_id}: {name} accepts no {resource[name]}"


def retained_resources_that_replacement_deletes(account: Account) -> Iterator[str]:
    for stack in account.stacks:
        for logical_id, resource in stack.body["Resources"].items():
            is_retained = resource.get("DeletionPolicy", "Delete").startswith("Retain")
            if is_retained and resource.get("UpdateReplacePolicy") != "Retain":
                yield f"{stack.name}/{logical_id} is retained on deletion and deleted on replacement"


RULES = (named_resources_that_block_a_second_creation, unknown_policies, retained_resources_that_replacement_deletes)


@pytest.mark.parametrize("rule", RULES)
def test_deletion_and_replacement_policies_follow_every_rule(rule: Rule) -> None:
    assert list(rule(golden_account())) == []


def _policies(stack: str, logical_id: str, **policies: str) -> TemplateChange:
    def change(bodies: dict[str, Body]) -> None:
        bodies[stack]["Resources"][logical_id].update(policies)

    return change


CORE = stack_name("s0-core", "prod")
VIOLATIONS = {
    "a bucket that stays after a failed creation": Violation(
        named_resources_that_block_a_second_creation,
        _policies(CORE, "DataBucket", DeletionPolicy="Retain"),
        "DataBucket stays when its creation fails",
    ),
    "a bucket of the pipeline that stays after a failed creation": Violation(
        named_resources_that_block_a_second_creation,
        _policies(PIPELINE, "ArtifactsBucket2AAC5544", DeletionPolicy="Retain"),
        "ArtifactsBucket",
    ),
    "a replacement policy that does not exist": Violation(
        unknown_policies,
        _policies(CORE, "DataBucket", UpdateReplacePolicy="RetainExceptOnCreate"),
        "accepts no RetainExc",
    ),
    "a retained bucket that a replacement deletes": Violation(
        retained_resources_that_replacement_deletes,
        _policies(CORE, "DataBucket", UpdateReplacePolicy="Delete"),
        "deleted on replacement",
    ),
}


@pytest.mark.parametrize("name", VIOLATIONS)
def test_a_policy_that_keeps_or_loses_the_wrong_resources_is_found(name: str) -> None:
    assert_found(VIOLATIONS[name])
