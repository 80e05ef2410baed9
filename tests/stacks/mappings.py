"""Settings with environments in several accounts and regions, and all their templates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from stacks.synthesis import synthesized_access, synthesized_pipeline
from tests.repository import ROOT
from tools.templates import settings_in
from vectora_ops.names import EnvName
from vectora_ops.settings import ENVIRONMENT_NAMES, Settings
from vectora_shared.errors import ConfigurationError

TOOLS, DEV, STAGE, PROD = "1" * 12, "2" * 12, "3" * 12, "4" * 12
REGION, OTHER_REGION = "eu-west-3", "eu-central-1"
Template = dict[str, Any]
# Accounts of the pipeline, dev, stage and prod, and the region of prod.
MAPPINGS: Mapping[str, tuple[str, str, str, str, str]] = {
    "one account": (TOOLS, TOOLS, TOOLS, TOOLS, REGION),
    "four accounts": (TOOLS, DEV, STAGE, PROD, REGION),
    "four accounts and a region apart": (TOOLS, DEV, STAGE, PROD, OTHER_REGION),
    "dev beside the pipeline": (TOOLS, TOOLS, STAGE, PROD, REGION),
    "stage and prod together": (TOOLS, DEV, PROD, PROD, REGION),
    "one account and a region apart": (TOOLS, TOOLS, TOOLS, TOOLS, OTHER_REGION),
}
SEVERAL = tuple(name for name in MAPPINGS if name != "one account")


@dataclass(frozen=True)
class Stack:
    """A template, and the account that it is deployed to."""

    name: str
    account: str
    template: Template

    def resources(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for logical_id, resource in self.template["Resources"].items():
            if resource["Type"] == kind:
                yield logical_id, resource["Properties"]


@cache
def stacks_of(mapping: str) -> tuple[Stack, ...]:
    """Return all stacks of a mapping: the pipeline's, those of the environments, and those of access."""
    settings = settings_in(*MAPPINGS[mapping])
    pipeline, environments = synthesized_pipeline(ROOT, settings)
    found = [Stack("pipeline", str(settings.pipeline_place.account), pipeline)]
    for env, templates in environments.items():
        account = str(settings.place(env).account)
        found += [Stack(name, account, template) for name, template in templates.items()]
    found += [
        Stack(f"access-{env}", str(settings.place(env).account), template)
        for env in ENVIRONMENT_NAMES
        if (template := access_of(settings, env)) is not None
    ]
    return tuple(found)


def access_of(settings: Settings, env: EnvName) -> Template | None:
    """Return the template of an environment's stack access; None when it needs none."""
    try:
        return synthesized_access(ROOT, env, settings)
    except ConfigurationError:
        return None
