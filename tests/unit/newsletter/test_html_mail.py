"""The HTML as a mail: what Gmail and Outlook for Windows do not support is not used.

Sources: Gmail's "CSS support" (developers.google.com/workspace/gmail/design/css), caniemail.com, and Microsoft's "Word
HTML and CSS rendering capabilities in Outlook" (the Windows program renders with Word).
"""

from __future__ import annotations

import re

import pytest
from selectolax.lexbor import LexborHTMLParser

from tests.unit.newsletter.letters import issue, item
from vectora_core.newsletter.formats import as_html

PAGE = as_html(issue(*map(item, range(6)), draft=True))
PARSED = LexborHTMLParser(PAGE)
INLINE = [node.attributes["style"] or "" for node in PARSED.css("[style]")]
# Ignored by Word's engine, or removed by Gmail.
UNSUPPORTED = re.compile(
    r"\b(position|float|display\s*:\s*(?:flex|grid)|flex|grid|background-image|background\s*:|transform|animation|"
    r"box-shadow|opacity|calc\(|var\(|url\(|@import|max-height|object-fit)",
)


def test_gmail_does_not_clip_the_mail() -> None:
    assert len(PAGE.encode()) < 102 * 1024


def test_the_style_element_is_small_and_plain_enough_for_gmail() -> None:
    [style] = PARSED.css("style")
    css = style.text()
    assert len(css) < 16 * 1024
    assert UNSUPPORTED.search(css) is None
    assert re.findall(r"@\w+", css) == ["@media"]


@pytest.mark.parametrize("style", sorted(set(INLINE)))
def test_inline_styles_have_no_property_that_outlook_or_gmail_drops(style: str) -> None:
    assert UNSUPPORTED.search(style) is None


def test_every_text_has_its_style_inline() -> None:
    """Gmail's app for accounts of other providers removes the style element."""
    for node in PARSED.css("h1, h2, h3, p.text, p.quiet, a, td.text, td.quiet, span.label"):
        assert "color:" in (node.attributes.get("style") or ""), node.html


def test_the_layout_is_made_of_presentation_tables() -> None:
    tables = PARSED.css("table")
    assert tables
    for table in tables:
        assert (table.attributes["role"], table.attributes["cellpadding"], table.attributes["border"]) == (
            "presentation",
            "0",
            "0",
        )
        assert table.attributes["width"]
    assert PARSED.css("div, section, article, header, main") == []


def test_outlook_for_windows_gets_a_table_of_fixed_width() -> None:
    """It knows no max-width: without the table, lines are as wide as its window."""
    opened = PAGE.index('<!--[if mso]><table role="presentation" width="640"')
    assert opened < PAGE.index("max-width:640px") < PAGE.index("<!--[if mso]></td></tr></table><![endif]-->")
    assert PAGE.count("<!--[if mso]>") == PAGE.count("<![endif]-->")


def test_nothing_is_loaded_run_or_sent() -> None:
    assert (
        PARSED.css("script, link, img, iframe, object, embed, form, input, video, audio, svg, [src], [background]")
        == []
    )
    assert [name for node in PARSED.css("*") for name in node.attributes if name.startswith("on")] == []


def test_light_and_dark_colours_are_declared() -> None:
    meta = PARSED.css_first('meta[name="color-scheme"]')
    assert meta is not None
    assert meta.attributes["content"] == "light dark"
    classes = {name for node in PARSED.css("[class]") for name in (node.attributes["class"] or "").split()}
    css = PARSED.css("style")[0].text()
    assert {name for name in classes if f".{name} " not in css} == set()
