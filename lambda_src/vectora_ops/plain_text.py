"""Untrusted text made safe to show: with visible control characters, and without markup in Markdown."""

from __future__ import annotations

import re

# C0 except newline and tab, DEL and C1 (terminals treat U+009B like ESC [), line and paragraph separators, direction
# marks and overrides (UAX #9), invisible and zero-width characters (Default_Ignorable_Code_Point except the variation
# selectors of emoji), and surrogates.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ud800-\udfff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)
_MARKUP = re.compile(r"[\\`*\[\]<>|~&!#$]|(?<![^\W_])_|_(?![^\W_])")
_AUTOLINK = re.compile(r"(https?|ftp|www|mailto|xmpp)(?=[:.])|@", re.IGNORECASE)
_CODE = re.compile(r"[\w.:/-]+", re.ASCII)


def visible(text: str) -> str:
    """Return the text with invisible characters escaped, such as \\x1b, except newline and tab."""
    return _INVISIBLE.sub(lambda found: ascii(found[0])[1:-1], text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """Return the visible text in one line, so that a value cannot look like a line of the command's output."""
    return visible(text).replace("\n", "\\n")


def in_markdown(text: str) -> str:
    """Return the text in one line, escaped so that Markdown sees no markup, table cell or link."""
    escaped = _MARKUP.sub(lambda found: f"\\{found[0]}", one_line(text))
    # A character reference ends an address, also on sites that turn plain addresses into links.
    return _AUTOLINK.sub(lambda found: f"{found[0][:-1]}&#{ord(found[0][-1])};", escaped)


def as_code(text: str) -> str:
    """Return a name as Markdown code, or escaped when it could end the code early."""
    return f"`{text}`" if _CODE.fullmatch(text) else in_markdown(text)


def json_text(document: str) -> str:
    """Return an equal JSON document with invisible characters as JSON escapes."""
    return _INVISIBLE.sub(_json_escape, document)


def _json_escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[index : index + 2].hex()}" for index in range(0, len(units), 2))
