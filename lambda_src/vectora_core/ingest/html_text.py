"""HTML as a flat list of nodes in document order, and the visible text of any part of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vectora_core.ingest.html_names import UNNESTED_NAMES
from vectora_core.text.words import collapse_spaces, visible_text
from vectora_shared.errors import VectoraError

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

# The parser's time grows with the square of the depth: a hostile page could block a run for hours.
MAX_DEPTH = 5000
MAX_NODES = 400_000
# It also grows with the square of a tag's attributes.
MAX_ATTRIBUTES = 2000
# An element's text is read again for each element around it: on a real page about three times, on a hostile one as
# many times as it is deep.
MAX_NODES_READ = 5_000_000
# Longer texts and fragments are cut.
MAX_LINE_CHARACTERS = 10_000
MAX_FRAGMENT_CHARACTERS = 500_000

TEXT = "-text"
INVISIBLE = frozenset(
    {"script", "style", "noscript", "template", "svg", "iframe", "object", "head", "select", "canvas"}
)
_BLOCK_NAMES = """
address article aside blockquote body br button caption dd details dialog div dl dt fieldset figcaption figure
footer form h1 h2 h3 h4 h5 h6 header hr html img label li main nav ol option p pre section summary table tbody td
tfoot th thead time tr ul video
"""
_STYLING_NAMES = "abbr b bdi cite code em font i kbd mark q s small strong sub sup u wbr"
_BLOCKS = frozenset(_BLOCK_NAMES.split())
STYLING = frozenset(_STYLING_NAMES.split())
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_WHOLE_TAG = re.compile(r"<[a-zA-Z](?:[^\"'>]++|\"[^\"]*+\"|'[^']*+')*+")
_QUOTED = re.compile(r"\"[^\"]*+\"|'[^']*+'")


@dataclass(slots=True)
class Node:
    """An element or a text; its subtree is the nodes from its own index up to `end`."""

    tag: str
    parent: int
    text: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    end: int = 0

    @property
    def names(self) -> str:
        """Class and id, in lower case."""
        return f"{self.attributes.get('class', '')} {self.attributes.get('id', '')}".lower()


@dataclass(slots=True)
class Document:
    """A parsed page; `index_of` maps ids of the parser's nodes, which CSS selectors find, to indices of `nodes`."""

    nodes: list[Node]
    index_of: dict[int, int]
    parser: LexborHTMLParser
    nodes_read: int = 0

    def subtree(self, index: int) -> range:
        return range(index, self.nodes[index].end)

    def ancestors(self, index: int) -> Iterator[int]:
        parent = self.nodes[index].parent
        while parent >= 0:
            yield parent
            parent = self.nodes[parent].parent

    def children(self, index: int) -> Iterator[int]:
        child = index + 1
        while child < self.nodes[index].end:
            yield child
            child = self.nodes[child].end

    def lines(self, index: int, without: frozenset[int] = frozenset()) -> list[str]:
        """Return the visible text of a subtree as lines, without the subtrees in `without`."""
        return self.lines_of_range(index, self.nodes[index].end, without)

    def lines_of_range(self, start: int, stop: int, without: frozenset[int] = frozenset()) -> list[str]:
        """Return the visible text of a range of nodes as lines; raise VectoraError when too much text was read."""
        self.nodes_read += stop - start
        if self.nodes_read > MAX_NODES_READ:
            raise VectoraError(
                "The page's elements are nested so deep that reading them would take hours: "
                "it is broken or hostile, and was not read."
            )
        pieces: list[str] = []
        open_elements: list[int] = []
        index = start
        while index < stop:
            while open_elements and self.nodes[open_elements[-1]].end <= index:
                _add_boundary(pieces, self.nodes[open_elements.pop()].tag)
            node = self.nodes[index]
            if node.tag == TEXT:
                _add_text(pieces, node.text)
            elif node.tag in INVISIBLE or index in without:
                _add_boundary(pieces, "div" if index in without else node.tag)
                index = node.end
                continue
            else:
                _add_boundary(pieces, node.tag)
                open_elements.append(index)
            index += 1
        text = "".join(piece for piece in pieces if piece != _SOFT)
        return [line for line in (collapse_spaces(line)[:MAX_LINE_CHARACTERS] for line in text.split(_BREAK)) if line]

    def text(self, index: int, without: frozenset[int] = frozenset()) -> str:
        """Return the visible text of a subtree on one line."""
        return " ".join(self.lines(index, without))


# Neither occurs in the text of pages: control characters become spaces when text is read.
_BREAK = "\x01"
_SOFT = "\x02"
_CONTROLS = re.compile(r"[\x00-\x1f]")


