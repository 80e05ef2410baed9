"""Command `./vectora status`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from cli.access import open_account
from cli.checkout import Checkout, read_checkout
from cli.cost_text import cost_summary, cost_totals
from cli.environment_status import EnvironmentStatus, environment_status
from cli.needs import show_needs, unread_parts
from cli.old_clients import lines_on_old_clients
from cli.one_reading import opening_once
from cli.options import AnyEnv, HtmlFile, Json
from cli.output import aws_errors, err, failed_call, out, print_json, report_errors
from cli.parallel import read_each
from cli.paths import ROOT
from cli.stray_objects import stray_sentence
from cli.target import Target
from cli.vault_copy import sentence_on_copy
from vectora_ops.account import Account
from vectora_ops.costs.month import MonthCost
from vectora_ops.names import EnvName, environment_name
from vectora_ops.overview.model import Overview
from vectora_ops.progress import utc_now
from vectora_ops.settings import ENVIRONMENT_NAMES, Settings, load_settings
from vectora_ops.snapshots.catalog import sentence_on_future
from vectora_shared.errors import VectoraError


@dataclass(frozen=True)
class Unreadable:
    """An environment whose account the operator has no access to, and why."""

    env: str
    problem: str


@dataclass(frozen=True)
class _Reading:
    """All that was read at one moment; environments are in the order of the overview's."""

    environments: list[EnvironmentStatus | Unreadable]
    overview: Overview


@report_errors
def status(
    env: AnyEnv = None,
    html: HtmlFile = None,
    json: Json = False,
) -> None:
    """Show what is deployed in each environment, what its month costs, and what needs you.

    Deployed are a release, stacks, functions, layers and client versions. With --html: gates, releases, snapshots,
    newsletters, alarms, cost and what needs you, on one page.

    Each environment is read with its own access. One that you may not read is named with the reason; if that is all of
    them, the command fails.
    """
    settings = load_settings(ROOT)
    chosen = [environment_name(env)] if env else list(ENVIRONMENT_NAMES)
    if html is not None:
        _write_page(settings, chosen, html, as_json=json)
        return
    read = _read_all(settings, chosen)
    problems = [each.problem for each in read.environments if isinstance(each, Unreadable)]
    if len(problems) == len(read.environments):
        raise VectoraError("\n".join(dict.fromkeys(problems)))
    here = read_checkout(ROOT, lambda: err.say("Synthesizing this checkout to compare it ..."))
    found = [each if isinstance(each, Unreadable) else _compared(each, here) for each in read.environments]
    if json:
        print_json(_document(here, found, read.overview))
        return
    content = here.releases.content_digest if here.releases else None
    shown = f"content {content[:12]}" if content else f"of unknown digest ({here.problem})"
    out.fold(f"This checkout is release {here.version}, {shown}.")
    for environment, more in zip(found, read.overview.environments, strict=True):
        _show_status(environment, more.cost)
    out.print()
    out.fold(_heading_of_needs(read.overview), "bold")
    show_needs(read.overview)


def _heading_of_needs(overview: Overview) -> str:
    if overview.needs:
        return "Needs you"
    return "Nothing that could be read needs you." if any(unread_parts(overview)) else "Nothing needs you."


def _read_all(settings: Settings, chosen: list[EnvName]) -> _Reading:
    """Return the environments in detail and the overview, read concurrently; no request is sent twice."""
    from overview.collecting import overview_of

    opens = opening_once(partial(open_account, settings))
    with ThreadPoolExecutor(1) as pool:
        # In the context of the command, which knows the chosen profiles.
        overview = pool.submit(copy_context().run, overview_of, settings, chosen, opens, utc_now())
        return _Reading(
            environments=read_each(chosen, lambda name: _read(settings, name, opens)),
            overview=overview.result(),
        )


def _write_page(settings: Settings, chosen: list[EnvName], html: Path, *, as_json: bool) -> None:
    """Write the status page and show what needs a person."""
    # Imported here because a status without a page needs none of it.
    from cli.page_file import write_page
    from overview.collecting import overview_of
    from vectora_ops.pages.status import status_page

    overview = overview_of(settings, chosen, opening_once(partial(open_account, settings)), utc_now())
    if not any(each.is_readable for each in overview.environments):
        raise VectoraError("\n".join(dict.fromkeys(each.problem for each in overview.environments)))
    path = write_page(html, status_page(overview))
    if as_json:
        print_json({"file": str(html), "needs": [asdict(each) for each in overview.needs]})
        return
    show_needs(overview)
    out.say(f"Written: {path}")


