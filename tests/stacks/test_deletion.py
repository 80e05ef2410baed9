"""Retained resources are deleted when the stack's creation fails, so that it can be repeated."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.stacks.deployed import NAMED_BY, Account, Body, golden_account

# CloudFormation user guide, DeletionPolicy attribute and UpdateReplacePolicy attribute.
ON_DELETION = {"Delete", "Retain", "RetainExceptOnCreate", "Snapshot"}
ON_REPLACEMENT = {"Delete", "Retain", "Snapshot"}
# A new version of the same name never meets an older one.
NUMBERED = ("AWS::Lambda::LayerVersion",)


def half_created(account: Account) -> Iterator[str]:
    """Retain keeps what a failed creation had made, and the next one fails with "already exists"."""
    for stack in account.stacks:
        for logical_id, resource in stack.body["Resources"].items():
            named = NAMED_BY.get(resource["Type"]) in resource.get("Properties", {})
            if resource.get("DeletionPolicy") == "Retain" and named and resource["Type"] not in NUMBERED:
                yield f"{stack.name}/{logical_id} stays when its creation fails: RetainExceptOnCreate"


def unknown_policies(account: Account) -> Iterator[str]:
    for stack in account.stacks:
        for logical_id, resource in stack.body["Resources"].items():
            for name, known in (("DeletionPolicy", ON_DELETION), ("UpdateReplacePolicy", ON_REPLACEMENT)):
                if resource.get(name, "Delete") not in known:
                    yield f"{stack.name}/{logical_id}: {name} accepts no {resource[name]}"


def lost_when_replaced(account: Account) -> Iterator[str]:
    """Resources that outlive their stack outlive a replacement too."""
    for stack in account.stacks:
        for logical_id, resource in stack.body["Resources"].items():
            kept = resource.get("DeletionPolicy", "Delete").startswith("Retain")
            if kept and resource.get("UpdateReplacePolicy") != "Retain":
                yield f"{stack.name}/{logical_id} is kept on deletion and lost on replacement"


RULES = (half_created, unknown_policies, lost_when_replaced)


@pytest.mark.parametrize("rule", RULES)
def test_every_template_keeps_what_it_should(rule: Callable[[Account], Iterator[str]]) -> None:
    assert list(rule(golden_account())) == []


CORE, DELIVERY = "vectora-inbox-s0-core-prod", "vectora-inbox-pipeline"
DAMAGE: dict[str, tuple[Callable[[Account], Iterator[str]], str, str, dict[str, str], str]] = {
    "a bucket that stays half-created": (
        half_created, CORE, "DataBucket", {"DeletionPolicy": "Retain"}, "DataBucket stays when its creation fails",
    ),
    "a bucket of the pipeline that stays half-created": (
        half_created, DELIVERY, "ArtifactsBucket2AAC5544", {"DeletionPolicy": "Retain"}, "ArtifactsBucket",
    ),
    "a replacement policy that does not exist": (
        unknown_policies, CORE, "DataBucket", {"UpdateReplacePolicy": "RetainExceptOnCreate"}, "accepts no RetainExc",
    ),
    "a bucket that is lost when it is replaced": (
        lost_when_replaced, CORE, "DataBucket", {"UpdateReplacePolicy": "Delete"}, "lost on replacement",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", DAMAGE)
def test_what_would_stay_or_be_lost_is_refused(case: str) -> None:
    rule, stack, logical_id, changes, sentence = DAMAGE[case]

    def damage(bodies: dict[str, Body]) -> None:
        bodies[stack]["Resources"][logical_id].update(changes)

    found = list(rule(golden_account(damage)))
    assert any(sentence in each for each in found), found
