"""Identity of web addresses: which spellings lead to the same article."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from vectora_core.text.tracked_links import untracked

# Fragments that name a part that every page has, or a place in the text, and so distinguish no entries.
# ":~:" starts a text fragment (WICG URL Fragment Text Directives), which is never part of the document's address.
_PLACE_ON_A_PAGE = re.compile(
    r"(?:|top|main|main-?content|content|page|body|start|nav|menu|header|footer|skip\S*|comments?(?:-\d+)?|respond|more(?:-\d+)?|"
    r"disqus_thread|article|text|title|share|print|rss|feed|:~:.*)",
    re.IGNORECASE,
)


def canonical_url(url: str) -> str:
    """Return a key that is equal for all spellings of an address; it is not an address to fetch."""
    page, mark, fragment = split_key(url)
    return f"{page}{mark}{fragment}"


def page_key(url: str) -> str:
    """Return the key of the page at an address, without the place on it that the fragment names."""
    return split_key(url)[0]


def names_a_place(url: str) -> bool:
    """Return whether the fragment of an address distinguishes one entry of a page from the others."""
    return bool(split_key(url)[2])


@lru_cache(maxsize=10_000)
def split_key(url: str) -> tuple[str, str, str]:
    """Return the key of the page, and the fragment with its mark if it distinguishes entries, else two empty texts."""
    written = untracked(url.strip())
    try:
        parts = urlsplit(written)
        host = (parts.hostname or "").removeprefix("www.")
        port = f":{parts.port}" if parts.port not in (None, 80, 443) else ""
    except ValueError:
        return written, "", ""
    query = urlencode(sorted(parse_qsl(parts.query, keep_blank_values=True)))
    path = unquote(parts.path).rstrip("/")
    fragment = unquote(parts.fragment.partition(":~:")[0]).rstrip("/")
    if _PLACE_ON_A_PAGE.fullmatch(fragment):
        fragment = ""
    return f"{host}{port}{path}{'?' if query else ''}{query}", "#" if fragment else "", fragment
