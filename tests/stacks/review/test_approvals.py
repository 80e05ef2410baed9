"""An approval belongs to exactly one change, and an artifact to exactly one build."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.stacks.review import assembly_changes as change
from tests.stacks.review.pipeline_in_memory import ANN, BOB, BUCKET, World
from tests.stacks.review.test_self_judging_commits import _administrator as administrator
from tests.stacks.review.test_self_judging_commits import _without_approval as without_approval
from vectora_shared.errors import VectoraError

# --- approvals


LOOSER = change.in_policy("prod", soak_days=0)


def test_an_approved_change_goes_on_and_its_next_commits_need_no_approval(world: World) -> None:
    execution = world.build(LOOSER)
    assert not world.review(execution).is_accepted
    world.approve(execution)
    opinion = world.review(execution)
    assert opinion.is_accepted
    assert f"approved by {BOB}" in opinion.text
    assert world.review(world.build(LOOSER)).is_accepted


def test_an_approval_is_valid_for_its_change_alone(world: World) -> None:
    execution = world.build(LOOSER)
    world.approve(execution)
    more = world.build(LOOSER, change.in_template("dev", "s0-iam", administrator))
    assert not world.review(more).is_accepted


def test_an_approval_that_was_used_allows_nothing_again(world: World) -> None:
    first = world.build(LOOSER)
    world.approve(first)
    assert world.review(first).is_accepted
    back = world.build()
    assert not world.review(back).is_accepted
    world.approve(back)
    assert world.review(back).is_accepted
    assert not world.review(world.build(LOOSER)).is_accepted


def test_the_author_cannot_approve_the_own_change(world: World) -> None:
    execution = world.build(LOOSER, author="ANN@example.org")
    world.approve(execution, by=ANN)
    opinion = world.review(execution)
    assert not opinion.is_accepted
    assert f"The approval by {ANN} does not count, because ann wrote the commit." in opinion.text
    world.approve(execution, by=BOB)
    assert world.review(execution).is_accepted


def test_the_approval_of_an_unknown_author_counts(world: World) -> None:
    execution = world.build(LOOSER, author="stranger@example.org")
    world.approve(execution, by=ANN)
    assert world.review(execution).is_accepted


def test_a_build_that_failed_after_its_review_is_tried_again_without_another_approval(world: World) -> None:
    execution = world.build(LOOSER, change.in_pipelines_actions(without_approval))
    world.approve(execution)
    assert world.review(execution).is_accepted
    assert world.review(execution).is_accepted


def test_before_the_first_review_a_pipeline_that_differs_from_the_deployed_one_needs_an_approval(
    files: Mapping[str, bytes],
) -> None:
    world = World(files)
    assert not world.review(world.build(change.in_pipelines_actions(without_approval))).is_accepted
    assert world.review(world.build()).is_accepted


# --- artifacts


def test_an_artifact_that_was_written_twice_is_refused(world: World) -> None:
    execution = world.build()
    world.s3.put_object(Bucket=BUCKET, Key=world.key(execution), Body=b"forged")
    with pytest.raises(VectoraError, match="was written again after its build wrote it"):
        world.review(execution)


def test_an_artifact_of_no_build_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vectora_review.executions.READS", 1)
    with pytest.raises(VectoraError, match="No build of pipeline"):
        world.reviewer().review(f"arn:aws:s3:::{BUCKET}/vectora-inbox-pipeli/Synth_Outp/other")
    with pytest.raises(VectoraError, match="is no artifact of pipeline"):
        world.reviewer().review("arn:aws:s3:::another-bucket/x")


def test_an_artifact_that_was_replaced_while_it_awaits_approval_is_refused(world: World) -> None:
    execution = world.build()
    world.review(execution)
    world.add(execution, "prod", "approval-prod", "Approval", by=BOB)
    assert world.reviewer().attest(execution, "prod") == {
        "commit": "c2",
        "author": "ann@example.org",
        "author_principal": "ann",
        "approver": BOB,
    }
    assert world.reviewer().attest(execution, "stage")["approver"] is None
    world.s3.put_object(Bucket=BUCKET, Key=world.key(execution), Body=b"forged")
    with pytest.raises(VectoraError, match="was written again after its build wrote it"):
        world.reviewer().attest(execution, "prod")


def test_an_artifact_whose_reviewed_version_was_removed_is_refused(world: World) -> None:
    execution = world.build()
    world.review(execution)
    [reviewed] = [each for each in world.s3.versions if each["Key"] == world.key(execution)]
    reviewed["VersionId"] = "another"
    with pytest.raises(VectoraError, match="is another one than the review accepted"):
        world.reviewer().attest(execution, "prod")


def test_an_execution_that_was_never_reviewed_is_not_attested(world: World) -> None:
    with pytest.raises(VectoraError, match="was never reviewed: push its commit again"):
        world.reviewer().attest(world.build(), "prod")


# --- files of releases, which reports on later ones compare with


def _kept(world: World) -> dict[str, bytes]:
    prefix = "review/releases/"
    return {each["Key"].removeprefix(prefix): each["Body"] for each in world.s3.versions if prefix in each["Key"]}


def test_the_files_of_an_accepted_release_are_kept_by_its_commit(world: World) -> None:
    execution = world.build(change.new_file("release-files.zip", b"files"))
    assert world.review(execution).is_accepted
    assert _kept(world)["c2.zip"] == b"files"


def test_the_files_of_a_refused_release_are_not_kept(world: World) -> None:
    execution = world.build(LOOSER, change.new_file("release-files.zip", b"files"))
    assert not world.review(execution).is_accepted
    assert _kept(world) == {}


def test_a_build_of_an_earlier_version_keeps_no_files_and_needs_no_approval(world: World) -> None:
    assert world.review(world.build()).is_accepted
    assert _kept(world) == {}
