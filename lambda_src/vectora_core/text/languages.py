"""Languages whose words for news are in the canonical files."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache

READ_LANGUAGES = frozenset({"en", "sv", "da", "no", "nb", "nn", "fr", "de", "fi"})


def unread_remark(language: str, titles: Iterable[str]) -> str | None:
    """Return a remark on the items of a source in languages that the lexicon does not read, or None."""
    read = [language in READ_LANGUAGES and _is_latin(title) for title in titles]
    if all(read):
        return None
    return (
        f"Language not read: {read.count(False)} of {len(read)} items have words that the lexicon does not know. "
        "It finds names in them only; the model reads them."
    )


def _is_latin(title: str) -> bool:
    letters = [character for character in title if character.isalpha()]
    latin = sum(character.isascii() or _is_latin_letter(character) for character in letters)
    return 2 * latin >= len(letters)


@lru_cache(maxsize=5_000)
def _is_latin_letter(character: str) -> bool:
    return unicodedata.name(character, "").startswith(("LATIN", "FULLWIDTH LATIN"))
