"""Numbers and truth values that people write and YAML reads as something else, and how to write them."""

from __future__ import annotations

import math
import re
import unicodedata

from vectora_shared.keys import IDENTIFIER

# Signs between groups of three digits, in the countries' notations (CLDR, symbols group and decimal).
_GROUPS = re.compile("[-+]?[0-9]{1,3}([,.' \u00a0\u2009\u2019\u202f_])[0-9]{3}(\\1[0-9]{3})*")
_DECIMAL_COMMA = re.compile(r"[-+]?[0-9]*,[0-9]+")
_PERCENT = re.compile(r"([-+]?[0-9]*[.,]?[0-9]+)\s*%")
_EXPONENT = re.compile(r"[-+]?[0-9]*\.?[0-9]+[eE][-+]?[0-9]{1,3}")
LONGEST = 30
_TRUE, _FALSE = ("1", "on", "t", "true", "y", "yes"), ("0", "f", "false", "n", "no", "off")


def advice_on_number(value: object, *, whole: bool) -> str:
    """Return how to write a number that was found where one is needed, as the end of a sentence; often empty."""
    if isinstance(value, float) and whole:
        return _written(value, whole=True)
    if not isinstance(value, str) or len(value) > LONGEST:
        return ""
    # Digits of other scripts, and those of full width.
    text = unicodedata.normalize("NFKC", value.strip())
    text = "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in text).replace("\u2212", "-")
    if _DECIMAL_COMMA.fullmatch(text) and not (whole and _GROUPS.fullmatch(text)):
        advice = _written(float(text.replace(",", ".")), whole=whole)
        return f"{advice}, with a point instead of the comma" if advice else ""
    if _GROUPS.fullmatch(text) and (whole or not re.fullmatch(r"[-+]?[0-9]+\.[0-9]+", text)):
        return f"{_written(float(re.sub('[^-+0-9]', '', text)), whole=whole)}, without signs between the digits"
    if (found := _PERCENT.fullmatch(text)) and not whole:
        return _written(round(float(found[1].replace(",", ".")) / 100, 6), whole=False)
    return _written(_number(text), whole=whole)


def advice_on_identifier(value: str) -> str:
    """Return how to write a name as an identifier, as the end of a sentence."""
    letters = unicodedata.normalize("NFKC", value[:LONGEST]).lower()
    written = re.sub("[^a-z0-9]+", "_", letters).strip("_")
    example = f", such as {written}" if IDENTIFIER.fullmatch(written) and len(value) <= LONGEST else ""
    return f"; write a letter, then letters, digits and _, all of them lower-case ASCII{example}"


def advice_on_truth(value: object) -> str:
    """Return how to write a truth value, as the end of a sentence; empty when the value means none."""
    text = str(value).strip().lower()
    if text in _TRUE or text in _FALSE:
        return f"; write {'true' if text in _TRUE else 'false'} without quotes"
    return ""


def _number(text: str) -> float | None:
    if re.fullmatch(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)", text) or _EXPONENT.fullmatch(text):
        return float(text)
    try:
        # 0o17, which YAML 1.2 reads as 15.
        return int(text, 0)
    except ValueError:
        return None


def _written(number: float | None, *, whole: bool) -> str:
    if number is None or not math.isfinite(number) or (whole and number != int(number)):
        return ""
    return f"; write {int(number) if number == int(number) else number} without quotes"
