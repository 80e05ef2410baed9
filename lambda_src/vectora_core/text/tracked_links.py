"""Removal of trackers and redirect services from web addresses."""

from __future__ import annotations

import binascii
import re
from base64 import urlsafe_b64decode
from functools import lru_cache
from itertools import chain, islice
from string import ascii_lowercase, ascii_uppercase, digits
from urllib.parse import parse_qsl, unquote, unquote_plus, urlsplit, urlunsplit

from vectora_core.text.link_rules import (
    CHANNEL_NAMES,
    CHANNEL_VALUE,
    DEFENDED,
    SHORT_VALUES,
    SITE_TRACKERS,
    TRACKER_PREFIXES,
    TRACKERS,
    WRAPPED_IN_A_PATH,
    WRAPPERS,
    Wrapper,
)

# A mail gateway around a social network around a search engine is three; more is made to take long.
_MAX_WRAPPERS = 5
_MAX_CHARACTERS = 10_000
_MAX_PARAMETERS = 200
_SEPARATOR = re.compile(r"([&?])")
_PROOFPOINT_COUNTS = f"{ascii_uppercase}{ascii_lowercase}{digits}-_"
_TARGET = re.compile(r"https?://[^/?#\s]+\.[^/?#\s]+", re.IGNORECASE)
_IN_TEXT = re.compile(r"https?://[^\s<>\"'\\^`{|}]{4,2000}", re.IGNORECASE)
_END_OF_SENTENCE = re.compile(r"[.,;:!?)\]]+\Z")


def untracked(url: str) -> str:
    """Return the address that a link leads to, without redirect services and without parameters that track the reader.

    An address without either is returned unchanged, in its own spelling. Parameters that may identify the article stay.
    """
    if "?" not in url and "#" not in url and not WRAPPED_IN_A_PATH.match(url):
        return url
    return _untracked(url) if len(url) <= _MAX_CHARACTERS else url


@lru_cache(maxsize=10_000)
def _untracked(url: str) -> str:
    for _ in range(_MAX_WRAPPERS):
        target = _unwrapped(url)
        if target is None or target == url:
            break
        url = target
    return _without_trackers(url)


def untracked_text(text: str) -> str:
    """Return a text in which each written address is without trackers and redirect services."""
    return _IN_TEXT.sub(_untracked_match, text) if "://" in text else text


def _untracked_match(match: re.Match[str]) -> str:
    address = _END_OF_SENTENCE.sub("", match[0])
    return untracked(address) + match[0][len(address) :]


def _without_trackers(url: str) -> str:
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return url
    query = _kept_parameters(parts.query, host)
    fragment = parts.fragment.partition(":~:")[0]
    if _is_tracking_fragment(fragment, host):
        fragment = ""
    elif "=" in fragment and "?" in fragment:
        # The address of a page that a script shows: "#!/news/1?utm_source=rss".
        route, _, inner = fragment.partition("?")
        kept = _kept_parameters(inner, host)
        fragment = f"{route}?{kept}" if kept else route
    if (query, fragment) == (parts.query, parts.fragment):
        return url
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, fragment))


def _kept_parameters(query: str, host: str) -> str:
    # Some sites append their trackers with a second "?".
    parts = _SEPARATOR.split(query)
    if len(parts) > 2 * _MAX_PARAMETERS:
        return query
    kept = [
        (mark, each) for mark, each in zip(["", *parts[1::2]], parts[::2], strict=True) if not _is_tracker(each, host)
    ]
    if 2 * len(kept) > len(parts):
        return query
    return "".join(f"{mark if number else ''}{each}" for number, (mark, each) in enumerate(kept))


def _is_tracking_fragment(fragment: str, host: str) -> bool:
    """Return whether a fragment consists of trackers, such as "#xtor=RSS-1" and "#utm_source=rss&utm_medium=feed"."""
    parameters = fragment.lstrip("?").split("&")
    return (
        "=" in fragment and len(parameters) <= _MAX_PARAMETERS and all(_is_tracker(each, host) for each in parameters)
    )


