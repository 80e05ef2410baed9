"""Entries of the short report: changes that are no findings, equal ones of several things together."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from change_review.changes import subject
from change_review.merging import named, neutral_of, ordered
from change_review.model import ACTIONS, TENDENCIES, Cost, PermissionChange, PropertyChange, ResourceChange, Review, Row
from change_review.sections import IS_RULES, SIGNS
from change_review.short_words import changed_part, short_where
from change_review.supervision import FUNCTION, WATCHED

MOST_PROPERTIES = 4
LONGEST_VALUE = 60
# What a person reads and nothing acts on.
_ONLY_TEXT = re.compile(r"(^|\.)\w*Description$")


@dataclass(frozen=True)
class Entry:
    """One line: a word, the names that it is about, what is said about them, and where."""

    lead: str
    names: tuple[str, ...]
    text: str
    where: str = ""


def _entry(
    found: Sequence[Row | PermissionChange | ResourceChange],
    lead: str,
    names: Iterable[str],
    text: str,
    *,
    stacks: Iterable[str] = (),
) -> Entry:
    environments = ordered(env for each in found for env in each.environments)
    return Entry(
        lead,
        tuple(named(each, environments) for each in dict.fromkeys(names)),
        named(text, environments),
        short_where(environments, stacks),
    )


def permission_entries(review: Review) -> Iterator[Entry]:
    """Yield what is narrower or neither, by its text; what is broader is in the findings."""
    known = {neutral_of(each, each.subject) for each in review.findings if each.is_new}
    by_text: dict[tuple[str, str], list[PermissionChange]] = {}
    for each in review.permissions:
        is_known = each.text == "is new" and neutral_of(each, each.holder) in known
        if each.tendency != "looser" and not is_known:
            by_text.setdefault((each.tendency, neutral_of(each, each.text)), []).append(each)
    groups: dict[tuple[str, str], list[PermissionChange]] = {}
    for (tendency, text), found in by_text.items():
        # Several sentences about one holder are one line, too.
        key = text if len(found) > 1 else f"{found[0].stack} {neutral_of(found[0], found[0].holder)}"
        groups.setdefault((tendency, key), []).extend(found)
    for _, found in sorted(groups.items(), key=lambda item: (_order_of(item[0][0]), -len(item[1]))):
        names = (neutral_of(each, each.holder) for each in found)
        text = "; ".join(dict.fromkeys(neutral_of(each, each.text) for each in found))
        yield _entry(found, SIGNS[found[0].tendency], names, text, stacks=[each.stack for each in found])


def _order_of(tendency: str) -> int:
    # What is taken away first: it can break something.
    return -[str(each) for each in TENDENCIES].index(tendency)


def resource_entries(review: Review) -> Iterator[Entry]:
    """Yield the resources that no other part of the report shows, by what happens to them."""
    rows = {neutral_of(each, each.name) for each in (*review.alarms, *review.functions)}
    groups: dict[tuple[object, ...], list[ResourceChange]] = {}
    policies: list[ResourceChange] = []
    for each in review.resources:
        if _is_policy_only(each):
            policies.append(each)
        elif not each.is_at_risk and not _is_in_rows(each, rows):
            groups.setdefault(_key(each), []).append(each)
    for (action, kind, *_), found in sorted(groups.items(), key=_order):
        words = str(kind).removeprefix("AWS::").replace("::", " ")
        names = tuple(dict.fromkeys(neutral_of(each, each.name) for each in found))
        count = f"{len(names)} " if len(names) > 1 else ""
        stacks = [each.stack for each in found]
        yield _entry(found, f"{action}: {count}{words}", names, _text(found), stacks=stacks)
    if policies:
        kinds = Counter(each.type.removeprefix("AWS::").replace("::", " ") for each in policies)
        counted = ", ".join(f"{number} {kind}" for kind, number in kinds.most_common())
        yield Entry("changed in their policies only, as shown above:", (), counted)


def _is_policy_only(change: ResourceChange) -> bool:
    is_calm = change.action == "changed" and not change.reason and bool(change.properties)
    return is_calm and all(IS_RULES.search(each.path) for each in change.properties)


def _is_in_rows(change: ResourceChange, rows: set[str]) -> bool:
    """Return whether a part on alarms or functions says the same."""
    if change.type in WATCHED:
        return neutral_of(change, subject(change.type, change.name)) in rows
    is_same = change.type == FUNCTION and change.action == "changed" and neutral_of(change, change.name) in rows
    return is_same and all(each.path.startswith(("Environment", *_SIZES)) for each in change.properties)


_SIZES = ("Runtime", "Handler", "MemorySize", "Timeout", "EphemeralStorage", "Architectures", "Layers", "Reserved")


def _key(change: ResourceChange) -> tuple[object, ...]:
    paths = tuple(sorted({_path(each) for each in change.properties}))
    reason = neutral_of(change, change.reason)
    return (change.action, change.type, reason or paths, neutral_of(change, change.note))


def _path(change: PropertyChange) -> str:
    return "its policy" if IS_RULES.search(change.path) else change.path


def _order(item: tuple[tuple[object, ...], Sequence[ResourceChange]]) -> tuple[object, ...]:
    (action, *_), found = item
    is_text = all(_ONLY_TEXT.search(each.path) for change in found for each in change.properties)
    is_calm = action == "changed" and is_text
    return [str(each) for each in ACTIONS].index(str(action)), is_calm, -len(found)


def _text(found: Sequence[ResourceChange]) -> str:
    first = found[0]
    if first.reason:
        said = neutral_of(first, first.reason)
    else:
        variants = {neutral_of(each, _properties(each.properties)) for each in found}
        said = neutral_of(first, _properties(first.properties))
        said = f"such as {said}" if len(variants) > 1 else said
    return "; ".join(filter(None, (said, neutral_of(first, first.note))))


def _properties(changes: Sequence[PropertyChange]) -> str:
    sentences = dict.fromkeys(
        _property(each) for each in sorted(changes, key=lambda each: bool(_ONLY_TEXT.search(each.path)))
    )
    listed = list(sentences)[:MOST_PROPERTIES]
    more = [f"{len(sentences) - MOST_PROPERTIES} more"] if len(sentences) > MOST_PROPERTIES else []
    return "; ".join([*listed, *more])


def _property(change: PropertyChange) -> str:
    if IS_RULES.search(change.path):
        return "its policy, see the permissions"
    if change.before == change.after:
        return f"{change.path} {change.why}"
    for old, new, word in ((change.before, change.after, "new"), (change.after, change.before, "removed")):
        if old == "none":
            return f"{change.path} is {word}{'' if len(new) > LONGEST_VALUE else f' ({new})'}"
    return f"{change.path} {changed_part(change.before, change.after)}"


def row_entries(rows: Iterable[Row]) -> Iterator[Entry]:
    """Yield rows of the same kind and key together; what only a person reads is the last."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        kind, _, _ = row.name.rpartition(" ")
        value = (row.before, row.after) if row.key == "exists" else ()
        groups.setdefault((kind, row.key, row.tendency, *value), []).append(row)
    for (kind, key, tendency, *_), found in sorted(
        groups.items(), key=lambda item: (bool(_ONLY_TEXT.search(item[0][1])), -len(item[1]))
    ):
        names = [neutral_of(each, each.name).removeprefix(f"{kind} ") for each in found]
        names = [each for each in dict.fromkeys(names) if each != "setting"]
        variants = {neutral_of(each, _value(each)) for each in found}
        said = neutral_of(found[0], _value(found[0]))
        text = f"{'such as ' if len(variants) > 1 else ''}{said}"
        remark = f"; {tendency}" if tendency != "changed" else ""
        count = f"{len(names)} " if len(names) > 1 else ""
        lead = key if not names else f"{count}{kind}".strip()
        sentence = text if key == "exists" or not names else f"{key} {text}"
        yield _entry(found, lead, names, f"{sentence}{remark}")


def _value(row: Row) -> str:
    if row.key == "exists":
        return "is new" if row.after == "yes" else "is removed"
    return changed_part(row.before, row.after)


def cost_entries(cost: Cost) -> Iterator[Entry]:
    """Yield each priced kind of thing with its sum over the environments."""
    sums: dict[str, tuple[float, float, tuple[str, ...]]] = {}
    for each in cost.lines:
        before, after, envs = sums.get(each.item, (0.0, 0.0, ()))
        sums[each.item] = (before + each.before_usd, after + each.after_usd, (*envs, each.environment))
    for item, (before, after, envs) in sorted(sums.items(), key=lambda pair: pair[1][0] - pair[1][1]):
        name = item.removeprefix("AWS::").replace("::", " ")
        yield Entry("", (name,), f"${before:.2f} -> ${after:.2f}", short_where(envs, ()))
    for name in cost.unknown:
        yield Entry("", (name,), "paid by its size or use: look it up")
