"""Command `./vectora run`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from cli.exit_codes import ExitCode
from cli.options import Client, Env, Json, option
from cli.output import err, fail, out, print_json, report_errors
from cli.progress import progress_display
from cli.target import Target, open_target
from vectora_ops.names import CANARY_CLIENT
from vectora_ops.promotion.facts import client_files, require_client
from vectora_ops.runs import RunOutcome, RunRequest, follow_run, start_run


@report_errors
def run(
    client: Client,
    env: Env,
    period_days: Annotated[int | None, option("--period-days", "Default: the client's.", min=1, max=365)] = None,
    issue: Annotated[
        bool, typer.Option("--issue", help="Make the issue of today: readers and gates get it. Default: a draft.")
    ] = False,
    dry_run: Annotated[bool, option("--dry-run", "Reads the sources, writes nothing, then stops.")] = False,
    json: Json = False,
) -> None:
    """Make a newsletter: start the workflow of an environment and follow it to its end.

    By default the run makes a draft: it changes no issue, it is not delivered, and it counts for no gate and no alarm.
    With --issue it does what the schedule does: its news is published, and the next issue does not have it again.
    """
    target = open_target(env)
    _require_client(target, client, issue=issue)
    states = target.account.client("stepfunctions")
    request = RunRequest(client_id=client, period_days=period_days, dry_run=dry_run, draft=not issue)
    execution_arn = start_run(states, target.account.state_machine_arn(target.names.state_machine), request)
    err.say(f"Run of {'an issue' if issue else 'a draft'} started: {execution_arn}")
    try:
        with progress_display() as display:
            outcome = follow_run(states, execution_arn, display.step)
    except KeyboardInterrupt:
        fail(
            f"Stopped following; the run continues. See its result in Step Functions, execution {execution_arn}.",
            ExitCode.INTERRUPTED,
        )
    letter = outcome.steps.get("newsletter", {})
    if letter and not issue and not letter.get("draft"):
        err.say(f"{env} has a release that makes no drafts: this run made the issue of {letter['target_date']}.")
    if json:
        print_json(outcome)
    else:
        _show_run(outcome)
    if not outcome.succeeded:
        fail(f"The run {outcome.status.lower().replace('_', ' ')}: {outcome.reason}")


def _require_client(target: Target, client: str, *, issue: bool) -> None:
    """Raise VectoraError, before anything starts, when the environment has no such client."""
    files = client_files(target.account, target.names)
    if not files or client == CANARY_CLIENT:
        # Nothing is deployed, which the start of the run reports; or the client of the smoke test.
        return
    require_client(target.names.env, client, files)
    if issue and files[client].is_valid and not files[client].active:
        err.say(f"{client} is not active in {target.names.env}: this issue counts for no gate and no alarm.")


def _show_run(outcome: RunOutcome) -> None:
    ingest, scored, letter = (outcome.steps.get(name) for name in ("ingest", "normalize_score", "newsletter"))
    if ingest:
        _show_ingestion(ingest)
    if scored:
        by = ", ".join(f"{count} by {name}" for name, count in scored["analyzers"].items() if count)
        out.say(f"Normalized: {scored['items_normalized']} items ({by}); matched: {scored['items_matched']}.")
        for reason, count in scored["fallback_reasons"].items():
            out.say(f"  {count} without the model: {reason}")
        if scored["cost_usd"] is not None:
            out.say(f"Model cost: ${scored['cost_usd']:.4f}.{_savings(scored)}")
    if letter:
        # An environment with an older release makes no drafts.
        kind = "Draft" if letter.get("draft") else "Issue"
        out.say(f"{kind} of {letter['target_date']}: {letter['total_items']} items.")
        for key in letter["files"].values():
            out.say(f"  s3://{letter['bucket']}/{key}")
        if sentence := _delivery(letter, outcome):
            out.say(sentence)
    out.say(f"Took {outcome.seconds:.1f} s.")


def _show_ingestion(ingest: Mapping[str, Any]) -> None:
    out.say(f"Ingested: {ingest['items_total']} items, {ingest['items_new']} of them new.")
    # An environment with an older release reports no reasons.
    dropped: Counter[str] = Counter()
    for source in ingest["sources"]:
        dropped.update(source.get("dropped", {}))
    if dropped:
        out.say(f"  Found {ingest['items_found']} entries. Not kept: {_reasons(dropped)}.")
    for source in ingest["sources"]:
        if source["status"] != "ok":
            out.say(f"  {source['source_key']}: {source['status']}. {source['message']}")
        elif not source.get("items_kept") and set(source.get("dropped", {})) - _USUAL_REASONS:
            out.say(f"  {source['source_key']}: kept none of its entries: {_reasons(source['dropped'])}.")


# A source whose news is all old, or known from another source, has no fault.
_USUAL_REASONS = frozenset({"out_of_period", "not_yet_published", "duplicate_in_source", "duplicate_of_another_source"})


def _reasons(dropped: Mapping[str, int]) -> str:
    numbers = sorted(dropped.items(), key=lambda reason: -reason[1])
    return ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in numbers)


# Why the newsletter is not for readers, by what the newsletter function says (vectora_core.newsletter.publish).
_NOT_DELIVERED = {
    "no readers": "Not delivered: the client's file names no readers (`delivery`).",
    "empty": "Not delivered: an issue without news is not sent.",
    "ready": "Not delivered: this environment sends no newsletters (`delivery` in config/environments.yaml).",
}


def _delivery(letter: Mapping[str, Any], outcome: RunOutcome) -> str:
    """Return who got the newsletter by e-mail, or why no one did; empty for drafts and failed runs."""
    done = outcome.steps.get("delivery")
    if not outcome.succeeded:
        return ""
    if done is None:
        return _NOT_DELIVERED.get(letter.get("delivery", ""), "")
    before = f"; {done['sent_before']} had it before" if done["sent_before"] else ""
    if done["redirected"]:
        return f"Sent to {_count(done['sent'], 'address', 'addresses')} instead of the readers{before}."
    return f"Delivered to {_count(done['sent'], 'reader', 'readers')}{before}."


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _savings(scored: Mapping[str, Any]) -> str:
    """Return a sentence on what stored analyses and the prompt cache saved, empty when they saved nothing."""
    # An environment with an older release reports no savings.
    saved = scored.get("saved_usd", {})
    reused = scored.get("analyses_reused", 0)
    parts = []
    if reused:
        usd = saved["stored_analyses"]
        parts.append(f"{reused} stored analyses" if usd is None else f"${usd:.4f} by {reused} stored analyses")
    if saved.get("prompt_cache"):
        parts.append(f"${saved['prompt_cache']:.4f} by the prompt cache")
    return f" Saved: {', '.join(parts)}." if parts else ""
