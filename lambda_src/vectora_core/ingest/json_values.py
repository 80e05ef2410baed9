"""Values of JSON documents: parsing within limits, search by JMESPath, and texts, days and links of found values."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from vectora_core.ingest.html_text import plain_text
from vectora_core.text.dates import parse_date
from vectora_core.text.words import collapse_spaces, one_line, visible_text
from vectora_shared.errors import VectoraError

MAX_TEXTS = 50
# The parser's own limit is that of the interpreter's stack, which differs between releases.
MAX_DEPTH = 200
_HTML = re.compile(
    r"</?(?:a|abbr|b|blockquote|br|code|div|em|figure|h[1-6]|hr|i|img|li|ol|p|pre|s|small|span|strong|sub|sup|table|t[dhr]|u|ul)"
    r"(?:\s[^<>]*)?/?>|&(?:[a-zA-Z]{2,10}|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});",
    re.IGNORECASE,
)
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|(?P<open>[\[{])|(?P<close>[\]}])', re.DOTALL)
_SECONDS = re.compile(r"\d{10}|\d{13}")


def parse_json(body: bytes) -> Any:
    """Return the document; raise VectoraError when it is none.

    It is in UTF-8, also against its header (RFC 8259, 8.1 and 11); a wrong byte costs one character.
    """
    text = body.decode(json.detect_encoding(body), errors="replace").lstrip("\ufeff \t\r\n")
    if not text:
        raise VectoraError("The API answered with nothing: open the source's url in a browser and correct it.")
    if text.startswith("<"):
        raise VectoraError(
            "The address answers with HTML or XML instead of JSON: correct the source's url or its ingestion_mode."
        )
    if _depth(text) > MAX_DEPTH:
        raise VectoraError(
            f"The answer nests more than {MAX_DEPTH} lists and objects: it is broken or hostile, and was not read."
        )
    try:
        # Not strict: some APIs write line breaks into texts as they are. NaN and Infinity are no JSON.
        return json.loads(text, strict=False, parse_constant=lambda name: None)
    except (ValueError, RecursionError) as error:
        raise VectoraError(
            f"The answer is no JSON ({one_line(str(error))[:120]}): open the source's url in a browser."
        ) from error


def _depth(text: str) -> int:
    deepest = depth = 0
    for mark in _BRACKETS.finditer(text):
        if mark["open"]:
            depth += 1
            deepest = max(deepest, depth)
        elif mark["close"]:
            depth -= 1
    return deepest


@lru_cache(maxsize=200)
def _compiled(path: str) -> Any:
    import jmespath

    return jmespath.compile(path)


def search(path: str | None, value: Any) -> Any:
    """Return what the JMESPath expression finds; None when it finds nothing or does not fit the value's types."""
    if path is None:
        return None
    from jmespath.exceptions import JMESPathError

    try:
        return _compiled(path).search(value)
    except (JMESPathError, ArithmeticError, RecursionError, TypeError, ValueError):
        return None


def texts(value: Any) -> Iterator[str]:
    """Yield the texts of a found value: its own, or those of its list."""
    for each in value[:MAX_TEXTS] if isinstance(value, list) else [value]:
        if isinstance(each, str):
            yield each
        elif isinstance(each, (int, float)) and not isinstance(each, bool) and math.isfinite(each):
            yield str(each)


def first_text(value: Any) -> str:
    """Return the first of a value's texts that is not empty, on one line; empty when there is none."""
    return next((line for text in texts(value) if (line := one_line(text))), "")


def readable(value: Any) -> str:
    """Return a value's texts in plain text, one line or more for each.

    An API does not say whether a text is HTML. One is HTML if it has a known element or a character reference, so that
    "age <18" stays as it is.
    """
    return "\n".join(plain for text in texts(value) if (plain := _plain(text)))


def _plain(text: str) -> str:
    if _HTML.search(text):
        return plain_text(text).strip()
    lines = (collapse_spaces(visible_text(line)) for line in text.splitlines())
    return "\n".join(filter(None, lines))


def day(value: Any, *, today: date, date_format: str | None) -> date | None:
    """Return the day of the first text that has one, also of seconds or milliseconds since 1970."""
    for text in texts(value):
        written = one_line(text)[:200]
        if _SECONDS.fullmatch(written):
            moment = datetime.fromtimestamp(int(written[:10]), UTC)
            written = moment.date().isoformat()
        # A year alone, or a month, is no day.
        if found := parse_date(written, today=today, date_format=date_format):
            return found
    return None
