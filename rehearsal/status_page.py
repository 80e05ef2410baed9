"""The status page of a rehearsal's environments, with drawings of their dashboards."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from overview.collecting import overview_of
from rehearsal.monitoring.act import MonitoringResult
from rehearsal.waiting import StepError
from vectora_ops.pages.status import status_page
from vectora_ops.progress import utc_now
from vectora_ops.settings import ENVIRONMENT_NAMES

if TYPE_CHECKING:
    from rehearsal.delivery import Delivery

FILE = "status.html"


def write_status_page(delivery: Delivery, monitored: Iterable[MonitoringResult], results: Path) -> Path:
    """Write the page as an operator sees the environments; raise StepError when one cannot be read."""
    overview = overview_of(delivery.settings, ENVIRONMENT_NAMES, delivery.account, utc_now())
    problems = [each.problem for each in overview.environments]
    problems += [f"{each.env}: {part}" for each in overview.environments for part in each.unknown]
    problems += [*(each.problem for each in overview.gates), overview.pipeline.problem]
    if any(problems):
        raise StepError("An operator cannot read all that the status page shows.", list(filter(None, problems)))
    drawings = {
        title: file.read_text(encoding="utf-8") for each in monitored for title, file in each.dashboards.items()
    }
    page = results / FILE
    page.write_text(status_page(overview, dashboards=drawings), encoding="utf-8")
    return page
