"""Accepted risks: they belong to one finding, end on a day, and are named when they are over."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from change_review.accepted import FILE, new_acceptance, read_accepted, with_acceptances, write_accepted
from change_review.model import Finding
from tests.unit.review.conftest import TODAY, Checkout
from vectora_shared.errors import ConfigurationError, VectoraError

SETTINGS = "config/environments.yaml"
YESTERDAY = TODAY - timedelta(days=1)


def _accepted(finding: Finding, until: date) -> tuple[Finding, ...]:
    acceptance = new_acceptance(finding.id, reason="known", by="ann", today=min(TODAY, until), until=until)
    return tuple(with_acceptances([finding], [acceptance], TODAY))


@pytest.fixture
def finding(checkout: Checkout) -> Finding:
    checkout.replace(SETTINGS, "soak_days: 14", "soak_days: 7")
    [found] = checkout.review().findings
    return found


def test_an_acceptance_counts_until_its_last_day(finding: Finding) -> None:
    [today] = _accepted(finding, TODAY)
    [over] = _accepted(finding, YESTERDAY)

    assert today.accepted is not None
    assert today.expired is None
    assert over.accepted is None
    assert over.expired is not None


def test_an_accepted_finding_sets_no_bit_and_a_worse_change_does(checkout: Checkout, finding: Finding) -> None:
    write_accepted(checkout.root, [new_acceptance(finding.id, reason="ok", by="a", today=TODAY, until=None)])

    accepted = checkout.review()
    checkout.replace(SETTINGS, "soak_days: 7", "soak_days: 3")
    worse = checkout.review()

    assert accepted.bits() == 0
    assert accepted.counts["accepted"] == 1
    assert any(note.startswith("This change itself accepts the finding") for note in accepted.notes)
    assert worse.bits() == 4


def test_the_id_of_a_finding_does_not_depend_on_the_base(checkout: Checkout, finding: Finding) -> None:
    checkout.git("commit", "--quiet", "--allow-empty", "--message", "Another")

    assert [each.id for each in checkout.review().findings] == [finding.id]


def test_a_file_keeps_one_acceptance_for_each_id_and_is_read_back(checkout: Checkout) -> None:
    first = new_acceptance("0" * 12, reason="first", by="ann", today=TODAY, until=None)
    second = new_acceptance("0" * 12, reason="second: # not a comment", by="bob", today=TODAY, until=TODAY)

    path = write_accepted(checkout.root, [first, second])

    assert read_accepted(path.read_bytes()) == (second,)
    assert first.until == TODAY + timedelta(days=30)


@pytest.mark.parametrize(
    ("reason", "by", "until", "problem"),
    [
        ("", "ann", None, "Say why"),
        ("x" * 301, "ann", None, "Say why"),
        ("known", "", None, "git has no user.email"),
        ("known", "ann", YESTERDAY, "--until is"),
        ("known", "ann", TODAY + timedelta(days=366), "--until is"),
    ],
)
def test_an_acceptance_without_a_reason_a_person_or_an_end_is_refused(
    reason: str, by: str, until: date | None, problem: str
) -> None:
    with pytest.raises(VectoraError, match=problem):
        new_acceptance("0" * 12, reason=reason, by=by, today=TODAY, until=until)


def test_a_file_with_errors_names_them(checkout: Checkout) -> None:
    (checkout.root / FILE).write_text("accepted: [{id: 1, reason: x, by: y, until: soon}]\n", encoding="utf-8")

    with pytest.raises(ConfigurationError, match=FILE):
        checkout.review()


def test_an_id_belongs_to_the_complete_values_also_where_a_form_shows_their_beginning(checkout: Checkout) -> None:
    path = "tests/stacks/templates/prod/s0-core.yaml"
    for name in ("a", "b"):
        checkout.git("checkout", "--quiet", "--", path)
        checkout.replace(path, "BucketName: vectora-inbox-data-prod", f"BucketName: {'x' * 9000}{name}")
        (checkout.root / f"{name}.id").write_text(checkout.review().findings[0].id, encoding="utf-8")

    assert (checkout.root / "a.id").read_text(encoding="utf-8") != (checkout.root / "b.id").read_text(encoding="utf-8")
