"""Command `./vectora doctor`, and its checks of an account."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Annotated

import typer

from cli.doctor.finding import Finding, Verdict
from cli.exit_codes import ExitCode
from cli.options import Json, option
from cli.output import out, print_json, report_errors
from cli.paths import ROOT
from cli.progress import progress_display
from terminal.console import new_table, styled
from vectora_core.text.words import visible_text
from vectora_ops.names import environment_name
from vectora_ops.settings import load_settings

COLORS: dict[Verdict, str] = {"pass": "green", "fail": "red", "unknown": "yellow"}
WIDTH = 80


@report_errors
def doctor(
    env: Annotated[str | None, option("--env", "Default: all, and the pipeline.")] = None,
    json: Json = False,
) -> None:
    """Check whether the accounts are ready for a deployment, and show what to do. Changes nothing.

    Each check passes, fails or is unknown. An unknown result, such as that of a quota you may not read, is no failure.
    """
    # Imported here because it takes a while, and no other command needs it.
    from cli.doctor.examination import examine

    chosen = environment_name(env) if env else None
    with progress_display() as display:
        display.step("checking the tools and the accounts")
        findings = examine(ROOT, load_settings(ROOT), chosen)
    counts = Counter(finding.verdict for finding in findings)
    if json:
        print_json(
            {
                "env": env,
                "counts": {verdict: counts[verdict] for verdict in COLORS},
                "findings": [asdict(finding) for finding in findings],
            }
        )
    else:
        _show(findings)
        out.say(", ".join(f"{counts[verdict]} {verdict}" for verdict in COLORS) + ".")
    if counts["fail"]:
        raise typer.Exit(ExitCode.NO)


def _show(findings: tuple[Finding, ...]) -> None:
    table = new_table()
    table.width = WIDTH
    table.add_column("", width=7)
    table.add_column("check", width=21, overflow="fold")
    table.add_column("result and advice", overflow="fold", ratio=1)
    where = ""
    for finding in findings:
        color = COLORS[finding.verdict]
        if finding.where != where:
            where = finding.where
            table.add_row("", "", styled(where, "bold"))
        table.add_row(styled(finding.verdict, color), finding.check, visible_text(finding.found))
        if finding.advice:
            table.add_row("", "", f"→ {visible_text(finding.advice)}")
    # The console does not wrap lines, so that addresses can be copied; this table fits a terminal.
    out.print(table, soft_wrap=False)
