"""Command `./vectora logs`."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from cli.exit_codes import ExitCode
from cli.logs.lines import LogLine
from cli.logs.reading import LATEST, MOST_LINES, TASKS, FoundLines, find_run, lines_of_function, lines_of_run, task_of
from cli.options import Env, Json
from cli.output import err, fail, out, print_json, report_errors
from cli.target import Target, open_target
from vectora_ops.progress import utc_now
from vectora_ops.times import minute

DEFAULT_SINCE = "1h"
UNITS = {"m": "minutes", "h": "hours", "d": "days"}
# As long as an environment keeps logs at most (settings, log_retention_days).
LONGEST_DAYS = 3653
_SINCE = re.compile(r"(?P<number>[0-9]{1,6})(?P<unit>[mhd])")
# Lines of the platform say nothing about the work; --json has them.
LEFT_OUT = ("platform",)


@report_errors
def logs(
    env: Env,
    run: Annotated[
        str | None,
        typer.Option(
            "--run",
            help=f"Run whose functions' lines are shown: name or ARN of its execution, or {LATEST}.",
            show_default=False,
        ),
    ] = None,
    function: Annotated[
        str | None, typer.Option("--function", help=f"Function: {', '.join(TASKS)}.", show_default=False)
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            help=f"Time to look back, such as 30m, 2h or 3d. Default: {DEFAULT_SINCE}; a run's own time.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Show the log lines of one run, or of one function.

    The lines of a run are those of all its functions, in the order of their times. Metrics and reports are shortened;
    --json has each line as it was logged.
    """
    if bool(run) == bool(function):
        fail("Give either --run, for all functions of a run, or --function.", ExitCode.USAGE)
    if run and since:
        fail("A run has its own time: give --since with --function only.", ExitCode.USAGE)
    back = _duration(since or DEFAULT_SINCE)
    target = open_target(env)
    what, found = _of_run(target, run) if run else _of_function(target, str(function), back)
    if json:
        print_json({"env": env, **what, "is_cut": found.is_cut, "lines": [line.as_json() for line in found.lines]})
    else:
        _show(found)
    if not found.lines:
        fail(f"No log line was found for {what['subject']}. {_advice(run)}", ExitCode.NO)


def _duration(text: str) -> timedelta:
    found = _SINCE.fullmatch(text)
    duration = timedelta(**{UNITS[found["unit"]]: int(found["number"])}) if found else timedelta()
    if not timedelta() < duration <= timedelta(days=LONGEST_DAYS):
        fail(f"--since is '{text}': give a number of minutes, hours or days, such as 30m, 2h or 3d.", ExitCode.USAGE)
    return duration


def _of_run(target: Target, name: str) -> tuple[dict[str, Any], FoundLines]:
    run = find_run(target.account, target.names, name, utc_now())
    until = f" to {minute(run.ended)}" if run.ended else ", still running"
    err.say(f"Run {run.arn.rpartition(':')[2]}: {run.status}, {minute(run.started)}{until}.")
    what = {"subject": f"run {run.arn}", "run": run.arn, "status": run.status}
    return what, lines_of_run(target.account, target.names, run)


def _of_function(target: Target, name: str, back: timedelta) -> tuple[dict[str, Any], FoundLines]:
    task, until = task_of(name, target.names), utc_now()
    since: datetime = until - back
    subject = f"{target.names.function(task)} since {minute(since)}"
    what = {"subject": subject, "function": target.names.function(task), "since": since.isoformat(timespec="seconds")}
    return what, lines_of_function(target.account, target.names, task, since, until)


def _advice(run: str | None) -> str:
    if run:
        return "Its log may have expired (log_retention_days), or its first function never began."
    return "Give a longer --since, or ./vectora status to see which functions are deployed."


def _show(found: FoundLines) -> None:
    for line in found.lines:
        if line.kind not in LEFT_OUT:
            _show_line(line)
    if found.is_cut:
        err.say(f"There are more than {MOST_LINES:,} lines: give a shorter --since, or one --function.")


def _show_line(line: LogLine) -> None:
    first, *others = line.text.splitlines() or [""]
    out.say(f"{line.at:%Y-%m-%d %H:%M:%S}.{line.at.microsecond // 1000:03} {line.function}  {first}")
    for text in others:
        # Indented, so that no text of a message looks like a line of its own.
        out.say(f"    {text}")
