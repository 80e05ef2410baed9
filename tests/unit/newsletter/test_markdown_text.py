"""Markdown of untrusted text: no mark-up comes from it, and readers see no escapes that are not needed."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from vectora_core.newsletter.markdown_text import escaped, escaped_link_text

MARKDOWN = MarkdownIt("gfm-like", {"linkify": False})
SIGNS = st.text(alphabet="ab 1._*~`#[]()!<>&;:\\|-+=@/\"'\t", max_size=30)


@pytest.mark.parametrize(
    "text",
    [
        "Partnerships & Deals",
        "Deals & more (2026)",
        "Teva's R&D day: 12 * 4 = 48",
        "snake_case_name and C# at #1",
        "< 5 % of 1,000 > 3",
        "Deal worth $3 million | Reuters",
        "Phase 1/2, 10. Best of [Reuters]!",
        "TEV-'749 + 3-month depot ~ 90 days",
    ],
)
def test_ordinary_text_has_no_escapes(text: str) -> None:
    assert escaped(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- a list", "\\- a list"),
        ("*bold* and `code`", "\\*bold\\* and \\`code\\`"),
        ("_emphasis_", "\\_emphasis\\_"),
        ("<b>bold</b>", "\\<b>bold\\</b>"),
        ("&amp; &#60;", "\\&amp; \\&#60;"),
        ("[x](http://evil.example)", "[x\\](http\\://evil.example)"),
        ("# heading", "\\# heading"),
        ("~~gone~~", "\\~\\~gone\\~\\~"),
    ],
)
def test_mark_up_is_escaped(text: str, expected: str) -> None:
    assert escaped(text) == expected


def _visible(text: str) -> str:
    return " ".join(text.replace("\u200b", "").split())


@given(text=SIGNS)
@settings(deadline=None, max_examples=1500)
def test_any_paragraph_is_shown_as_the_text_that_it_is(text: str) -> None:
    line = " ".join(text.split())
    rendered = MARKDOWN.render(f"before\n\n{escaped(line)}\n\nafter")
    assert re.findall(r"<(?!/?p>)[^>]*>", rendered) == []
    shown = html.unescape(re.sub(r"</?p>", "\n", rendered))
    assert _visible(shown) == _visible(f"before {line} after")


@given(text=SIGNS)
@settings(deadline=None, max_examples=1500)
def test_any_headline_stays_the_text_of_its_link(text: str) -> None:
    line = " ".join(text.split()) or "x"
    tokens = MARKDOWN.parse(f"### [{escaped_link_text(line)}](https://example.org/a)")
    inline = tokens[1].children or []
    assert [token.type for token in inline if token.type not in ("text", "text_special")] == ["link_open", "link_close"]
    assert inline[0].attrs == {"href": "https://example.org/a"}
    assert _visible("".join(token.content for token in inline[1:-1])) == _visible(line)
