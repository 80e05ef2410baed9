"""Condition blocks of policy statements, evaluated with the known keys of a request.

AWS's rules: "IAM JSON policy elements: Condition operators", "Conditions with multiple context keys or values" and
"Policy evaluation logic" of the IAM user guide. An unknown key or operator is never silently true.
"""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

ARN_PARTS = 6
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_LITERALS = frozenset({"*", "?", "$"})
_SET_OPERATORS = ("ForAllValues", "ForAnyValue")


@dataclass(frozen=True)
class Unknown:
    """A verdict that is neither true nor false; `reason` names the missing knowledge."""

    reason: str


Verdict = bool | Unknown


class Context:
    """Keys of a request: those with values, and those that AWS omits from such a request; case is ignored."""

    def __init__(self, values: Mapping[str, Sequence[str] | str], absent: Iterable[str] = ()) -> None:
        self._values = {
            name.lower(): (value,) if isinstance(value, str) else tuple(value) for name, value in values.items()
        }
        self._absent = frozenset(name.lower() for name in absent)

    def with_values(self, values: Mapping[str, Sequence[str] | str], absent: Iterable[str] = ()) -> Context:
        """Return the context extended by an action's keys; `absent` may name a whole prefix, such as `s3:*`."""
        merged: dict[str, Sequence[str] | str] = {**self._values, **values}
        return Context(merged, self._absent | frozenset(absent))

    def get(self, key: str) -> tuple[str, ...] | Unknown | None:
        """Return a key's values, None when the request has no such key, or Unknown when neither is known."""
        name = key.lower()
        if name in self._values:
            return self._values[name]
        prefixes = {f"{name.partition(':')[0]}:*", f"{name.partition('/')[0]}/*"}
        if name in self._absent or prefixes & self._absent:
            return None
        return Unknown(f"the condition key {key} is not known of this request")


def all_of(verdicts: Iterable[Verdict]) -> Verdict:
    """Return False when one verdict is, otherwise the first Unknown, otherwise True."""
    unknown: Unknown | None = None
    for verdict in verdicts:
        if verdict is False:
            return False
        if isinstance(verdict, Unknown):
            unknown = unknown or verdict
    return unknown or True


def any_of(verdicts: Iterable[Verdict]) -> Verdict:
    """Return True when one verdict is, otherwise the first Unknown, otherwise False."""
    unknown: Unknown | None = None
    for verdict in verdicts:
        if verdict is True:
            return True
        if isinstance(verdict, Unknown):
            unknown = unknown or verdict
    return unknown or False


def negated(verdict: Verdict) -> Verdict:
    """Return the opposite verdict; Unknown remains Unknown."""
    return verdict if isinstance(verdict, Unknown) else not verdict


def matches_text(pattern: str, value: str, context: Context, *, wildcards: bool = True, case: bool = True) -> Verdict:
    """Return whether a value equals a policy's text with its wildcards `*` and `?` and its variables ${key}."""
    compiled = _compiled(pattern, context, wildcards=wildcards, case=case)
    if isinstance(compiled, Unknown):
        return compiled
    return compiled is not None and compiled.fullmatch(value) is not None


def matches_arn(pattern: str, value: str, context: Context) -> Verdict:
    """Return whether an ARN equals a policy's, part by part: a wildcard never spans two parts."""
    patterns, parts = _arn_parts(pattern), value.split(":", ARN_PARTS - 1)
    if len(patterns) != len(parts):
        return pattern == "*"
    return all_of(matches_text(one, part, context) for one, part in zip(patterns, parts, strict=True))


def _arn_parts(pattern: str) -> list[str]:
    """Split an ARN at its colons, except those inside ${...}."""
    protected = _VARIABLE.sub(lambda match: match[0].replace(":", "\0"), pattern)
    return [part.replace("\0", ":") for part in protected.split(":", ARN_PARTS - 1)]


def _compiled(pattern: str, context: Context, *, wildcards: bool, case: bool) -> re.Pattern[str] | Unknown | None:
    """Compile a pattern; return None, which matches nothing, when a variable's key is not in the request.

    IAM user guide, "IAM policy elements: Variables and tags".
    """
    if "${" not in pattern:
        return _without_variables(pattern, wildcards, case)
    expression = ""
    for index, part in enumerate(_VARIABLE.split(pattern)):
        if index % 2 == 0:
            expression += _with_wildcards(part) if wildcards else re.escape(part)
            continue
        value = _variable(part, context)
        if value is None or isinstance(value, Unknown):
            return value
        expression += re.escape(value)
    return _regular(expression, case)


