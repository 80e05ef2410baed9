"""A release is judged by the stricter of two policies: no commit loosens the gates that it has to pass."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_ops.open_times import closure_at
from vectora_ops.promotion.policy import deployed_policy, judging_policy, stricter
from vectora_ops.settings import Promotion
from vectora_ops.windows import Windows
from vectora_review.policy_words import SETTINGS
from vectora_shared.errors import VectoraError

PROD = Names(project="vectora-inbox", env="prod")
WINDOWS = [
    Windows(time_zone="Europe/Paris", closed=("SAT,SUN",)),
    Windows(time_zone="UTC", open=("MON-FRI 08:00-17:00",)),
    Windows(time_zone="Asia/Tokyo", closed=("MON 00:00-12:00",)),
]
POLICIES = st.builds(
    Promotion,
    requires_smoke_test=st.booleans(),
    requires_end_to_end_test=st.booleans(),
    requires_approval=st.booleans(),
    soak_days=st.integers(0, 90),
    minimum_runs=st.integers(0, 20),
    maximum_noise_percent=st.floats(0, 100),
    maximum_run_cost_usd=st.none() | st.floats(0.01, 10),
    requires_client_versions_forward=st.booleans(),
    watch_hours=st.integers(0, 336),
    windows=st.lists(st.sampled_from(WINDOWS), unique=True, max_size=3).map(tuple),
)
MOMENTS = st.integers(0, 7 * 24 * 60).map(lambda minutes: datetime(2026, 3, 2, tzinfo=UTC) + timedelta(minutes=minutes))


def _is_as_strict(policy: Promotion, other: Promotion, moment: datetime) -> bool:
    numbers = all(
        strictness(getattr(policy, name)) >= strictness(getattr(other, name))
        for name, (_, strictness) in SETTINGS.items()
    )
    closed = closure_at(other.windows, moment) is None or closure_at(policy.windows, moment) is not None
    return numbers and closed


@settings(deadline=None)
@given(POLICIES, POLICIES, MOMENTS)
def test_the_stricter_of_two_policies_is_as_strict_as_each(one: Promotion, other: Promotion, moment: datetime) -> None:
    both = stricter(one, other)
    assert _is_as_strict(both, one, moment)
    assert _is_as_strict(both, other, moment)


@settings(deadline=None)
@given(POLICIES, POLICIES, MOMENTS)
def test_the_order_does_not_matter_and_nothing_is_stricter_than_needed(
    one: Promotion, other: Promotion, moment: datetime
) -> None:
    both, reverse = stricter(one, other), stricter(other, one)
    assert _is_as_strict(both, reverse, moment)
    assert _is_as_strict(reverse, both, moment)
    assert stricter(one, one) == one
    for name in SETTINGS:
        assert getattr(both, name) in (getattr(one, name), getattr(other, name))


@settings(deadline=None)
@given(POLICIES, POLICIES, POLICIES, MOMENTS)
def test_a_stricter_policy_makes_the_result_no_looser(
    one: Promotion, other: Promotion, third: Promotion, moment: datetime
) -> None:
    assert _is_as_strict(stricter(stricter(one, third), other), stricter(one, other), moment)


class _Account:
    """An account whose Systems Manager has one value."""

    def __init__(self, value: str | None) -> None:
        self._value = value

    def of(self, what: str) -> _Account:
        assert what == "prod"
        return self

    def client(self, service: str) -> Any:
        assert service == "ssm"
        return self

    def get_parameter(self, Name: str) -> dict[str, Any]:  # noqa: N803
        assert Name == "/vectora-inbox/prod/promotion/policy"
        if self._value is None:
            raise ClientError({"Error": {"Code": "ParameterNotFound"}}, "GetParameter")
        return {"Parameter": {"Value": self._value}}


def _judging(value: str | None, policy: Promotion) -> Promotion:
    account: Account = _Account(value)  # type: ignore[assignment]
    return judging_policy(account, PROD, policy)


def test_a_commit_is_judged_by_what_its_target_deployed_when_that_is_stricter() -> None:
    deployed = '{"requires_smoke_test": true, "requires_approval": true, "soak_days": 14}'
    judging = _judging(deployed, Promotion(requires_smoke_test=False, soak_days=0))
    assert (judging.requires_smoke_test, judging.requires_approval, judging.soak_days) == (True, True, 14)


def test_before_the_first_deployment_the_commits_policy_decides() -> None:
    policy = Promotion(requires_smoke_test=True, soak_days=3)
    assert _judging(None, policy) == policy


def test_a_setting_that_is_no_longer_known_is_none() -> None:
    assert _judging('{"requires_smoke_test": true, "old": 1}', Promotion(requires_smoke_test=False)).requires_smoke_test


@pytest.mark.parametrize("value", ["", "[]", "no", '{"soak_days": 7}', '{"requires_smoke_test": "x"}'])
def test_a_policy_that_cannot_be_read_lets_nothing_pass(value: str) -> None:
    account: Account = _Account(value)  # type: ignore[assignment]
    with pytest.raises(VectoraError, match="holds no promotion policy"):
        deployed_policy(account, PROD)
