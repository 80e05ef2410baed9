"""`./vectora promote`: verdicts of the gates, bypasses of gates, freezes, and the release of holds."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cli.decision import exit_code, show_decision
from cli.exit_codes import ExitCode
from cli.options import Env, Json, option
from cli.output import fail, out, print_json, report_errors
from cli.paths import ROOT
from cli.promotion_options import Digest, To, caller_arn, open_preceding, preceding_environment, require_reason
from cli.retry_stage import retry_stage
from cli.target import Target, open_target
from vectora_ops.open_times import shown
from vectora_ops.promotion.facts import find_release
from vectora_ops.promotion.gates import BYPASSABLE_GATES
from vectora_ops.promotion.hold import release_hold as release
from vectora_ops.promotion.window import end_freeze, freeze_promotion
from vectora_ops.records import Bypass, Records
from vectora_ops.remote import run_remotely
from vectora_ops.settings import load_settings
from vectora_ops.store_clock import records_clock
from vectora_ops.unknown_names import unknown_name
from vectora_ops.windows import TIME_EXAMPLE


@report_errors
def explain(to: To, digest: Digest = None, json: Json = False) -> None:
    """Print the verdicts of all gates, from the function that the pipeline invokes."""
    source = open_preceding(to)
    event: dict[str, Any] = {"operation": "explain", **({"digest": digest} if digest else {})}
    decision = run_remotely(source.account, source.names, "promotion", event, lambda count: None)["decision"]
    if json:
        print_json(decision)
    else:
        show_decision(decision)
    raise typer.Exit(exit_code(decision))


@report_errors
def bypass(
    to: To,
    gate: Annotated[
        list[str], typer.Option("--gate", help=f"Gate to bypass; repeat for several: {', '.join(BYPASSABLE_GATES)}.")
    ],
    reason: Annotated[str, option("--reason", "The approver sees it.", show_default=False)],
    digest: Digest = None,
    no_retry: Annotated[
        bool, typer.Option("--no-retry", help="Only record the bypass; the pipeline tries again by schedule.")
    ] = False,
    json: Json = False,
) -> None:
    """Let one release, such as a hotfix, skip named gates, and retry its promotion. It still needs the approval.

    The bypass is recorded, and shown to the approver.
    """
    source, target = open_preceding(to), open_target(to)
    if unknown := [each for each in gate if each not in BYPASSABLE_GATES]:
        fail(unknown_name("gate", unknown[0], BYPASSABLE_GATES, where="to bypass"), ExitCode.USAGE)
    require_reason(reason)
    chosen = find_release(source.account, source.names, digest)
    if chosen.content_digest is None:
        fail(
            f"The pipeline did not record the content of release {chosen.digest[:12]}: push its commit, or give all 64 "
            "digits of its content digest (./vectora status --json)."
        )
    record = Bypass(
        digest=chosen.digest,
        content_digest=chosen.content_digest,
        gates=tuple(dict.fromkeys(gate)),
        reason=reason.strip(),
        by=_caller(target),
        at=records_clock(target.account, target.names)(),
    )
    Records(target.account, target.names).write_bypass(record)
    if not json:
        out.say(f"Release {chosen.content_digest[:12]} may go into {to} without {', '.join(record.gates)}.")
    retried = None if no_retry else retry_stage(to)
    if json:
        print_json({**record.model_dump(mode="json"), "retry": retried.sentence if retried else None})
        return
    out.say(retried.sentence if retried else f"To try it now: ./vectora promote retry --to {to}.")


@report_errors
def freeze(
    env: Env,
    until: Annotated[str, option("--until", f"Local time, such as '{TIME_EXAMPLE}'.", show_default=False)],
    reason: Annotated[str, option("--reason", "Refusals show it.", show_default=False)],
    json: Json = False,
) -> None:
    """Refuse promotions into an environment until a time, without a commit; rollbacks are never refused.

    The time is one of the environment's promotion windows, or of its schedule when there are none.
    """
    preceding_environment(env)
    here = open_target(env)
    require_reason(reason)
    settings = load_settings(ROOT).environment(env)
    windows = settings.promotion.windows
    zone = windows[0].time_zone if windows else settings.schedule.time_zone
    records, now = Records(here.account, here.names), records_clock(here.account, here.names)()
    record = freeze_promotion(records, until=until, time_zone=zone, reason=reason.strip(), by=_caller(here), now=now)
    if json:
        print_json(record.model_dump(mode="json"))
        return
    out.say(
        f"Nothing is promoted into {env} until {shown(record.until, zone)}, except with a bypass of the gate window. "
        f"To end it before: ./vectora promote unfreeze --env {env}."
    )


@report_errors
def unfreeze(env: Env, json: Json = False) -> None:
    """End a freeze before its time. Promotion windows of the settings stay as they are."""
    here = open_target(env)
    records, now = Records(here.account, here.names), records_clock(here.account, here.names)()
    ended = end_freeze(records, env, by=_caller(here), now=now)
    if json:
        print_json(ended.model_dump(mode="json"))
        return
    out.say(f"The freeze of {env} is over. It was set because {ended.reason}")


@report_errors
def release_hold(env: Env, json: Json = False) -> None:
    """Allow promotions into an environment again, after a failed deployment was examined."""
    here = open_target(env)
    clock = records_clock(here.account, here.names)
    released = release(here.account, here.names, _caller(here), clock=clock)
    if json:
        print_json(released.model_dump(mode="json"))
        return
    out.say(f"Promotion into {env} is open again. It was held because {released.reason}")


def _caller(here: Target) -> str:
    """Return the identity behind the credentials, such as assumed-role/Operator/session."""
    return caller_arn(here.account).split(":", 5)[-1]
