"""Characters that readers do not see, or take for others."""

from __future__ import annotations

import re
import unicodedata

# Refused everywhere in a file, also in comments: control characters except tab and line ends; line ends that editors do
# not show (U+0085, U+2028, U+2029); embeddings, overrides and isolates of the writing direction, which show a text in
# another order than programs read it (Unicode Technical Standard 55, Trojan Source); byte order marks in the middle;
# tag characters, which hide a whole text; annotations and noncharacters.
_HARMFUL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ufff0-\ufffb\ufffe\uffff\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
# Default_Ignorable_Code_Point (Unicode, DerivedCoreProperties) of the categories that are not Cf.
_IGNORABLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0") | {
    chr(code) for code in range(0xFE00, 0xFE10)
}
MOST_NAMED = 3
_ABBREVIATIONS = {"\u0085": "NEXT LINE", "\x00": "NULL", "\x1b": "ESCAPE", "\x7f": "DELETE"}


def first_harmful(text: str) -> int | None:
    """Return the index of the first character that no file may have, or None."""
    found = _HARMFUL.search(text)
    return found.start() if found else None


def without_harmful(text: str) -> str:
    """Return the text with a space for each character that no file may have."""
    return _HARMFUL.sub(" ", text)


def is_invisible(char: str) -> bool:
    """Return whether readers do not see the character, or see a space that is none."""
    if char == " ":
        return False
    return char in _IGNORABLE or unicodedata.category(char) in ("Cc", "Cf", "Cs", "Cn", "Zs", "Zl", "Zp")


def described(char: str) -> str:
    """Return code point and name, such as U+200B (ZERO WIDTH SPACE)."""
    name = unicodedata.name(char, "") or _ABBREVIATIONS.get(char, "") or "a control character"
    return f"U+{ord(char):04X} ({name})"


def escaped(text: str) -> str:
    """Return the text as one printable line, invisible characters as <U+200B>, and line ends as \\n."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(char) for char in text)


def _escaped(char: str) -> str:
    if char in "\t\n\r":
        return repr(char)[1:-1]
    return f"<U+{ord(char):04X}>" if is_invisible(char) or not char.isprintable() else char


def escaped_beyond_ascii(text: str) -> str:
    """Return the text with every character outside ASCII as <U+0430>, for values that have no such character."""
    return "".join(escaped(char) if char.isascii() else f"<U+{ord(char):04X}>" for char in text)


def spelling_problem(text: str) -> str | None:
    """Return why a name that news are searched for cannot be found or typed, as the end of a sentence, or None."""
    found = next((char for char in text if is_invisible(char)), None)
    if found is not None:
        instead = "write a space" if unicodedata.category(found) == "Zs" else "remove it"
        return f"contains {described(found)}, which readers do not see: {instead}"
    composed = unicodedata.normalize("NFC", text)
    if composed != text:
        mark = next(char for char in text if unicodedata.combining(char) or char not in composed)
        return f"contains {described(mark)} by itself: type the whole letter, as in {ascii(composed)[1:-1]}"
    return None
