"""Sentence on a name that does not exist, with the closest one and those that exist."""

from __future__ import annotations

from collections.abc import Iterable

from vectora_shared.config.wording import excerpt, nearest

MOST_NAMES_SHOWN = 10


def unknown_name(what: str, name: str, known: Iterable[str], *, where: str = "", advice: str = "") -> str:
    """Return the sentence on an unknown name.

    `what` is the kind of name, such as environment; `where` is the place without it, such as "in dev"; `advice` is a
    sentence on how to see all names.
    """
    names = list(known)
    close = nearest(name, names, cutoff=0.5)
    place = f" {where}" if where else ""
    if not names:
        choice = "there is none."
    elif close:
        choice = f"did you mean '{close}'?" + (f" Choose one of {_shortened(names, close)}." if len(names) > 1 else "")
    else:
        choice = f"choose one of {_shortened(names, close)}."
    return " ".join(filter(None, (f"There is no {what} '{excerpt(name)}'{place}: {choice}", advice)))


def _shortened(names: list[str], close: str | None) -> str:
    """Return the first names, with the closest one, and how many there are besides."""
    shown = names[:MOST_NAMES_SHOWN]
    if close and close not in shown:
        shown[-1] = close
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