@functools.cache
def _without_variables(pattern: str, wildcards: bool, case: bool) -> re.Pattern[str]:
    return _regular(_with_wildcards(pattern) if wildcards else re.escape(pattern), case)


@functools.cache
def _regular(expression: str, case: bool) -> re.Pattern[str]:
    return re.compile(expression, re.DOTALL | (0 if case else re.IGNORECASE))


def _with_wildcards(text: str) -> str:
    return re.escape(text).replace(r"\*", ".*").replace(r"\?", ".")


def _variable(text: str, context: Context) -> str | Unknown | None:
    if text in _LITERALS:
        return text
    key, _, default = text.partition(",")
    values = context.get(key.strip())
    if values is None:
        found = re.fullmatch(r"\s*'(.*)'\s*", default)
        return found[1] if found else None
    if isinstance(values, Unknown):
        return values
    return values[0] if len(values) == 1 else Unknown(f"the policy variable {key} has {len(values)} values")


# Compares the policy's value with the request's.
Test = Callable[[str, str, Context], Verdict]


def _text(*, wildcards: bool = False, case: bool = True) -> Test:
    return lambda expected, value, context: matches_text(expected, value, context, wildcards=wildcards, case=case)


def _number(compare: Callable[[Any, Any], bool]) -> Test:
    return lambda expected, value, context: compare(float(value), float(expected))


def _date(compare: Callable[[Any, Any], bool]) -> Test:
    return lambda expected, value, context: compare(_moment(value), _moment(expected))


def _moment(text: str) -> datetime:
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return datetime.fromtimestamp(float(text), UTC)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_TESTS: Mapping[str, Test] = {
    "StringEquals": _text(),
    "StringEqualsIgnoreCase": _text(case=False),
    "StringLike": _text(wildcards=True),
    "NumericEquals": _number(operator.eq),
    "NumericLessThan": _number(operator.lt),
    "NumericLessThanEquals": _number(operator.le),
    "NumericGreaterThan": _number(operator.gt),
    "NumericGreaterThanEquals": _number(operator.ge),
    "DateEquals": _date(operator.eq),
    "DateLessThan": _date(operator.lt),
    "DateLessThanEquals": _date(operator.le),
    "DateGreaterThan": _date(operator.gt),
    "DateGreaterThanEquals": _date(operator.ge),
    "Bool": lambda expected, value, context: expected.lower() == value.lower(),
    "ArnEquals": matches_arn,
    "ArnLike": matches_arn,
}
# Negated operators: a value must match none of the policy's; a request without the key passes.
_NEGATED: Mapping[str, str] = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}


def holds(condition: Mapping[str, Mapping[str, Any]], context: Context) -> Verdict:
    """Return whether every operator of a Condition block holds for every key."""
    return all_of(
        _holds(name, key, _as_texts(policy_values), context)
        for name, by_key in condition.items()
        for key, policy_values in by_key.items()
    )


def _as_texts(value: Any) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    # CloudFormation and JSON have true where IAM has "true".
    return tuple(str(each).lower() if isinstance(each, bool) else str(each) for each in values)


def _holds(name: str, key: str, policy_values: tuple[str, ...], context: Context) -> Verdict:
    values = context.get(key)
    if isinstance(values, Unknown):
        return values
    if name == "Null":
        return any_of((values is None) == (each.lower() == "true") for each in policy_values)
    qualifier, _, rest = name.rpartition(":")
    plain = rest.removesuffix("IfExists")
    test = _TESTS.get(_NEGATED.get(plain, plain))
    if test is None or qualifier not in ("", *_SET_OPERATORS):
        return Unknown(f"the condition operator {name} is not known")
    if not values:
        return qualifier != "ForAnyValue" and (rest != plain or plain in _NEGATED or qualifier == "ForAllValues")
    if not qualifier and len(values) > 1:
        return Unknown(f"the condition key {key} has several values, and {name} compares one")
    verdicts = [_matches(plain, test, policy_values, value, context) for value in values]
    return any_of(verdicts) if qualifier == "ForAnyValue" else all_of(verdicts)


def _matches(plain: str, test: Test, policy_values: tuple[str, ...], value: str, context: Context) -> Verdict:
    try:
        verdict = any_of(test(each, value, context) for each in policy_values)
    except ValueError as error:
        return Unknown(f"the values of a condition {plain} cannot be compared: {error}")
    return negated(verdict) if plain in _NEGATED else verdict