def _is_tracker(parameter: str, host: str) -> bool:
    written, _, encoded = parameter.partition("=")
    # In feeds, "&" is sometimes encoded twice.
    name = unquote_plus(written).rpartition("?")[2].strip().lower().removeprefix("amp;")
    if name in TRACKERS or name.startswith(TRACKER_PREFIXES):
        return True
    if name in CHANNEL_NAMES:
        value = unquote_plus(encoded).strip().lower()
        if not value or value in SHORT_VALUES.get(name, ()) or CHANNEL_VALUE.fullmatch(value):
            return True
    sites = (host, *(host.split(".", count)[-1] for count in range(1, min(host.count("."), 4))))
    return any(name in SITE_TRACKERS.get(site, ()) for site in sites)


def _unwrapped(url: str) -> str | None:
    """Return the address inside that of a redirect service, or None when it is no such address."""
    if defended := DEFENDED.fullmatch(url):
        return _from_proofpoint(defended["target"], defended["replaced"])
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return None
    for wrapper in WRAPPERS:
        if wrapper.host.fullmatch(host) and (match := wrapper.path.fullmatch(parts.path)):
            for written in chain(_from_path(match, parts.query), _from_query(wrapper, parts.query)):
                target = _decoded(written, wrapper)
                if target and _TARGET.match(target):
                    return target
    return None


def _from_path(match: re.Match[str], query: str) -> list[str]:
    groups = match.groupdict()
    if secure := groups.get("secure"):
        return [f"https://{secure}{'?' if query else ''}{query}"]
    return [target] if (target := groups.get("target")) else []


def _from_query(wrapper: Wrapper, query: str) -> list[str]:
    if query.count("&") > _MAX_PARAMETERS:
        return []
    if wrapper.parameters == ("",):
        return [unquote(query)]
    given = parse_qsl(query)
    return [value for name in wrapper.parameters for key, value in given if key.removeprefix("amp;") == name]


def _decoded(written: str, wrapper: Wrapper) -> str | None:
    if wrapper.encoding == "base64":
        return _from_base64(written)
    if wrapper.encoding == "proofpoint":
        # Its version 2 writes "-" for "%", and "_" for "/".
        written = written.replace("-", "%").replace("_", "/")
    target = written
    for _ in range(2):
        if re.match(r"https?(?:%(?:25)*3a|:%)", target, re.IGNORECASE):
            target = unquote(target)
    return unquote(target) if wrapper.encoding == "proofpoint" else target.strip()


def _from_proofpoint(written: str, replaced: str) -> str | None:
    """Return the address in one of version 3: "*" is the next replaced character, "**" and a letter are several."""
    try:
        characters = iter(urlsafe_b64decode(replaced.rstrip("=") + "=" * (-len(replaced.rstrip("=")) % 4)).decode())
    except (binascii.Error, ValueError):
        return None
    counts = {letter: number for number, letter in enumerate(_PROOFPOINT_COUNTS, start=2)}
    target = re.sub(
        r"\*(?:\*([\w-]))?",
        lambda match: "".join(islice(characters, counts[match[1]] if match[1] else 1)),
        written,
        flags=re.ASCII,
    )
    # A proxy may have joined the two slashes after the scheme.
    target = re.sub(r"^(https?):/(?=[^/])", r"\1://", target)
    return target if _TARGET.match(target) else None


def _from_base64(written: str) -> str | None:
    """Return the first address in base64: Bing writes "a1" before it, Google News the field's number and length."""
    for text in (written, written[2:]):
        try:
            decoded = urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
        except (binascii.Error, ValueError):
            continue
        if found := re.search(rb"https?://[\x21-\x7e]{4,2000}", decoded):
            return found[0].decode("ascii")
    return None
