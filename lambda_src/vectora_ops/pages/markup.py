"""HTML that is built from elements, so that every text in it is escaped."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass

from vectora_ops.plain_text import visible

# Elements without an end tag (HTML standard, "Void elements"), as far as pages use them.
VOID = frozenset(("br", "hr", "img", "input", "meta", "wbr"))
# An address on the web, a path below the page, or a place in it; anything else, such as javascript:, is no link.
_ADDRESS = re.compile(r"https?://[^\s\"'<>\\]+|#[\w-]+|(?![/.])[\w-][\w./-]*(#[\w-]+)?", re.ASCII)


@dataclass(frozen=True)
class Html:
    """Markup built by this module; a plain string is text, and is escaped where it becomes part of an element."""

    markup: str


Content = Html | str | None
Attribute = str | int | bool | None


def element(tag: str, *children: Content, **attributes: Attribute) -> Html:
    """Return an element; `class_` and `aria_label` are the attributes class and aria-label, None and False are none."""
    start = f"<{tag}{''.join(_attribute(name, value) for name, value in attributes.items())}>"
    return Html(start if tag in VOID else f"{start}{together(children).markup}</{tag}>")


def together(children: Iterable[Content]) -> Html:
    """Return contents one after the other."""
    return Html("".join(_markup(each) for each in children))


def separated(children: Iterable[Content], separator: str) -> Html:
    """Return contents with a text between each two of them; None is no content."""
    return Html(_escaped(separator).join(_markup(each) for each in children if each is not None))


def link(content: Content, address: str) -> Html:
    """Return a link, or the content alone when the address leads neither to the web nor to a place below the page."""
    if not _ADDRESS.fullmatch(address):
        return together((content,))
    return element("a", content, href=address, rel="noopener noreferrer")


def _attribute(name: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    shown = name.rstrip("_").replace("_", "-")
    return f" {shown}" if value is True else f' {shown}="{_escaped(str(value))}"'


def _markup(content: Content) -> str:
    if content is None:
        return ""
    return content.markup if isinstance(content, Html) else _escaped(content)


def _escaped(text: str) -> str:
    return html.escape(visible(text), quote=True)
