"""Command `./vectora review`."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from change_review.model import CATEGORIES, Category, Review
from cli.options import HtmlFile, Json, option, split_names
from cli.output import err, out, print_json
from cli.paths import ROOT
from vectora_shared.errors import VectoraError

# More than the sum of all bits, so that a script can distinguish an error from findings.
ERROR = 64
NO_CATEGORY = "none"
COST_LIMIT_USD = 5.0
DAY_FORMAT = "YYYY-MM-DD"
MarkdownFile = Annotated[
    Path | None, typer.Option("--markdown", help="File for the report as Markdown, for a pull request.")
]


def review(
    base: Annotated[
        str, option("--base", "A commit is possible too, and the kept files of a release (.zip).")
    ] = "main",
    markdown: MarkdownFile = None,
    html: HtmlFile = None,
    json: Json = False,
    fail_on: Annotated[
        str,
        typer.Option(
            "--fail-on", help=f"Kinds of findings that set the exit status: {', '.join(CATEGORIES)}, or none."
        ),
    ] = ",".join(CATEGORIES),
    cost_limit: Annotated[
        float, typer.Option("--cost-limit", help="US dollars a month that a change may add without a finding.", min=0)
    ] = COST_LIMIT_USD,
    data: Annotated[Path | None, option("--data", "The preview of newsletters reads it too.")] = None,
    compare: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            "--compare", help="Two templates, or two folders of templates, instead of a base.", metavar="BEFORE AFTER"
        ),
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option("--allow", help="Id of a finding to accept; needs --reason. Can be given again.", metavar="ID"),
    ] = None,
    reason: Annotated[str, option("--reason", "Why the finding is accepted.")] = "",
    until: Annotated[
        str | None, option("--until", "The last day of the acceptance; default: 30 days.", metavar=DAY_FORMAT)
    ] = None,
) -> None:
    """Say what a change does, in words, before it is merged: data, permissions, gates and cost.

    Compares the golden templates, settings, client files and policies of the working tree with those of the commit that
    it shares with the base. Works offline, and runs no code of the base.

    Exits with the sum of 1 if data is at risk or something is replaced, 2 if permissions are broader, 4 if gates or
    settings are looser, and 8 if the cost is above a limit. Accepted findings do not count. Exits with 64 if there is
    no review.
    """
    try:
        categories = _categories(fail_on)
        result = _review(base, compare, cost_limit, data)
        if allow:
            _accept(result, allow, reason, until)
            return
        if markdown:
            _write_markdown(markdown, result)
        if html:
            _write_page(html, result, has_checkout=compare is None)
    except VectoraError as error:
        err.print(str(error), style="red")
        raise typer.Exit(ERROR) from error
    if json:
        print_json(result)
    else:
        _show(result)
    raise typer.Exit(result.bits(categories))


def _categories(text: str) -> tuple[Category, ...]:
    names = split_names(text) or []
    unknown = [name for name in names if name not in (*CATEGORIES, NO_CATEGORY)]
    if unknown or not names:
        raise VectoraError(f"--fail-on is '{text}': give one or more of {', '.join(CATEGORIES)}, or {NO_CATEGORY}.")
    return tuple(each for each in CATEGORIES if each in names)


def _review(base: str, compare: tuple[Path, Path] | None, cost_limit: float, data: Path | None) -> Review:
    # Imported here because the help of the command does not need them.
    from change_review.release_files import read_release_files
    from change_review.review import Limits, review_checkout, review_since_release, review_templates

    limits = Limits(today=datetime.now(UTC).date(), cost_limit_usd=cost_limit, data=data)
    if compare:
        before, after = map(_templates, compare)
        return review_templates(before, after, limits)
    if base.endswith(".zip"):
        return review_since_release(ROOT, read_release_files(base, _read(Path(base))), limits)
    return review_checkout(ROOT, base, limits)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise VectoraError(f"{path} cannot be read ({error.strerror}): give another base (--base).") from error


def _templates(path: Path) -> dict[str, bytes]:
    """Return the templates in a folder by their path in it, or a single one."""
    try:
        if not path.is_dir():
            return {"template.yaml": path.read_bytes()}
        files = sorted(each for pattern in ("*.yaml", "*.yml", "*.json") for each in path.rglob(pattern))
        return {each.relative_to(path).with_suffix(".yaml").as_posix(): each.read_bytes() for each in files}
    except OSError as error:
        raise VectoraError(f"{path} cannot be read ({error.strerror}): give a template or a folder.") from error


def _write_markdown(path: Path, result: Review) -> None:
    from change_review.markdown import markdown_of

    _write(path, markdown_of(result), "--markdown")


def _write_page(path: Path, result: Review, *, has_checkout: bool) -> None:
    from change_review.page import page_of
    from change_review.review import architecture_after

    architecture = architecture_after(ROOT, result) if has_checkout else None
    _write(path, page_of(result, datetime.now(UTC), architecture), "--html")


def _write(path: Path, text: str, option: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise VectoraError(f"{path} cannot be written ({error.strerror}): give another file ({option}).") from error


def _accept(result: Review, ids: list[str], reason: str, until: str | None) -> None:
    """Record findings of this review as accepted; the id of a line with several findings means each of them."""
    from change_review.accepted import FILE, new_acceptance, read_accepted, write_accepted
    from change_review.groups import groups_of
    from change_review.sides import Repository

    groups = {each.id: each.findings for each in groups_of(result.findings)}
    found = {each.id: (each,) for each in result.findings} | groups
    if unknown := [each for each in ids if each not in found]:
        raise VectoraError(f"The review has no finding {', '.join(unknown)}: give an id that it shows.")
    accepted = {each.id: each for key in ids for each in found[key]}
    by, today = Repository(ROOT).author(), datetime.now(UTC).date()
    new = [new_acceptance(each, reason=reason, by=by, today=today, until=_day(until)) for each in accepted]
    path = ROOT / FILE
    known = read_accepted(path.read_bytes() if path.exists() else None)
    write_accepted(ROOT, (*known, *new))
    for each in new:
        out.say(f"Accepted until {each.until}: {accepted[each.id].text}")
    out.say(f"Commit {FILE} with the change.")


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise VectoraError(f"--until is '{text}': write it as {DAY_FORMAT}, such as 2026-12-31.") from error


def _show(result: Review) -> None:
    from change_review.brief import lines_of

    for line in lines_of(result, out.width if out.is_terminal else None):
        out.say(line.text, style=line.style)
