"""Command `./vectora status`."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from cli.access import open_account
from cli.checkout import Checkout, read_checkout
from cli.environment_status import EnvironmentStatus, environment_status
from cli.old_clients import lines_on_old_clients
from cli.options import AnyEnv, Json
from cli.output import aws_errors, err, failed_call, out, print_json, report_errors
from cli.parallel import read_each
from cli.paths import ROOT
from cli.stray_objects import stray_sentence
from cli.target import Target
from cli.vault_copy import sentence_on_copy
from terminal.console import new_table, styled
from vectora_ops.names import environment_name
from vectora_ops.settings import ENVIRONMENT_NAMES, Settings, load_settings
from vectora_ops.snapshots.catalog import sentence_on_future
from vectora_shared.errors import VectoraError


@dataclass(frozen=True)
class Unreadable:
    """An environment whose account the operator has no access to, and why."""

    env: str
    problem: str


@report_errors
def status(
    env: AnyEnv = None,
    json: Json = False,
) -> None:
    """Show what is deployed in each environment: release, stacks, functions, layers, client versions.

    Each environment is read with its own access. One that you may not read is named with the reason; if that is all of
    them, the command fails.
    """
    settings = load_settings(ROOT)
    chosen = [environment_name(env)] if env else list(ENVIRONMENT_NAMES)
    read = read_each(chosen, lambda name: _read(settings, name))
    problems = [each.problem for each in read if isinstance(each, Unreadable)]
    if len(problems) == len(read):
        raise VectoraError("\n".join(dict.fromkeys(problems)))
    here = read_checkout(ROOT, lambda: err.say("Synthesizing this checkout to compare it ..."))
    found = [each if isinstance(each, Unreadable) else _compared(each, here) for each in read]
    if json:
        print_json({"this_checkout": _checkout_fields(here), "environments": [asdict(status) for status in found]})
        return
    content = here.releases.content_digest if here.releases else None
    shown = f"content {content[:12]}" if content else f"of unknown digest ({here.problem})"
    out.say(f"This checkout is release {here.version}, {shown}.")
    for environment in found:
        _show_status(environment)


def _read(settings: Settings, env: str) -> EnvironmentStatus | Unreadable:
    try:
        windows = settings.environment(env).promotion.windows
        account, names = open_account(settings, env), settings.names(env)
        found = environment_status(account, names, windows)
        return replace(found, copy=sentence_on_copy(Target(settings.environment(env), names, account)))
    except VectoraError as error:
        return Unreadable(env, str(error))
    except aws_errors() as error:
        return Unreadable(env, failed_call(error))


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
    out.print(styled(env, "bold") + styled(f": {release}", ""))


def _release(status: EnvironmentStatus) -> str:
    if status.release_digest is None and status.denied:
        return "its release is not known."
    if status.release_digest is None:
        return "no release recorded (deployed before this app, or a first deployment did not end)"
    content = f", content {status.release_content_digest[:12]}" if status.release_content_digest else ""
    release = f"release {status.release_version}, digest {status.release_digest[:12]}{content}"
    return f"{release}: {status.checkout.sentence}" if status.checkout else release


def _show_status(status: EnvironmentStatus | Unreadable) -> None:
    if isinstance(status, Unreadable):
        _show_heading(status.env, "not readable.")
        out.say(f"  {status.problem}")
        return
    if not status.deployed:
        _show_heading(status.env, "nothing is deployed.")
        return
    _show_heading(status.env, _release(status))
    if status.denied:
        out.say(f"  Not shown, because you may not read it: {', '.join(status.denied)}.", style="yellow")
    for sentence in (*status.promotion, status.delivery, status.copy):
        if sentence:
            out.say(f"  {sentence}")
    if status.future_snapshots:
        out.say(f"  {sentence_on_future(status.env, status.future_snapshots)}")
    _show_tables(status)
    for sentence in lines_on_old_clients(status.env, status.config_bucket, status.old_clients):
        out.say(sentence)
    _show_drift(status)


def _show_tables(status: EnvironmentStatus) -> None:
    table = new_table("stack", "status", "updated")
    for stack in status.stacks:
        table.add_row(stack.name, stack.status, stack.updated or "")
    out.print(table)
    for stack in status.stacks:
        if stack.problem:
            out.print(styled("Stack", "yellow") + styled(f": {stack.problem}", ""))
    table = new_table("function", "runtime", "code", "layers")
    for function in status.functions:
        table.add_row(function.name, function.runtime, function.code_sha256[:12], ", ".join(function.layers))
    out.print(table)
    table = new_table("client", "version", "active", "")
    for client in status.clients:
        active = {True: "yes", False: "no", None: "?"}[client.active]
        table.add_row(client.client_id, client.version, active, client.note or "")
    out.print(table)


def _show_drift(status: EnvironmentStatus) -> None:
    for sentence in status.drift:
        advice = "A deployment puts it right; keep an edit of a file in config/."
        out.print(styled("Drift", "yellow") + styled(f": {sentence} {advice}", ""))
    if status.strays:
        advice = "That decides nothing: delete what you do not need."
        out.print(
            styled("Stray", "yellow") + styled(f": {stray_sentence(status.config_bucket, status.strays)}. {advice}", "")
        )
