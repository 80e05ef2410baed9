"""Data model of a review: the result of comparing two commits, which every form of the report shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

Category = Literal["data", "permissions", "gates", "cost"]
CATEGORIES: tuple[Category, ...] = get_args(Category)
# Bits of the exit status (issue 19): several kinds of findings in one number.
BITS: dict[Category, int] = {"data": 1, "permissions": 2, "gates": 4, "cost": 8}

Action = Literal["replaced", "may be replaced", "removed", "left behind", "new version", "changed", "added"]
# The worst first, as every form of the report lists them.
ACTIONS: tuple[Action, ...] = get_args(Action)
Effect = Literal["replaces", "may replace", "updates"]
Tendency = Literal["looser", "changed", "stricter"]
TENDENCIES: tuple[Tendency, ...] = get_args(Tendency)
# In a text about several environments, the name of each.
ANY_ENVIRONMENT = "{env}"


@dataclass(frozen=True, kw_only=True)
class Acceptance:
    """Record that a person accepts a finding until a day."""

    id: str
    reason: str
    by: str
    until: date


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One reason not to merge a change unread; `id` is the same for the same finding of any commit.

    `subject` is what it is about, with which the text begins. `is_new` says that access is that of something new, and
    not of something that has access already. `expired` is an acceptance that no longer counts.
    """

    id: str
    category: Category
    environments: tuple[str, ...]
    stack: str
    text: str
    subject: str = ""
    is_new: bool = False
    accepted: Acceptance | None = None
    expired: Acceptance | None = None

    @property
    def rest(self) -> str:
        """Return what the text says about the subject."""
        return self.text.removeprefix("new " if self.is_new else "").removeprefix(self.subject).lstrip(": ")


@dataclass(frozen=True, kw_only=True)
class PropertyChange:
    """A property that differs, and what CloudFormation does because of it."""

    path: str
    before: str
    after: str
    effect: Effect
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class ResourceChange:
    """A resource that a deployment touches; `data` names what is lost with it, `note` what to do."""

    environments: tuple[str, ...]
    stack: str
    logical_id: str
    type: str
    name: str
    action: Action
    properties: tuple[PropertyChange, ...] = ()
    reason: str = ""
    data: str = ""
    note: str = ""
    is_at_risk: bool = False


@dataclass(frozen=True, kw_only=True)
class PermissionChange:
    """One rule that an identity or a resource policy gains or loses, as a sentence without its subject."""

    environments: tuple[str, ...]
    stack: str
    holder: str
    tendency: Tendency
    text: str
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Row:
    """A value that differs: a setting, a gate, or a property of an alarm, a schedule or a function."""

    environments: tuple[str, ...]
    name: str
    key: str
    before: str
    after: str
    tendency: Tendency = "changed"
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class CostLine:
    """Computed cost a month of one kind of thing in one environment, in US dollars."""

    environment: str
    item: str
    before_usd: float
    after_usd: float


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Cost a month that templates and settings determine; `unknown` names changed things that are paid by use."""

    lines: tuple[CostLine, ...] = ()
    before_usd: float = 0.0
    after_usd: float = 0.0
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A setting whose value is not the same in all environments, in their order."""

    key: str
    values: tuple[tuple[str, str], ...]
    is_changed: bool = False


@dataclass(frozen=True, kw_only=True)
class ClientChange:
    """A client whose configuration differs, and what its newsletter would show differently."""

    client_id: str
    version_before: str
    version_after: str
    changes: tuple[str, ...] = ()
    newsletter: tuple[str, ...] = ()
    news: str = ""


@dataclass(frozen=True, kw_only=True)
class ReleaseChange:
    """Digests that the change gives a new value, and what that does to the soak."""

    environments: tuple[str, ...]
    content: tuple[str, ...]
    text: str


@dataclass(frozen=True, kw_only=True)
class Side:
    """A side of the comparison, for people."""

    name: str
    commit: str = ""


@dataclass(frozen=True, kw_only=True)
class Review:
    """Effects of a change; the parts are in the order in which a reader needs them."""

    base: Side
    head: Side
    verdict: str
    counts: dict[str, int]
    findings: tuple[Finding, ...]
    resources: tuple[ResourceChange, ...] = ()
    permissions: tuple[PermissionChange, ...] = ()
    settings: tuple[Row, ...] = ()
    alarms: tuple[Row, ...] = ()
    functions: tuple[Row, ...] = ()
    cost: Cost = Cost()
    environments: tuple[Difference, ...] = ()
    clients: tuple[ClientChange, ...] = ()
    releases: tuple[ReleaseChange, ...] = ()
    other_files: tuple[tuple[str, int], ...] = ()
    notes: tuple[str, ...] = ()

    def bits(self, categories: tuple[Category, ...] = CATEGORIES) -> int:
        """Return the exit status: the bits of the categories with an unaccepted finding."""
        found = {each.category for each in self.findings if each.accepted is None and each.category in categories}
        return sum(BITS[each] for each in found)
