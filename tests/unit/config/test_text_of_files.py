"""Files in other encodings, cut off, merged badly or with hidden characters: refused with line and column."""

from __future__ import annotations

import codecs
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from client_files.text import EditableText
from tests.repository import ROOT
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.section import read_section
from vectora_shared.config.text_file import position_in
from vectora_shared.config.yaml_file import parse_yaml
from vectora_shared.errors import ConfigurationError

CLIENT = (ROOT / "config" / "clients" / "lai_weekly.yaml").read_text(encoding="utf-8")
ASCII = "".join(char for char in CLIENT if char.isascii())


def message(content: bytes) -> str:
    try:
        read_section(ClientConfig, parse_yaml("clients/x.yaml", content))
    except ConfigurationError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("content", "place", "part"),
    [
        (f"{ASCII}# Änderung\n".encode("cp1252"), (ASCII.count("\n") + 1, 3), "'Ä': save the file as UTF-8"),
        ("# für März\na: 1\n# é\n".encode("latin-1"), (1, 4), "the byte 0xFC is not UTF-8; in Windows-1252 it is 'ü'"),
        ("# für €\n".encode() + "a: März".encode("cp1252"), (2, 5), "'ä'"),
        ("# für €".encode() + b"\x92", (1, 8), "in Windows-1252 it is '\u2019'"),
        (b"a: \x81", (1, 4), "the byte 0x81 is not UTF-8: save the file as UTF-8"),
        (CLIENT.encode("utf-16"), (1, 1), "the file is UTF-16, not UTF-8: save"),
        (codecs.BOM_UTF16_BE + CLIENT.encode("utf-16-be"), (1, 1), "the file is UTF-16"),
        (CLIENT.encode("utf-32"), (1, 1), "the file is UTF-32"),
        ("a: 1\n".encode("utf-16-le"), (1, 2), "UTF-16 without a byte order mark"),
        ("a: 1\n".encode("utf-16-be"), (1, 1), "UTF-16 without a byte order mark"),
        ("a: 1\n# Ä".encode()[:-1], (2, 3), "the file ends in the middle of a character"),
        (b"a: 1\nb: \xed\xa0\x80", (2, 4), "half of a character (a surrogate)"),
        (b"a: 1\nb: x\x00y", (2, 5), "U+0000 (NULL) is not allowed"),
        (b"a: 1\r\nb: \x1b[31m", (2, 4), "U+001B (ESCAPE)"),
        (b"a: 1\rb: \x7f", (2, 4), "U+007F (DELETE)"),
        ("é: x\u202ey".encode(), (1, 5), "U+202E (RIGHT-TO-LEFT OVERRIDE)"),
        ("a: 1 # \u2066 admin".encode(), (1, 8), "U+2066 (LEFT-TO-RIGHT ISOLATE)"),
        ("a: 1\n\ufeffb: 2\n".encode(), (2, 1), "U+FEFF (ZERO WIDTH NO-BREAK SPACE)"),
        (codecs.BOM_UTF8 * 2 + b"a: 1", (1, 1), "U+FEFF"),
        ("a: 1\u2028b: 2".encode(), (1, 5), "U+2028 (LINE SEPARATOR) is an invisible line end: replace it by a space"),
        ("a: 1\x85b: 2".encode(), (1, 5), "U+0085 (NEXT LINE) is an invisible line end"),
        ("a: \U000e0041".encode(), (1, 4), "U+E0041 (TAG LATIN CAPITAL LETTER A)"),
        (b"a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> other\n", (2, 1), "a conflict that git left"),
        (b"a: 1\r\n<<<<<<<\r\nb: 1\r\n", (2, 1), "'<<<<<<<' begins or ends a conflict"),
        (b"a: 1\n||||||| base\n", (2, 1), "a conflict that git left"),
        (b"", (1, 1), "expected a mapping of keys, found nothing: restore the file"),
        (b"a:\n\t- b\n", (2, 1), "indent with spaces, not tabs"),
        (b"a: 1\n---\nb: 2\n", (2, 1), "a file has one document"),
        (b"a: {b: 1, b: 2}\n", (1, 11), "stands twice"),
        ("caf\u00e9: 1\ncafe\u0301: 2\n".encode(), (2, 1), "stands twice, the first time as 'caf\\xe9'"),
        ("version: 1\n\uff56ersion: 2\n".encode(), (2, 1), "stands twice"),
        (b"a: &x 1\nb: *x\n", (2, 1), "is an alias of another part: write it out"),
        (b"a: 1\n<<: {b: 2}\n", (2, 1), "merges another mapping"),
        (b"a: !!python/object/apply:os.system [x]\n", (1, 4), "remove the tag"),
        (b'a: "x\\u202ey"\n', (1, 1), "contains U+202E (RIGHT-TO-LEFT OVERRIDE), which people do not see"),
        (b'a: "x\\0y"\n', (1, 1), "contains U+0000 (NULL)"),
        (b'a: "\\ud800"\n', (1, 7), "invalid Unicode character escape code"),
    ],
)
def test_a_damaged_file_is_refused_with_line_column_and_advice(
    content: bytes, place: tuple[int, int], part: str
) -> None:
    found = message(content)
    line, column = place
    assert found.startswith(f"clients/x.yaml, line {line}, column {column}:"), found
    assert part in found
    assert all(sentence.isprintable() and sentence.endswith((".", "?")) for sentence in found.splitlines())


