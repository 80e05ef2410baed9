"""`./vectora promote`: verdicts of the gates, bypasses of gates, freezes, and the release of holds."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cli.options import Env, Json, option
from cli.output import fail, out, print_json, report_errors
from cli.paths import ROOT
from cli.target import Target, open_target
from terminal.console import new_table, styled
from vectora_ops.open_times import shown
from vectora_ops.promotion.facts import find_release
from vectora_ops.promotion.gates import BYPASSABLE_GATES
from vectora_ops.promotion.hold import release_hold as release
from vectora_ops.promotion.window import end_freeze, freeze_promotion
from vectora_ops.records import LONGEST_BYPASS_REASON, Bypass, Records
from vectora_ops.remote import run_remotely
from vectora_ops.settings import ENVIRONMENT_NAMES, environment_before, load_settings
from vectora_ops.store_clock import records_clock
from vectora_ops.windows import TIME_EXAMPLE
from vectora_shared.errors import VectoraError
from vectora_shared.unknown_names import unknown_name

COLORS = {"pass": "green", "fail": "red", "inconclusive": "yellow"}
To = Annotated[str, option("--to", "It is stage or prod.", metavar="ENV", show_default=False)]
Digest = Annotated[
    str | None,
    option("--digest", "Default: the release of the preceding environment. See ./vectora release list."),
]


@report_errors
def explain(to: To, digest: Digest = None, json: Json = False) -> None:
    """Print the verdicts of all gates, from the function that the pipeline invokes."""
    source = _before(to)
    event: dict[str, Any] = {"operation": "explain", **({"digest": digest} if digest else {})}
    decision = run_remotely(source.account, source.names, "promotion", event, lambda count: None)["decision"]
    if json:
        print_json(decision)
    else:
        show_decision(decision)
    if decision["outcome"] != "pass":
        raise typer.Exit(1)


@report_errors
def bypass(
    to: To,
    gate: Annotated[
        list[str], typer.Option("--gate", help=f"Gate to bypass; repeat for several: {', '.join(BYPASSABLE_GATES)}.")
    ],
    reason: Annotated[str, option("--reason", "The approver sees it.", show_default=False)],
    digest: Digest = None,
    json: Json = False,
) -> None:
    """Let one release, such as a hotfix, skip named gates. It still needs the approval; the bypass is recorded."""
    source, target = _before(to), open_target(to)
    if unknown := [each for each in gate if each not in BYPASSABLE_GATES]:
        fail(unknown_name("gate", unknown[0], BYPASSABLE_GATES, where="to bypass"))
    _require_reason(reason)
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
    if json:
        print_json(record.model_dump(mode="json"))
        return
    out.say(
        f"Release {chosen.content_digest[:12]} may go into {to} without {', '.join(record.gates)}. It is tried again "
        f"by schedule, or immediately: aws codepipeline retry-stage-execution --pipeline-name {target.names.pipeline} "
        f"--stage-name {to} --retry-mode FAILED_ACTIONS --pipeline-execution-id ...",
    )


@report_errors
def freeze(
    env: Env,
    until: Annotated[
        str, typer.Option("--until", help=f"Local time at which it ends, such as '{TIME_EXAMPLE}'.", show_default=False)
    ],
    reason: Annotated[str, option("--reason", "Refusals show it.", show_default=False)],
    json: Json = False,
) -> None:
    """Refuse promotions into an environment until a time, without a commit; rollbacks are never refused.

    The time is one of the environment's promotion windows, or of its schedule when there are none.
    """
    _before(env)
    here = open_target(env)
    _require_reason(reason)
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


def _require_reason(reason: str) -> None:
    if len(reason) > LONGEST_BYPASS_REASON:
        fail(f"Say why in at most {LONGEST_BYPASS_REASON} characters: it stands in refusals and approvals.")
    if not reason.strip():
        fail("Say why (--reason): it is shown to approvers and in status.")


def _before(to: str) -> Target:
    before = environment_before(to)
    if before is None:
        fail(f"Nothing is promoted into {to}: commits come there first. Choose {' or '.join(ENVIRONMENT_NAMES[1:])}.")
    return open_target(before)


def _caller(here: Target) -> str:
    """Return the identity behind the credentials, such as assumed-role/Operator/session."""
    try:
        arn = str(here.account.client("sts").get_caller_identity()["Arn"])
    except KeyError as error:
        raise VectoraError("AWS returned no identity for these credentials: log in, then try again.") from error
    return arn.split(":", 5)[-1]


def show_decision(decision: dict[str, Any]) -> None:
    """Print the verdicts of all gates, as the promotion function returned them."""
    table = new_table("gate", "verdict", "reason")
    for verdict in decision["verdicts"]:
        color = COLORS[verdict["outcome"]]
        note = f"bypassed ({decision['bypass_reason']}); " if verdict["bypassed"] else ""
        table.add_row(verdict["gate"], styled(verdict["outcome"], color), note + verdict["reason"])
    out.print(table)
    out.say(decision["sentence"])
