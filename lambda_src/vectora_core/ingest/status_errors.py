"""Statuses of answers in words: wrong addresses, refusals of programs, and failures that pass."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from vectora_core.ingest.fetch_errors import TemporaryError
from vectora_core.text.words import visible_text
from vectora_shared.errors import VectoraError

REFUSAL = (
    "it refuses programs, although the url may be right. Open it in a browser; if it shows news there, ask the site's "
    "owner to let this program in, or use another source of the same news."
)
CHALLENGE = f"The site answered with a challenge for browsers: {REFUSAL}"
# Statuses of sites that keep programs out; 999 is LinkedIn's.
_REFUSALS = frozenset({401, 402, 403, 406, 418, 451, 999})
# Headers of answers that are challenges for browsers: Cloudflare, AWS WAF, DataDome and Sucuri.
_CHALLENGE_HEADERS = ("cf-mitigated", "x-amzn-waf-action", "x-datadome", "x-sucuri-block")
_TEMPORARY = frozenset({304, 408, 421, 425})
_CHALLENGE_TITLE = re.compile(
    r"<title[^>]{0,100}>\s*(?:just a moment|attention required|access (?:to this page has been )?denied|"
    r"client challenge|ddos-guard|pardon our interruption|making sure you(?:.|&#39;)re not a bot|are you a robot|"
    r"robot check|verif(?:y|ying) (?:that )?you are (?:a )?human|security check|human verification)",
    re.IGNORECASE,
)
_CHALLENGE_CHARACTERS = 10_000


def status_error(status: int, url: str, headers: Any) -> Exception | None:
    """Return the error that a status means, or None for a complete page."""
    said = f"The site answered {_status(status)}"
    wait = _retry_after(headers)
    is_challenge = any(name in headers for name in _CHALLENGE_HEADERS)
    if status in _REFUSALS or (is_challenge and status != HTTPStatus.OK):
        return VectoraError(f"{said}: {_refusal(status)}{_wait(wait)}")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        advice = f"it refuses so many requests.{_wait(wait)} Read it less often, or ask the site's owner."
        return TemporaryError(said, wait, advice)
    if status in _TEMPORARY or status >= 500:
        return TemporaryError(said, wait, f"see whether the site is up.{_wait(wait)}")
    if status in (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED, HTTPStatus.NON_AUTHORITATIVE_INFORMATION):
        return None
    return VectoraError(f"{said}: {_advice(status, visible_text(url)[:150])}")


def shows_challenge(text: str) -> bool:
    """Return whether a page is one that sites show to programs instead of their own."""
    return bool(_CHALLENGE_TITLE.search(text[:_CHALLENGE_CHARACTERS]))


def _refusal(status: int) -> str:
    if status == HTTPStatus.UNAUTHORIZED:
        return "it requires a login, or refuses programs. Open the source's url in a browser, and use a public page."
    if status == HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS:
        return "it withholds the page for legal reasons, perhaps in this region only. Use another source."
    return REFUSAL


def _advice(status: int, url: str) -> str:
    match status:
        case 404:
            return f"there is no page at {url}. Correct the source's url."
        case 410:
            return f"the page at {url} is gone for good. Correct the source's url, or remove the source."
        case 407:
            return "the proxy requires a login. Correct the environment's proxy."
        case 204 | 205:
            return f"there is nothing to read at {url}. Correct the source's url."
        case 206:
            return f"only a part of {url} arrived, although all of it was requested. Ask the site's owner."
    if 300 <= status < 400:
        return f"it redirects {url}, but names no new address. Open it in a browser and correct the source's url."
    return f"open {url} and correct the source's url."


def _wait(seconds: float | None) -> str:
    if not seconds:
        return ""
    for name, unit in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * unit:
            return f" The site requests a wait of {seconds / unit:.0f} {name}."
    return f" The site requests a wait of {seconds:.0f} s."


def _status(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _retry_after(headers: Any) -> float | None:
    value = str(headers.get("Retry-After", "")).strip()
    if value.isascii() and value.isdigit():
        return float(value[:6])
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
