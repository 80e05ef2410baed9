from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from vectora_ops.pages.markup import Html, element, link, separated, together

HOSTILE = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' onclick='x", "</p></main>&amp;&#60;")


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_stays_a_text_in_an_element_and_in_an_attribute(text: str) -> None:
    document = LexborHTMLParser(element("p", text, title=text).markup)
    [paragraph] = document.css("body *")
    assert (paragraph.text(), paragraph.attributes) == (text, {"title": text})


@given(st.text())
@settings(deadline=None)
def test_no_text_adds_an_element(text: str) -> None:
    document = LexborHTMLParser(element("p", element("b", text, title=text), text).markup)
    assert [node.tag for node in document.css("body *")] == ["p", "b"]


def test_invisible_characters_are_shown() -> None:
    assert element("b", "a\u202eb\x1b").markup == "<b>a\\u202eb\\x1b</b>"


def test_an_attribute_without_a_value_is_omitted_and_one_that_is_true_has_none() -> None:
    shown = element("input", class_="x", hidden=True, disabled=False, title=None, tabindex=-1, aria_label="y")
    assert shown.markup == '<input class="x" hidden tabindex="-1" aria-label="y">'


def test_contents_are_separated_by_a_text_that_is_escaped() -> None:
    assert separated(("a", None, Html("<b>c</b>")), " > ").markup == "a &gt; <b>c</b>"
    assert together((None, "&")).markup == "&amp;"


@pytest.mark.parametrize(
    "address",
    ["https://example.org/a?b=1&c=2", "http://example.org", "#alarms", "lai_weekly/2026/02/02/newsletter.html"],
)
def test_an_address_on_the_web_and_a_place_below_the_page_become_links(address: str) -> None:
    node = LexborHTMLParser(link("open", address).markup).css_first("a")
    assert node is not None
    assert node.attributes["href"] == address


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JAVASCRIPT:alert(1)",
        " javascript:alert(1)",
        "data:text/html,x",
        "//example.org",
        "/etc/passwd",
        "../secret",
        "file:///etc/passwd",
        'https://example.org/"onclick="x',
        "https://example.org/\nx",
        "",
    ],
)
def test_other_addresses_become_no_links(address: str) -> None:
    assert link("open", address).markup == "open"
