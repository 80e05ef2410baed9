"""Text of what needs a person, as `./vectora status` shows it."""

from __future__ import annotations

from collections.abc import Iterator

from cli.output import out
from vectora_ops.overview.model import Overview


def show_needs(overview: Overview) -> None:
    """Show each need with its command, urgent ones first, then what could not be read and may hide others."""
    for need in overview.needs:
        out.fold(f"{'Now' if need.is_urgent else 'Soon'}: {need.sentence}", "red" if need.is_urgent else "yellow")
        out.fold(need.command, indent="  ")
    for clause in unread_parts(overview):
        out.fold(f"Not known: {clause.rstrip('.')}.", "yellow")


def unread_parts(overview: Overview) -> Iterator[str]:
    """Yield a clause for each part that could not be read; an environment that could not is a need itself."""
    for env in overview.environments:
        yield from (f"{env.env}, {each}" for each in env.unknown)
    # Where nothing is deployed, no function judges a release.
    deployed = {each.env for each in overview.environments if each.is_deployed}
    for gates in overview.gates:
        if gates.problem and gates.source in deployed:
            yield f"gates into {gates.target}, {gates.problem}"
    if overview.pipeline.problem:
        yield f"the pipeline, {overview.pipeline.problem}"
