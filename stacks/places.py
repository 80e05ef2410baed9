"""Check of the accounts and regions in config/environments.yaml."""

from __future__ import annotations

from vectora_ops.names import PIPELINE
from vectora_ops.settings import ENVIRONMENT_NAMES, Location, Settings
from vectora_shared.errors import ConfigurationError


def require_named_accounts(settings: Settings) -> None:
    """Raise ConfigurationError when accounts or regions differ, and an environment or the pipeline names no account.

    Roles and policies name the accounts that they trust, and CDK Pipelines deploys to several accounts or regions only
    when their ids are known at synthesis (aws-cdk#19090).
    """
    places: dict[str, Location] = {PIPELINE: settings.pipeline_place}
    places |= {env: settings.place(env) for env in ENVIRONMENT_NAMES}
    unnamed = [what for what, place in places.items() if place.account is None]
    if not unnamed or len(set(places.values())) == 1:
        return
    shown = ", ".join(
        f"{what}: {place.account or 'the account of the caller'} in {place.region}" for what, place in places.items()
    )
    raise ConfigurationError(
        f"config/environments.yaml uses several accounts or regions ({shown}), so each needs its `account`: add it to "
        f"{', '.join(unnamed)}, or give all the same account and region."
    )
