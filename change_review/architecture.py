"""Architecture of an environment, read from its templates: what calls, starts, reads, writes and watches what.

Resources refer to each other by names, because no stack exports a value to another (ADR 3). So the edges are names in
properties, and grants of roles on the ARNs of named things.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from change_review.holders import ROLE, holders_of
from change_review.resources import physical_name
from change_review.schemas import Schemas
from change_review.statements import Rule
from change_review.values import Template, canonical, properties_of, references

Kind = Literal["schedule", "event", "workflow", "function", "bucket", "topic", "alarms"]
KINDS: Mapping[str, Kind] = {
    "AWS::CloudWatch::Alarm": "alarms",
    "AWS::Events::Rule": "event",
    "AWS::Lambda::Function": "function",
    "AWS::S3::Bucket": "bucket",
    "AWS::SNS::Topic": "topic",
    "AWS::Scheduler::Schedule": "schedule",
    "AWS::StepFunctions::StateMachine": "workflow",
}
# Actions of grants, by what they do to the thing that is named.
_VERBS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("writes", re.compile(r"s3:(Put|Delete)Object\w*|s3:\*")),
    ("reads", re.compile(r"s3:Get\w+|s3:List\w+")),
    ("starts", re.compile(r"states:StartExecution|states:\*")),
    ("invokes", re.compile(r"lambda:Invoke\w*|lambda:\*")),
    ("notifies", re.compile(r"sns:Publish|sns:\*")),
)
_TARGETS: Mapping[str, tuple[Kind, ...]] = {
    "writes": ("bucket",),
    "reads": ("bucket",),
    "starts": ("workflow",),
    "invokes": ("function",),
    "notifies": ("topic",),
}


@dataclass(frozen=True, kw_only=True)
class Node:
    """A thing that people know by name; alarms of one stack are one node."""

    name: str
    kind: Kind
    stack: str
    is_changed: bool = False


@dataclass(frozen=True, kw_only=True, order=True)
class Edge:
    """Effect of one thing on another, by their names."""

    source: str
    verb: str
    target: str


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """Things and what they do to each other, in a fixed order."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def marked(self, changed: Iterable[str]) -> Architecture:
        """Return the architecture with the things marked that have one of these names."""
        names = set(changed)
        return replace(self, nodes=tuple(replace(each, is_changed=each.name in names) for each in self.nodes))


@dataclass(frozen=True)
class _Resource:
    stack: str
    logical_id: str
    body: Mapping[str, Any]
    kind: Kind
    name: str
    physical_name: str


def architecture_of(stacks: Mapping[str, Template], project: str, environment: str) -> Architecture:
    """Return the architecture of an environment from its templates by stack; names lose project and environment."""
    schemas = Schemas()
    resources = list(_resources(stacks, schemas, project, environment))
    nodes = {each.name: Node(name=each.name, kind=each.kind, stack=each.stack) for each in resources}
    edges = {
        *_edges_of_targets(resources, nodes),
        *_edges_of_roles(stacks, resources, nodes, schemas),
    }
    edges = set(_folded(edges))
    used = {name for edge in edges for name in (edge.source, edge.target)}
    kept = tuple(sorted((each for each in nodes.values() if each.name in used), key=_order))
    return Architecture(nodes=kept, edges=tuple(sorted(edges)))


def _order(node: Node) -> tuple[int, str]:
    return tuple(KINDS.values()).index(node.kind), node.name


def _resources(stacks: Mapping[str, Template], schemas: Schemas, project: str, environment: str) -> Iterator[_Resource]:
    for stack, template in stacks.items():
        for logical_id, body in (template.get("Resources") or {}).items():
            kind = KINDS.get(str(body.get("Type")))
            if kind is None:
                continue
            name = physical_name(body, schemas) or logical_id
            shown = f"alarms of {stack}" if kind == "alarms" else _short(name, project, environment)
            yield _Resource(stack, logical_id, body, kind, shown, name.rpartition("/")[2])