def _add_boundary(pieces: list[str], tag: str) -> None:
    if tag in _BLOCKS:
        pieces.append(_BREAK)
    elif tag not in STYLING:
        pieces.append(_SOFT)


def _add_text(pieces: list[str], text: str) -> None:
    text = visible_text(_CONTROLS.sub(" ", text[:MAX_LINE_CHARACTERS]))
    if not text:
        return
    # Style sheets often separate inline elements visually: without a space between them, two words would become one.
    if pieces and pieces[-1] == _SOFT:
        before = next((piece for piece in reversed(pieces) if piece != _SOFT), "")
        between_elements = len(pieces) > 1 and pieces[-2] == _SOFT
        if between_elements and before and not before[-1].isspace() and not text[0].isspace():
            pieces.append(_BREAK)
        elif before and _are_two_words(before[-1], text[0]):
            pieces.append(" ")
    pieces.append(text)


def _are_two_words(left: str, right: str) -> bool:
    if left.isspace() or right.isspace():
        return False
    return (left.islower() or left.isdigit() or left in ".!?)]®™|") and (
        right.isupper() or right.isdigit() or right == "|"
    )


def parse_html(text: str) -> Document:
    """Parse a page; raise VectoraError when it is deeper or larger than any real page."""
    from selectolax.lexbor import LexborHTMLParser

    if _depth(text) > MAX_DEPTH:
        raise VectoraError(f"The page nests more than {MAX_DEPTH} elements: it is broken or hostile, and was not read.")
    require_few_attributes(text)
    parser = LexborHTMLParser(text)
    nodes: list[Node] = []
    index_of: dict[int, int] = {}
    current: LexborNode | None = parser.root
    open_elements: list[int] = []
    while current is not None:
        if len(nodes) >= MAX_NODES:
            raise VectoraError(
                f"The page has more than {MAX_NODES} elements: it is broken or hostile, and was not read."
            )
        index_of[current.mem_id] = len(nodes)
        is_text = current.tag == TEXT
        parent = open_elements[-1] if open_elements else -1
        content = (current.text_content or "")[:MAX_LINE_CHARACTERS] if is_text else ""
        attributes = {} if is_text else {name: value or "" for name, value in current.attributes.items()}
        nodes.append(Node(current.tag or "", parent, content, attributes))
        following = current.child
        if following is not None:
            open_elements.append(len(nodes) - 1)
        else:
            nodes[-1].end = len(nodes)
            following = current.next
        while following is None and open_elements:
            nodes[open_elements.pop()].end = len(nodes)
            current = current.parent if current is not None else None
            following = current.next if current is not None and open_elements else None
        current = following
    if not nodes:
        nodes.append(Node("html", -1, end=1))
    return Document(nodes, index_of, parser)


def require_few_attributes(text: str) -> None:
    """Raise VectoraError when a tag of HTML or XML has more attributes than any real one."""
    for tag in _WHOLE_TAG.finditer(text):
        # A long tag usually has one long value, such as the data of a picture.
        if len(tag[0]) > MAX_ATTRIBUTES and len(_QUOTED.sub(" ", tag[0]).split()) > MAX_ATTRIBUTES:
            raise VectoraError(
                f"A tag has more than {MAX_ATTRIBUTES} attributes: the page is broken or hostile, and was not read."
            )


def _depth(text: str) -> int:
    deepest = depth = 0
    for match in _TAG.finditer(text):
        if match[2].lower() in UNNESTED_NAMES:
            continue
        depth = max(0, depth - 1) if match[1] else depth + 1
        deepest = max(deepest, depth)
    return deepest


def plain_text(html: str) -> str:
    """Return a fragment of HTML, such as a feed's description, as plain text with one line per block."""
    if "<" not in html and "&" not in html:
        return plain_lines(html)
    return "\n".join(parse_html(_without_surrogates(html[:MAX_FRAGMENT_CHARACTERS])).lines(0))


def plain_lines(text: str) -> str:
    """Return a text that is no HTML without what no reader sees, and without empty lines."""
    text = _without_surrogates(text[:MAX_FRAGMENT_CHARACTERS])
    lines = (visible_text(_CONTROLS.sub(" ", line[:MAX_LINE_CHARACTERS])) for line in text.splitlines())
    return "\n".join(filter(None, map(collapse_spaces, lines)))


def _without_surrogates(text: str) -> str:
    """Return the text without surrogates, which a feed may write as numbers and no parser accepts."""
    return text.encode("utf-8", "ignore").decode("utf-8")
