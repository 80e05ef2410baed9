"""Roles by which environments and the pipeline reach each other across accounts and regions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from vectora_ops.names import PIPELINE, Names, OperationsTask
from vectora_ops.settings import ENVIRONMENT_NAMES, Location, Settings, environment_after, environment_before

# Lambda functions read the routes from this variable (vectora_ops.functions.invocation).
ROUTES_VARIABLE = "ELSEWHERE"


@dataclass(frozen=True, kw_only=True)
class Route:
    """A role to assume, and the region in which it is used."""

    role_arn: str
    region: str


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """Pipeline and environments in another account or region than an environment, as far as it uses them.

    `routes` are by the name of the environment, or PIPELINE.
    """

    routes: Mapping[str, Route] = field(default_factory=dict)
    pipeline_account: str | None = None

    def variable(self, *wanted: str) -> dict[str, str]:
        """Return the environment variable of a function that uses these routes; empty when none is needed."""
        return routes_variable({what: self.routes[what] for what in wanted if what in self.routes})


def routes_variable(routes: Mapping[str, Route]) -> dict[str, str]:
    """Return the environment variable with these routes; empty when there are none."""
    found = {what: {"role": route.role_arn, "region": route.region} for what, route in routes.items()}
    return {ROUTES_VARIABLE: json.dumps(found, sort_keys=True)} if found else {}


def elsewhere_of(settings: Settings, env: str) -> Elsewhere:
    """Return what is elsewhere than environment `env`, with the roles that its functions assume for it."""
    names, here, pipeline = settings.names(env), settings.place(env), settings.pipeline_place
    preceding, following = environment_before(env), environment_after(env)
    routes = {}
    if pipeline != here:
        routes[PIPELINE] = _route(pipeline, operates_pipeline(names))
    if preceding and settings.place(preceding) != here:
        routes[preceding] = _route(settings.place(preceding), asks_promotion(settings.names(preceding)))
    if following and settings.place(following) != here:
        routes[following] = _route(settings.place(following), promotion_reader(settings.names(following)))
    return Elsewhere(routes=routes, pipeline_account=pipeline.account if pipeline != here else None)


def environments_apart(settings: Settings) -> tuple[Names, ...]:
    """Return the names in each environment that is in another account or region than the pipeline."""
    return tuple(settings.names(env) for env in ENVIRONMENT_NAMES if not settings.is_beside_the_pipeline(env))


def relay_routes(settings: Settings) -> dict[str, Route]:
    """Return by environment the roles with which the relay invokes the functions of environments elsewhere."""
    return {
        names.env: _route(settings.place(names.env), relayed_steps(names)) for names in environments_apart(settings)
    }


def relayed_steps(names: Names) -> str:
    """Return path and name of the role by which the relay invokes the environment's functions."""
    return f"{names.access_role_path}{names.role('pipeline')}"


def promotion_reader(names: Names) -> str:
    """Return path and name of the role by which the preceding environment reads this one's records and clients."""
    return f"{names.access_role_path}{names.role('promotion-reader')}"


def asks_promotion(names: Names) -> str:
    """Return path and name of the role by which the following environment invokes this one's promotion function."""
    return f"{names.access_role_path}{names.role('asks-promotion')}"


def operates_pipeline(names: Names) -> str:
    """Return path and name of the role by which the environment's functions hold, retry and read the pipeline."""
    return f"{names.pipeline_role_path}{names.role('operates-pipeline')}"


def relay_role(names: Names) -> str:
    """Return path and name of the relay's own role."""
    return f"{names.pipeline_role_path}{names.relay}"


def stage_failed_rule(names: Names) -> str:
    """Return the name of the pipeline's rule that sends failures of the environment's stage to its event bus."""
    return names.rule("stage-failed")


def function_role(names: Names, task: OperationsTask) -> str:
    """Return path and name of the role of one of the environment's functions."""
    return f"{names.role_path}{names.role(task)}"


def _route(place: Location, role: str) -> Route:
    return Route(role_arn=role_arn(place.account, role), region=place.region)


def role_arn(account: str | None, role: str) -> str:
    """Return the ARN of a role, from its path and name."""
    return f"arn:aws:iam::{account}:role{role}"
