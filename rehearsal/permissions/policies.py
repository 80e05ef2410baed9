"""Policy documents, parsed for the evaluator."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from vectora_shared.errors import VectoraError

VERSION = "2012-10-17"
# Used in default policies of SNS and other services; it has no policy variables.
OLD_VERSION = "2008-10-17"
_ELEMENTS = frozenset(
    {
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    }
)


class PolicyError(VectoraError):
    """A policy has a form that IAM refuses, or that is not supported here."""


@dataclass(frozen=True)
class Statement:
    """One statement; either `actions` or `not_actions` is empty, and so are the resources of one kind."""

    policy: str
    sid: str
    allows: bool
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()
    principals: Mapping[str, tuple[str, ...]] | None = None
    excepts_principals: bool = False
    condition: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.policy}, statement {self.sid}"


@dataclass(frozen=True)
class Policy:
    """A policy document with its name."""

    name: str
    statements: tuple[Statement, ...]


@dataclass(frozen=True)
class RolePolicies:
    """Policies, boundary, trust policy and tags of a role or user.

    `problem` says that a part could not be read: then no call of the role can be judged.
    """

    arn: str
    source: str
    policies: tuple[Policy, ...]
    boundary: Policy | None = None
    trust: Policy | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""

    @property
    def name(self) -> str:
        """Name of a role without its path, which is unique in an account; for a user, `user/NAME`."""
        name = self.arn.rpartition("/")[2]
        return f"user/{name}" if ":user/" in self.arn else name

    @property
    def account(self) -> str:
        """Account of the role or user."""
        return self.arn.split(":")[4]


def parse_policy(name: str, document: Any) -> Policy:
    """Parse a policy document, given as a mapping or as JSON; raise PolicyError naming the error."""
    content = json.loads(document) if isinstance(document, str) else document
    version = content.get("Version", OLD_VERSION)
    if version != VERSION and (version != OLD_VERSION or "${" in json.dumps(content)):
        raise PolicyError(f"Policy {name}: version {version} with variables is not judged, only {VERSION}.")
    return Policy(name, tuple(_statements(name, content["Statement"])))


def _statements(name: str, statements: Any) -> Iterator[Statement]:
    for index, statement in enumerate(_listed(statements)):
        yield _statement(name, str(statement.get("Sid", index)), statement)


def _statement(name: str, sid: str, statement: Mapping[str, Any]) -> Statement:
    if unknown := sorted(set(statement) - _ELEMENTS):
        raise PolicyError(f"Policy {name}, statement {sid}: the element {unknown[0]} is not known.")
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise PolicyError(f"Policy {name}, statement {sid}: Effect is neither Allow nor Deny.")
    if ("Action" in statement) == ("NotAction" in statement):
        raise PolicyError(f"Policy {name}, statement {sid}: it needs one of Action and NotAction.")
    principal = statement.get("Principal", statement.get("NotPrincipal"))
    return Statement(
        policy=name,
        sid=sid,
        allows=statement["Effect"] == "Allow",
        actions=_texts(statement.get("Action")),
        not_actions=_texts(statement.get("NotAction")),
        resources=_texts(statement.get("Resource")),
        not_resources=_texts(statement.get("NotResource")),
        principals=None if principal is None else _principals(principal),
        excepts_principals="NotPrincipal" in statement,
        condition=statement.get("Condition") or {},
    )


def _principals(principal: Any) -> Mapping[str, tuple[str, ...]]:
    return {"AWS": ("*",)} if principal == "*" else {kind: _texts(names) for kind, names in principal.items()}


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(each) for each in _listed(value))


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
