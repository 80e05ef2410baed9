"""Status page of a rehearsal: the one of ./vectora status --html, read with the operator's permissions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rehearsal.delivery import Delivery
from rehearsal.waiting import StepError
from vectora_ops.overview.collecting import overview_of
from vectora_ops.overview.model import Overview
from vectora_ops.pages.status import status_page
from vectora_ops.progress import utc_now
from vectora_ops.settings import ENVIRONMENT_NAMES

FILE = "status.html"


def write_status_page(delivery: Delivery, folder: Path, dashboards: Mapping[str, Path]) -> Path:
    """Write the page with the drawings in the files `dashboards`, by their titles, and return its path.

    Raise StepError when an operator cannot read a part of it.
    """
    path = folder / FILE
    overview = overview_of(delivery.settings, ENVIRONMENT_NAMES, delivery.account, utc_now())
    if problems := _problems(overview):
        raise StepError("An operator cannot read all that the status page shows.", problems)
    drawings = {title: file.read_text(encoding="utf-8") for title, file in dashboards.items()}
    path.write_text(status_page(overview, dashboards=drawings), encoding="utf-8")
    return path


def _problems(overview: Overview) -> list[str]:
    found = [each.problem for each in overview.environments]
    found += [f"{each.env}: {part}" for each in overview.environments for part in each.unknown]
    found += [each.problem for each in overview.gates]
    return list(filter(None, [*found, overview.pipeline.problem]))
