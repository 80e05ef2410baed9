"""Command `./vectora snapshot list`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer

from cli.options import AnyEnv, Json
from cli.output import aws_errors, failed_call, out, print_json, print_lines, report_errors
from cli.parallel import read_each
from cli.snapshot.tables import counted_in_files, snapshot_table
from cli.target import open_target
from cli.vault_copy import state_of_copy
from recovery.vault_copy import CopyState
from terminal.console import styled
from vectora_ops.names import environment_name
from vectora_ops.settings import ENVIRONMENT_NAMES
from vectora_ops.snapshots.catalog import SnapshotSummary, as_markdown, list_snapshots, sentence_on_future
from vectora_ops.snapshots.vault import Vault
from vectora_shared.errors import VectoraError


@dataclass(frozen=True, kw_only=True)
class _Listed:
    """Snapshots of an environment, newest first, or the problem why they were not read."""

    env: str
    snapshots: tuple[SnapshotSummary, ...] = ()
    copy: CopyState | None = None
    problem: str | None = None

    def as_json(self) -> dict[str, Any]:
        if self.problem:
            return {"env": self.env, "problem": self.problem}
        copy = {"copy": self.copy.as_json()} if self.copy else {}
        return {"env": self.env, "snapshots": [counted_in_files(asdict(each)) for each in self.snapshots], **copy}


@report_errors
def list_command(
    env: AnyEnv = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print a Markdown page for docs/snapshots/, of one environment.")
    ] = False,
    json: Json = False,
) -> None:
    """List snapshots, newest first, including incomplete and damaged ones."""
    if markdown and env is None:
        raise VectoraError("A Markdown page is of one environment: give --env.")
    envs = [environment_name(env)] if env else list(ENVIRONMENT_NAMES)
    read = read_each(envs, lambda each: _read(each, with_copy=not markdown))
    problems = [each.problem for each in read if each.problem]
    if len(problems) == len(read):
        raise VectoraError("\n".join(dict.fromkeys(problems)))
    if json:
        print_json(read[0].as_json() if env else {"environments": [each.as_json() for each in read]})
    elif markdown:
        print_lines(as_markdown(read[0].env, read[0].snapshots))
    else:
        for each in read:
            if env is None:
                out.print(styled(each.env, "bold"))
            _show(each)


def _read(env: str, *, with_copy: bool) -> _Listed:
    try:
        target = open_target(env)
        newest_first = tuple(reversed(list_snapshots(Vault(target.account, target.names))))
        copy = state_of_copy(target) if with_copy else None
    except VectoraError as error:
        return _Listed(env=env, problem=str(error))
    except aws_errors() as error:
        return _Listed(env=env, problem=failed_call(error))
    return _Listed(env=env, snapshots=newest_first, copy=copy)


def _show(listed: _Listed) -> None:
    env = listed.env
    if listed.problem:
        out.say(f"{env} cannot be read: {listed.problem}", style="yellow")
        return
    if not listed.snapshots:
        out.say(f"There is no snapshot of {env} yet. Take one: ./vectora snapshot create --env {env} --name first")
    else:
        out.print(snapshot_table(listed.snapshots))
        if future := [each.name for each in listed.snapshots if each.from_future]:
            out.say(sentence_on_future(env, future))
    if listed.copy:
        out.say(listed.copy.sentence)
