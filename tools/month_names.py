"""Names of the months, written from Babel's CLDR data: `.venv/bin/python -m tools.month_names`.

The engine does not read CLDR itself: loading its locales takes longer than all other imports of a function.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from babel import Locale

TARGET = Path(__file__).resolve().parents[1] / "lambda_src/vectora_core/text/month_names.py"
# Languages that sources are written in, and their neighbours.
LOCALES = (
    *("en", "en_GB", "sv", "da", "nb", "nn", "fi", "is", "de", "de_AT", "nl", "fr", "fr_CA", "it", "es", "es_MX", "pt"),
    *("ro", "pl", "cs", "sk", "et", "lv", "el", "ru", "uk"),
)
# Abbreviations of sources that CLDR has no more, or never had.
MORE_NAMES = {"fév": 2, "mrz": 3, "aoû": 8, "des": 12, "ene": 1, "febr": 2, "janv": 1, "juil": 7}
# Months of different numbers in two of the languages, and words of a letter or two, are no names of a month.
_MIN_LETTERS = 3


def month_names() -> dict[str, int]:
    """Return the number of each month by its name, in lower case, with and without its accents."""
    months: defaultdict[str, set[int]] = defaultdict(set)
    for locale in LOCALES:
        for name, number in _names(locale):
            for spelling in (name, _without_accents(name)):
                months[spelling].add(number)
    for name, number in MORE_NAMES.items():
        months[name].add(number)
    return {
        name: next(iter(numbers))
        for name, numbers in sorted(months.items())
        if len(numbers) == 1 and len(name) >= _MIN_LETTERS and name.isalpha()
    }


def _names(locale: str) -> Iterator[tuple[str, int]]:
    for context in Locale.parse(locale).months.values():
        for width in ("wide", "abbreviated"):
            yield from ((name.casefold().rstrip("."), number) for number, name in context[width].items())


def _without_accents(name: str) -> str:
    return "".join(filter(str.isalpha, unicodedata.normalize("NFKD", name)))


def source_text() -> str:
    """Return the module with the names, twelve lines for the twelve months."""
    by_number: defaultdict[int, list[str]] = defaultdict(list)
    for name, number in month_names().items():
        by_number[number].append(name)
    lines = [
        "# ruff: noqa: RUF001",
        '"""Names of the months, written by `python -m tools.month_names` from Unicode CLDR (licence: Unicode-3.0)."""',
        "",
        "from __future__ import annotations",
        "",
        '_NAMES = """',
    ]
    for number in range(1, 13):
        line = ""
        for name in by_number[number]:
            if len(line) + len(name) > 110:
                lines.append(f"{line} \\")
                line = ""
            line = f"{line} {name}".strip()
        lines.append(line)
    lines += [
        '"""',
        "_LINES = _NAMES.strip().splitlines()",
        "MONTHS = {name: number for number, line in enumerate(_LINES, start=1) for name in line.split()}",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TARGET.write_text(source_text(), encoding="utf-8")
