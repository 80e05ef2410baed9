"""Findings: made from changes, merged over environments, and identified."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

from change_review.merging import merged
from change_review.model import CATEGORIES, Category, Finding, ResourceChange

ID_DIGITS = 12
_HOLE = re.compile(r"[^\w{}.:/*-]+")


class _InStack(Protocol):
    @property
    def environment(self) -> str: ...
    @property
    def stack(self) -> str: ...


def draft(category: Category, place: ResourceChange | _InStack, text: str, *, subject: str = "") -> Finding:
    """Return a finding in one environment, which has no id yet; its text begins with the subject."""
    envs = place.environments if isinstance(place, ResourceChange) else (place.environment,)
    return Finding(id="", category=category, environments=envs, stack=place.stack, text=text, subject=subject)


def identified(
    drafts: Iterable[Finding], on_access: Iterable[Finding], plain_names: dict[str, str]
) -> tuple[Finding, ...]:
    """Return the findings, merged over environments, each with its id, in the order of their categories.

    Those on access are merged already.
    """
    found = (*merged(drafts, plain_names), *on_access)
    unique = {(each.category, each.environments, each.stack, each.text): each for each in found}
    ordered = sorted(unique.values(), key=lambda each: (CATEGORIES.index(each.category), each.is_new))
    return tuple(replace(each, id=_id(each)) for each in ordered)


def _id(finding: Finding) -> str:
    """Return an id that stays while the finding says the same about the same environments."""
    words = _HOLE.sub(" ", finding.text)
    parts = "\0".join((finding.category, ",".join(finding.environments), finding.stack, words))
    return hashlib.sha256(parts.encode("utf-8")).hexdigest()[:ID_DIGITS]
