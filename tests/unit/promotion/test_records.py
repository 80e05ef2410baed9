"""Records with any text are accepted, and read as they were written."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_ops.parameter_values import as_parameter
from vectora_ops.records import (
    Alarm,
    Bypass,
    ClientPromotion,
    Deployment,
    Hold,
    LedgerEntry,
    Records,
    Retry,
)
from vectora_shared.errors import VectoraError

NAMES = Names(project="vectora-inbox", env="dev")
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DIGEST = "d" * 64


class Parameters:
    """Systems Manager as strict as AWS: 4 KB of UTF-8, no references, one update at a time."""

    def __init__(self) -> None:
        self.history: list[str] = []
        self.busy = 0

    def put_parameter(self, **asked: Any) -> None:
        if self.busy:
            self.busy -= 1
            raise ClientError({"Error": {"Code": "TooManyUpdates", "Message": "busy"}}, "PutParameter")
        value = asked["Value"]
        if "{{" in value or len(value.encode("utf-8")) > 4096:
            raise ClientError({"Error": {"Code": "ValidationException", "Message": "refused"}}, "PutParameter")
        self.history.append(value)

    def get_parameter(self, **_asked: Any) -> dict[str, Any]:
        return {"Parameter": {"Value": self.history[-1]}}

    def get_paginator(self, _operation: str) -> Parameters:
        return self

    def paginate(self, **_asked: Any) -> list[dict[str, Any]]:
        versions = [{"Version": number, "Value": value} for number, value in enumerate(self.history, 1)]
        return [{"Parameters": versions[::-1]}]


def a_store() -> tuple[Records, Parameters]:
    parameters = Parameters()
    account = Account("0" * 12, "eu-west-3", session=None, _clients={"ssm": parameters})  # type: ignore[arg-type]
    return Records(account, NAMES, sleep=lambda seconds: None), parameters


# Repeated in the test itself: a failing example stays readable.
ANY_TEXT = st.one_of(
    st.text(max_size=60), st.text(alphabet='{}"\\\n\x00\x1b', max_size=60), st.text(alphabet="\U0001f4a5é", max_size=60)
)
TIMES = st.sampled_from((1, 20, 300))


@settings(deadline=None)
@given(reason=ANY_TEXT, outcome=ANY_TEXT, by=ANY_TEXT, times=TIMES)
def test_a_hold_of_any_text_is_written_and_read_again(reason: str, outcome: str, by: str, times: int) -> None:
    records, parameters = a_store()
    hold = Hold(state="held", reason=reason * times, at=NOON, execution=by, outcome=outcome * times, released_by=by)
    records.write_hold(hold)
    read = records.hold()
    assert read is not None
    assert (read.state, read.at) == ("held", NOON)
    assert parameters.history[-1].isprintable()
    records.write_hold(read)
    assert records.hold() == read


def records_of(text: str, other: str, gates: tuple[str, ...]) -> list[BaseModel]:
    """One of each kind."""
    return [
        LedgerEntry(
            kind="release",
            digest=DIGEST,
            content_digest=DIGEST,
            version=text,
            commit=other,
            at=NOON,
            snapshot=text,
            execution=other,
            smoke_test=text,
            bypassed=gates,
            bypass_reason=other,
            reason=text,
            replaced_since=NOON,
        ),
        Deployment(
            state="left as it is",
            execution=text,
            digest=DIGEST,
            version=other,
            commit=text,
            snapshot=other,
            at=NOON,
        ),
        Bypass(digest=DIGEST, content_digest=DIGEST, gates=gates, reason=text, by=other, at=NOON),
        Alarm(name=text, reason=other, at=NOON),
        Retry(execution=text, at=NOON),
        ClientPromotion(
            state="promoting",
            client_id=text,
            version=other,
            version_before=None,
            source=text,
            sha256=DIGEST,
            snapshot=other,
            at=NOON,
            execution=text,
            outcome=other,
        ),
    ]


@settings(deadline=None)
@given(text=ANY_TEXT, other=ANY_TEXT, items=st.lists(ANY_TEXT, max_size=30), times=TIMES)
def test_every_record_of_any_text_is_accepted_and_read_again(
    text: str, other: str, items: list[str], times: int
) -> None:
    for record in records_of(text * times, other * times, tuple(items)):
        value = as_parameter(record)
        assert "{{" not in value
        assert "}}" not in value
        assert value.isprintable()
        assert len(value.encode("utf-8")) <= 4096
        read = type(record).model_validate_json(value)
        assert as_parameter(read) == value
        for unchanged in ("at", "digest", "content_digest", "sha256", "state", "kind", "replaced_since"):
            assert getattr(read, unchanged, None) == getattr(record, unchanged, None)


def test_what_fits_is_kept_as_it_is() -> None:
    hold = Hold(state="held", reason="smoke-test-dev failed: 3 % — no items.", at=NOON, execution="e-1")
    assert Hold.model_validate_json(as_parameter(hold)) == hold


def test_only_the_longest_texts_are_cut_and_as_little_as_possible() -> None:
    hold = Hold(state="held", reason="é" * 5000, at=NOON, execution="e-1", outcome="rolled back to before_1")
    value = as_parameter(hold)
    read = json.loads(value)
    assert read["outcome"] == "rolled back to before_1"
    assert read["execution"] == "e-1"
    assert 4090 <= len(value.encode("utf-8")) <= 4096


def test_an_empty_outcome_stays_empty() -> None:
    assert Hold.model_validate_json(as_parameter(Hold(state="held", reason="x", at=NOON))).outcome == ""


def test_an_update_that_another_one_is_in_the_way_of_is_tried_again() -> None:
    records, parameters = a_store()
    parameters.busy = 3
    records.write_alarm(Alarm(name="a", reason="b", at=NOON))
    assert len(parameters.history) == 1
    parameters.busy = 100
    with pytest.raises(ClientError):
        records.write_alarm(Alarm(name="a", reason="b", at=NOON))


def test_a_damaged_entry_counts_until_its_predecessor_is_put_back() -> None:
    records, parameters = a_store()
    records.write_alarm(Alarm(name="first", reason="b", at=NOON))
    parameters.history.append("edited by hand")
    with pytest.raises(VectoraError, match="put its version before back"):
        records.alarms()
    parameters.history.append(parameters.history[0])
    assert [alarm.name for alarm in records.alarms()] == ["first", "first"]
