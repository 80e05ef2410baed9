"""Command `./vectora run`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from cli.options import Env, Json
from cli.output import err, fail, out, print_json, report_errors
from cli.target import open_target
from vectora_ops.runs import RunOutcome, RunRequest, follow_run, start_run


@report_errors
def run(
    env: Env,
    client: Annotated[str, typer.Option("--client", help="The client's id, such as lai_weekly.", show_default=False)],
    period_days: Annotated[
        int | None, typer.Option(min=1, max=365, help="Days of news to look back. Default: the client's setting.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Ingest without writing anything, then stop.")] = False,
    json: Json = False,
) -> None:
    """Produce a newsletter: start the workflow of an environment and follow it to its end."""
    target = open_target(env)
    states = target.account.client("stepfunctions")
    request = RunRequest(client_id=client, period_days=period_days, dry_run=dry_run)
    execution_arn = start_run(states, target.account.state_machine_arn(target.names.state_machine), request)
    err.say(f"Run started: {execution_arn}")
    try:
        outcome = follow_run(states, execution_arn, lambda step: err.say(f"  {step} ..."))
    except KeyboardInterrupt:
        fail(f"Stopped following; the run continues. See its result in Step Functions, execution {execution_arn}.")
    if json:
        print_json(outcome)
    else:
        _show_run(outcome)
    if not outcome.succeeded:
        fail(f"The run {outcome.status.lower().replace('_', ' ')}: {outcome.reason}")


def _show_run(outcome: RunOutcome) -> None:
    ingest, scored, letter = (outcome.steps.get(name) for name in ("ingest", "normalize_score", "newsletter"))
    if ingest:
        out.say(f"Ingested: {ingest['items_total']} items, {ingest['items_new']} of them new.")
        for source in ingest["sources"]:
            if source["status"] != "ok":
                out.say(f"  {source['source_key']}: {source['status']}. {source['message']}")
    if scored:
        by = ", ".join(f"{count} by {name}" for name, count in scored["analyzers"].items() if count)
        out.say(f"Normalized: {scored['items_normalized']} items ({by}); matched: {scored['items_matched']}.")
        for reason, count in scored["fallback_reasons"].items():
            out.say(f"  {count} without the model: {reason}")
        if scored["cost_usd"] is not None:
            out.say(f"Model cost: ${scored['cost_usd']:.4f}.{_savings(scored)}")
    if letter:
        out.say(f"Newsletter: {letter['total_items']} items.")
        for key in letter["files"].values():
            out.say(f"  s3://{letter['bucket']}/{key}")
    out.say(f"Took {outcome.seconds:.1f} s.")


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
