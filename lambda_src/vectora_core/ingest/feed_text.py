"""Plain text of the text constructs of feeds, each by its type."""

from __future__ import annotations

import html
import re
from typing import Any

from vectora_core.ingest.html_names import HTML_NAMES
from vectora_core.ingest.html_text import MAX_FRAGMENT_CHARACTERS, plain_lines, plain_text
from vectora_core.text.words import visible_text

_XHTML = "application/xhtml+xml"
_CDATA = re.compile(r"<!\[CDATA\[(.*?)(?:\]\](?:>|&gt;)|\Z)", re.DOTALL)
_LESS_THAN = re.compile(r"<(/?)([A-Za-z][^\s<>/]*)")
_ENDED = re.compile(r"</([A-Za-z][^\s<>/]*)")
# A name with a prefix, or that of a custom element (HTML standard, "Valid custom element name").
_OTHER_NAME = re.compile(r"[\w.-]+:[\w.-]+|[a-z][a-z0-9]*-[a-z0-9._-]+")
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,9});")
# What follows the name of an element in a tag: its end, an attribute with a value, or the end of a cut text.
_REST_OF_TAG = re.compile(r"\s*/?>|\s+[^\s<>=/\"']+\s*=|\s+[\w-]*\Z")
_REST_WITHOUT_VALUES = re.compile(r"(?:\s+[\w-]+)*\s*/?>|[^<>]*\Z")
_VALUE = re.compile(r"\s+[\w:-]+\s*=\s*[\"']")
# Mark-up that a text has only if it is HTML: an end tag, an element that has none, a value, a reference or a comment.
_IS_HTML = re.compile(
    r"</[a-zA-Z][^<>]*>|<(?:br|hr|p|li|img|wbr|div)\b[^<>]*>|<[a-zA-Z][\w:-]*\s+[\w:-]+\s*=|<!--|<!\[CDATA\[|"
    + _REFERENCE.pattern
)


def construct_text(raw: dict[str, Any], key: str, *, is_atom: bool) -> str:
    """Return an entry's title or other text, of which feedparser keeps the type in `{key}_detail`."""
    value, detail = dict.get(raw, key), dict.get(raw, f"{key}_detail") or {}
    return text_of(value if isinstance(value, str) else "", str(dict.get(detail, "type") or ""), is_atom=is_atom)


def text_of(value: str, media_type: str, *, is_atom: bool) -> str:
    """Return a text with one line per block.

    Atom declares the type (RFC 4287, section 3.1): "text", its default, is text, even if it looks like HTML. RSS
    declares none. Its description is HTML (RSS 2.0) and its title, in practice, either: both are HTML if they look so.
    """
    value = value[:MAX_FRAGMENT_CHARACTERS]
    if media_type == _XHTML:
        return plain_text(_without_escaped_markup(value))
    if is_atom:
        return plain_text(_without_false_tags(value)) if media_type.endswith("html") else plain_lines(value)
    if not _IS_HTML.search(value):
        return plain_lines(value)
    return _without_references(plain_text(_without_false_tags(_CDATA.sub(r"\1", value))))


def _without_escaped_markup(value: str) -> str:
    """Return XHTML as it is, and HTML that is escaped although it is labelled as XHTML as HTML."""
    return html.unescape(value) if "<" not in value and "&lt;/" in value else value


def _without_false_tags(value: str) -> str:
    """Escape the less-than signs that begin no tag, as in "CD4<CD8": an HTML parser would drop the text after them."""
    ended: set[str] = set()

    def escaped(sign: re.Match[str]) -> str:
        closing, name = sign[1], sign[2].lower()
        if name in HTML_NAMES:
            return sign[0] if closing or _ends_as_tag(value, sign.end(), name) else f"&lt;{sign[0][1:]}"
        if not ended:
            # The empty name shows that they were looked for.
            ended.update(["", *(each.lower() for each in _ENDED.findall(value))])
        if closing or name in ended or _is_other_element(value, sign):
            return sign[0]
        return f"&lt;{sign[0][1:]}"

    return _LESS_THAN.sub(escaped, value)


def _ends_as_tag(value: str, position: int, name: str) -> bool:
    if _REST_OF_TAG.match(value, position):
        return True
    # "a<b and b>c" is no tag.
    return len(name) > 1 and bool(_REST_WITHOUT_VALUES.match(value, position))


def _is_other_element(value: str, sign: re.Match[str]) -> bool:
    """Return whether a name that HTML does not have is an element: a custom one, or one of another vocabulary."""
    name = sign[2]
    return bool(_OTHER_NAME.fullmatch(name) or _VALUE.match(value, sign.end()))


def _without_references(text: str) -> str:
    """Replace the references that remain in texts which were escaped once too often."""
    if "&" not in text:
        return text
    return visible_text(_REFERENCE.sub(lambda reference: html.unescape(reference[0]), text))