def test_the_editor_reports_the_same_as_validation() -> None:
    for content in ("a: März\n".encode("latin-1"), CLIENT.encode("utf-16"), b"a: x\x00\n", b"<<<<<<< HEAD\na: 1\n"):
        with pytest.raises(ConfigurationError) as caught:
            EditableText("clients/x.yaml", content)
        assert str(caught.value) == message(content)


@pytest.mark.parametrize(
    "content",
    [
        CLIENT.encode("utf-8"),
        codecs.BOM_UTF8 + CLIENT.encode("utf-8"),
        CLIENT.replace("\n", "\r\n").encode("utf-8"),
        CLIENT.replace("\n", "\r\n", 40).encode("utf-8"),
        CLIENT.removesuffix("\n").encode("utf-8"),
        CLIENT.replace(
            "LAI Intelligence Weekly", "Été \u2013 \u201cLAI\u201d \u00a0 \u200f\u05d0 \U0001f468\u200d\U0001f469"
        ).encode(),
        (CLIENT + "# ======= not a conflict <<<<<<<\n").encode(),
    ],
    ids=["plain", "byte order mark", "CRLF", "mixed line ends", "no last line end", "prose", "signs in a comment"],
)
def test_what_editors_and_people_write_is_accepted(content: bytes) -> None:
    assert message(content) == ""


@given(text=st.text(alphabet="aé€😀\n\r", max_size=40), data=st.data())
@example(text="a\r\nb", data=None)
@settings(deadline=None)
def test_positions_count_lines_and_characters_as_editors_do(text: str, data: st.DataObject | None) -> None:
    index = data.draw(st.integers(0, len(text))) if data else 3
    before = re.split("\r\n|\n|\r", text[:index])
    if text[index - 1 : index + 1] != "\r\n":
        assert position_in(text, index) == (len(before), len(before[-1]) + 1)


@given(text=st.text(alphabet="aé€😀\n", max_size=30), wrong=st.sampled_from([b"\xff", b"\xc4 ", b"\xfc", b"\x92"]))
@settings(deadline=None)
def test_a_byte_that_is_not_utf_8_is_found_wherever_it_is(text: str, wrong: bytes) -> None:
    lines = text.split("\n")
    found = message(text.encode() + wrong)
    assert found.startswith(f"clients/x.yaml, line {len(lines)}, column {len(lines[-1]) + 1}: the byte 0x")
