"""The stacks of one environment, in the order they are deployed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import aws_cdk as cdk
from constructs import Construct

from stacks.assets.packages import LambdaPlatform, Packages, files_below, files_digest
from stacks.assets.release import PLACEHOLDER
from stacks.component import ComponentStack
from stacks.core import CoreStack
from stacks.elsewhere import elsewhere_of
from stacks.iam import IamStack
from stacks.ingest import IngestStack
from stacks.monitoring import MonitoringStack
from stacks.operations import OperationsStack
from stacks.places import require_named_accounts
from stacks.runtime import RuntimeStack
from vectora_ops.settings import EnvironmentSettings, Settings, environment_after, environment_before
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.content import FolderContent
from vectora_shared.config.loading import validate_all
from vectora_shared.errors import ConfigurationError


def environment_stacks(
    scope: Construct, *, root: Path, settings: Settings, env: str, platform: LambdaPlatform
) -> tuple[ComponentStack, ...]:
    """Build the stacks of an environment, which have placeholders for the release (stacks.assets.assembly).

    Raises ConfigurationError when the environment is unknown, the configuration content invalid, or a sender outside
    the environment's SES identity.
    """
    if problems := _senders_without_identity(env, settings.environment(env), _clients_of(root)):
        raise ConfigurationError("\n".join(problems))
    return stacks_with_any_sender(scope, root=root, settings=settings, env=env, platform=platform)


def stacks_with_any_sender(
    scope: Construct, *, root: Path, settings: Settings, env: str, platform: LambdaPlatform
) -> tuple[ComponentStack, ...]:
    """Build the same stacks without comparing senders with the SES identity."""
    require_named_accounts(settings)
    names = settings.names(env)
    chosen = settings.environment(env)
    clients = _clients_of(root)
    if problems := settings.client_id_problems(client.client_profile.client_id for client in clients):
        raise ConfigurationError("\n".join(problems))
    packages = Packages(root, platform)
    # First: it takes a snapshot before any other stack changes.
    last_env, next_env = environment_before(env), environment_after(env)
    operations = OperationsStack(
        scope,
        names=names,
        settings=chosen,
        packages=packages,
        release=PLACEHOLDER,
        preceding=settings.names(last_env) if last_env else None,
        following=(settings.names(next_env), settings.environment(next_env).promotion) if next_env else None,
        elsewhere=elsewhere_of(settings, env),
        approval_days=settings.pipeline.approval_days,
    )
    core = CoreStack(scope, names=names, settings=chosen)
    iam = IamStack(scope, names=names, settings=chosen)
    runtime = RuntimeStack(scope, names=names, settings=chosen, packages=packages, clients=clients, release=PLACEHOLDER)
    # After runtime, whose layers its function uses.
    ingest = IngestStack(scope, names=names, settings=chosen, packages=packages, contact=settings.contact_address)
    monitoring = MonitoringStack(scope, settings=settings, env=env)
    stacks = (operations, core, iam, runtime, ingest, monitoring)
    for earlier, later in pairwise(stacks):
        later.add_stack_dependency(earlier)
    return stacks


def _senders_without_identity(env: str, settings: EnvironmentSettings, clients: Sequence[ClientConfig]) -> list[str]:
    """Return a sentence for each client whose sender the environment's SES identity does not cover."""
    delivery = settings.delivery
    if delivery is None:
        return []
    return [
        f"config/clients/{client.client_profile.client_id}.yaml: delivery.sender is {client.delivery.sender_address}, "
        f"which SES may not send from in {env}: use an address of {delivery.identity}, or change `delivery.identity` "
        "in config/environments.yaml."
        for client in clients
        if client.delivery and not delivery.covers(client.delivery.sender_address)
    ]


def _clients_of(root: Path) -> tuple[ClientConfig, ...]:
    content = root / "config"
    return _clients(content, files_digest(content, files_below(root, content)))


@lru_cache(maxsize=1)
def _clients(folder: Path, digest: str) -> tuple[ClientConfig, ...]:
    """Return the clients of the content in `folder`, which is validated once as long as it has this digest."""
    return tuple(configuration.client for configuration in validate_all(FolderContent(folder)))


class EnvironmentStage(cdk.Stage):
    """One environment's stacks, the same that `cdk deploy --context env=ENV` deploys."""

    def __init__(self, scope: Construct, env: str, *, root: Path, settings: Settings, platform: LambdaPlatform) -> None:
        super().__init__(scope, env)
        self.stacks: tuple[ComponentStack, ...] = environment_stacks(
            self, root=root, settings=settings, env=env, platform=platform
        )
