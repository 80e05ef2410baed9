"""`./vectora`: check an account, run the engine, see what is deployed, clients, snapshots, promotions, rehearsal."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from cli.cdk_bootstrap import EXECUTION_ROLE, bootstrap_of
from cli.client import app as client_app
from cli.doctor import doctor
from cli.output import err, fail, in_one_sentence, out, print_json
from cli.place import ROOT, Env, Json
from cli.promote import app as promote_app
from cli.release import app as release_app
from cli.rollback import rollback
from cli.snapshot import app as snapshot_app
from terminal.console import new_table, styled
from vectora_core.errors import VectoraError
from vectora_ops.account import open_account
from vectora_ops.adoption import adopt as take_in
from vectora_ops.adoption import find_orphans
from vectora_ops.release import release_of
from vectora_ops.runs import RunOutcome, RunRequest, follow_run, start_run
from vectora_ops.settings import ENVIRONMENT_NAMES, load_settings
from vectora_ops.status import EnvironmentStatus, environment_status

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, rich_markup_mode="rich")

app.add_typer(client_app, name="client")
app.add_typer(snapshot_app, name="snapshot")
app.add_typer(release_app, name="release")
app.add_typer(promote_app, name="promote")
app.command(epilog="Example: ./vectora rollback --env stage --snapshot lai_v7_stable_20260130_120000 --dry-run")(
    rollback
)

app.command(epilog="Example: ./vectora doctor --env stage")(doctor)


@app.command(epilog="Example: ./vectora run --env stage --client lai_weekly --period-days 7")
@in_one_sentence
def run(
    env: Env,
    client: Annotated[str, typer.Option("--client", help="The client's id, such as lai_weekly.", show_default=False)],
    period_days: Annotated[
        int | None, typer.Option(min=1, max=365, help="Days of news to look back; the client's own setting otherwise.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Ingest without writing, then stop.")] = False,
    json: Json = False,
) -> None:
    """Make a newsletter: start the workflow of an environment and follow it to its end."""
    settings = load_settings(ROOT)
    names = settings.names(env)
    account = open_account(settings.environment(env), env)
    states = account.client("stepfunctions")
    request = RunRequest(client_id=client, period_days=period_days, dry_run=dry_run)
    execution_arn = start_run(states, account.state_machine_arn(names.state_machine), request)
    err.say(f"Run started: {execution_arn}")
    try:
        outcome = follow_run(states, execution_arn, lambda step: err.say(f"  {step} ..."))
    except KeyboardInterrupt:
        fail(f"You stopped watching; the run goes on. Its end shows in Step Functions, execution {execution_arn}.")
    if json:
        print_json(outcome)
    else:
        _show_run(outcome)
    if not outcome.succeeded:
        fail(f"The run {outcome.status.lower().replace('_', ' ')}: {outcome.reason}")


@app.command(epilog="Example: ./vectora status --env prod --json")
@in_one_sentence
def status(
    env: Annotated[str | None, typer.Option("--env", help="One environment; all of them otherwise.")] = None,
    json: Json = False,
) -> None:
    """Show what is deployed where: release, stacks, functions, layers, client versions."""
    settings = load_settings(ROOT)
    chosen = [env] if env else list(ENVIRONMENT_NAMES)
    found = [
        environment_status(open_account(settings.environment(name), name), settings.names(name)) for name in chosen
    ]
    here = release_of(ROOT)
    if json:
        print_json({"this_checkout": asdict(here), "environments": [asdict(status) for status in found]})
        return
    out.say(f"This checkout is release {here.version}, digest {here.digest[:12]}.")
    for environment in found:
        _show_status(environment, here.digest)


@app.command(epilog="Example: ./vectora adopt --env dev --dry-run")
@in_one_sentence
def adopt(
    env: Env,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be taken in.")] = False,
    json: Json = False,
) -> None:
    """Take what belongs to no stack into those that define it: made by hand, or left by a stack that is gone."""
    from stacks.templates import synthesized_templates

    settings = load_settings(ROOT)
    account = open_account(settings.environment(env), env)
    err.print("Reading the templates and looking for what exists ...")
    orphans = find_orphans(account, synthesized_templates(ROOT, env))
    if not dry_run:
        # With CloudFormation's own role: an operator may not read and tag whatever is imported.
        role = bootstrap_of(ROOT, account.account_id, account.region).role_arn(EXECUTION_ROLE)
        take_in(account, orphans, role_arn=role)
    if json:
        print_json({"env": env, "dry_run": dry_run, "resources": [asdict(orphan) for orphan in orphans]})
        return
    for orphan in orphans:
        out.say(f"{orphan.stack_name}: {orphan.kind} {orphan.name}")
    if not orphans:
        out.say(f"Nothing to take in: all that {env} needs and that exists belongs to its stacks.")
    elif dry_run:
        out.print("Nothing was changed.")
    else:
        out.say(f"Taken in; bucket policies come back with the deployment. Now: cdk deploy --context env={env}")


@app.command(epilog="Example: ./vectora rehearse --keep")
@in_one_sentence
def rehearse(
    keep: Annotated[bool, typer.Option("--keep", help="Leave the local AWS running and say how to use it.")] = False,
    ask: Annotated[bool, typer.Option("--ask", help="Approve the promotion into prod yourself.")] = False,
    json: Json = False,
) -> None:
    """Run everything on this machine: three commits through the pipeline of a local AWS, newsletters, a disaster."""
    from rehearsal.run import RehearsalOptions
    from rehearsal.run import rehearse as run_rehearsal

    raise typer.Exit(run_rehearsal(RehearsalOptions(root=ROOT, keep=keep, ask=ask, as_json=json)))


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
            out.say(f"  {count} not by the model: {reason}")
        if scored["cost_usd"] is not None:
            out.say(f"Cost of the model: ${scored['cost_usd']:.4f}.")
    if letter:
        out.say(f"Newsletter: {letter['total_items']} items.")
        for key in letter["files"].values():
            out.say(f"  s3://{letter['bucket']}/{key}")
    out.say(f"Took {outcome.seconds:.1f} s.")


def _show_heading(env: str, release: str) -> None:
    out.print()
    out.print(styled(env, "bold") + styled(f": {release}", ""))


def _show_status(status: EnvironmentStatus, digest_here: str) -> None:
    if not status.deployed:
        _show_heading(status.env, "nothing is deployed.")
        return
    if status.release_digest is None:
        release = "no release recorded (deployed before this app, or a first deployment did not end)"
    else:
        same = "this checkout" if status.release_digest == digest_here else "another than this checkout"
        release = f"release {status.release_version}, digest {status.release_digest[:12]} ({same})"
    _show_heading(status.env, release)
    for sentence in status.promotion:
        out.say(f"  {sentence}")
    table = new_table("stack", "status", "updated")
    for stack in status.stacks:
        table.add_row(stack.name, stack.status, stack.updated or "")
    out.print(table)
    table = new_table("function", "runtime", "code", "layers")
    for function in status.functions:
        table.add_row(function.name, function.runtime, function.code_sha256[:12], ", ".join(function.layers))
    out.print(table)
    table = new_table("client", "version", "active", "")
    for client in status.clients:
        active = {True: "yes", False: "no", None: "?"}[client.active]
        table.add_row(client.client_id, client.version, active, client.note or "")
    out.print(table)
    for sentence in status.drift:
        advice = "A deployment puts it right; keep an edit in config/."
        out.print(styled("Drift", "yellow") + styled(f": {sentence} {advice}", ""))


def main() -> None:
    try:
        app(prog_name="./vectora")
    except VectoraError as error:
        fail(str(error))


if __name__ == "__main__":
    main()
