"""Feeds that an HTML page links."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from vectora_core.ingest.html_text import parse_html
from vectora_core.text.addresses import resolved_link
from vectora_core.text.words import one_line

MAX_FEEDS = 10
# Types of feeds in links of pages; the last is JSON Feed's (https://www.jsonfeed.org/version/1.1/).
_TYPES = ("application/rss+xml", "application/atom+xml", "application/rdf+xml", "application/feed+json")
# Looked at only when a page has neither entries nor a link to a feed.
COMMON_PATHS = ("/feed/", "/rss.xml", "/atom.xml")


@dataclass(frozen=True)
class LinkedFeed:
    """A feed that a page links, with the title that the page gives it."""

    url: str
    title: str

    @property
    def is_of_comments(self) -> bool:
        return "comment" in f"{self.title} {urlsplit(self.url).path}".lower()


def linked_feeds(text: str, url: str) -> tuple[LinkedFeed, ...]:
    """Return the feeds that a page announces (HTML standard, 4.6.7.1), those of its comments last."""
    nodes = parse_html(text).nodes
    bases = (node.attributes["href"] for node in nodes if node.tag == "base" and "href" in node.attributes)
    # Also for the links before it (HTML standard, 2.4.1, "document base URL").
    base = resolved_link(url, next(bases, "")) or url
    found: dict[str, LinkedFeed] = {}
    for node in nodes:
        if node.tag not in ("link", "a") or "alternate" not in node.attributes.get("rel", "").lower().split():
            continue
        media_type = node.attributes.get("type", "").partition(";")[0].strip().lower()
        address = resolved_link(base, node.attributes.get("href", ""))
        if address and media_type in _TYPES:
            found.setdefault(address, LinkedFeed(address, one_line(node.attributes.get("title", ""))[:100]))
    return tuple(sorted(list(found.values())[:MAX_FEEDS], key=lambda feed: feed.is_of_comments))


def common_addresses(url: str) -> tuple[str, ...]:
    """Return the addresses at which sites often have a feed."""
    return tuple(urljoin(url, path) for path in COMMON_PATHS)
