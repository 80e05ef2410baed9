"""Access policies as sets: a broader one is never taken for covered, an equal one always is."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from change_review.statements import compare, covers_addresses, covers_pattern, rules_of

LETTERS = "ab"
PATTERNS = st.text(alphabet="ab*?", max_size=5)
TEXTS = ["".join(each) for length in range(6) for each in itertools.product(LETTERS, repeat=length)]


def _matched(pattern: str) -> set[str]:
    expression = re.compile("".join({"*": ".*", "?": "."}.get(each, each) for each in pattern))
    return {text for text in TEXTS if expression.fullmatch(text)}


@settings(deadline=None)
@given(PATTERNS, PATTERNS)
def test_a_pattern_that_covers_another_matches_all_that_it_matches(wide: str, narrow: str) -> None:
    if covers_pattern(wide, narrow):
        assert _matched(narrow) <= _matched(wide)


@settings(deadline=None)
@given(PATTERNS)
def test_a_pattern_covers_itself_and_any_text_that_it_matches(pattern: str) -> None:
    assert covers_pattern(pattern, pattern)
    assert covers_pattern("*", pattern)
    assert all(covers_pattern(pattern, text) for text in _matched(pattern))


def _allow(**parts: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*", **parts}


@pytest.mark.parametrize(
    ("before", "after", "is_broader"),
    [
        (_allow(), _allow(Action="S3:getobject"), False),
        (_allow(Action="s3:Get*"), _allow(), False),
        (_allow(), _allow(Action="s3:Get*"), True),
        (_allow(), _allow(Resource="arn:aws:s3:::b/c/*"), False),
        (_allow(), _allow(Resource="arn:aws:s3:::?/*"), True),
        (_allow(NotAction=["s3:*", "iam:*"]), _allow(NotAction=["s3:*", "iam:*", "sts:*"]), False),
        (_allow(NotAction=["s3:*", "iam:*"]), _allow(NotAction=["s3:*"]), True),
        (_allow(Principal={"AWS": "arn:aws:iam::111111111111:root"}), _allow(Principal={"AWS": "111111111111"}), False),
        (
            _allow(Principal={"AWS": "111111111111"}),
            _allow(Principal={"AWS": "arn:aws:iam::111111111111:role/r"}),
            False,
        ),
        (_allow(Principal={"AWS": "111111111111"}), _allow(Principal={"AWS": "222222222222"}), True),
        (_allow(Principal={"Service": "s3.amazonaws.com"}), _allow(Principal="*"), True),
    ],
)
def test_a_part_that_is_covered_is_no_broader(before: Any, after: Any, is_broader: bool) -> None:
    for statement in (before, after):
        if "NotAction" in statement:
            statement.pop("Action", None)

    found = compare(rules_of({"Statement": [before]}), rules_of({"Statement": [after]}))

    assert bool(found.broadened) == is_broader


@pytest.mark.parametrize(
    ("before", "after", "is_broader"),
    [
        ({"StringEquals": {"k": ["a", "b"]}}, {"StringEquals": {"k": "a"}}, False),
        ({"StringEquals": {"k": "a"}}, {"StringEquals": {"k": ["a", "b"]}}, True),
        ({"StringLike": {"k": "repo:org/*"}}, {"StringLike": {"k": "repo:org/app:*"}}, False),
        ({"StringLike": {"k": "repo:org/*"}}, {"StringEquals": {"k": "repo:org/app"}}, False),
        ({"StringEquals": {"k": "repo:org/app"}}, {"StringLike": {"k": "repo:org/*"}}, True),
        ({"StringNotEquals": {"k": "a"}}, {"StringNotEquals": {"k": ["a", "b"]}}, False),
        ({"StringNotEquals": {"k": ["a", "b"]}}, {"StringNotEquals": {"k": "a"}}, True),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, {"IpAddress": {"aws:SourceIp": "10.1.0.0/16"}}, False),
        ({"IpAddress": {"aws:SourceIp": "10.1.0.0/16"}}, {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, True),
        ({"NumericLessThan": {"k": "3600"}}, {"NumericLessThan": {"k": 60}}, False),
        ({"NumericLessThan": {"k": 60}}, {"NumericLessThan": {"k": 3600}}, True),
        ({"Bool": {"K": True}}, {"Bool": {"k": "true"}}, False),
        ({"Bool": {"k": "true"}}, {}, True),
        ({}, {"Bool": {"k": "true"}}, False),
        ({"Bool": {"k": "true"}}, {"Bool": {"k": "true"}, "StringEquals": {"l": "a"}}, False),
        ({"DateLessThan": {"k": "2026-01-01"}}, {"DateLessThan": {"k": "2027-01-01"}}, True),
    ],
)
def test_a_condition_that_allows_less_is_no_broader(before: Any, after: Any, is_broader: bool) -> None:
    sides = [rules_of({"Statement": [_allow(Condition=each)]}) for each in (before, after)]

    assert bool(compare(*sides).broadened) == is_broader


def test_a_denial_is_broader_when_it_goes_or_gets_exceptions_and_an_allow_below_it_is_none() -> None:
    deny = {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}
    excepted = {**deny, "Condition": {"StringNotEquals": {"aws:PrincipalArn": "arn:aws:iam::1:role/r"}}}

    assert compare(rules_of({"Statement": [deny]}), ()).broadened
    assert compare(rules_of({"Statement": [deny]}), rules_of({"Statement": [excepted]})).broadened
    assert not compare(rules_of({"Statement": [excepted]}), rules_of({"Statement": [deny]})).broadened
    assert not compare(rules_of({"Statement": [deny]}), rules_of({"Statement": [deny, _allow()]})).broadened


def test_a_statement_that_a_function_makes_is_a_rule_of_its_own() -> None:
    chosen = {"Fn::If": ["IsMain", _allow(), {"Ref": "AWS::NoValue"}]}

    assert compare((), rules_of({"Statement": [chosen]})).broadened
    assert not compare(rules_of({"Statement": [chosen]}), rules_of({"Statement": [chosen]})).broadened


@pytest.mark.parametrize(("wide", "narrow", "covers"), [
    ("0.0.0.0/0", "10.0.0.1/32", True), ("10.0.0.1/32", "0.0.0.0/0", False), ("::/0", "10.0.0.1/32", False),
    ("${Group}", "${Group}", True), ("${Group}", "10.0.0.0/8", False),
])  # fmt: skip
def test_a_range_of_addresses_includes_smaller_ones(wide: str, narrow: str, covers: bool) -> None:
    assert covers_addresses(wide, narrow) == covers
