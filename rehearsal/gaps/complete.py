"""Where the local AWS falls short of the templates: the one table of gaps, and what is done about each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3

from rehearsal.gaps.readers import READERS
from rehearsal.gaps.shapes import shaped
from rehearsal.gaps.table import BUCKET, GAPS, UNREADABLE, Aws, Gap, GapError
from rehearsal.templates import DeployedStack, read_stack


@dataclass(frozen=True)
class StackReport:
    """How the resources of a stack came to be as its template says, by logical id; each stands in one of the three.

    `gaps` are the entries of the table that the stack met.
    """

    stack: str
    unmodified: tuple[str, ...] = ()
    completed: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()

    @property
    def resources(self) -> int:
        return len(self.unmodified) + len(self.completed) + len(self.left_out)


def complete_by_api(session: boto3.Session, stack_name: str, gaps: tuple[Gap, ...] = GAPS) -> StackReport:
    """Apply what CloudFormation dropped, from the template as deployed, and read all of it back.

    Raises GapError naming each property that is not as the template says and that `gaps` does not name.
    """
    aws = Aws(session)
    stack = read_stack(session, stack_name)
    named = {(gap.resource_type, gap.property_name): gap for gap in gaps}
    treated = {logical_id: _treat(aws, stack, logical_id, named) for logical_id in stack.resource_types}
    if problems := [problem for resource in treated.values() for problem in resource.problems]:
        raise GapError(
            f"Stack {stack_name} is not here what its template says, and rehearsal/gaps/table.py does not know why:\n"
            + "\n".join(f"- {problem}" for problem in problems)
        )
    met = {
        f"{stack.resource_types[logical_id]} {name}"
        for logical_id, resource in treated.items()
        for name in (*resource.completed, *resource.left_out)
    }
    return StackReport(
        stack=stack_name,
        unmodified=tuple(name for name, each in treated.items() if not (each.completed or each.left_out)),
        completed=tuple(name for name, each in treated.items() if each.completed and not each.left_out),
        left_out=tuple(name for name, each in treated.items() if each.left_out),
        gaps=tuple(sorted(met)),
    )


@dataclass
class _Treated:
    completed: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def _treat(aws: Aws, stack: DeployedStack, logical_id: str, gaps: Mapping[tuple[str, str], Gap]) -> _Treated:
    resource_type = stack.resource_types[logical_id]
    result = _Treated()
    if whole := gaps.get((resource_type, "*")):
        result.left_out.append(whole.property_name)
        return result
    if resource_type not in READERS:
        result.problems.append(f"{logical_id}: nothing here can read back a resource of type {resource_type}")
        return result
    properties = stack.properties(logical_id)
    physical_id = stack.physical_ids[logical_id]
    wanted = {name: shaped(resource_type, name, properties) for name in properties}
    readable = [name for name in wanted if (resource_type, name) not in UNREADABLE]
    before = READERS[resource_type](aws, physical_id, properties)
    for name in readable:
        gap = gaps.get((resource_type, name))
        arrived = name in before and _same(before[name], wanted[name])
        if arrived and not (gap and gap.reads_back_anyway):
            continue
        if gap is None:
            found = json.dumps(before.get(name, "nothing"), default=str)[:200]
            result.problems.append(f"{logical_id} ({resource_type}): {name} reads back as {found}")
        elif gap.instead == "left out":
            result.left_out.append(name)
        else:
            if gap.complete:
                gap.complete(aws, physical_id, wanted[name])
            result.completed.append(name)
    if result.completed:
        again = properties if resource_type != BUCKET else {name: properties[name] for name in result.completed}
        after = READERS[resource_type](aws, physical_id, again)
        lost = [name for name in result.completed if not _same(after.get(name), wanted[name])]
        result.problems += [f"{logical_id} ({resource_type}): {name} could not be set by API either" for name in lost]
    return result


def _same(found: Any, wanted: Any) -> bool:
    return bool(_unordered(found) == _unordered(wanted))


def _unordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _unordered(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return sorted((_unordered(entry) for entry in value), key=lambda entry: json.dumps(entry, sort_keys=True))
    return value
