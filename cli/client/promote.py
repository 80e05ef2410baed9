"""Command `./vectora client promote`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cli.client.client_file import read_client_file
from cli.client.diff import show_changes
from cli.confirmation import require_confirmation
from cli.decision import exit_code, show_decision
from cli.exit_codes import ExitCode
from cli.options import Client, Json, Yes, option
from cli.output import err, fail, out, print_json, report_errors
from cli.remote import run_in_function
from cli.target import Target, open_target
from vectora_ops.promotion.clients import SourceFile, is_unfinished
from vectora_ops.settings import environment_before
from vectora_shared.config.changes import changes_between
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.section import read_file
from vectora_shared.errors import VectoraError
from vectora_shared.keys import client_key


@report_errors
def promote(
    client: Client,
    source: Annotated[str, option("--from", "It is dev or stage.", metavar="ENV", show_default=False)],
    target: Annotated[str, option("--to", "It is stage or prod.", metavar="ENV", show_default=False)],
    dry_run: Annotated[bool, option("--dry-run", "Also shows the verdicts of the gates.")] = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Promote a client's file to the next environment, ahead of the release that contains it.

    Takes a snapshot first and runs the newsletter afterwards. If the run fails, the change is undone.
    """
    origin, destination = open_target(source), open_target(target)
    if environment_before(target) != source:
        before = environment_before(target) or "a release only"
        fail(f"Client files are promoted into {target} from {before}, not from {source}.")
    answer = run_in_function(origin, "promotion", {"operation": "judge-client", "client_id": client})
    decision, file = answer["decision"], SourceFile.model_validate(answer["file"])
    resumed = is_unfinished(destination.account, destination.names, file)
    passes = decision["outcome"] == "pass" or resumed
    if not json:
        _show(decision, file, target, resumed=resumed)
    if dry_run or not passes:
        if json:
            print_json({"decision": decision, "result": None})
        raise typer.Exit(ExitCode.YES if passes else exit_code(decision))
    if not yes:
        require_confirmation(f"promote {file.client_id} {file.version} into {target}", target)
    result = _promote(destination, source, client)
    if json:
        print_json({"decision": decision, "result": result})
        return
    out.say(
        f"{target} has {client} {result['version']}: {result['outcome']}. The state before the promotion is in "
        f"snapshot {result['snapshot']}.",
    )


def _show(decision: dict[str, Any], file: SourceFile, target: str, *, resumed: bool) -> None:
    if resumed:
        out.say(f"Continuing the interrupted promotion of {file.client_id} {file.version} into {target}.")
        return
    show_decision(decision)
    try:
        earlier = read_client_file(file.client_id, target).config(file.client_id)
    except VectoraError:
        # The target has no such file, or an invalid one.
        return
    later = read_file(ClientConfig, client_key(file.client_id), file.body)
    show_changes(changes_between(earlier, later))


def _promote(target: Target, source: str, client: str) -> dict[str, Any]:
    env = target.names.env
    err.say(f"Taking a snapshot of {env}, publishing the file and running the newsletter: this takes minutes.")
    try:
        answer = run_in_function(
            target, "rollback", {"operation": "promote-client", "client_id": client, "source": source}
        )
    except KeyboardInterrupt:
        fail(
            f"Stopped following; the promotion continues. See its result with ./vectora release list --env {env}; "
            "if it has none after some minutes, run the same command again.",
            ExitCode.INTERRUPTED,
        )
    result: dict[str, Any] = answer["result"]
    return result
