"""Statements of access policies as sets: whether one allows everything that another does.

A pattern, condition or principal counts as covered only when that is certain, so that a broader one is never missed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_network
from typing import Any

from change_review.values import canonical

ANY = "*"
_ACCOUNT = re.compile(r"\d{12}")
_ROOT = re.compile(r"arn:aws[\w-]*:iam::(?P<account>\d{12}|\$\{AWS::AccountId\}):root")
_IDENTITY = re.compile(r"arn:aws[\w-]*:(?:iam|sts)::(?P<account>\d{12}|\$\{AWS::AccountId\}):")
# Of these operators, fewer values allow less; of their negations, more values allow less (IAM user guide, conditions).
_LISTS = re.compile(r"(ForAllValues:|ForAnyValue:)?(String|Arn)(Equals|Like)(IgnoreCase)?|Bool|NumericEquals")
_LIKE = "Like"
_IF_EXISTS = "IfExists"
_LIMIT = re.compile(r"Numeric(Less|Greater)Than")


@dataclass(frozen=True)
class Part:
    """Actions, resources or principals of a statement: one pattern, or all but some."""

    patterns: tuple[str, ...]
    is_negated: bool = False

    @property
    def text(self) -> str:
        listed = ", ".join(self.patterns)
        return f"all but {listed}" if self.is_negated else listed

    @property
    def is_any(self) -> bool:
        return not self.is_negated and self.patterns == (ANY,)


@dataclass(frozen=True)
class Rule:
    """One action, resource and principal of a statement; `condition` is canonical JSON."""

    effect: str
    action: Part
    resource: Part
    principal: Part
    condition: str

    @property
    def is_allow(self) -> bool:
        return self.effect == "Allow"

    @property
    def words(self) -> tuple[str, str, str, str, str]:
        """The rule as `vectora_review.access_words` words it."""
        return self.effect, self.action.text, self.resource.text, self.principal.text, self.condition


def rules_of(document: Any) -> Iterator[Rule]:
    """Yield the rules of a policy document, which may be a string of JSON or a single statement."""
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            return
    if not isinstance(document, Mapping):
        return
    given = document.get("Statement", document)
    for statement in given if isinstance(given, list) else [given]:
        if isinstance(statement, Mapping):
            yield from _of_statement(statement)
        else:
            # A function such as Fn::If: its text is compared, and a new text is a new rule.
            opaque = Part((_text(statement),))
            yield Rule("Allow", opaque, Part(()), Part(()), "")


def _of_statement(statement: Mapping[str, Any]) -> Iterator[Rule]:
    if len(statement) == 1 and next(iter(statement)).startswith("Fn::"):
        yield Rule("Allow", Part((_text(statement),)), Part(()), Part(()), "")
        return
    condition = statement.get("Condition")
    text = json.dumps(canonical(condition), sort_keys=True) if condition else ""
    for action in _parts(statement, "Action", "NotAction"):
        for resource in _parts(statement, "Resource", "NotResource"):
            for principal in _parts(statement, "Principal", "NotPrincipal"):
                yield Rule(str(statement.get("Effect", "Allow")), action, resource, principal, text)


def _parts(statement: Mapping[str, Any], name: str, negated: str) -> Iterator[Part]:
    if name in statement:
        yield from (Part((each,)) for each in _values(statement[name], is_principal=name == "Principal"))
    elif negated in statement:
        yield Part(tuple(sorted(_values(statement[negated], is_principal=negated == "NotPrincipal"))), is_negated=True)
    else:
        yield Part(())


def _values(value: Any, *, is_principal: bool) -> Iterator[str]:
    if is_principal and isinstance(value, Mapping) and not _is_function(value):
        for kind, each in value.items():
            yield from (_principal(kind, _text(one)) for one in (each if isinstance(each, list) else [each]))
        return
    for each in value if isinstance(value, list) else [value]:
        yield _principal("AWS", _text(each)) if is_principal else _text(each)


def _is_function(value: Mapping[str, Any]) -> bool:
    return len(value) == 1 and next(iter(value)).startswith(("Fn::", "Ref"))


def _principal(kind: str, value: str) -> str:
    """Return a principal in one spelling: `*` and {"AWS": "*"} are the same, as are an account and its root.

    IAM user guide, "AWS JSON policy elements: Principal".
    """
    if kind == "AWS" and value == ANY:
        return ANY
    if kind == "AWS" and (_ACCOUNT.fullmatch(value) or value == "${AWS::AccountId}"):
        return f"AWS arn:aws:iam::{value}:root"
    return f"{kind} {value}"


def _text(value: Any) -> str:
    found = canonical(value)
    return found if isinstance(found, str) else json.dumps(found, sort_keys=True)


def covers_pattern(wide: str, narrow: str) -> bool:
    """Return whether every text that matches the pattern `narrow` matches `wide`; both may have `*` and `?`.

    A `*` of the narrow one is matched by a `*` of the wide one only: true is certain, false may be too careful.
    """
    if wide in (narrow, ANY):
        return True
    if ANY not in wide and "?" not in wide:
        return False
    reached = {0}
    reached |= _after_stars(wide, 0)
    for character in narrow:
        following: set[int] = set()
        for place in reached:
            if place == len(wide):
                continue
            if wide[place] == ANY:
                following |= {place, *_after_stars(wide, place)}
            elif wide[place] == character or (wide[place] == "?" and character != ANY):
                following |= {place + 1, *_after_stars(wide, place + 1)}
        reached = following
        if not reached:
            return False
    return len(wide) in reached


def _after_stars(pattern: str, place: int) -> set[int]:
    found = set()
    while place < len(pattern) and pattern[place] == ANY:
        place += 1
        found.add(place)
    return found


def _may_meet(one: str, other: str) -> bool:
    """Return whether a text may match both patterns; true when that is not known."""
    if ANY in one and ANY in other:
        heads = [each.partition(ANY)[0] for each in (one, other)]
        return heads[0].startswith(heads[1]) or heads[1].startswith(heads[0])
    return covers_pattern(one, other) or covers_pattern(other, one)


def _covers_part(wide: Part, narrow: Part, *, is_principal: bool = False) -> bool:
    if not wide.patterns or not narrow.patterns:
        # An identity policy has no principal, a trust policy no resource.
        return wide.patterns == narrow.patterns or wide.is_any
    if wide.is_any:
        return True
    covers = _covers_principal if is_principal else covers_pattern
    if wide.is_negated and narrow.is_negated:
        return all(any(covers(each, one) for each in narrow.patterns) for one in wide.patterns)
    if wide.is_negated:
        return not any(_may_meet(one, each) for one in wide.patterns for each in narrow.patterns)
    return not narrow.is_negated and all(any(covers(one, each) for one in wide.patterns) for each in narrow.patterns)


def _covers_principal(wide: str, narrow: str) -> bool:
    """Return whether a principal includes another: an account includes its own identities."""
    if wide in (narrow, ANY):
        return True
    account, identity = (_ROOT.search(wide), _IDENTITY.search(narrow))
    return bool(account and identity and account["account"] == identity["account"])


@cache
def _lowered(part: Part) -> Part:
    # Actions do not depend on case (IAM user guide, "AWS JSON policy elements: Action").
    return Part(tuple(each.lower() for each in part.patterns), part.is_negated)


def covers(wide: Rule, narrow: Rule) -> bool:
    """Return whether a rule says everything that another one does; both have the same effect."""
    return (
        wide.effect == narrow.effect
        and _covers_part(_lowered(wide.action), _lowered(narrow.action))
        and _covers_part(wide.resource, narrow.resource)
        and _covers_part(wide.principal, narrow.principal, is_principal=True)
        and _is_milder(wide.condition, narrow.condition)
    )


def _is_milder(mild: str, strict: str) -> bool:
    """Return whether a condition holds whenever another one does."""
    if mild in ("", strict):
        return True
    old, new = (json.loads(each) if each else {} for each in (mild, strict))
    if not isinstance(old, dict) or not isinstance(new, dict):
        return False
    return all(
        _each_is_milder(operator, keys, new.get(operator))
        # A condition that has to hold is stricter than one that holds when its key is missing.
        or (
            operator.endswith(_IF_EXISTS)
            and _each_is_milder(operator, keys, new.get(operator.removesuffix(_IF_EXISTS)))
        )
        # A value that is named is stricter than a pattern that includes it.
        or (_LIKE in operator and _each_is_milder(operator, keys, new.get(operator.replace(_LIKE, "Equals"))))
        for operator, keys in old.items()
    )


def _each_is_milder(operator: str, keys: Any, others: Any) -> bool:
    if not isinstance(keys, dict) or not isinstance(others, dict):
        return bool(keys == others)
    folded = {key.lower(): value for key, value in others.items()}
    return all(key.lower() in folded and _allows(operator, value, folded[key.lower()]) for key, value in keys.items())


def _allows(operator: str, mild: Any, strict: Any) -> bool:
    """Return whether the values of a condition include all that stricter ones allow."""
    operator = operator.removesuffix(_IF_EXISTS)
    wide, narrow = (_listed(each) for each in (mild, strict))
    if set(wide) == set(narrow):
        return True
    if operator == "IpAddress":
        return all(any(covers_addresses(one, each) for one in wide) for each in narrow)
    if limit := _LIMIT.search(operator):
        return _is_within(limit[1], wide, narrow)
    if not _LISTS.fullmatch(operator):
        return "Not" in operator and set(wide) <= set(narrow)
    if "Like" in operator or operator.removeprefix("ForAnyValue:").removeprefix("ForAllValues:").startswith("Arn"):
        return all(any(covers_pattern(one, each) for one in wide) for each in narrow)
    return set(narrow) <= set(wide)


def covers_addresses(wide: str, narrow: str) -> bool:
    """Return whether a range of addresses includes another; texts that are none have to be the same."""
    try:
        one, other = (ip_network(each, strict=False) for each in (wide, narrow))
    except ValueError:
        return wide == narrow
    return one.version == other.version and int(one[0]) <= int(other[0]) and int(other[-1]) <= int(one[-1])


def _is_within(comparison: str, wide: list[str], narrow: list[str]) -> bool:
    try:
        limits = [float(each) for side in (wide, narrow) for each in side]
    except ValueError:
        return False
    if len(limits) != 2:
        return False
    return limits[1] <= limits[0] if comparison == "Less" else limits[1] >= limits[0]


def _listed(value: Any) -> list[str]:
    return [_text(each) for each in (value if isinstance(value, list) else [value])]


@dataclass(frozen=True)
class Comparison:
    """Rules that a holder gains and loses, without those that another rule covers."""

    broadened: tuple[Rule, ...]
    narrowed: tuple[Rule, ...]


def compare(before: Iterable[Rule], after: Iterable[Rule]) -> Comparison:
    """Return which rules broaden and narrow access: a new Allow, a lost Deny; a lost Allow, a new Deny."""
    old, new = _distinct(before), _distinct(after)
    # Rules that both sides have are most of them, and cover themselves.
    only_old, only_new = _distinct({*old} - {*new}), _distinct({*new} - {*old})
    gained = [each for each in only_new if each.is_allow and not _is_covered(each, old) and not _is_denied(each, new)]
    lost_denials = [each for each in only_old if not each.is_allow and not _is_covered(each, new)]
    lost = [each for each in only_old if each.is_allow and not _is_covered(each, new)]
    new_denials = [each for each in only_new if not each.is_allow and not _is_covered(each, old)]
    return Comparison((*gained, *lost_denials), (*lost, *new_denials))


def _distinct(rules: Iterable[Rule]) -> list[Rule]:
    return sorted(set(rules), key=lambda each: each.words)


def _is_covered(rule: Rule, others: Iterable[Rule]) -> bool:
    return any(covers(each, rule) for each in others)


def _is_denied(rule: Rule, others: Iterable[Rule]) -> bool:
    """Return whether an explicit denial leaves nothing of an Allow."""
    as_denial = Rule("Deny", rule.action, rule.resource, rule.principal, rule.condition)
    return _is_covered(as_denial, (each for each in others if not each.is_allow))
