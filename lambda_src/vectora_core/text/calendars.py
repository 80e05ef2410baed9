"""Years of the calendars of Japan, Taiwan and Thailand, in dates that name their calendar."""

from __future__ import annotations

import re

# The year before the first one of each era.
_ERAS = {"令和": 2018, "平成": 1988, "昭和": 1925, "民國": 1911, "民国": 1911}
_ERA = re.compile(rf"(?P<era>{'|'.join(_ERAS)})\s?(?P<year>\d{{1,3}}|元)\s?年")
_THAI_NAMES = (
    "มกราคม กุมภาพันธ์ มีนาคม เมษายน พฤษภาคม มิถุนายน กรกฎาคม สิงหาคม กันยายน ตุลาคม พฤศจิกายน ธันวาคม",
    "ม.ค. ก.พ. มี.ค. เม.ย. พ.ค. มิ.ย. ก.ค. ส.ค. ก.ย. ต.ค. พ.ย. ธ.ค.",
)
_THAI_MONTHS = {name: number for line in _THAI_NAMES for number, name in enumerate(line.split(), start=1)}
_THAI = re.compile(
    rf"(?<!\d)(?P<day>\d{{1,2}})\s{{0,3}}(?P<month>{'|'.join(map(re.escape, _THAI_MONTHS))})\s{{0,3}}"
    r"(?:พ\.\s?ศ\.\s{0,3}|ค\.\s?ศ\.\s{0,3})?(?P<year>\d{4})(?!\d)"
)
_BUDDHIST_YEARS = 543
_FULL_WIDTH = {ord("\uff10") + digit: str(digit) for digit in range(10)}
_SPECIAL = re.compile("[令平昭民\u0e00-\u0e7f\uff10-\uff19]")


def in_gregorian_years(text: str) -> str:
    """Return a text with Gregorian years for those of these calendars, and with ASCII digits for full-width ones."""
    if text.isascii() or not _SPECIAL.search(text):
        return text
    return _THAI.sub(_thai_date, _ERA.sub(_year_of_era, text.translate(_FULL_WIDTH)))


def _year_of_era(match: re.Match[str]) -> str:
    year = 1 if match["year"] == "元" else int(match["year"])
    return f"{_ERAS[match['era']] + year}年"


def _thai_date(match: re.Match[str]) -> str:
    year = int(match["year"])
    # Thai texts write Buddhist years, and Gregorian ones beside them: the two are five centuries apart.
    year -= _BUDDHIST_YEARS if year > 2400 else 0
    return f"{year}-{_THAI_MONTHS[match['month']]:02}-{int(match['day']):02}"
