"""Status page of one environment, which its watch writes for the operators."""

from __future__ import annotations

from datetime import datetime

from vectora_ops.account import PIPELINE, Account
from vectora_ops.costs.reading import CostSettings
from vectora_ops.names import Names
from vectora_ops.overview.environment import Subject, read_environment
from vectora_ops.overview.model import Overview, PipelineOverview
from vectora_ops.overview.needs import needs_of
from vectora_ops.overview.pipeline import read_pipeline
from vectora_ops.pages.status import status_page
from vectora_shared.keys import STATUS_PAGE_KEY
from vectora_shared.storage import Bucket


def write_status_page(
    account: Account, names: Names, cost: CostSettings, *, approval_days: int | None, now: datetime
) -> None:
    """Write the page into the newsletters bucket; it has the pipeline where `approval_days` says that it is read."""
    environments = (read_environment(Subject(names=names, cost=cost, opens=lambda: account), now),)
    pipeline = PipelineOverview()
    if approval_days is not None:
        pipeline = read_pipeline(lambda: account.of(PIPELINE), names, approval_days)
    overview = Overview(
        project=names.project,
        made_at=now,
        environments=environments,
        pipeline=pipeline,
        needs=needs_of(environments, (), pipeline, now),
    )
    page = status_page(overview).encode("utf-8")
    Bucket(account.client("s3"), names.bucket("newsletters")).write(STATUS_PAGE_KEY, page, "text/html")
