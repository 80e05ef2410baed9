"""Completion of deployed stacks: properties that the emulator dropped, applied by API and read back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3

from rehearsal.gaps.readers import READERS
from rehearsal.gaps.shapes import api_value
from rehearsal.gaps.table import BUCKET, GAPS, UNREADABLE, Aws, Gap, GapError
from rehearsal.templates import DeployedStack, read_stack


@dataclass(frozen=True)
class StackReport:
    """Logical ids of a stack: deployed as in the template, completed by API, or with unsupported properties.

    `left_out` has resources with properties that the emulator does not support. `gaps` are the entries of the table
    that apply to the stack.
    """

    stack: str
    unmodified: tuple[str, ...] = ()
    completed: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()

    @property
    def resources(self) -> int:
        """Number of the stack's resources."""
        return len(self.unmodified) + len(self.completed) + len(self.left_out)


def complete_by_api(session: boto3.Session, stack_name: str, gaps: tuple[Gap, ...] = GAPS) -> StackReport:
    """Apply the properties that CloudFormation dropped, from the deployed template, and read all resources back.

    Raise GapError naming each property that differs from the template and has no entry in `gaps`.
    """
    aws = Aws(session)
    stack = read_stack(session, stack_name)
    by_property = {(gap.resource_type, gap.property_name): gap for gap in gaps}
    results = {
        logical_id: _complete_resource(aws, stack, logical_id, by_property) for logical_id in stack.resource_types
    }
    if problems := [problem for resource in results.values() for problem in resource.problems]:
        raise GapError(
            f"Stack {stack_name} differs from its template in ways that rehearsal/gaps/table.py does not explain:\n"
            + "\n".join(f"- {problem}" for problem in problems)
        )
    applied = {
        f"{stack.resource_types[logical_id]} {name}"
        for logical_id, resource in results.items()
        for name in (*resource.completed, *resource.skipped)
    }
    return StackReport(
        stack=stack_name,
        unmodified=tuple(name for name, each in results.items() if not (each.completed or each.skipped)),
        completed=tuple(name for name, each in results.items() if each.completed and not each.skipped),
        left_out=tuple(name for name, each in results.items() if each.skipped),
        gaps=tuple(sorted(applied)),
    )


@dataclass
class _ResourceResult:
    """Names of a resource's properties by outcome, and the differences that no gap explains."""

    completed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def _complete_resource(
    aws: Aws, stack: DeployedStack, logical_id: str, gaps: Mapping[tuple[str, str], Gap]
) -> _ResourceResult:
    resource_type = stack.resource_types[logical_id]
    result = _ResourceResult()
    if gap_of_type := gaps.get((resource_type, "*")):
        result.skipped.append(gap_of_type.property_name)
        return result
    if resource_type not in READERS:
        result.problems.append(
            f"{logical_id}: rehearsal/gaps/readers.py cannot read back a resource of type {resource_type}"
        )
        return result
    properties = stack.properties(logical_id)
    physical_id = stack.physical_ids[logical_id]
    expected = {name: api_value(resource_type, name, properties) for name in properties}
    before = READERS[resource_type](aws, physical_id, properties)
    for name in expected:
        if (resource_type, name) in UNREADABLE:
            continue
        gap = gaps.get((resource_type, name))
        matches = name in before and _same(before[name], expected[name])
        if matches and not (gap and gap.reads_back_unapplied):
            continue
        if gap is None:
            found = json.dumps(before.get(name, "nothing"), default=str)[:200]
            result.problems.append(f"{logical_id} ({resource_type}): {name} reads back as {found}")
        elif gap.treatment == "skipped":
            result.skipped.append(name)
        else:
            if gap.apply:
                gap.apply(aws, physical_id, expected[name])
            result.completed.append(name)
    if result.completed:
        # A bucket has a call for each property, so only the completed ones are read.
        read = properties if resource_type != BUCKET else {name: properties[name] for name in result.completed}
        after = READERS[resource_type](aws, physical_id, read)
        lost = [name for name in result.completed if not _same(after.get(name), expected[name])]
        result.problems += [f"{logical_id} ({resource_type}): {name} could not be set by API either" for name in lost]
    return result


def _same(found: Any, expected: Any) -> bool:
    return bool(_unordered(found) == _unordered(expected))


def _unordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _unordered(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return sorted((_unordered(entry) for entry in value), key=lambda entry: json.dumps(entry, sort_keys=True))
    return value
