"""Pages for people: Markdown shows any name, version or detail as text."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from markdown_it import MarkdownIt

from tests.unit.cli.hostile import HOSTILE, OBEYED
from tests.unit.ops.test_snapshot_records import a_manifest
from vectora_ops.plain_text import as_code, in_markdown, one_line, visible
from vectora_ops.snapshots.catalog import SnapshotSummary, as_markdown
from vectora_ops.snapshots.manifest import Occasion, Release, readme

NOON = datetime(2026, 1, 30, 12, tzinfo=UTC)
TEXTS = (
    HOSTILE,
    "plain words, lai_weekly 7.0.0 (and more)",
    "| a | b |\n| --- | --- |",
    "[link](https://evil.example) ![image](x) <b>bold</b> &amp; <script>",
    "`code` **bold** __bold__ ~~gone~~ a_b_c _d_ $x$ \\ # heading",
    "https://evil.example www.evil.example someone@evil.example",
    "\u202eevil\u200b\x1b[31m",
)


def _texts_and_tags(page: str) -> tuple[str, set[str]]:
    """Return the visible text, and the kinds of markup in it."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(page)
    inline = [child for token in tokens for child in token.children or []]
    text = "".join(child.content for child in inline)
    return text, {child.type for child in inline} - {"text", "text_special", "softbreak"}


@pytest.mark.parametrize("text", TEXTS)
def test_an_escaped_text_reads_the_same_and_has_no_markup(text: str) -> None:
    read, kinds = _texts_and_tags(f"So it is: {in_markdown(text)}.")
    assert kinds <= {"text"}
    assert read == f"So it is: {one_line(text)}."
    assert not re.search(r"https?:|www\.|@", in_markdown(text))
    assert OBEYED.search(in_markdown(text)) is None


def test_usual_texts_are_not_escaped() -> None:
    for text in ("lai_weekly 7.0.0", "lai_v7_stable_20260130_120000", "ab" * 32, "eu-west-3", "1.2.3, digest abc"):
        assert in_markdown(text) == text
    assert as_code("lai_v7_stable_20260130_120000") == "`lai_v7_stable_20260130_120000`"


def test_a_name_cannot_end_its_markdown_code() -> None:
    _, kinds = _texts_and_tags(f"A {as_code('a`|[x](https://evil.example)`b')}.")
    assert kinds == set()


def test_control_characters_are_escaped_and_other_characters_stay() -> None:
    assert visible("Zürich\n\t東京 🙂\ufe0f") == "Zürich\n\t東京 🙂\ufe0f"
    assert visible("\x00\x1b\x7f\x85\x9b\u200b\u202e\u2066\ufeff\ud800\U000e0041") == (
        r"\x00\x1b\x7f\x85\x9b\u200b\u202e\u2066\ufeff\ud800\U000e0041"
    )
    assert visible("a\r\nb\rc") == "a\nb\\rc"
    assert one_line("a\r\nb") == "a\\nb"


def test_the_page_of_a_snapshot_shows_its_manifest_as_text() -> None:
    plain = a_manifest(occasion=Occasion(kind="deployment", detail="d"), release=Release(digest="d", version="1"))
    hostile = a_manifest(
        occasion=Occasion(kind="deployment", detail=HOSTILE),
        release=Release(digest=HOSTILE, version=HOSTILE),
        env=HOSTILE,
        project=HOSTILE,
        region=HOSTILE,
    )
    page = readme(hostile).decode("utf-8")
    assert OBEYED.search(page) is None
    assert len(page.splitlines()) == len(readme(plain).decode("utf-8").splitlines())
    assert _texts_and_tags(page)[1] <= {"text", "code_inline"}


def test_no_text_breaks_the_table_of_snapshots() -> None:
    listed = SnapshotSummary(
        name=HOSTILE,
        state="leftover",
        started_at=NOON,
        occasion=HOSTILE,
        release_version=HOSTILE,
        release_digest=None,
        entries=1,
        bytes=1,
        copied_bytes=1,
        pinned=False,
        locked_until=None,
    )
    page = as_markdown("dev", [listed])
    tokens = MarkdownIt("commonmark").enable("table").parse(page)
    assert sum(token.type == "td_open" for token in tokens) == 7
    assert sum(token.type == "tr_open" for token in tokens) == 2
    assert _texts_and_tags(page)[1] == set()
    assert OBEYED.search(page) is None
