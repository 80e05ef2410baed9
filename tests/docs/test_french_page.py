"""The French page for whoever edits the newsletter: it says what the English one says, with the same commands."""

from __future__ import annotations

import re

from tests.docs.documents import Found, commands, inline_code
from tests.repository import ROOT
from tools.plain_english import files_below

ENGLISH, FRENCH = "docs/runbooks/change-the-newsletter.md", "docs/fr/modifier-la-newsletter.md"
# Its columns are words of the commands and their French.
GLOSSARY = "Petit lexique"


def without_texts(found: Found) -> str:
    """Return a command without its texts in quotes, which are in the language of the page."""
    return re.sub(r'"[^"]*"', '""', found.text)


def commands_of(page: str) -> list[str]:
    return [without_texts(each) for each in commands() if each.path == page]


def shape(page: str) -> list[str]:
    """Return the headings, steps, rows and blocks of a page, by their marks."""
    text = (ROOT / page).read_text(encoding="utf-8").partition(f"## {GLOSSARY}")[0]
    return re.findall(r"^(#+|\d+\.|\||```\w*| +```\w*)", text, re.M)


def test_the_french_page_has_the_commands_of_the_english_one_in_their_order() -> None:
    assert len(commands_of(ENGLISH)) > 10
    assert commands_of(FRENCH) == commands_of(ENGLISH)


def test_the_french_page_has_the_sections_steps_and_rows_of_the_english_one() -> None:
    assert shape(FRENCH) == shape(ENGLISH)


def test_the_french_page_names_every_key_and_option_of_the_english_one() -> None:
    codes = {page: {without_texts(each) for each in inline_code() if each.path == page} for page in (ENGLISH, FRENCH)}
    assert codes[ENGLISH] - codes[FRENCH] == set()


def test_the_french_page_says_where_the_english_one_is_and_is_no_english() -> None:
    assert "../runbooks/change-the-newsletter.md" in (ROOT / FRENCH).read_text(encoding="utf-8")
    assert [path for path in files_below([ROOT / "docs"]) if "fr" in path.parts] == []
