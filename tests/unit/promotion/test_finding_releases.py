"""A release is found by what a person can copy: the first digits of its digest or of its content digest."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_ops.promotion import facts
from vectora_ops.promotion.facts import deployed_release, find_release
from vectora_ops.records import LedgerEntry, ReleaseId
from vectora_shared.errors import VectoraError

NAMES = Names(project="vectora-inbox", env="stage")
ACCOUNT = Account("0" * 12, "eu-west-3", session=None, _clients={})  # type: ignore[arg-type]
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FIRST, SECOND = ReleaseId("11" * 32, "aa" * 32), ReleaseId("1122" * 16, "bb" * 32)
RESETTLED = ReleaseId("33" * 32, "bb" * 32)
OLD = ReleaseId("44" * 32)


def entry(release: ReleaseId) -> LedgerEntry:
    return LedgerEntry(
        kind="release", digest=release.digest, content_digest=release.content_digest, version="1.0.0", at=NOON
    )


class Ledger:
    """The records of an environment, of which only the ledger is read."""

    entries: tuple[LedgerEntry, ...] = ()

    def __init__(self, *_: object) -> None:
        pass

    def ledger(self) -> tuple[LedgerEntry, ...]:
        return self.entries


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ledger, "entries", tuple(map(entry, (OLD, FIRST, SECOND, RESETTLED))))
    monkeypatch.setattr(facts, "Records", Ledger)
    monkeypatch.setattr(facts, "live_digest", lambda account, names: RESETTLED.digest)


def found(digits: str | None) -> ReleaseId:
    return find_release(ACCOUNT, NAMES, digits)


def test_without_digits_it_is_the_deployed_release() -> None:
    assert found(None) == RESETTLED


def test_what_was_deployed_past_the_pipeline_has_no_known_content(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "live_digest", lambda account, names: "99" * 32)
    assert deployed_release(ACCOUNT, NAMES) == ReleaseId("99" * 32)


def test_an_environment_without_a_release_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "live_digest", lambda account, names: None)
    with pytest.raises(VectoraError, match="stage has no release that could be promoted"):
        found(None)


@pytest.mark.parametrize(
    ("digits", "release"),
    [("a" * 12, FIRST), ("b" * 12, RESETTLED), ("112211221122", SECOND), ("4" * 12, OLD), ("c" * 64, None)],
)
def test_a_release_is_found_by_the_digits_that_status_shows(digits: str, release: ReleaseId | None) -> None:
    assert found(digits) == (release or ReleaseId(digits, digits))


@pytest.mark.parametrize("digits", ["abc", "A" * 12, "g" * 12, "c" * 65, "", "[bold]"])
def test_what_is_no_digest_is_refused(digits: str) -> None:
    with pytest.raises(VectoraError, match="is no digest: give 8 to 64 of its digits"):
        found(digits)


def test_digits_that_no_release_begins_with_are_refused_with_what_to_do() -> None:
    with pytest.raises(VectoraError, match=r"see \./vectora release list --env stage, or give all 64 digits"):
        found("c" * 12)


def test_digits_that_several_contents_begin_with_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    twins = tuple(entry(ReleaseId(f"{'5' * 12}{end}")) for end in ("0", "1"))
    monkeypatch.setattr(Ledger, "entries", twins)
    with pytest.raises(VectoraError, match="Several releases of stage begin with 555555555555"):
        found("5" * 12)
