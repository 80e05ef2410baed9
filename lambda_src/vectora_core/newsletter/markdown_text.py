"""Text as Markdown: what would be mark-up is escaped, and nothing else."""

from __future__ import annotations

import re

# ASCII punctuation, before which a backslash is an escape (CommonMark 0.31, 2.4).
_PUNCTUATION = r"!-/:-@\[-`{-~"
_MARK_UP = rf"""
    \\(?=[{_PUNCTUATION}]|$)            # a backslash that would escape something
    | `                                   # code
    | \](?=[(\[:])                        # links and their definitions
    | (?<!\s)\*|\*(?!\s)                  # emphasis needs a neighbour that is no space
    | (?<![^\W_])_|_(?![^\W_])            # between letters it is no emphasis
    | <(?=[A-Za-z/!?])                    # HTML, addresses
    | &(?=\#\d|\#[xX]|[A-Za-z][A-Za-z0-9]*;)  # entities
    | ~(?=~)|(?<=~)~|~(?=\S[^~]*~)|(?<=\S)~   # strikethrough (GitHub)
"""
_IN_TEXT = re.compile(_MARK_UP, re.VERBOSE)
_IN_LINK = re.compile(rf"{_MARK_UP} | [\[\]]", re.VERBOSE)
# At the beginning of a line, these start headings, lists, rules, quotations and code.
_AT_START = re.compile(r"^(?:#{1,6}(?=\s|$)|[-+](?=\s|$)|[-=]+$|>|(?:- ?){3,}$|\|(?=.*\|))")
_NUMBER_AT_START = re.compile(r"^\d{1,9}(?=[.)](?:\s|$))")
# A trailing # would end a heading, and be removed from it.
_CLOSING = re.compile(r"(?<=\s)#+\s*$")


def escaped(text: str) -> str:
    """Return a line of text for a heading, a list or a paragraph; addresses in it do not become links."""
    return _escaped(text, _IN_TEXT)


def escaped_link_text(text: str) -> str:
    """Return a line of text for between the brackets of a link, which its own brackets do not end."""
    return _escaped(text, _IN_LINK)


def _escaped(text: str, mark_up: re.Pattern[str]) -> str:
    plain = mark_up.sub(lambda match: f"\\{match[0]}", text)
    plain = _AT_START.sub(lambda match: f"\\{match[0]}", plain)
    plain = _NUMBER_AT_START.sub(lambda match: f"{match[0]}\u200b", plain)
    plain = _CLOSING.sub(lambda match: f"\\{match[0]}", plain)
    # GitHub makes links of addresses, e-mail addresses and user names, also if the @ is escaped.
    plain = re.sub(r"(https?|ftp|mailto|xmpp):", r"\1\\:", plain, flags=re.IGNORECASE)
    plain = re.sub(r"\b(www)\.", r"\1\\.", plain, flags=re.IGNORECASE)
    return re.sub(r"@(?=\w)", "@\u200b", plain)