def _read(settings: Settings, env: str, opens: Callable[[str], Account]) -> EnvironmentStatus | Unreadable:
    try:
        windows = settings.environment(env).promotion.windows
        account, names = opens(env), settings.names(env)
        found = environment_status(account, names, windows)
        return replace(found, copy=sentence_on_copy(Target(settings.environment(env), names, account)))
    except VectoraError as error:
        return Unreadable(env, str(error))
    except aws_errors() as error:
        return Unreadable(env, failed_call(error))


def _document(here: Checkout, found: Sequence[EnvironmentStatus | Unreadable], overview: Overview) -> dict[str, object]:
    costs = {each.env: cost_totals(each.cost) for each in overview.environments if each.cost is not None}
    return {
        "this_checkout": _checkout_fields(here),
        "environments": [
            asdict(each) if isinstance(each, Unreadable) else {**asdict(each), "cost": costs.get(each.env)}
            for each in found
        ],
        "needs": [asdict(each) for each in overview.needs],
        "not_known": list(unread_parts(overview)),
    }


def _compared(status: EnvironmentStatus, here: Checkout) -> EnvironmentStatus:
    comparison = here.compare(
        status.env, digest=status.release_digest, version=status.release_version, commit=status.release_commit
    )
    return replace(status, checkout=comparison)


def _checkout_fields(here: Checkout) -> dict[str, object]:
    releases = here.releases
    return {
        "version": here.version,
        "content_digest": releases.content_digest if releases else None,
        "digests": dict(releases.digests) if releases else None,
        "problem": here.problem or None,
    }


def _show_heading(env: str, release: str) -> None:
    out.print()
    out.fold(f"{env}: {release}", "bold")


def _release(status: EnvironmentStatus) -> str:
    if status.release_digest is None and status.denied:
        return "its release is not known."
    if status.release_digest is None:
        return "no release recorded (deployed before this app, or a first deployment did not end)"
    content = f", content {status.release_content_digest[:12]}" if status.release_content_digest else ""
    release = f"release {status.release_version}, digest {status.release_digest[:12]}{content}"
    return f"{release}: {status.checkout.sentence}" if status.checkout else release


def _show_status(status: EnvironmentStatus | Unreadable, cost: MonthCost | None) -> None:
    if isinstance(status, Unreadable):
        _show_heading(status.env, "not readable.")
        out.fold(status.problem, indent="  ")
        return
    if not status.deployed:
        _show_heading(status.env, "nothing is deployed.")
        return
    _show_heading(status.env, _release(status))
    if status.denied:
        out.fold(f"Not shown, because you may not read it: {', '.join(status.denied)}.", "yellow", indent="  ")
    for sentence in (*status.promotion, status.delivery, status.copy, _cost_sentence(cost)):
        if sentence:
            out.fold(sentence, indent="  ")
    if status.future_snapshots:
        out.fold(sentence_on_future(status.env, status.future_snapshots), indent="  ")
    _show_tables(status)
    for sentence in lines_on_old_clients(status.env, status.config_bucket, status.old_clients):
        out.fold(sentence)
    _show_drift(status)


def _cost_sentence(cost: MonthCost | None) -> str:
    if cost is None:
        return ""
    without = " (without what you may not read)" if cost.unknown else ""
    return f"Cost in {cost.month}: {cost_summary(cost)}{without}."


def _show_tables(status: EnvironmentStatus) -> None:
    out.print_rows(
        ("stack", "status", "updated"), [(each.name, each.status, each.updated or "") for each in status.stacks]
    )
    for stack in status.stacks:
        if stack.problem:
            out.fold(f"Stack: {stack.problem}", "yellow")
    out.print_rows(
        ("function", "runtime", "code", "layers"),
        [(each.name, each.runtime, each.code_sha256[:12], ", ".join(each.layers)) for each in status.functions],
    )
    active = {True: "yes", False: "no", None: "?"}
    out.print_rows(
        ("client", "version", "active", ""),
        [(each.client_id, each.version, active[each.active], each.note or "") for each in status.clients],
    )


def _show_drift(status: EnvironmentStatus) -> None:
    for sentence in status.drift:
        advice = "A deployment puts it right; keep an edit of a file in config/."
        out.fold(f"Drift: {sentence} {advice}", "yellow")
    if status.strays:
        advice = "That decides nothing: delete what you do not need."
        out.fold(f"Stray: {stray_sentence(status.config_bucket, status.strays)}. {advice}", "yellow")
