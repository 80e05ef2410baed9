"""Text of unknown origin made safe to show: control characters are visible, and Markdown sees no markup."""

from __future__ import annotations

import re

# C0 but newline and tab, DEL and C1 (a terminal obeys U+009B as it does ESC [), line and paragraph separators, marks
# and overrides of direction (UAX #9), invisible and zero-width characters (Default_Ignorable_Code_Point but the
# variation selectors of emoji), halves of characters.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ud800-\udfff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)
_MARKUP = re.compile(r"[\\`*\[\]<>|~&!#$]|(?<![^\W_])_|_(?![^\W_])")
_AUTOLINK = re.compile(r"(https?|ftp|www|mailto|xmpp)(?=[:.])|@", re.IGNORECASE)
_CODE = re.compile(r"[\w.:/-]+", re.ASCII)


def visible(text: str) -> str:
    """The text with control, direction and zero-width characters written out, such as \\x1b; newlines and tabs stay."""
    return _UNSEEN.sub(lambda found: ascii(found[0])[1:-1], text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """The visible text in one line, so that a value cannot pass for a line of the command."""
    return visible(text).replace("\n", "\\n")


def in_markdown(text: str) -> str:
    """One line in which Markdown sees no markup, no table cell and no address to make a link of."""
    escaped = _MARKUP.sub(lambda found: f"\\{found[0]}", one_line(text))
    # A character reference is no part of an address, whatever a site makes links of.
    return _AUTOLINK.sub(lambda found: f"{found[0][:-1]}&#{ord(found[0][-1])};", escaped)


def as_code(text: str) -> str:
    """A name between Markdown's backticks, or escaped when it could leave them."""
    return f"`{text}`" if _CODE.fullmatch(text) else in_markdown(text)


def json_text(document: str) -> str:
    """A JSON document that says the same, in which characters that nobody sees are written as JSON's escapes."""
    return _UNSEEN.sub(_json_escape, document)


def _json_escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[index : index + 2].hex()}" for index in range(0, len(units), 2))
