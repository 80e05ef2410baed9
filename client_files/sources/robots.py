"""Rules of a site's robots.txt for an address (RFC 9309): shown before a source is added, and never enforced."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, urljoin, urlsplit

from vectora_core.ingest.collector import PageReader
from vectora_core.text.words import one_line
from vectora_shared.errors import VectoraError

# The name by which rules address this program: the product of its User-Agent (2.2.1).
AGENT = "vectora-inbox"
_ANSWERED = re.compile(r"The site answered (\d{3})")
# 2.5: at least 500 kibibytes are parsed.
_MOST_CHARACTERS = 512_000
_ENCODED = re.compile(r"%([0-9a-fA-F]{2})")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")


@dataclass(frozen=True)
class Robots:
    """Rules for this program; `is_allowed` is None when they are not known."""

    is_allowed: bool | None
    crawl_delay: float | None
    said: str


@dataclass
class _Group:
    """Rules for the programs that a group names."""

    agents: set[str] = field(default_factory=set)
    rules: list[tuple[str, bool]] = field(default_factory=list)
    delay: float | None = None


def read_robots(url: str, fetcher: PageReader) -> Robots:
    """Return what the robots.txt of the address's site says about it."""
    try:
        page = fetcher.fetch(urljoin(url, "/robots.txt"))
    except VectoraError as error:
        status = _ANSWERED.search(str(error))
        if status and status[1].startswith("4") and status[1] != "429":
            # 2.3.1.3: a site without robots.txt restricts nothing.
            return Robots(True, None, "The site has no robots.txt: it restricts nothing.")
        return Robots(None, None, f"robots.txt could not be read. {one_line(str(error))}")
    text = page.body.decode("utf-8", "replace").lstrip("\ufeff")[:_MOST_CHARACTERS]
    if text.lstrip().startswith("<"):
        return Robots(True, None, "The site has no robots.txt, but a page at its address: it restricts nothing.")
    return judge(text, url)


def judge(text: str, url: str) -> Robots:
    """Return what the rules in a robots.txt say about an address."""
    groups = list(_groups(text))
    own = [group for group in groups if AGENT in group.agents] or [group for group in groups if "*" in group.agents]
    is_allowed = _allows([rule for group in own for rule in group.rules], _path(url))
    delay = next((group.delay for group in own if group.delay is not None), None)
    said = "robots.txt allows the address." if is_allowed else "robots.txt disallows the address: ask the site's owner."
    if delay is not None:
        said += f" Crawl-delay is {delay:g} s between requests; a run makes one or two to a source."
    return Robots(is_allowed, delay, said)


def _groups(text: str) -> Iterator[_Group]:
    """Yield the groups: lines that name programs, then their rules; empty lines and other lines end none."""
    group, has_rules = _Group(), False
    for line in text.splitlines():
        name, _, value = line.partition("#")[0].partition(":")
        key, value = name.strip().lower(), value.strip()
        if key == "user-agent":
            if has_rules:
                yield group
                group, has_rules = _Group(), False
            group.agents.add("*" if value == "*" else re.sub(r"[^a-z_-].*", "", value.lower()))
        elif key in ("allow", "disallow"):
            has_rules = True
            if value:
                group.rules.append((_normalized(value), key == "allow"))
        elif key == "crawl-delay" and re.fullmatch(r"\d{1,6}(\.\d{1,6})?", value):
            has_rules, group.delay = True, float(value)
    yield group


def _allows(rules: list[tuple[str, bool]], path: str) -> bool:
    """Return whether the longest rule that matches the path allows it; of two as long, the one that allows (2.2.2)."""
    matching = [(len(pattern), allows) for pattern, allows in rules if _matches(pattern, path)]
    return max(matching, default=(0, True))[1]


def _matches(pattern: str, path: str) -> bool:
    """Return whether a pattern matches the start of a path; * is any text and a last $ the end (2.2.3)."""
    is_whole = pattern.endswith("$")
    first, *others = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    position = len(first)
    for number, part in enumerate(others, start=1):
        if is_whole and number == len(others):
            return path.endswith(part) and len(path) - len(part) >= position
        found = path.find(part, position)
        if found < 0:
            return False
        position = found + len(part)
    return position == len(path) if is_whole else True


def _path(url: str) -> str:
    parts = urlsplit(url)
    return _normalized(f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}")


def _normalized(path: str) -> str:
    """Return a path or pattern in one spelling of its percent encoding."""

    def spelled(found: re.Match[str]) -> str:
        char = chr(int(found[1], 16))
        return char if _UNRESERVED.fullmatch(char) else found[0].upper()

    return quote(_ENCODED.sub(spelled, path), safe="%/:=&?~#+!$,;'@()*[]")
