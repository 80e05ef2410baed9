"""A review as Markdown for a pull request: verdict and counts first, the rest folded."""

from __future__ import annotations

from collections.abc import Iterator

from change_review.model import Review
from change_review.sections import Section, sections_of, summary_of
from change_review.short_words import cut
from vectora_ops.plain_text import in_markdown

# GitHub refuses a comment of more than 65,536 characters (GraphQL API, IssueComment).
MOST_CHARACTERS = 60_000
FOLDED_FROM = 1
MOST_IN_CELL = 500


def markdown_of(review: Review) -> str:
    """Return the report; every text of the change is escaped, so that it is shown and never rendered."""
    parts = ["\n".join(_head(review))]
    for number, section in enumerate(sections_of(review)):
        text = "\n".join(_section(section, is_open=number < FOLDED_FROM))
        if sum(map(len, parts)) + len(text) > MOST_CHARACTERS:
            parts.append(f"{section.title}: too long for a comment. Run `./vectora review` for it.\n")
        else:
            parts.append(text)
    return "\n".join(parts)


def _head(review: Review) -> Iterator[str]:
    yield f"## {in_markdown(review.verdict)}"
    yield ""
    yield f"{in_markdown(summary_of(review))}."
    yield ""
    yield f"Compared: {in_markdown(review.base.name)} with {in_markdown(review.head.name)}."
    yield ""
    for note in review.notes:
        yield f"- {in_markdown(note)}"
    if review.notes:
        yield ""


def _section(section: Section, *, is_open: bool) -> Iterator[str]:
    # The title is this program's own text.
    yield f"<details{' open' if is_open else ''}><summary>{section.title} ({len(section.rows)})</summary>"
    yield ""
    yield f"| {' | '.join(section.columns)} |"
    yield f"|{' --- |' * len(section.columns)}"
    for row in section.rows:
        yield f"| {' | '.join(in_markdown(cut(cell, MOST_IN_CELL)) for cell in row)} |"
    yield ""
    yield "</details>"
    yield ""
