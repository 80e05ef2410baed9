"""Headlines on a news page, as distinct from labels such as "Read more"."""

from __future__ import annotations

import re

from vectora_core.text.dates import is_only_a_date
from vectora_core.text.unspaced_words import split_off_unspaced

_FILE_NAME = re.compile(r"^\S+\.(?:pdf|docx?|pptx?|xlsx?|zip|ics|html?)$", re.IGNORECASE)
_FUNCTION_WORDS = """
read learn find out see view show load discover continue open get click tap go visit watch listen download print share
save more less all full the this here now on to reading press release releases article articles story stories post
posts news detail details about report document documents pdf page website site entry it attachment attachments file
presentation english swedish korean french german finnish version in as and or us contact home back next previous prev
older newer first last login register subscribe newsletter archive info information link external webcast kb mb html
docx xls event events media investors careers search menu close latest regulatory pressrelease pressreleases company
corporate investor relations financial category läs mer lue lisää mehr erfahren weiterlesen lesen lire la suite en
savoir plus ladda ner pressmeddelande pressmeddelanden nyheter télécharger
"""
_GENERIC_WORDS = frozenset(_FUNCTION_WORDS.split())


def is_generic(text: str) -> bool:
    """Return whether a text is a label of the page, such as "Read more" or "Download attachment (PDF, 120 KB)"."""
    if _FILE_NAME.match(text.strip()):
        return True
    spaced, unspaced = split_off_unspaced(text.lower())
    if unspaced:
        return False
    words = re.findall(r"[^\W\d_]+", spaced)
    return len(words) <= 8 and all(word in _GENERIC_WORDS or len(word) == 1 for word in words)


def is_headline(text: str) -> bool:
    """Return whether a text is long enough to be a title by itself."""
    if is_generic(text) or is_only_a_date(text):
        return False
    spaced, unspaced = split_off_unspaced(text)
    words = re.findall(r"[^\W\d_]{2,}", spaced)
    is_long = len(words) >= 3 and sum(map(len, words)) >= 10
    return is_long or (unspaced > 0 and len(words) + unspaced >= 4)
