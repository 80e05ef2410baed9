"""Notifications: from the text alone an operator handles each case with commands that ./vectora accepts."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.docs.test_commands_in_documents import vectora_problem
from tests.repository import ROOT
from vectora_ops import notifications as texts
from vectora_ops.costs.runs import RecordedRun
from vectora_ops.overview.model import WaitingApproval
from vectora_ops.watch import drift, expiring, issues, newsletters, promotions, snapshots
from vectora_shared.aws_texts import LONGEST_NOTIFICATION
from vectora_shared.notifications import Notification

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
EXECUTION = "arn:aws:states:eu-west-3:111122223333:execution:vectora-inbox-newsletter-prod:a1b2c3"
PIPELINE_EXECUTION = "1b2c3d4e-0000-4000-8000-000000000000"
WAITING = promotions.Waiting(
    digest="d" * 64, version="1.4.2", since=NOON - timedelta(days=22), refused=True, sentence="Noise fails."
)
PENDING = WaitingApproval(env="prod", execution=PIPELINE_EXECUTION, since=NOON, expires=NOON + timedelta(hours=20))


def issue(days_ago: int, *, items: int = 5, noise: float | None = 0.0, cost: float = 0.1) -> RecordedRun:
    at = NOON - timedelta(days=days_ago)
    return RecordedRun(
        client_id="lai_weekly",
        day=date(at.year, at.month, at.day),
        draft=False,
        at=at,
        items=items,
        client_version="7.0.1",
        noise=noise,
        cost_usd=cost,
    )


def cases() -> Iterator[tuple[str, Notification]]:
    """Yield each kind of event with its notification."""
    refused = "noise fail: noise 12.0 % in the worst of 2 newsletters."
    yield "refused promotion", texts.promotion_refused("prod", "promotion refused", refused, PIPELINE_EXECUTION, "gate")
    yield "promotion that cannot be retried", texts.push_again("prod", "Execution e-1 would be promoted into prod.")
    yield "release that waits", promotions._refused("prod", "stage", WAITING)
    yield "approval that expires", next(expiring._approval("prod", PENDING, NOON))
    yield "freeze that ends", expiring._freeze_ends("prod", NOON, "Black Friday")
    reason, outcome = "prod.Deploy failed: no items.", "rolled back to before_1"
    yield "failed deployment", texts.deployment_failed("prod", reason, outcome, finished=True, since=NOON)
    yield "failed rollback", texts.deployment_failed("prod", reason, "it failed", finished=False, since=NOON)
    yield "failed deployment while held", texts.deployment_failed_while_held("prod", reason, "it is held since Monday")
    yield "interrupted rollback", texts.rollback_interrupted("prod", NOON, "it is held since Monday")
    yield "rollback", texts.rolled_back("prod", "Environment prod is again what snapshot before_1 says.")
    yield "client promotion", texts.client_promoted("prod", "lai_weekly", "lai_weekly 7.0.1 came from stage.")
    yield "failed run", texts.run_failed("prod", "lai_weekly", EXECUTION, "In prod the run of lai_weekly failed.")
    yield "failed runs", texts.failed_runs("prod", "lai_weekly", EXECUTION, "In prod two runs failed.", NOON)
    for alarm in ("noise", "empty-newsletter"):
        message = f"In prod alarm {alarm} was raised."
        yield f"alarm {alarm}", texts.issue_alarm("prod", alarm, "lai_weekly", message, NOON)
    yield "run by hand", texts.run_failed("prod", "$(reboot)", "a b; reboot", "In prod a run failed.")
    yield "snapshot that failed", texts.deployment_stopped("prod", "No snapshot, no deployment: it is damaged.")
    yield "pruning that failed", texts.pruning_failed("prod", "AccessDenied")
    yield "copy without an anchor", texts.copy_without_anchor("prod", "daily_20260302_120000", "AccessDenied")
    yield "operation that failed", texts.operation_failed("prod", "prune", "AccessDenied", "snapshot")
    yield "damaged snapshots", snapshots._damaged("prod", {"daily_20260302_120000": "2 of its objects are gone"})
    yield "source that is gone", newsletters._failing("prod", ["press__x"], ["press__x (read by lai_weekly): 404"])
    yield "overdue newsletter", newsletters._overdue("prod", "lai_weekly", NOON)
    yield "empty newsletter", next(issues._quality("prod", issue(0, items=0, noise=None), 10))
    yield "noisy newsletter", next(issues._quality("prod", issue(0, noise=0.2), 10))
    usual = [issue(days) for days in (7, 14, 21)]
    yield "cost twice the usual", next(issues._cost("prod", issue(0, cost=0.25), usual))
    yield "drift", drift._drift("prod", ("function vectora-inbox-ingest-v2-prod was changed by hand",))


CASES = [pytest.param(found, id=name) for name, found in cases()]


def test_every_notification_of_the_operations_is_one_of_the_cases() -> None:
    builders = {
        name
        for name, value in vars(texts).items()
        if inspect.isfunction(value) and value.__annotations__["return"] == "Notification"
    }
    assert builders
    assert builders <= set(cases.__code__.co_names)


def commands_of(text: str) -> list[str]:
    """Return the command lines of a message, as an operator finds them."""
    return [line.partition(": ")[2] for line in text.splitlines() if line.startswith(("Run next: ", "then: "))]


@pytest.mark.parametrize("notification", CASES)
def test_every_command_of_the_text_is_complete_and_accepted(notification: Notification) -> None:
    commands = commands_of(notification.message)
    assert commands
    for command in commands:
        words = shlex.split(command)
        assert words[0] == "./vectora"
        assert vectora_problem(words[1:], may_only_name=False) == "", command
        assert "..." not in command
        assert not any(each.isupper() or each.startswith("<") for each in words), command


@pytest.mark.parametrize("notification", CASES)
def test_a_text_names_its_environment_and_a_runbook_that_exists(notification: Notification) -> None:
    assert "prod" in notification.happened
    *_, last = notification.message.splitlines()
    path, _, anchor = last.removeprefix("Runbook: ").partition("#")
    page = (ROOT / path).read_text(encoding="utf-8")
    headings = {line.lstrip("# ").strip().lower().replace(" ", "-") for line in page.splitlines() if line[:1] == "#"}
    assert not anchor or anchor in headings


@pytest.mark.parametrize("notification", CASES)
def test_a_subject_is_one_that_sns_accepts(notification: Notification) -> None:
    subject = notification.subject("vectora-inbox prod")
    assert subject.startswith("vectora-inbox prod: ")
    assert subject.isascii()
    assert len(subject) < 100


@given(st.text(), st.lists(st.text(), max_size=3))
@settings(deadline=None)
def test_untrusted_text_never_looks_like_a_command(text: str, details: list[str]) -> None:
    hostile = f"{text}\nRun next: ./vectora rollback --env prod --snapshot latest --yes"
    found = Notification(
        what=hostile,
        happened=f"In prod: {hostile}",
        details=(*details, hostile),
        commands=("./vectora status --env prod",),
        runbook="docs/runbooks/rollback.md",
    )
    assert commands_of(found.message) == ["./vectora status --env prod"]


def test_a_long_text_leaves_room_for_the_commands() -> None:
    found = Notification(what="x", happened="é" * 100_000, commands=("./vectora status",), runbook="docs/x.md")
    assert commands_of(found.message) == ["./vectora status"]
    assert len(found.message.encode()) <= LONGEST_NOTIFICATION


def test_a_text_says_since_when() -> None:
    found = texts.deployment_failed("prod", "It failed.", "rolled back", finished=True, since=NOON)
    assert "Since: 2026-03-02 12:00 UTC" in found.message


def test_an_unfinished_rollback_is_finished_before_the_hold_is_released() -> None:
    found = texts.deployment_failed("prod", "It failed.", "it failed too", finished=False, since=NOON)
    *rollback, release = found.commands[1:]
    assert all(each.startswith("./vectora rollback --env prod") for each in rollback)
    assert release == "./vectora promote release-hold --env prod"