def _short(name: str, project: str, environment: str) -> str:
    """Return a name without the project, which it begins with, and the environment, which it ends with."""
    return name.rpartition("/")[2].removeprefix(f"{project}-").removesuffix(f"-{environment}")


def _folded(edges: Iterable[Edge]) -> Iterator[Edge]:
    """Yield one edge for what one thing does to another."""
    verbs: dict[tuple[str, str], list[str]] = {}
    for edge in sorted(edges):
        verbs.setdefault((edge.source, edge.target), []).append(edge.verb)
    for (source, target), each in verbs.items():
        yield Edge(source=source, verb=", ".join(each), target=target)


def _edges_of_targets(resources: list[_Resource], nodes: Mapping[str, Node]) -> Iterator[Edge]:
    """Yield what schedules, rules and alarms do, by their targets."""
    for each in resources:
        properties = properties_of(each.body)
        if each.kind in ("schedule", "event"):
            for target in _named_in(properties.get("Target", properties.get("Targets")), each, resources):
                if nodes[target].kind in ("function", "workflow", "topic"):
                    yield Edge(source=each.name, verb="starts", target=target)
        elif each.kind == "alarms":
            for target in _named_in(properties.get("AlarmActions"), each, resources):
                yield Edge(source=each.name, verb="notifies", target=target)
        elif each.kind == "workflow":
            for target in _named_in(
                [properties.get("Definition"), properties.get("DefinitionSubstitutions")], each, resources
            ):
                if nodes[target].kind == "function":
                    yield Edge(source=each.name, verb="invokes", target=target)


def _named_in(value: Any, user: _Resource, resources: list[_Resource]) -> Iterator[str]:
    """Yield the things that a value names, by logical id in the same stack or by physical name."""
    ids = set(references(value))
    text = json.dumps(canonical(value), sort_keys=True)
    for each in resources:
        is_here = each.stack == user.stack and each.logical_id in ids
        if each is not user and (is_here or re.search(rf"(?<![\w-]){re.escape(each.physical_name)}(?![\w-])", text)):
            yield each.name


def _edges_of_roles(
    stacks: Mapping[str, Template],
    resources: list[_Resource],
    nodes: Mapping[str, Node],
    schemas: Schemas,
) -> Iterator[Edge]:
    """Yield what functions may do by the grants of their roles."""
    roles = {
        (stack, holder.keys[0].split(" ")[-1]): holder
        for stack, template in stacks.items()
        for holder in holders_of(template, schemas)
        if holder.kind == ROLE
    }
    by_parameter = dict(_role_parameters(stacks))
    for each in resources:
        if each.kind not in ("function", "workflow"):
            continue
        role = properties_of(each.body).get("Role", properties_of(each.body).get("RoleArn"))
        keys = [(each.stack, name) for name in references(role)]
        parameters = stacks[each.stack].get("Parameters") or {}
        keys += [by_parameter[path] for name in references(role) if (path := _path(parameters, name)) in by_parameter]
        for key in keys:
            if key in roles:
                yield from _granted(each, roles[key].rules, resources, nodes)


def _path(parameters: Mapping[str, Any], name: str) -> str:
    return str((parameters.get(name) or {}).get("Default"))


def _role_parameters(stacks: Mapping[str, Template]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the SSM parameters that pass the ARN of a role to other stacks."""
    for stack, template in stacks.items():
        for body in (template.get("Resources") or {}).values():
            if body.get("Type") == "AWS::SSM::Parameter":
                properties = properties_of(body)
                for name in references(properties.get("Value")):
                    yield str(properties.get("Name")), (stack, name)


def _granted(
    user: _Resource, rules: tuple[Rule, ...], resources: list[_Resource], nodes: Mapping[str, Node]
) -> Iterator[Edge]:
    for rule in rules:
        if not rule.is_allow or rule.action.is_negated:
            continue
        verb = next((verb for verb, pattern in _VERBS if pattern.fullmatch(rule.action.text)), None)
        if verb is None:
            continue
        for target in _named_in(list(rule.resource.patterns), user, resources):
            if nodes[target].kind in _TARGETS[verb]:
                yield Edge(source=user.name, verb=verb, target=target)
