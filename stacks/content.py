"""Content of a release: what its environments share, as the digest to which smoke tests, soak and bypasses belong."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import aws_cdk as cdk

from stacks.assets.assembly import assets_of_lambda, neutral_templates
from stacks.assets.packages import LambdaPlatform
from stacks.assets.release import templates_digest
from stacks.builds import builds_of
from stacks.environment import stacks_with_any_sender
from vectora_ops.alarm_names import ALARM_NAMES
from vectora_ops.alarm_settings import Alarms, CostAnomalies
from vectora_ops.backup_settings import Backup
from vectora_ops.delivery_settings import Delivery
from vectora_ops.settings import (
    Environments,
    EnvironmentSettings,
    Logs,
    Model,
    Pipeline,
    Promotion,
    Schedule,
    Settings,
    Snapshots,
)
from vectora_ops.windows import PlannedFreeze, Windows

# In the middle, so that a release comes from an environment and goes on into another.
ENVIRONMENT = "stage"


def content_digest(root: Path, context: dict[str, Any], platform: LambdaPlatform) -> str:
    """Return the digest of what the environments share: assets, templates apart from settings, and the builds.

    The templates are those of an environment that exists nowhere. Its settings are fixed and enable every feature, so
    that config/environments.yaml has no influence. `context` is that of cdk.json.
    """
    with tempfile.TemporaryDirectory() as folder:
        # Nothing of it is deployed, and the environments' own templates are validated.
        app = cdk.App(outdir=folder, context=context, builtin_cloud_formation_validation=False)
        # The neutral identity is made up: the environments' own senders are compared with theirs.
        stacks_with_any_sender(app, root=root, settings=neutral_settings(), env=ENVIRONMENT, platform=platform)
        app.synth()
        templates = neutral_templates(Path(folder), assets_of_lambda(root, platform))
    return templates_digest({"environment": templates, "builds": builds_of(root)})


def neutral_settings() -> Settings:
    """Return fixed settings in which every optional feature is enabled."""
    everything = _environment()
    # An account has one monitor, that of the environment in the middle.
    last = everything.model_copy(update={"cost_anomalies": None})
    # Nothing is promoted into the first environment, so that it has no windows.
    first = last.model_copy(update={"promotion": everything.promotion.model_copy(update={"windows": ()})})
    return Settings(
        project="content",
        bucket_suffix="suffix",
        environments=Environments(dev=first, stage=everything, prod=last),
        pipeline=Pipeline(
            repository="owner/name",
            branch="main",
            connection_arn_parameter="/content/connection",
            web_address="https://example.org",
            approval_days=1,
        ),
    )


def _windows() -> Windows:
    freeze = PlannedFreeze(begins="2026-11-26 18:00", ends="2026-11-30 09:00", reason="any")
    return Windows(
        time_zone="Europe/Paris",
        open=("MON-FRI",),
        closed=("FRI 12:00-24:00",),
        holidays=("2026-12-25",),
        freezes=(freeze,),
    )


def _environment() -> EnvironmentSettings:
    daily, weekly, monthly = "cron(0 6 * * ? *)", "cron(0 6 ? * MON *)", "cron(0 6 1 * ? *)"
    return EnvironmentSettings(
        # Values matter as little as those of any other setting. A copy of the vault requires an account.
        account="111111111111",
        region="eu-west-3",
        backup=Backup(account="222222222222", region="eu-central-1"),
        model=Model(
            analyzer="bedrock",
            fallback="lexicon",
            id="eu.provider.model",
            region="eu-west-3",
            routes_to=("eu-west-1", "eu-west-3"),
            concurrency=2,
            max_attempts=2,
            retry_mode="adaptive",
        ),
        logs=Logs(level="INFO", retention_days=30),
        removal_policy="retain",
        old_versions_days=30,
        adopted_old_versions_days=60,
        schedule=Schedule(enabled=True, time_zone="Europe/Paris", daily=daily, weekly=weekly, monthly=monthly),
        alarms=Alarms(
            failed_runs=1,
            run_minutes=45,
            noise_percent=10,
            fallback_percent=20,
            run_cost_usd=0.5,
            page=ALARM_NAMES,
            ticket=(),
        ),
        snapshots=Snapshots(
            keep_last=30, minimum_age_days=30, glacier_after_days=90, daily=True, daily_at="cron(0 3 * * ? *)"
        ),
        promotion=Promotion(
            requires_smoke_test=True,
            requires_end_to_end_test=True,
            requires_approval=True,
            soak_days=14,
            minimum_runs=2,
            maximum_noise_percent=10,
            maximum_run_cost_usd=0.5,
            requires_client_versions_forward=True,
            retry_at=daily,
            watch_hours=48,
            windows=(_windows(),),
        ),
        delivery=Delivery(mode="redirect", identity="example.org", redirect_to=("operator@example.org",)),
        monthly_budget_usd=10,
        cost_anomalies=CostAnomalies(minimum_usd=10),
        operators=("operator@example.org",),
    )
