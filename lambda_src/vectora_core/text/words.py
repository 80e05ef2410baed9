"""Words, sentences and names in texts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from vectora_shared.config.values import spelling_key

LEAD_CHARACTERS = 320
_SIGNS = re.compile("[®™©℠\u00ad\u200b-\u200f\u2060\ufeff]")
_DASHES = re.compile("[\u2010-\u2015\u2212]")
_QUOTES = str.maketrans("\u2018\u2019\u201a\u02bc\u00b4`\u201c\u201d\u201e", "''''''\"\"\"")
# What nobody sees but programs obey: controls, orders to write from right to left, and the tag characters and variation
# selectors in which whole texts can be hidden from a reader, but not from a model. Halves of characters are none.
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb"
    "\ufffe\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9\"'])")


def shown(text: str) -> str:
    """The text as a reader sees it: without controls, orders of direction and hidden characters; blanks are kept."""
    return _UNSEEN.sub("", text)


def fold(text: str) -> str:
    """The text without accents, trade mark signs and typographic variants; upper and lower case are kept."""
    plain = _DASHES.sub("-", _SIGNS.sub("", text)).translate(_QUOTES)
    decomposed = unicodedata.normalize("NFKD", plain)
    return " ".join("".join(char for char in decomposed if not unicodedata.combining(char)).split())


def sentences(text: str) -> list[str]:
    return [sentence for sentence in _SENTENCE_END.split(text) if sentence]


@dataclass(frozen=True)
class Parts:
    """An item's folded text: where in it something is said tells how much it matters."""

    title: str
    lead: str  # the first sentences
    body: str  # the rest

    @property
    def opening(self) -> str:
        return f"{self.title}. {self.lead}"

    @property
    def everything(self) -> str:
        return f"{self.title}. {self.lead} {self.body}"


def parts_of(title: str, content: str) -> Parts:
    folded_title = fold(title)
    text = fold(content)
    # Feeds and pages like to begin the text with the title once more.
    if folded_title and text.casefold().startswith(folded_title.casefold()):
        text = text[len(folded_title) :].lstrip(" .:-|")
    lead = ""
    for sentence in sentences(text):
        if lead and len(lead) + len(sentence) > LEAD_CHARACTERS:
            break
        lead = f"{lead} {sentence}".strip()
    return Parts(title=folded_title, lead=lead, body=text[len(lead) :].strip())


class Hit(NamedTuple):
    name: str  # in the spelling of the scope
    start: int


class Names:
    """Finds names as whole words, whatever their case, accents and hyphens; the longest name wins."""

    def __init__(
        self,
        names: Iterable[str],
        aliases: Mapping[str, tuple[str, ...]] | None = None,
        case_sensitive: Collection[str] = (),
        *,
        plural: bool = False,
    ) -> None:
        spellings = {spelling: name for name in names for spelling in (name, *((aliases or {}).get(name, ())))}
        self._plural = plural
        self._exact = {spelling: name for spelling, name in spellings.items() if spelling in case_sensitive}
        self._loose = {spelling: name for spelling, name in spellings.items() if spelling not in case_sensitive}
        self._exact_keys = {_exact_key(spelling): name for spelling, name in self._exact.items()}
        self._loose_keys = {spelling_key(fold(spelling)): name for spelling, name in self._loose.items()}
        self._exact_regex = _regex(self._exact, re.NOFLAG, plural=False)
        self._loose_regex = _regex(self._loose, re.IGNORECASE, plural=plural)

    def find(self, folded: str) -> list[Hit]:
        """In the order of the text; a name is given each time it occurs."""
        hits = [Hit(self._loose_name(match[0]), match.start()) for match in self._loose_regex.finditer(folded)]
        hits += [
            Hit(self._exact_keys[_exact_key(match[0])], match.start()) for match in self._exact_regex.finditer(folded)
        ]
        return sorted(hits, key=lambda hit: hit.start)

    def names_in(self, folded: str) -> tuple[str, ...]:
        """Each name once, in the order of the text."""
        return tuple(dict.fromkeys(hit.name for hit in self.find(folded)))

    def canonical(self, spelling: str) -> str | None:
        """The name that this spelling stands for, if it is one."""
        folded = fold(spelling)
        return self._exact_keys.get(_exact_key(folded)) or self._loose_keys.get(spelling_key(folded))

    def _loose_name(self, found: str) -> str:
        key = spelling_key(found)
        if self._plural and key not in self._loose_keys:
            key = key.removesuffix("s")
        return self._loose_keys[key]


def _exact_key(text: str) -> str:
    return re.sub(r"[\s-]+", "", text)


def _regex(spellings: Iterable[str], flags: re.RegexFlag, *, plural: bool) -> re.Pattern[str]:
    ordered = sorted((fold(spelling) for spelling in spellings), key=len, reverse=True)
    if not ordered:
        return re.compile(r"(?!)")
    terms = "|".join(r"[\s-]?".join(re.escape(word) for word in re.split(r"[\s-]+", term)) for term in ordered)
    return re.compile(rf"(?<![A-Za-z0-9])(?:{terms}){'s?' if plural else ''}(?![A-Za-z0-9])", flags)


def occurs(name: str, folded: str) -> bool:
    """Whether the name stands in the folded text, as whole words."""
    # A mere hyphen would be found between any two words.
    return bool(re.search(r"\w", name)) and bool(_regex([name], re.IGNORECASE, plural=False).search(folded))


MAX_TITLE_CHARACTERS = 500


def shortened(text: str, limit: int) -> str:
    """`text`, cut at a word boundary when it is longer than `limit`."""
    if len(text) <= limit:
        return text
    head, blank, _ = text[:limit].rpartition(" ")
    return (head if blank else text[: limit - 1]) + "…"
