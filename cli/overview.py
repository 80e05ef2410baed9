"""Overview of the environments, read with the operator's access, and pages written to files."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from cli.access import open_account
from cli.paths import display_path
from vectora_ops.account import PIPELINE
from vectora_ops.costs.reading import CostSettings
from vectora_ops.names import EnvName
from vectora_ops.overview.collecting import read_overview
from vectora_ops.overview.environment import Subject
from vectora_ops.overview.model import Overview
from vectora_ops.progress import utc_now
from vectora_ops.settings import Settings
from vectora_shared.errors import VectoraError


def overview_of(settings: Settings, envs: Iterable[EnvName]) -> Overview:
    """Return the overview of these environments now; each is read with its own access, all of them in parallel."""
    return read_overview(
        [
            Subject(
                names=settings.names(env),
                cost=cost_settings(settings, env),
                opens=partial(open_account, settings, env),
            )
            for env in envs
        ],
        now=utc_now(),
        opens_pipeline=partial(open_account, settings, PIPELINE),
        pipeline=settings.pipeline_names,
        approval_days=settings.pipeline.approval_days,
        documents=f"{settings.pipeline.web_address}/blob/{settings.pipeline.branch}/",
    )


def cost_settings(settings: Settings, env: EnvName) -> CostSettings:
    """Return the settings that the cost of an environment depends on."""
    chosen = settings.environment(env)
    schedule = chosen.schedule if chosen.schedule.enabled else None
    return CostSettings(budget_usd=chosen.monthly_budget_usd, schedule=schedule)


def write_page(path: Path, page: str) -> str:
    """Write a page and return the path for people; raises VectoraError when it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise VectoraError(
            f"{display_path(path)} cannot be written ({error.strerror}): give another file to --html."
        ) from error
    return display_path(path)
