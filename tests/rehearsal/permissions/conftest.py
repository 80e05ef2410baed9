"""Fixtures: recorded calls, and the roles of the golden templates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearsal.permissions.facts import Facts
from rehearsal.permissions.policies import RolePolicies
from rehearsal.permissions.recorded import RecordedCall
from rehearsal.permissions.roles import as_deployed, roles_from_stack
from tests.stacks.bootstraps import managed_policies
from vectora_ops.settings import ENVIRONMENT_NAMES

ACCOUNT = "000000000000"
REGION = "eu-west-3"
TEMPLATES = Path(__file__).resolve().parents[2] / "stacks" / "templates"

Record = Callable[..., RecordedCall]


def golden_templates() -> dict[str, Mapping[str, Any]]:
    """Return the golden templates of one account by the names of their stacks."""
    found: dict[str, Mapping[str, Any]] = {}
    for path in sorted(TEMPLATES.rglob("*.yaml")):
        env = path.parent.name
        if env not in (*ENVIRONMENT_NAMES, TEMPLATES.name):
            continue
        name = "vectora-inbox-pipeline" if env == "templates" else f"vectora-inbox-{path.stem}-{env}"
        found[name] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="session")
def golden() -> dict[str, Mapping[str, Any]]:
    return golden_templates()


@pytest.fixture(scope="session")
def golden_roles(golden: dict[str, Mapping[str, Any]]) -> dict[str, RolePolicies]:
    """All roles of the golden templates, by name."""
    stacks = [as_deployed(name, template, ACCOUNT, REGION) for name, template in golden.items()]
    return {role.name: role for stack in stacks for role in roles_from_stack(stack, managed_policies(ACCOUNT, REGION))}


@pytest.fixture(scope="session")
def golden_facts(golden_roles: dict[str, RolePolicies]) -> Facts:
    return Facts(roles=golden_roles)


@pytest.fixture(scope="session")
def record() -> Record:
    """A function that returns a recorded call as the emulator's recorder writes it."""

    def make(service: str, method: str = "POST", path: str = "/", **others: Any) -> RecordedCall:
        role = others.pop("role", "reader")
        values = {
            "caller": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/session",
            "host": f"{service}.{REGION}.amazonaws.com",
            "region": REGION,
            "status": 200,
            **others,
        }
        return RecordedCall(service=service, method=method, path=path, **values)

    return make
