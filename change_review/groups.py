"""Groups of findings that say the same about several things: one line and one id for each group."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from change_review.finding import ID_DIGITS
from change_review.merging import named, neutral_of, ordered
from change_review.model import CATEGORIES, Finding
from change_review.permissions import MARKS
from vectora_ops.settings import ENVIRONMENT_NAMES

_MARKED = re.compile(rf" \((?P<marks>(?:{'|'.join(MARKS)})(?:, (?:{'|'.join(MARKS)}))*)\)")
# Where the text on a holder of access begins a new sentence.
_SENTENCE = re.compile(r"; (?=(?:gains|loses|its trust|may|trusts|changes|lets|has|works|is) )")
AT_RISK = "at risk: "


@dataclass(frozen=True)
class Group:
    """Findings with the same words about several subjects."""

    findings: tuple[Finding, ...]
    marks: tuple[str, ...]
    words: str

    @cached_property
    def id(self) -> str:
        """Id that accepts all findings of the group; that of the finding itself when it is the only one."""
        if len(self.findings) == 1:
            return self.findings[0].id
        text = "\0".join(sorted(each.id for each in self.findings))
        return hashlib.sha256(text.encode("utf-8")).hexdigest()[:ID_DIGITS]

    @property
    def first(self) -> Finding:
        return self.findings[0]

    @cached_property
    def environments(self) -> tuple[str, ...]:
        return ordered(env for each in self.findings for env in each.environments)

    @property
    def stacks(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(each.stack for each in self.findings if each.stack != each.category))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of what the findings are about; the words where a finding has no subject."""
        found = dict.fromkeys(neutral_of(each, each.subject or each.text) for each in self.findings)
        return tuple(named(each, self.environments) for each in found)

    @property
    def is_list(self) -> bool:
        """Return whether the subject is followed by a colon in the texts."""
        return self.first.text.removeprefix("new ").removeprefix(self.first.subject).startswith(":")

    @property
    def said(self) -> str:
        """Return what the findings say about their subjects."""
        return named(self.words, self.environments)


def groups_of(findings: Iterable[Finding]) -> tuple[Group, ...]:
    """Return the groups, by category and the worst first; accepted findings are the last."""
    found: dict[object, list[Finding]] = {}
    for each in findings:
        words = neutral_of(each, each.rest)
        found.setdefault((each.category, each.is_new, each.accepted, each.expired, words), []).append(each)
    return tuple(sorted((_group(key[-1], each) for key, each in found.items()), key=_risk))  # type: ignore[index]


def _group(words: str, findings: list[Finding]) -> Group:
    marks = {mark for found in _MARKED.finditer(words) for mark in found["marks"].split(", ")}
    sentences = sorted(_SENTENCE.split(words), key=lambda each: _MARKED.search(each) is None)
    return Group(tuple(findings), tuple(each for each in MARKS if each in marks), _MARKED.sub("", "; ".join(sentences)))


def _risk(group: Group) -> tuple[object, ...]:
    first = group.first
    worst = min((MARKS.index(each) for each in group.marks), default=len(MARKS))
    return (
        first.accepted is not None,
        first.is_new,
        CATEGORIES.index(first.category),
        AT_RISK not in first.text,
        worst,
        not set(ENVIRONMENT_NAMES) & set(group.environments),
        ENVIRONMENT_NAMES[-1] not in group.environments,
        -len(group.findings),
    )
