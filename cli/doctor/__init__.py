"""`./vectora doctor`: what must be true of an account before the first deployment, checked."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Annotated

import typer

from cli.doctor.finding import Finding, Verdict
from cli.output import in_one_sentence, out, print_json
from cli.place import ROOT, Json
from terminal.console import new_table, styled
from vectora_core.text.words import visible_text
from vectora_ops.settings import ENVIRONMENT_NAMES, load_settings

COLORS: dict[Verdict, str] = {"pass": "green", "fail": "red", "unknown": "yellow"}
WIDTH = 80


@in_one_sentence
def doctor(
    env: Annotated[
        str | None,
        typer.Option(
            "--env", help=f"Environment: {', '.join(ENVIRONMENT_NAMES)}. All of them and the pipeline otherwise."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Check that an account is ready for a deployment: pass, fail or unknown, and what to do. Changes nothing.

    Exits with 1 when a check fails. What is unknown, such as a quota that you may not read, does not fail.
    """
    # Here, as it takes a while to import what other commands do without.
    from cli.doctor.examination import examine

    findings = examine(ROOT, load_settings(ROOT), env)
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
        raise typer.Exit(1)


def _show(findings: tuple[Finding, ...]) -> None:
    table = new_table()
    table.width = WIDTH
    table.add_column("", width=7)
    table.add_column("check", width=21, overflow="fold")
    table.add_column("found, and what to do", overflow="fold", ratio=1)
    for finding in findings:
        color = COLORS[finding.verdict]
        table.add_row(styled(finding.verdict, color), finding.check, visible_text(finding.found))
        if finding.advice:
            table.add_row("", "", f"→ {visible_text(finding.advice)}")
    # The console does not wrap by itself, so that addresses can be copied; this table fits a terminal.
    out.print(table, soft_wrap=False)
