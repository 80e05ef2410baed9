"""Findings on access: one for each holder, with all that it gains in every environment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from change_review.merging import neutral, ordered
from change_review.model import Finding, PermissionChange

IS_NEW = "is new"
_TRUSTS = "its trust gains sts:AssumeRole for "


@dataclass
class _Holder:
    """Changes of one holder: each text with its environments, and the texts as they are in the first of these."""

    name: str
    plain_name: str
    environments: list[str] = field(default_factory=list)
    new_in: set[str] = field(default_factory=set)
    plain_names: set[str] = field(default_factory=set)
    texts: dict[str, tuple[str, list[str]]] = field(default_factory=dict)


def findings_on(changes: Iterable[PermissionChange], plain_names: dict[str, str]) -> Iterator[Finding]:
    """Yield a finding for each holder that has more access than before; changes come with one environment each."""
    holders: dict[tuple[str, str], _Holder] = {}
    for change in changes:
        [env] = change.environments
        plain = plain_names.get(env, env)
        name = str(neutral(change.holder, plain))
        holder = holders.setdefault((change.stack, name), _Holder(name, change.holder))
        if change.text == IS_NEW:
            holder.new_in.add(env)
        if change.tendency == "looser":
            text = f"{change.text} ({', '.join(change.marks)})" if change.marks else change.text
            holder.environments.append(env)
            holder.plain_names.add(plain)
            holder.texts.setdefault(str(neutral(text, plain)), (text, []))[1].append(env)
    for (stack, _), holder in holders.items():
        if holder.environments:
            yield _finding(stack, holder)


def _finding(stack: str, holder: _Holder) -> Finding:
    environments = ordered(holder.environments)
    is_new = set(environments) <= holder.new_in
    # What has one name in all of them, such as prod and an example of it, keeps it.
    has_one_name = len(holder.plain_names) == 1
    parts = []
    for text, (own, envs) in holder.texts.items():
        words = own if has_one_name else text
        only = ordered(envs)
        where = f" [{', '.join(only)}]" if only != environments else ""
        parts.append(f"{_of_new(words) if is_new else words}{where}")
    name = holder.plain_name if has_one_name else holder.name
    text = f"new {name}: {'; '.join(parts)}" if is_new else f"{name} {'; '.join(parts)}"
    return Finding(
        id="",
        category="permissions",
        environments=environments,
        stack=stack,
        text=text,
        subject=name,
        is_new=is_new,
    )


def _of_new(text: str) -> str:
    """Return the words for what something new may do from the beginning."""
    if text.startswith(_TRUSTS):
        return f"trusts {text.removeprefix(_TRUSTS)}"
    return f"may {text.removeprefix('gains ')}" if text.startswith("gains ") else text
