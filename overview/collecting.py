"""Reading of the whole overview: environments, gates and pipeline, all in parallel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime
from functools import partial

from overview.gates import read_gates
from vectora_ops.account import PIPELINE, Account
from vectora_ops.costs.reading import CostSettings
from vectora_ops.names import EnvName, Names
from vectora_ops.overview.environment import Subject, read_environment
from vectora_ops.overview.model import Overview
from vectora_ops.overview.needs import needs_of
from vectora_ops.overview.pipeline import read_pipeline
from vectora_ops.settings import Settings, environment_after


def overview_of(
    settings: Settings, envs: Iterable[EnvName], opens: Callable[[str], Account], now: datetime
) -> Overview:
    """Return the overview of these environments by the settings; `opens` returns the account of one or the pipeline."""
    pipeline = settings.pipeline
    return read_overview(
        [
            Subject(
                names=settings.names(env),
                cost=CostSettings.of(settings.environment(env)),
                opens=partial(opens, env),
            )
            for env in envs
        ],
        now=now,
        opens_pipeline=partial(opens, PIPELINE),
        pipeline=settings.pipeline_names,
        approval_days=pipeline.approval_days,
        documents=f"{pipeline.web_address}/blob/{pipeline.branch}/",
    )


def read_overview(
    subjects: Sequence[Subject],
    *,
    now: datetime,
    opens_pipeline: Callable[[], Account],
    pipeline: Names,
    approval_days: int,
    documents: str = "",
) -> Overview:
    """Return the overview of these environments; what cannot be read is named in it and stops nothing else."""
    by_env = {each.names.env: each for each in subjects}
    steps = [
        (each, by_env[after])
        for each in subjects
        if (after := environment_after(each.names.env)) is not None and after in by_env
    ]
    with ThreadPoolExecutor(2 * len(subjects) + 1) as pool:
        # Each in the caller's context, which knows the profiles that an operator chose.
        environments = [pool.submit(copy_context().run, read_environment, each, now) for each in subjects]
        gates = [
            pool.submit(copy_context().run, read_gates, source.opens, source.names, target.names)
            for source, target in steps
        ]
        in_pipeline = pool.submit(copy_context().run, read_pipeline, opens_pipeline, pipeline, approval_days).result()
        found = [each.result() for each in environments]
        judged = [each.result() for each in gates]
    return Overview(
        project=pipeline.project,
        made_at=now,
        environments=found,
        gates=judged,
        pipeline=in_pipeline,
        needs=needs_of(found, judged, in_pipeline, now),
        documents=documents,
    )
