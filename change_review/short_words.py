"""Short words for a screen: names with what they share written once, ARNs of the own account, and what differs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from vectora_ops.settings import ENVIRONMENT_NAMES

ELLIPSIS = "..."
_UNDER = " under "
# Operators of which `=` says enough; a pattern shows itself by its `*`.
_IS = ("ArnEquals", "ArnLike", "Bool", "StringEquals", "StringLike")
_READS = re.compile(r"(?i)(batchget|check|describe|get|head|list|lookup|query|read|scan|search|select|view)")
_ACTION = r"(?P<service>[a-z][a-z0-9-]*):[A-Za-z*?]+"
_ACTIONS = re.compile(rf"\b{_ACTION}(?:, (?P=service):[A-Za-z*?]+)+")
_ARN = r"arn:[^\s,;()]+"
_ARNS = re.compile(rf"{_ARN}(?:, {_ARN})+")
# Of the account and region in which the template itself is deployed.
_OWN = re.compile(
    r"arn:(?:aws|\$\{AWS::Partition\}):[\w-]+:(?:[a-z]{2}-[a-z]+-\d|\$\{AWS::Region\})?:(?:\$\{AWS::AccountId\})?:"
)
_EXAMPLE = re.compile(r"(?P<env>\w+) \(.*\)")
MOST_ACTIONS, MOST_NAMES_IN_TEXT = 6, 4
# Characters of the same text that are shown before and after what differs.
AROUND = 24


def cut(text: str, most_characters: int) -> str:
    """Return a text that is no longer than a form can show."""
    return text if len(text) <= most_characters else text[: most_characters - len(ELLIPSIS)] + ELLIPSIS


def short_where(environments: Iterable[str], stacks: Iterable[str]) -> str:
    """Return places in few words: `all` for every environment, and no examples of set-ups that change alike."""
    given = tuple(environments)
    found = [each for each in given if (example := _EXAMPLE.fullmatch(each)) is None or example["env"] not in given]
    is_everywhere = set(ENVIRONMENT_NAMES) <= set(found)
    rest = [each for each in found if not is_everywhere or each not in ENVIRONMENT_NAMES]
    envs = ", ".join((["all"] if is_everywhere else []) + rest)
    named = [each for each in dict.fromkeys(stacks) if each and each not in found and each != "{env}"]
    listed = ", ".join(named) if len(named) <= 2 else f"{len(named)} stacks"
    return f"{envs}: {listed}" if listed else envs


def braces(names: Iterable[str]) -> str:
    """Return names with the beginning and end that they share written once, as a shell does: `log-{a, b}-prod`."""
    found = list(dict.fromkeys(names))
    if len(found) < 2:
        return "".join(found)
    head = _to_boundary(_shared(found))
    tails = [each[len(head) :] for each in found]
    end = _to_boundary(_shared([each[::-1] for each in tails]))[::-1]
    # A tail that is nothing but the end keeps it, so that no entry is empty.
    if any(len(each) <= len(end) for each in tails):
        end = ""
    middles = [each[: len(each) - len(end)] for each in tails]
    listed = ", ".join(_grouped(middles))
    return f"{head}{{{listed}}}{end}" if head or end else listed


def _grouped(names: Sequence[str]) -> list[str]:
    """Return names, those that begin with the same word as one."""
    by_word: dict[str, list[str]] = {}
    for each in names:
        by_word.setdefault(re.split(r"[- /:]", each, maxsplit=1)[0], []).append(each)
    return [braces(each) for each in by_word.values()] if len(by_word) > 1 else list(names)


def _shared(texts: Sequence[str]) -> str:
    """Return the beginning that all texts have."""
    first, last = min(texts), max(texts)
    same = next((number for number, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), None)
    return first[:same]


def _to_boundary(text: str) -> str:
    """Return the part of a text up to its last separator, so that no word is divided."""
    place = max(text.rfind(each) for each in "- /:.")
    return text[: place + 1]


def short_text(text: str) -> str:
    """Return a sentence in which a service is written once for its actions, and ARNs of the own account are short."""
    return _ARNS.sub(_resources, _ACTIONS.sub(_actions, _OWN.sub("arn:...:", _with_plain_conditions(text))))


def _with_plain_conditions(text: str) -> str:
    """Return a sentence whose conditions are not JSON: `under aws:SourceAccount = this account`."""
    head, found, rest = text.partition(_UNDER)
    if not found:
        return text
    try:
        condition, length = json.JSONDecoder().raw_decode(rest)
        words = " and ".join(
            f"{key} {'=' if operator in _IS else operator} {_values(value)}"
            for operator, keys in condition.items()
            for key, value in keys.items()
        )
    except (ValueError, AttributeError):
        return head + found + _with_plain_conditions(rest)
    return f"{head}{found}{words}{_with_plain_conditions(rest[length:])}"


def _values(value: Any) -> str:
    listed = [str(each) for each in value] if isinstance(value, list) else [str(value)]
    return " or ".join("this account" if each == "${AWS::AccountId}" else each for each in listed)


def _actions(found: re.Match[str]) -> str:
    service = found["service"]
    names = [each.removeprefix(f"{service}:") for each in found[0].split(", ")]
    # What only reads comes last, because a long list is cut.
    names.sort(key=lambda each: bool(_READS.match(each)))
    return f"{service}:{{{_counted(names, MOST_ACTIONS)}}}"


def _resources(found: re.Match[str]) -> str:
    names = found[0].split(", ")
    if len(names) > MOST_NAMES_IN_TEXT:
        return f"{braces(names[:MOST_NAMES_IN_TEXT])} and {len(names) - MOST_NAMES_IN_TEXT} more"
    return braces(names)


def _counted(names: Sequence[str], most: int) -> str:
    more = f", {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def changed_part(before: str, after: str) -> str:
    """Return both values, of long ones only the part that differs with some characters around it."""
    if len(before) + len(after) <= 4 * AROUND:
        return f"{before} -> {after}"
    start = len(_shared([before, after]))
    old, new = before[start:], after[start:]
    end = len(_shared([old[::-1], new[::-1]]))
    start, end = max(start - AROUND, 0), max(end - AROUND, 0)
    return f"{_inside(before, start, end)} -> {_inside(after, start, end)}"


def _inside(text: str, start: int, end: int) -> str:
    head, tail = (ELLIPSIS if start else ""), (ELLIPSIS if end else "")
    return f"{head}{text[start : len(text) - end]}{tail}"
