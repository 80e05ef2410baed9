"""Reading of all that a month's cost is computed from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from botocore.exceptions import ClientError

from vectora_ops.account import Account
from vectora_ops.costs.month import Measured, MonthCost, first_day_compared, month_cost
from vectora_ops.costs.prices import price_table
from vectora_ops.costs.runs import RecordedRun, recorded_runs
from vectora_ops.costs.usage import Usage, measured_usage
from vectora_ops.names import Names
from vectora_ops.promotion.environment_runs import ClientFile
from vectora_ops.promotion.facts import client_files
from vectora_ops.records import Records
from vectora_ops.settings import EnvironmentSettings, Schedule, environment_after, environment_before
from vectora_shared.aws_errors import is_denied

Found = TypeVar("Found")


@dataclass(frozen=True, kw_only=True)
class CostSettings:
    """Settings of an environment that its cost depends on; `schedule` is None where no newsletter is scheduled."""

    budget_usd: float
    schedule: Schedule | None

    @classmethod
    def of(cls, settings: EnvironmentSettings) -> CostSettings:
        return cls(
            budget_usd=settings.monthly_budget_usd,
            schedule=settings.schedule if settings.schedule.enabled else None,
        )


def read_month_cost(
    account: Account,
    names: Names,
    settings: CostSettings,
    now: datetime,
    *,
    runs: tuple[RecordedRun, ...] | None = None,
    clients: dict[str, ClientFile] | None = None,
) -> MonthCost:
    """Return the cost of the month; a part that may not be read is named in it. `runs` and `clients` are known ones."""
    denied: list[str] = []
    no_runs: tuple[RecordedRun, ...] = ()
    no_clients: dict[str, ClientFile] = {}

    def read(what: str, reads: Callable[[], Found], otherwise: Found) -> Found:
        try:
            return reads()
        except ClientError as error:
            if not is_denied(error):
                raise
            denied.append(f"{what} ({error.operation_name})")
            return otherwise

    if runs is None:
        since = first_day_compared(now).date()
        runs = read("the runs", lambda: recorded_runs(account, names, since), no_runs)
    if clients is None:
        clients = read("the client files", lambda: client_files(account, names), no_clients)
    return month_cost(
        Measured(
            env=names.env,
            now=now,
            runs=runs,
            usage=read("the resources", lambda: measured_usage(account, names), Usage()),
            deployments=read("the ledger", lambda: _deployments(account, names, now), 0),
            schedule=settings.schedule,
            clients=clients,
            budget_usd=settings.budget_usd,
            is_first=environment_before(names.env) is None,
            is_last=environment_after(names.env) is None,
            unknown=tuple(denied),
        ),
        price_table(),
    )


def _deployments(account: Account, names: Names, now: datetime) -> int:
    month = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return sum(each.kind == "release" and each.stored >= month for each in Records(account, names).ledger())
