"""Order of day and month in numeric dates, by the language of a text."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=200)
def is_day_first_in(language: str) -> bool | None:
    """Return True when a language, such as "fr" or "en-GB", writes the day first; None when that is not certain.

    English without a territory has both orders. So has "en-US": content systems write it into pages of all countries.
    """
    from babel import Locale, UnknownLocaleError

    try:
        locale = Locale.parse(language.strip().replace("-", "_"))
    except (ValueError, UnknownLocaleError):
        return None
    if locale.language == "en" and locale.territory in (None, "US"):
        return None
    pattern = locale.date_formats["short"].pattern
    places = [pattern.find(field) for field in ("d", "M", "y")]
    return True if -1 not in places and places == sorted(places) else None
