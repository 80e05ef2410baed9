"""What a site's robots.txt says about an address: shown before a source is added, and never enforced."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urljoin
from urllib.robotparser import RobotFileParser

from vectora_core.ingest.collector import PageReader
from vectora_core.text.words import one_line
from vectora_shared.errors import VectoraError

# The name by which rules address this program: the product of its User-Agent (RFC 9309, 2.2.1).
AGENT = "vectora-inbox"
_ANSWERED = re.compile(r"The site answered (\d{3})")
_PATTERN = re.compile(r"(?im)^\s*(?:dis)?allow\s*:[^#\n]*(?:\*|\$\s*$)")


@dataclass(frozen=True)
class Robots:
    """Rules for this program; `is_allowed` is None when they are not known."""

    is_allowed: bool | None
    crawl_delay: float | None
    said: str


def read_robots(url: str, fetcher: PageReader) -> Robots:
    """Return what the robots.txt of the address's site says about it."""
    try:
        page = fetcher.fetch(urljoin(url, "/robots.txt"))
    except VectoraError as error:
        status = _ANSWERED.search(str(error))
        if status and status[1].startswith("4") and status[1] != "429":
            # RFC 9309, 2.3.1.3: without a robots.txt, everything is allowed.
            return Robots(True, None, "The site has no robots.txt: it restricts nothing.")
        return Robots(None, None, f"robots.txt could not be read. {one_line(str(error))}")
    text = page.body.decode("utf-8", "replace").lstrip("\ufeff")
    if text.lstrip().startswith("<"):
        return Robots(True, None, "The site has no robots.txt, but a page at its address: it restricts nothing.")
    return _judged(text, url)


def _judged(text: str, url: str) -> Robots:
    rules = RobotFileParser()
    rules.parse(text.splitlines())
    is_allowed = rules.can_fetch(AGENT, url)
    delay = rules.crawl_delay(AGENT)
    seconds = float(delay) if delay is not None else None
    said = "robots.txt allows the address." if is_allowed else "robots.txt disallows the address: ask the site's owner."
    if seconds is not None:
        said += f" It asks for {seconds:g} s between requests; a run makes one or two to a source."
    if is_allowed and _PATTERN.search(text):
        # The standard library compares the start of paths only.
        said += " Some of its rules have patterns (* or $), which were not applied: read them."
    return Robots(is_allowed, seconds, said)
