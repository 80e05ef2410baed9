"""Status page of a rehearsal: the one of ./vectora status --html, read with the operator's permissions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rehearsal.delivery import Delivery
from vectora_ops.overview.collecting import overview_of
from vectora_ops.pages.status import NO_DASHBOARDS, status_page
from vectora_ops.progress import utc_now
from vectora_ops.settings import ENVIRONMENT_NAMES

FILE = "status.html"


def write_status_page(delivery: Delivery, folder: Path, dashboards: Mapping[str, str] = NO_DASHBOARDS) -> Path:
    """Write the page with drawings of `dashboards` by their titles, and return its path."""
    path = folder / FILE
    overview = overview_of(delivery.settings, ENVIRONMENT_NAMES, delivery.account, utc_now())
    path.write_text(status_page(overview, dashboards=dashboards), encoding="utf-8")
    return path
