"""Words and sentences of texts."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import filterfalse

from vectora_core.text.unspaced_words import split_off_unspaced

LEAD_CHARACTERS = 320
MAX_TITLE_CHARACTERS = 500
_SIGNS = re.compile("[®™©℠\u00ad\u200b-\u200f\u2060\ufeff]")
_DASHES = re.compile("[\u2010-\u2015\u2212]")
# Letters that Unicode does not decompose, in the spelling of those who cannot type them.
_LETTERS = str.maketrans(
    {"ø": "o", "Ø": "O", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ß": "ss", "ł": "l", "Ł": "L", "đ": "d", "ð": "d"}
)
_QUOTES = str.maketrans("\u2018\u2019\u201a\u02bc\u00b4`\u201c\u201d\u201e", "''''''\"\"\"")
# Invisible to readers, but not to programs: control characters, overrides of the writing direction, and the tag
# characters and variation selectors that can hide a whole text from a reader and show it to a model. Also unpaired
# surrogates, which are no characters.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb"
    "\ufffe\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9\"'])")
_WORD = re.compile(r"[^\W_]+(?:[-'\u2019.,/][^\W_]+)*")
# Characters that separate a title from the text that repeats it.
TITLE_SEPARATORS = " .:-|"


def visible_text(text: str) -> str:
    """Return the text without control characters and other characters that no reader sees; white space is kept."""
    return _INVISIBLE.sub("", text)


def collapse_spaces(text: str) -> str:
    """Return the text on one line, with single spaces between its words."""
    return " ".join(text.split())


def one_line(text: str) -> str:
    """Return the visible text on one line, with single spaces between its words."""
    return collapse_spaces(visible_text(text))


def shortened(text: str, limit: int) -> str:
    """Return the text, cut at a word boundary and ending in an ellipsis when it is longer than `limit`."""
    if len(text) <= limit:
        return text
    head, space, _ = text[:limit].rpartition(" ")
    return (head if space else text[: limit - 1]) + "…"


def fold(text: str) -> str:
    """Return the text without accents, trade mark signs and typographic variants; case is kept."""
    plain = _DASHES.sub("-", _SIGNS.sub("", text)).translate(_QUOTES)
    if not plain.isascii():
        plain = "".join(filterfalse(unicodedata.combining, unicodedata.normalize("NFKD", plain))).translate(_LETTERS)
    return collapse_spaces(plain)


def count_words(text: str) -> int:
    """Count the words, by their letters and digits; "long-acting" is one word and "-" is none.

    In scripts without spaces, such as Japanese and Thai, their number follows from that of the letters.
    """
    spaced, unspaced = split_off_unspaced(text)
    return len(_WORD.findall(spaced)) + unspaced


def count_space_separated(text: str) -> int:
    """Count the parts of the text between white space; "-" is one of them."""
    return len(text.split())


def sentences(text: str) -> list[str]:
    """Split the text at the ends of its sentences."""
    return [sentence for sentence in _SENTENCE_END.split(text) if sentence]


def leading_sentences(text: str, limit: int) -> str:
    """Return the first sentences, together at most about `limit` characters; the first one is never cut."""
    lead = ""
    for sentence in sentences(text):
        if lead and len(lead) + len(sentence) > limit:
            break
        lead = f"{lead} {sentence}".strip()
    return lead


@dataclass(frozen=True)
class ItemText:
    """Folded text of an item in three parts: a word counts more in the title than in the body."""

    title: str
    lead: str  # the first sentences
    body: str  # the rest

    @property
    def full_text(self) -> str:
        return f"{self.title}. {self.lead} {self.body}"


def item_text(title: str, content: str) -> ItemText:
    """Fold an item's title and content and split them into title, lead and body."""
    folded_title = fold(title)
    text = fold(content)
    # Many feeds and pages repeat the title at the beginning of the text.
    if folded_title and text.casefold().startswith(folded_title.casefold()):
        text = text[len(folded_title) :].lstrip(TITLE_SEPARATORS)
    lead = leading_sentences(text, LEAD_CHARACTERS)
    return ItemText(title=folded_title, lead=lead, body=text[len(lead) :].strip())
