"""Words, sentences and names in texts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import filterfalse
from typing import NamedTuple

from vectora_core.text.terms import Terms, TermSearch, term_pattern
from vectora_core.text.unspaced_words import split_off_unspaced
from vectora_shared.config.values import spelling_key

LEAD_CHARACTERS = 320
MAX_TITLE_CHARACTERS = 500
_SIGNS = re.compile("[®™©℠\u00ad\u200b-\u200f\u2060\ufeff]")
_DASHES = re.compile("[\u2010-\u2015\u2212]")
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
        plain = "".join(filterfalse(unicodedata.combining, unicodedata.normalize("NFKD", plain)))
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


class NameMatch(NamedTuple):
    """One occurrence of a name in a text."""

    name: str  # in the spelling of the scope
    start: int


class NameFinder:
    """Finder of names as whole words, regardless of case, accents and hyphens; the longest name wins."""

    def __init__(
        self,
        names: Iterable[str],
        aliases: Mapping[str, tuple[str, ...]] | None = None,
        case_sensitive: Collection[str] = (),
        *,
        plural: bool = False,
    ) -> None:
        spellings = {spelling: name for name in names for spelling in (name, *((aliases or {}).get(name, ())))}
        exact = {fold(spelling): name for spelling, name in spellings.items() if spelling in case_sensitive}
        loose = {fold(spelling): name for spelling, name in spellings.items() if spelling not in case_sensitive}
        self._plural = plural
        self._exact_keys = {_exact_key(spelling): name for spelling, name in exact.items()}
        self._loose_keys = {_loose_key(spelling): name for spelling, name in loose.items()}
        self.terms = (
            Terms(tuple(loose), ignore_case=True, plural=plural),
            Terms(tuple(exact), ignore_case=False),
        )

    def find(self, folded: str) -> list[NameMatch]:
        """Return every occurrence of a name, in the order of the text."""
        return self._alone.find(folded)[self]

    def names_in(self, folded: str) -> tuple[str, ...]:
        """Return each name once, in the order of the text."""
        return distinct_names(self.find(folded))

    def canonical(self, spelling: str) -> str | None:
        """Return the name that this spelling stands for, or None."""
        folded = fold(spelling)
        return self._exact_keys.get(_exact_key(folded)) or self._loose_keys.get(_loose_key(folded))

    def named(self, loose: Sequence[re.Match[str]], exact: Sequence[re.Match[str]]) -> list[NameMatch]:
        """Return the names that the matches of both kinds of terms stand for, in the order of the text."""
        if not loose and not exact:
            return []
        found = [NameMatch(self._loose_name(match[0]), match.start()) for match in loose]
        found += [NameMatch(self._exact_keys[_exact_key(match[0])], match.start()) for match in exact]
        return sorted(found, key=lambda match: match.start)

    @cached_property
    def _alone(self) -> NameSearch:
        return NameSearch([self])

    def _loose_name(self, found: str) -> str:
        key = _loose_key(found)
        if self._plural and key not in self._loose_keys:
            key = key.removesuffix("s")
        return self._loose_keys[key]


class NameSearch:
    """Search for the names of several finders, with one pass over the text."""

    def __init__(self, finders: Sequence[NameFinder]) -> None:
        self._finders = finders
        self._search = TermSearch([terms for finder in finders for terms in finder.terms])

    def find(self, folded: str) -> dict[NameFinder, list[NameMatch]]:
        """Return what each finder finds by itself."""
        found = self._search.find(folded)
        return {
            finder: finder.named(loose, exact)
            for finder, loose, exact in zip(self._finders, found[::2], found[1::2], strict=True)
        }


def distinct_names(found: Iterable[NameMatch]) -> tuple[str, ...]:
    """Return each name once, in the order of the matches."""
    return tuple(dict.fromkeys(match.name for match in found))


def _exact_key(text: str) -> str:
    return re.sub(r"[\s-]+", "", text)


@lru_cache(maxsize=10_000)
def _loose_key(text: str) -> str:
    # For regular expressions that ignore case, the dotless letter of Turkish is an i; for `casefold`, it is not.
    return spelling_key(text).replace("\u0131", "i")


def occurs(name: str, folded: str) -> bool:
    """Return whether the name occurs in the folded text, as whole words."""
    # A name without letters or digits, such as "-", would be found between any two words.
    return bool(re.search(r"\w", name)) and bool(term_pattern([fold(name)], re.IGNORECASE, plural=False).search(folded))
