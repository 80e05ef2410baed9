"""Tables of the status page: releases, snapshots, newsletters, alarms and cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from vectora_ops.costs.month import MonthCost
from vectora_ops.costs.runs import RecordedRun
from vectora_ops.overview.model import AlarmState, EnvironmentOverview, Overview, Presences, SnapshotMark
from vectora_ops.pages.design import Cell, Tone, badge, bar, command, folded, moment, section, table
from vectora_ops.pages.environments import runbook_link
from vectora_ops.pages.markup import Content, Html, element, separated, together

NEWEST_RELEASES = 10
NOTHING = element("p", "None yet.", class_="quiet")


def releases_section(overview: Overview) -> Html:
    """Return the releases, newest first, with a column for each environment."""
    envs = [each for each in overview.environments if each.is_readable]
    found: dict[str, dict[str, Presences]] = {}
    versions: dict[str, str] = {}
    for env in envs:
        for release in env.releases:
            found.setdefault(release.key, {})[env.env] = release.where
            versions[release.key] = release.version
    newest = sorted(found, key=lambda key: max(where.at for where in found[key].values()), reverse=True)
    rows = [
        (
            separated((versions[key], element("code", key[:12])), " "),
            *(_presence(found[key].get(env.env)) for env in envs),
        )
        for key in newest[:NEWEST_RELEASES]
    ]
    columns = ("release", *(each.env for each in envs))
    return section("releases", "Releases", table("Releases, newest first", columns, rows) if rows else NOTHING)


def _presence(where: Presences | None) -> Html:
    if where is None:
        return element("span", "-", class_="quiet")
    states: Mapping[str, tuple[str, Tone]] = {
        "current": ("current", "good"),
        "earlier": ("earlier", "quiet"),
        "rolled back": ("rolled back", "bad"),
    }
    text, tone = states[where.presence]
    note = element("div", where.note, class_="quiet") if where.note else None
    return together((badge(text, tone), " ", moment(where.at), note))


def snapshots_section(overview: Overview) -> Html:
    """Return a line of snapshots for each environment, oldest first."""
    lines = [_line(each) for each in overview.environments if each.snapshots]
    return section("snapshots", "Snapshots", *(lines or [NOTHING]))


def _line(env: EnvironmentOverview) -> Html:
    marks = (element("li", *_mark(each)) for each in env.snapshots)
    heading = element("h3", env.env, id=f"snapshots-{env.env}")
    return together(
        (heading, element("ul", *marks, class_="line", role="list", aria_labelledby=f"snapshots-{env.env}"))
    )


def _mark(snapshot: SnapshotMark) -> Iterator[Content]:
    states: tuple[tuple[bool, str, Tone], ...] = (
        (snapshot.is_damaged, "damaged", "bad"),
        (snapshot.from_future, "from the future", "warn"),
        (snapshot.state != "complete", snapshot.state, "warn"),
        (snapshot.pinned, "pinned", "good"),
    )
    text, tone = next(((text, tone) for applies, text, tone in states if applies), ("complete", "quiet"))
    yield badge(text, tone)
    yield " "
    yield element("code", snapshot.name)
    if snapshot.before:
        yield f" before {snapshot.before}"


def newsletters_section(overview: Overview) -> Html:
    """Return the last issues of each environment, later environments first."""
    found = [(env.env, each) for env in reversed(overview.environments) for each in env.issues]
    columns = ("day", "environment", "client", "items", "noise", "analyzed by", "cost", "open")
    rows = [_issue_row(env, run) for env, run in found]
    content = table("Last issues", columns, rows) if rows else NOTHING
    return section("newsletters", "Newsletters", content)


def _issue_row(env: str, run: RecordedRun) -> tuple[Content | Cell, ...]:
    return (
        str(run.day),
        env,
        separated((run.client_id, run.client_version or None), " "),
        Cell(str(run.items), is_number=True),
        Cell("-" if run.noise is None else f"{run.noise:.1%}", is_number=True),
        _analyzers(run),
        Cell("-" if run.cost_usd is None else f"${run.cost_usd:.2f}", is_number=True),
        command(f"./vectora newsletter open {run.client_id} --env {env} --day {run.day}"),
    )


def _analyzers(run: RecordedRun) -> Content:
    known = [f"{count} {name}" for name, count in (("model", run.by_model), ("lexicon", run.by_lexicon)) if count]
    shown = ", ".join(known) or "nothing"
    return together((shown, " ", badge(f"{run.fallbacks} fell back", "warn"))) if run.fallbacks else shown


def alarms_section(overview: Overview) -> Html:
    """Return the alarms that are raised, and the others folded."""
    found = [(env.env, each) for env in overview.environments for each in env.alarms]
    raised = [_alarm_row(overview, env, each) for env, each in found if each.status == "ALARM"]
    others = [_alarm_row(overview, env, each) for env, each in found if each.status != "ALARM"]
    columns = ("alarm", "environment", "state", "since", "runbook")
    quiet = element("p", badge("none is raised", "good") if found else badge("there are no alarms", "quiet"))
    return section(
        "alarms",
        "Alarms",
        table("Raised alarms", columns, raised) if raised else quiet,
        folded(f"{len(others)} other alarms", table("Other alarms", columns, others)) if others else None,
    )


def _alarm_row(overview: Overview, env: str, alarm: AlarmState) -> tuple[Content, ...]:
    states: Mapping[str, tuple[str, Tone]] = {
        "ALARM": ("raised", "bad"),
        "OK": ("ok", "good"),
        "INSUFFICIENT_DATA": ("no data yet", "quiet"),
    }
    text, tone = states.get(alarm.status, (alarm.status, "quiet"))
    reason = element("div", alarm.reason, class_="quiet") if alarm.reason and alarm.status == "ALARM" else None
    return (
        alarm.purpose,
        env,
        together((badge(text, tone), reason)),
        moment(alarm.since) if alarm.since else "-",
        runbook_link(overview, alarm.runbook) if alarm.runbook else "-",
    )


def cost_section(costs: Sequence[MonthCost]) -> Html:
    """Return the cost of the month by environment and part, against the budgets."""
    if not costs:
        return section("cost", "Cost", NOTHING)
    rows = [_cost_row(each) for each in costs]
    columns = ("environment", "so far", "forecast", "budget", "share of the budget")
    warnings = [element("p", badge("unusual", "warn"), " ", text) for each in costs for text in each.warnings]
    unknown = [
        element("p", f"{each.env} without what could not be read: {'; '.join(each.unknown)}", class_="quiet")
        for each in costs
        if each.unknown
    ]
    return section(
        "cost",
        f"Cost in {costs[0].month}",
        *warnings,
        table("US dollars, estimated from runs and list prices", columns, rows),
        *unknown,
        *(folded(f"{each.env} by part and client", _parts(each), _clients(each)) for each in costs),
    )


def _cost_row(cost: MonthCost) -> tuple[Content | Cell, ...]:
    share = cost.forecast_usd / cost.budget_usd if cost.budget_usd else 0.0
    return (
        cost.env,
        _usd(cost.so_far_usd),
        _usd(cost.forecast_usd),
        _usd(cost.budget_usd),
        separated((bar(share, f"{share:.0%} of the budget"), f"{share:.0%}"), " "),
    )


def _parts(cost: MonthCost) -> Html:
    rows = [(each.name, _usd(each.so_far_usd), _usd(each.forecast_usd), each.basis) for each in cost.parts]
    return table(f"Parts of the cost of {cost.env}", ("part", "so far", "forecast", "computed from"), rows)


def _clients(cost: MonthCost) -> Html | None:
    rows = [
        (
            each.client_id,
            Cell(str(each.runs), is_number=True),
            _usd(each.so_far_usd),
            _usd(each.forecast_usd),
            _usd(each.last_usd),
            _usd(each.usual_usd),
        )
        for each in cost.clients
    ]
    columns = ("client", "runs", "so far", "forecast", "last run", "usual run")
    return table(f"Model cost of the clients of {cost.env}", columns, rows) if rows else None


def _usd(amount: float | None) -> Cell:
    return Cell("-" if amount is None else f"${amount:.2f}", is_number=True)
