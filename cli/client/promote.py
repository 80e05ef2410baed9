"""`./vectora client promote`: a client's file goes on by itself, judged, after a snapshot, proven by a run."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from cli.client.diff import show_changes
from cli.client.places import client_text
from cli.output import confirmed, err, fail, in_one_sentence, out, print_json, typed
from cli.place import Json, Place, place
from cli.promote import show_decision
from vectora_ops.promotion.clients import SourceFile, is_unfinished
from vectora_ops.remote import run_remotely
from vectora_ops.settings import environment_before
from vectora_shared.config.changes import changes_between
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.section import read_section
from vectora_shared.config.yaml_file import parse_yaml
from vectora_shared.errors import VectoraError
from vectora_shared.keys import client_key

ASKED_BY_NAME = "prod"


@in_one_sentence
def promote(
    client: Annotated[str, typer.Option("--client", help="The client's id, such as lai_weekly.", show_default=False)],
    source: Annotated[
        str, typer.Option("--from", help="Environment that has the file: dev or stage.", show_default=False)
    ],
    target: Annotated[str, typer.Option("--to", help="The environment after it: stage or prod.", show_default=False)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only judge and show what would change.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; for automation.")] = False,
    json: Json = False,
) -> None:
    """Promote a client's file ahead of the release that brings it; a failed run takes everything back by itself."""
    there, here = place(source), place(target)
    if environment_before(target) != source:
        fail(
            f"Client files come into {target} from {environment_before(target) or 'a release only'}, not from {source}."
        )
    said = run_remotely(
        there.account, there.names, "promotion", {"operation": "judge-client", "client_id": client}, lambda count: None
    )
    file = SourceFile.model_validate(said["file"])
    resumed = is_unfinished(here.account, here.names, file)
    lets_through = said["decision"]["outcome"] == "pass" or resumed
    if not json:
        _show(said["decision"], file, target, resumed=resumed)
    if dry_run or not lets_through:
        if json:
            print_json({"decision": said["decision"], "result": None})
        raise typer.Exit(0 if lets_through else 1)
    if not yes:
        _ask(file, target)
    result = _promoted(here, source, client)
    if json:
        print_json({"decision": said["decision"], "result": result})
        return
    out.say(
        f"{target} has {client} {result['version']}: {result['outcome']}. What was there before is in snapshot "
        f"{result['snapshot']}.",
    )


def _show(decision: dict[str, Any], file: SourceFile, target: str, *, resumed: bool) -> None:
    if resumed:
        out.say(f"The promotion of {file.client_id} {file.version} into {target} was interrupted: it goes on.")
        return
    show_decision(decision)
    try:
        earlier = client_text(file.client_id, target).config(file.client_id)
    except VectoraError:
        # It is new there, or was broken by hand.
        return
    later = read_section(ClientConfig, parse_yaml(client_key(file.client_id), file.body))
    show_changes(changes_between(earlier, later))


def _ask(file: SourceFile, target: str) -> None:
    what = f"{file.client_id} {file.version} into {target}"
    if not sys.stdin.isatty():
        fail(f"Nobody is there to confirm the promotion of {what}: say --yes.")
    if target == ASKED_BY_NAME:
        if typed(f"Type the environment's name ({target}) to go on") != target:
            fail("That is not its name; nothing was changed.")
    elif not confirmed(f"Promote {what}?"):
        fail("Nothing was changed.")


def _promoted(here: Place, source: str, client: str) -> dict[str, Any]:
    err.say(f"Snapshot of {here.names.env}, publication and a run of the newsletter: some minutes ...")
    event = {"operation": "promote-client", "client_id": client, "source": source}
    try:
        said = run_remotely(
            here.account,
            here.names,
            "rollback",
            event,
            lambda count: err.say(f"  going on, invocation {count + 1} ..."),
        )
    except KeyboardInterrupt:
        fail(
            "You stopped watching; the promotion goes on. Its end shows in "
            f"./vectora release list --env {here.names.env}; if it does not come, promote again."
        )
    result: dict[str, Any] = said["result"]
    return result
