"""Text of configuration files: UTF-8 without characters that people do not see, and positions in it."""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

from vectora_shared.config.characters import described, first_harmful
from vectora_shared.errors import ConfigurationError

# The longer ones first: UTF-32's mark begins with UTF-16's.
_OTHER_ENCODINGS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_SAVE = "save the file as UTF-8"
_LINE_END = re.compile("\r\n|\n|\r")
# Lines that `git merge` writes (git-merge, How conflicts are presented).
_CONFLICT = re.compile(r"^(<{7}|>{7}|\|{7})(?= |\r?$)", re.MULTILINE)


class Position(NamedTuple):
    """Line and column in a file, counted from 1, in characters, as editors do."""

    line: int
    column: int


def position_in(text: str, index: int) -> Position:
    """Return the position of a character in a text without byte order mark."""
    line, start = 1, 0
    for found in _LINE_END.finditer(text, 0, index):
        line, start = line + 1, found.end()
    return Position(line, index - start + 1)


def decoded(name: str, content: bytes) -> str:
    """Return the text of a file, without its byte order mark, which editors hide.

    Raise ConfigurationError that names line and column of the first byte that is not UTF-8, of the first character
    that no file may have, or of the first conflict that git left in the file.
    """
    for mark, encoding in _OTHER_ENCODINGS:
        if content.startswith(mark):
            raise ConfigurationError(f"{name}, line 1, column 1: the file is {encoding}, not UTF-8: {_SAVE}.")
    body = content.removeprefix(codecs.BOM_UTF8)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigurationError(_undecodable(name, body, error)) from error
    if (index := first_harmful(text)) is not None:
        raise ConfigurationError(_harmful(name, text, index))
    if found := _CONFLICT.search(text):
        raise ConfigurationError(
            f"{name}, line {position_in(text, found.start()).line}, column 1: '{found[1]}' begins or ends a conflict "
            "that git left in the file: keep one of the two versions, and remove these lines."
        )
    return text


def _undecodable(name: str, content: bytes, error: UnicodeDecodeError) -> str:
    before = content[: error.start].decode("utf-8")
    line, column = position_in(before, len(before))
    where = f"{name}, line {line}, column {column}"
    wrong = content[error.start]
    if error.reason == "unexpected end of data":
        return (
            f"{where}: the file ends in the middle of a character, so its end is missing: restore the file, and "
            f"{_SAVE}."
        )
    if wrong == 0xED:
        return f"{where}: the byte 0xED begins half of a character (a surrogate), which is not UTF-8: {_SAVE}."
    guess = bytes([wrong]).decode("cp1252", "ignore")
    meant = f"; in Windows-1252 it is '{guess}'" if guess and guess.isprintable() else ""
    return f"{where}: the byte 0x{wrong:02X} is not UTF-8{meant}: {_SAVE}."


def _harmful(name: str, text: str, index: int) -> str:
    line, column = position_in(text, index)
    where = f"{name}, line {line}, column {column}"
    char = text[index]
    if char == "\x00" and text.count("\x00") * 3 > len(text):
        return f"{where}: every other byte is U+0000, as in UTF-16 without a byte order mark: {_SAVE}."
    if char in "\u0085\u2028\u2029":
        return f"{where}: {described(char)} is an invisible line end: replace it by a space."
    return f"{where}: {described(char)} is not allowed in configuration files, because people do not see it: remove it."
